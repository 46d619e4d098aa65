"""Reports from MISP JSON: the url attributes of events and of objects in them."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

from waterbed.intake.csv_reports import ReportLine, as_plain_word, checked_report
from waterbed.intake.csv_table import Rejected
from waterbed.intake.json_reports import PAGE, decoded, plain_text
from waterbed.model.errors import InputError

_KINDS: Final = ("url", "uri")
"""Types of attributes that are addresses; a bare domain is none."""


def parse_misp(lines: Iterable[str], name: str) -> Iterator[ReportLine | Rejected]:
    """One report for each url attribute that is not deleted, numbered from 1 over all events.

    The source is the organisation that made the event. Reported at first_seen, else the attribute's timestamp;
    known up at last_seen.
    """
    number = 0
    for event in _events(decoded(lines, name), name):
        maker = event.get("Orgc") or event.get("Org") or {}
        source = as_plain_word(plain_text(maker.get("name"))) if plain_text(maker.get("name")) else ""
        for attribute in _attributes(event):
            number += 1
            yield checked_report(
                number,
                {
                    "url": plain_text(attribute.get("value")),
                    "source": source,
                    "reported_at": plain_text(attribute.get("first_seen")) or _from_epoch(attribute.get("timestamp")),
                    "verified_at": plain_text(attribute.get("last_seen")),
                },
            )


def _events(value: Any, name: str) -> Iterator[dict[str, Any]]:
    """The events of a feed's file, of an export, or of an answer of the API."""
    if isinstance(value, dict):
        value = value.get("response", value)
    each = value if isinstance(value, list) else [value]
    events = [one.get("Event") if isinstance(one, dict) else None for one in each]
    if not all(isinstance(event, dict) for event in events):
        raise InputError(f"{name} is JSON without MISP events; each was expected under the key Event ({PAGE})")
    yield from (event for event in events if event is not None)


def _attributes(event: dict[str, Any]) -> Iterator[dict[str, Any]]:
    held = [*_list(event, "Attribute")]
    for inner in _list(event, "Object"):
        if not inner.get("deleted"):
            held += _list(inner, "Attribute")
    yield from (one for one in held if one.get("type") in _KINDS and not one.get("deleted"))


def _list(holder: dict[str, Any], key: str) -> list[dict[str, Any]]:
    found = holder.get(key)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _from_epoch(value: Any) -> str:
    try:
        return datetime.fromtimestamp(int(plain_text(value)), UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return ""
