"""The command line (filled in)."""


def main() -> None:
    """Run."""
