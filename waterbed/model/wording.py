"""Words of messages."""


def counted(count: int, noun: str, plural: str = "") -> str:
    """A count and its noun, in singular or plural."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"
