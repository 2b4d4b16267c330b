"""The study (filled in)."""


class Study:
    """A study."""
