"""Address literals in their one spelling."""

from socket import AF_INET, AF_INET6, inet_ntop, inet_pton


def canonical(text: str) -> str | None:
    """An address in its one spelling, if it is one."""
    family = AF_INET6 if ":" in text else AF_INET
    try:
        return inet_ntop(family, inet_pton(family, text))
    except (OSError, ValueError):
        return None
