"""What the pages of tumours show, as plain documents: the report draws them."""
