"""A finding: we and a peer read the same bytes in two ways."""


class Finding(AssertionError):
    """The two disagree, or we broke a promise; the message says in what."""


def expect(holds: object, otherwise: str) -> None:
    """Raise the finding unless it holds."""
    if not holds:
        raise Finding(otherwise)
