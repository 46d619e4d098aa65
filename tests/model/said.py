"""Messages in words, as the study's own people read them."""

from typing import Any

from waterbed.model.formatter import OWN


def said(one: Any) -> str:
    """The text of a message, or of the reason of a refusal."""
    text = OWN.plain(one)
    assert isinstance(text, str)
    return text
