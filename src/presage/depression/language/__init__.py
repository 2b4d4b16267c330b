"""Language: what is said, as measures that a reader can check and as vectors of a text encoder."""
