"""Tumour: what drives the growth of one tumour, how its cells progress, and the patient's risk."""
