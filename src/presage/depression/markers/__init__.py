"""Markers of depression: each modality alone, all of them, and the controls that keep them honest."""
