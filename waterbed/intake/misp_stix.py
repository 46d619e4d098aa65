"""Reports from STIX 2 bundles: urls that are observed, or that indicators name."""

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
    """One report for each url of an indicator, an observation or a url object, numbered from 1.

    A url object that an observation refers to is reported with it, once. The source is the name of the identity that
    made the object. Revoked objects are left out.
    """
    bundle = decoded(lines, name)
    if not isinstance(bundle, dict) or bundle.get("type") != "bundle":
        raise InputError(f"{name} is JSON, but no STIX bundle: its type was expected to be bundle ({PAGE})")
    held = bundle.get("objects")
    objects = [one for one in held if isinstance(one, dict)] if isinstance(held, list) else []
    named = {plain_text(one.get("id")): one for one in objects}
    for number, (address, told, seen, maker) in enumerate(_urls(objects, named), 1):
        source = plain_text(named.get(maker, {}).get("name"))
        yield checked_report(
            number,
            {
                "url": address,
                "reported_at": told,
                "verified_at": seen,
                "source": as_plain_word(source) if source else "",
            },
        )


def _urls(objects: list[dict[str, Any]], named: dict[str, dict[str, Any]]) -> Iterator[tuple[str, str, str, str]]:
    """Address, time told, time last seen and maker of each."""
    referred: set[str] = set()
    for one in objects:
        maker = plain_text(one.get("created_by_ref"))
        if one.get("revoked"):
            continue
        if one.get("type") == "indicator":
            told = plain_text(one.get("valid_from")) or plain_text(one.get("created"))
            for found in _NAMED.finditer(plain_text(one.get("pattern"))):
                yield _ESCAPED.sub(r"\1", found[1]), told, "", maker
        elif one.get("type") == "observed-data":
            told, seen = plain_text(one.get("first_observed")), plain_text(one.get("last_observed"))
            refs = [ref for ref in _list(one.get("object_refs")) if isinstance(ref, str)]
            referred.update(refs)
            inner = one.get("objects")
            own = list(inner.values()) if isinstance(inner, dict) else []  # STIX 2.0 holds them inside
            for each in [named.get(ref, {}) for ref in refs] + own:
                if isinstance(each, dict) and each.get("type") == "url":
                    yield plain_text(each.get("value")), told, seen, maker
    for one in objects:
        if one.get("type") == "url" and plain_text(one.get("id")) not in referred:
            yield plain_text(one.get("value")), "", "", ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


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
    held = [*_misp_list(event, "Attribute")]
    for inner in _misp_list(event, "Object"):
        if not inner.get("deleted"):
            held += _misp_list(inner, "Attribute")
    yield from (one for one in held if one.get("type") in _KINDS and not one.get("deleted"))


def _misp_list(holder: dict[str, Any], key: str) -> list[dict[str, Any]]:
    found = holder.get(key)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _from_epoch(value: Any) -> str:
    try:
        return datetime.fromtimestamp(int(plain_text(value)), UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return ""
