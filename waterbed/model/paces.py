"""The pace of looks, drawn by a keyed id."""

from typing import Final

PACE: Final = 2.0
"""By how much the looks at some URLs are rarer."""
RARE_SHARE: Final = 0.33
"""Share of the URLs with rare looks in a new study."""
_DIGITS: Final = 8


def rarely(url_id: str, share: float) -> bool:
    """True if a URL is looked at rarely.

    The id is a keyed hash, so nobody without the study's key knows, and hosters have such URLs at random.
    """
    return int(url_id[:_DIGITS], 16) < share * 16**_DIGITS
