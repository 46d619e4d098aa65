"""What messages quote of what a user typed, and what they ask."""

import pytest

from waterbed.model.redaction import meant, redact, redact_dotted

KNOWN = ("moerashost", "polderhost", "AS64500", "NL", "terp.example.com")


@pytest.mark.parametrize("end", ["", ", Read only)", ")", "#read-only", "?", ":", "; start again"])
@pytest.mark.parametrize("start", ["", "see ", "("])
def test_a_page_that_a_message_names_is_not_redacted(start: str, end: str) -> None:
    """A page behind `docs/` stays readable, at the start and in brackets."""
    text = f"{start}docs/operations.md{end}"
    assert redact(text) == text


@pytest.mark.parametrize(
    "text",
    [
        *("operations.md", "mydocs/evil.md", "evil.example.com/docs/evil.md", "docs/evil.md.com", "docs/a.evil.md"),
        *("docs/evil.md/path", "docs/evil.md:8080", "docs/evil.md#x.example.com", "./docs/evil.md", "//docs/evil.md"),
    ],
)
def test_names_that_look_like_a_page_are_redacted(text: str) -> None:
    """Only a page's own form is let through."""
    assert "evil" not in redact(text)
    assert "[redacted]" in redact(text)


@pytest.mark.parametrize(
    "named", ["secret.example", "192.0.2.1", "2001:db8::1", "[2001:db8::1]", "http://secret.lab/x"]
)
def test_a_strangers_text_keeps_no_name_and_no_address(named: str) -> None:
    """Names that no list knows go, and addresses without a path; pages, times and numbers stay."""
    told = redact_dotted(f"line 3 at 10:00:00, in {named} (docs/plugins.md)")
    assert "[redacted]" in told
    assert "secret" not in told
    assert "2.1" not in told
    assert "db8" not in told
    assert told.startswith("line 3 at 10:00:00, in ")
    assert told.endswith(" (docs/plugins.md)")


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
