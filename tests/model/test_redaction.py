"""What messages quote of what a user typed, and what they ask."""

import pytest

from waterbed.model.redaction import meant

KNOWN = ("moerashost", "polderhost", "AS64500", "NL", "terp.example.com")


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("moerashots", " (did you mean moerashost?)"),
        ("Polderhost", " (did you mean polderhost?)"),
        ("nl", " (did you mean NL?)"),
        ("nobody", ""),
        ("AS64501", ""),
        ("", ""),
        ("terp.exampel.com", " (did you mean [redacted]?)"),
    ],
)
def test_a_mistyped_key_is_asked_about(typed: str, asked: str) -> None:
    """The likest known key stands in the question; a number is like any other, and a host name is not told."""
    assert meant(typed, KNOWN) == asked
