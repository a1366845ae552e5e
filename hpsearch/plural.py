"""Numbers of things in sentences."""


def counted(number: int, noun: str) -> str:
    """Put a number before its noun: "1 trial", "3 trials"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
