"""Reports from STIX 2 bundles and MISP events."""

import re
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

from waterbed.intake.csv_reports import ReportLine, checked_report
from waterbed.intake.csv_table import Rejected, WithoutUrl, as_plain_word
from waterbed.intake.json_reports import PAGE, plain_text
from waterbed.model.errors import InputError
from waterbed.store.bounded.json_text import JsonText
from waterbed.store.bounded.limits import MOST_HELD

_TEXT: Final = r"'(?:[^'\\]|\\.)*'"
"""A text in a STIX pattern: in it, backslash and quote stand behind a backslash (STIX 2.1, 9.3)."""
_NAMED: Final = re.compile(
    r"(?<![\w-])(?P<url>url:(?:value\b|'value'))\s*"
    rf"(?:==?\s*(?P<one>{_TEXT})|IN\s*\((?P<some>\s*{_TEXT}(?:\s*,\s*{_TEXT})*)\s*\))?"
    r"|'(?:[^'\\]|\\.)*(?:'|\\?\Z)",
    re.DOTALL,
)
"""A url property, with the address or list that it is compared with, if any; or another text, which is passed over."""
_TEXTS: Final = re.compile(_TEXT, re.DOTALL)
_UNREAD: Final = "pattern names url:value, but no address by = or IN"
_ESCAPED: Final = re.compile(r"\\(.)")
_MISSING: Final = "it refers to a url object that the bundle lacks"
_URL_OBJECT: Final = "url--"
"""The beginning of the id of a url object."""
_A_TUPLE: Final = 200
"""Bytes of a row and its place in lists, besides its texts."""


class _Held:
    """The bytes in memory of what is kept until the end of an event or bundle."""

    def __init__(self, name: str) -> None:
        self._name, self._bytes = name, 0

    def keep(self, *texts: str) -> tuple[str, ...]:
        """Return the texts.

        InputError once all kept are more than MOST_HELD bytes.
        """
        self._bytes += _A_TUPLE + sum(map(sys.getsizeof, texts))
        if self._bytes > MOST_HELD:
            raise InputError(
                f"{self._name} names more addresses in one event or bundle than fit in {MOST_HELD >> 20} MiB; "
                f"split it, or import it as a list of addresses ({PAGE}, Bounds)"
            )
        return texts


class _Bundle:
    """What counts of a bundle, object by object."""

    def __init__(self, name: str) -> None:
        self._held = _Held(name)
        self._names: dict[str, str] = {}
        self._urls: dict[str, str] = {}
        self._rows: list[tuple[str, ...]] = []
        """URL, id of a url object or _UNREAD, time reported, time last seen and maker: of URL and id one is empty."""
        self._revoked: set[str] = set()
        """URLs and ids of url objects that revoked objects name."""
        self.others = 0
        """Indicators without a URL, and addresses, names and files."""

    def take(self, entry: Any) -> None:
        """Keep what an object says of URLs."""
        if not isinstance(entry, dict):
            return
        kind, own = entry.get("type"), plain_text(entry.get("id"))
        if kind == "url":
            own, self._urls[own] = self._held.keep(own or f"{_URL_OBJECT}{len(self._urls)}", _address(entry))
        elif kind == "identity" and (name := plain_text(entry.get("name"))):
            own, self._names[own] = self._held.keep(own, as_plain_word(name))
        elif _is_true(entry, "revoked"):
            for url, ref, *_ in self._told(entry):
                self._revoked.update(self._held.keep(url or ref))
        else:
            rows = list(self._told(entry))
            self.others += kind in _ALONE or (kind == "indicator" and not rows)
            self._rows += [self._held.keep(*row[:-1], sys.intern(row[-1])) for row in rows]

    def _told(self, entry: dict[str, Any]) -> Iterator[tuple[str, ...]]:
        """The rows of an indicator or observation."""
        kind, maker = entry.get("type"), plain_text(entry.get("created_by_ref"))
        if kind == "indicator":
            reported = plain_text(entry.get("valid_from")) or plain_text(entry.get("created"))
            found = [match for match in _NAMED.finditer(plain_text(entry.get("pattern"))) if match["url"]]
            texts = [text for match in found for text in _TEXTS.findall(match["one"] or match["some"] or "")]
            for text in texts:
                yield _ESCAPED.sub(r"\1", text[1:-1]), "", reported, "", maker
            if found and not texts:
                yield "", _UNREAD, reported, "", maker
        elif kind == "observed-data":
            times = plain_text(entry.get("first_observed")), plain_text(entry.get("last_observed"))
            for ref in _list(entry.get("object_refs")):
                if isinstance(ref, str) and ref.startswith(_URL_OBJECT):
                    yield "", ref, *times, maker
            inner = entry.get("objects")
            for each in inner.values() if isinstance(inner, dict) else ():  # STIX 2.0 holds them inside
                if isinstance(each, dict) and each.get("type") == "url":
                    yield _address(each), "", *times, maker

    def reports(self) -> Iterator[dict[str, str] | str]:
        """Yield the cells of each report, or the rejection's reason.

        A url object is a report of its own where no other object names it or its address, even one that was revoked.
        """
        named = self._revoked | {url or ref for url, ref, *_ in self._rows}
        named |= {self._urls[ref] for ref in named & self._urls.keys()}
        for url, ref, reported, seen, maker in self._rows:
            if ref and ref not in self._urls:
                yield ref if ref == _UNREAD else _MISSING
                continue
            yield {
                "url": self._urls[ref] if ref else url,
                "reported_at": reported,
                "verified_at": seen,
                "source": self._names.get(maker, ""),
            }
        for ref, url in self._urls.items():
            if not url or named.isdisjoint((ref, url)):
                yield {"url": url, "reported_at": "", "verified_at": "", "source": ""}


def _address(entry: dict[str, Any]) -> str:
    return plain_text(entry.get("value"))


def _is_true(entry: dict[str, Any], name: str) -> bool:
    """True if a field says so, as a text too: "0" and "false" do not."""
    return str(entry.get(name) or "").strip().lower() not in ("", "0", "false")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


_ALONE: Final = ("ipv4-addr", "ipv6-addr", "domain-name", "email-addr", "file")
"""Types of objects that are indicators without a URL."""


def parse_stix(pieces: Iterable[str], name: str) -> Iterator[ReportLine | Rejected | WithoutUrl]:
    """Read one report for each URL in a STIX bundle.

    URLs come from indicators, observations and url objects, numbered from 1. A url object whose address an indicator
    names, or that an observation refers to, is reported with it alone. The source is the name of the identity that made
    the object. Revoked objects, and url objects that they name, are left out; indicators without a URL are counted.
    """
    text, bundle, kind = JsonText(pieces, name), _Bundle(name), None
    if text.kind() == "{":
        for key in text.members():
            if key == "type":
                kind = text.value()
            elif key == "objects" and text.kind() == "[":
                for _ in text.items():
                    bundle.take(text.value())
            else:
                text.skip()
    else:
        text.skip()
    text.end()
    if kind != "bundle":
        raise InputError(f"{name} is JSON, but not a STIX bundle: its type must be bundle ({PAGE})")
    yield from (WithoutUrl(line=number) for number in range(1, bundle.others + 1))
    for number, cells in enumerate(bundle.reports(), 1):
        yield Rejected(line=number, reason=cells) if isinstance(cells, str) else checked_report(number, cells)


_KINDS: Final = ("url", "uri")
"""Types of attributes that are URLs; a bare domain is not."""


_OTHERS: Final = (
    *("domain", "hostname", "domain|ip", "hostname|port", "ip-src", "ip-dst", "ip-src|port", "ip-dst|port"),
    *("md5", "sha1", "sha224", "sha256", "sha384", "sha512", "ssdeep", "imphash", "filename", "email", "email-src"),
)
"""Types of attributes that are indicators without a URL; `filename|md5` and such are, too."""


def parse_misp(pieces: Iterable[str], name: str) -> Iterator[ReportLine | Rejected | WithoutUrl]:
    """Read one report for each url attribute of MISP events.

    They are numbered from 1 over all events; deleted ones are left out. Indicators without a URL are counted. The
    source is the organisation that made the event. Reported at first_seen, else the attribute's timestamp; known up at
    last_seen.
    """
    text, number, without = JsonText(pieces, name), 0, 0
    for source, rows, others in _events(text, name):
        yield from (WithoutUrl(line=without + nth) for nth in range(1, others + 1))
        without += others
        for url, reported, seen in rows:
            number += 1
            cells = {"url": url, "source": source, "reported_at": reported, "verified_at": seen}
            yield checked_report(number, cells)
    text.end()


Event = tuple[str, list[tuple[str, ...]], int]
"""Source; URL, time reported and time last seen of each attribute; and how many indicators have no URL."""


def _events(text: JsonText, name: str, *, listed: bool = True, answer: bool = True) -> Iterator[Event]:
    """The events of a feed's file, an export or an API response.

    They may be in a list, and in one response, which is not in a list; an event may stand by itself, not under Event.
    """
    kind, found, own = text.kind(), False, _Event(name)
    if kind == "[" and listed:
        for _ in text.items():
            yield from _events(text, name, listed=False, answer=False)
        return
    if kind == "{":
        for key in text.members():
            if key == "response" and answer and text.kind() in "{[":
                yield from _events(text, name, answer=False)
                found = True
            elif key == "Event" and text.kind() == "{":
                inner = _Event(name)
                for part in text.members():
                    inner.take(part, text)
                yield inner.told()
                found = True
            else:
                own.take(key, text)
        if own.begun and not found:
            yield own.told()
            found = True
    else:
        text.skip()
    if not found:
        raise InputError(f"{name} is JSON without MISP events; each was expected under the key Event ({PAGE})")


class _Event:
    """One event, part by part."""

    def __init__(self, name: str) -> None:
        self._held, self._rows, self._makers = _Held(name), list[tuple[str, ...]](), dict[str, str]()
        self._others = 0
        self.begun = False
        """True once attributes were seen."""

    def take(self, key: str, text: JsonText) -> None:
        """Keep what a member of the event says of indicators and makers."""
        if key in ("Attribute", "Object") and text.kind() == "[":
            self.begun = True
            for _ in text.items():
                for entry in _attributes(text.value(), inside=key == "Object"):
                    if entry.get("type") in _KINDS:
                        reported = plain_text(entry.get("first_seen")) or _from_epoch(entry.get("timestamp"))
                        self._rows.append(
                            self._held.keep(_address(entry), reported, plain_text(entry.get("last_seen")))
                        )
                    elif plain_text(entry.get("type")).split("|")[0] in _OTHERS:
                        self._others += 1
        elif key in ("Orgc", "Org"):
            maker = text.value()
            self._makers[key] = plain_text(maker.get("name")) if isinstance(maker, dict) else ""
        else:
            text.skip()

    def told(self) -> Event:
        """The whole event."""
        source = self._makers.get("Orgc") or self._makers.get("Org")
        return as_plain_word(source) if source else "", self._rows, self._others


def _attributes(entry: Any, *, inside: bool) -> Iterator[dict[str, Any]]:
    """The attributes that an entry is, or has inside."""
    if not isinstance(entry, dict) or _is_true(entry, "deleted"):
        return
    for each in _list(entry.get("Attribute")) if inside else [entry]:
        if isinstance(each, dict) and not _is_true(each, "deleted"):
            yield each


def _from_epoch(value: Any) -> str:
    try:
        return datetime.fromtimestamp(int(plain_text(value)), UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return ""
