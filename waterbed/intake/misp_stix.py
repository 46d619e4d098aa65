"""Reports from STIX 2 bundles and MISP events."""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

from waterbed.intake.csv_reports import ReportLine, checked_report
from waterbed.intake.csv_table import Rejected, as_plain_word
from waterbed.intake.json_reports import PAGE, decoded, plain_text
from waterbed.model.errors import InputError

_NAMED: Final = re.compile(r"\burl:value\s*=\s*'((?:[^'\\]|\\.)*)'")
"""A comparison in a STIX pattern; in its text, backslash and quote stand behind a backslash (STIX 2.1, 9.3)."""
_ESCAPED: Final = re.compile(r"\\(.)")


def parse_stix(lines: Iterable[str], name: str) -> Iterator[ReportLine | Rejected]:
    """Read one report for each URL in a STIX bundle.

    URLs come from indicators, observations and url objects, numbered from 1. A url object that an observation refers
    to is reported once, with it. The source is the name of the identity that made the object. Revoked objects are
    left out.
    """
    bundle = decoded(lines, name)
    if not isinstance(bundle, dict) or bundle.get("type") != "bundle":
        raise InputError(f"{name} is JSON, but not a STIX bundle: its type must be bundle ({PAGE})")
    held = bundle.get("objects")
    objects = [entry for entry in held if isinstance(entry, dict)] if isinstance(held, list) else []
    named = {plain_text(entry.get("id")): entry for entry in objects}
    for number, (address, reported, seen, maker) in enumerate(_urls(objects, named), 1):
        source = plain_text(named.get(maker, {}).get("name"))
        yield checked_report(
            number,
            {
                "url": address,
                "reported_at": reported,
                "verified_at": seen,
                "source": as_plain_word(source) if source else "",
            },
        )


def _urls(objects: list[dict[str, Any]], named: dict[str, dict[str, Any]]) -> Iterator[tuple[str, str, str, str]]:
    """URL, time reported, time last seen and maker of each."""
    referred: set[str] = set()
    for entry in objects:
        maker = plain_text(entry.get("created_by_ref"))
        if entry.get("revoked"):
            continue
        if entry.get("type") == "indicator":
            reported = plain_text(entry.get("valid_from")) or plain_text(entry.get("created"))
            for match in _NAMED.finditer(plain_text(entry.get("pattern"))):
                yield _ESCAPED.sub(r"\1", match[1]), reported, "", maker
        elif entry.get("type") == "observed-data":
            reported, seen = plain_text(entry.get("first_observed")), plain_text(entry.get("last_observed"))
            refs = [ref for ref in _list(entry.get("object_refs")) if isinstance(ref, str)]
            referred.update(refs)
            inner = entry.get("objects")
            own = list(inner.values()) if isinstance(inner, dict) else []  # STIX 2.0 holds them inside
            for each in [named.get(ref, {}) for ref in refs] + own:
                if isinstance(each, dict) and each.get("type") == "url":
                    yield plain_text(each.get("value")), reported, seen, maker
    for entry in objects:
        if entry.get("type") == "url" and plain_text(entry.get("id")) not in referred:
            yield plain_text(entry.get("value")), "", "", ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


_KINDS: Final = ("url", "uri")
"""Types of attributes that are URLs; a bare domain is not."""


def parse_misp(lines: Iterable[str], name: str) -> Iterator[ReportLine | Rejected]:
    """Read one report for each url attribute of MISP events.

    Attributes are numbered from 1 over all events; deleted ones are left out. The source is the organisation that made
    the event. Reported at first_seen, else the attribute's timestamp; known up at last_seen.
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
    """The events of a feed's file, an export or an API response."""
    if isinstance(value, dict):
        value = value.get("response", value)
    each = value if isinstance(value, list) else [value]
    events = [entry.get("Event") if isinstance(entry, dict) else None for entry in each]
    if not all(isinstance(event, dict) for event in events):
        raise InputError(f"{name} is JSON without MISP events; each was expected under the key Event ({PAGE})")
    yield from (event for event in events if event is not None)


def _attributes(event: dict[str, Any]) -> Iterator[dict[str, Any]]:
    held = [*_misp_list(event, "Attribute")]
    for inner in _misp_list(event, "Object"):
        if not inner.get("deleted"):
            held += _misp_list(inner, "Attribute")
    yield from (entry for entry in held if entry.get("type") in _KINDS and not entry.get("deleted"))


def _misp_list(holder: dict[str, Any], key: str) -> list[dict[str, Any]]:
    held = holder.get(key)
    return [entry for entry in held if isinstance(entry, dict)] if isinstance(held, list) else []


def _from_epoch(value: Any) -> str:
    try:
        return datetime.fromtimestamp(int(plain_text(value)), UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return ""
