"""Reports from CSV files and URL lists, one a line."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from functools import partial
from itertools import chain, islice
from pathlib import Path
from types import MappingProxyType
from typing import Final

from waterbed.intake.csv_table import (
    BadCell,
    Cells,
    Columns,
    Rejected,
    WithoutUrl,
    fields_of,
    first_values,
    read_lines,
    same_header,
    time_in,
    too_long,
    truth_in,
    with_iso_dates,
    word_in,
)
from waterbed.model.addresses import canonical_address
from waterbed.model.errors import BadUrl
from waterbed.model.urls import CanonicalUrl, canonicalize
from waterbed.store.bounded.text import open_lines

COLUMNS: dict[str, tuple[str, ...]] = {
    "url": ("url", "uri", "reported_url"),
    "reported_at": ("reported_at", "date", "submission_time", "first_seen", "dateadded", "date_added"),
    "source": ("source", "feed"),
    "category": ("category", "threat", "type"),
    "content_id": ("content_id", "content"),
    "site_type": ("site_type",),
    "commercial": ("commercial",),
    "assessed_illegal": ("assessed_illegal", "illegal"),
    "verified_at": ("verified_at", "verification_time"),
    "origin_address": ("origin_address", "origin_ip"),
    "parent": ("parent", "page", "parent_url"),
    "referer": ("referer", "referrer"),
}
"""Accepted header names of each field, in lower case."""

_NOTICES = "a file of notices, which waterbed notices takes in (docs/notices.md)"
_OTHERS: dict[tuple[str, ...], str] = {
    (to, sent): _NOTICES for to in ("recipient", "to") for sent in ("sent_at", "sent")
}
_HEADER = Columns(
    names=COLUMNS,
    needed=(("url",),),
    page="docs/intake.md",
    others=_OTHERS,
    otherwise="; --column url=HEADER names a column that is called otherwise, reported_at=HEADER that of dates",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """An observation by the maker of the file (`ExternalObservation`)."""

    observer: str
    reference: str | None
    first_seen: datetime | None
    last_seen: datetime | None
    status: str | None
    gone: bool
    since: datetime | None
    address: str | None
    looks: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportLine:
    """One valid line. Secret: repr gives only its number."""

    line: int
    canonical: CanonicalUrl
    reported_at: datetime | None
    verified_at: datetime | None
    source: str | None
    category: str | None
    content_id: str | None
    site_type: str | None
    commercial: bool | None
    assessed_illegal: bool | None
    origin_address: str | None = None
    parent: CanonicalUrl | None = None
    """The page that shows it."""
    referer: CanonicalUrl | None = None
    """Where the reporter came from."""
    sighting: Sighting | None = None
    supplement: bool = False
    """True if the line adds to an earlier report.

    That report has the same source. The line counts as a report only if the earlier one is not known.
    """

    def __repr__(self) -> str:
        """Give only the line number."""
        return f"<ReportLine {self.line}>"


def read_csv_reports(path: Path) -> Iterator[ReportLine | Rejected]:
    """Read reports and rejected lines from a CSV file.

    InputError if the file is not CSV with a URL column; an empty file has no reports.
    """
    yield from parse_csv_reports(open_lines(path, "a reports file"), str(path))


def parse_csv_reports(
    lines: Iterable[str],
    name: str,
    columns: Mapping[str, str] = MappingProxyType({}),
    dates: str | None = None,
    zone: tzinfo | None = None,
) -> Iterator[ReportLine | Rejected]:
    """Read the same from lines; errors call them `name`.

    `columns` are further header names by field, as in `named_columns`. `dates` is the order of dates that end with the
    year, and `zone` that of times that name none; None: UTC.
    """
    yield from read_lines(lines, name, _header(columns), partial(_dated_report, dates, zone))


_DATES: Final = ("reported_at", "verified_at")


def values_in_csv(head: Iterable[str], columns: Mapping[str, str]) -> dict[str, str]:
    """Return the names in a header, each with its first cell that is not empty, if any.

    `head` are first lines, `columns` as in `parse_csv_reports`.
    """
    return first_values(head, _header(columns))


def is_dated(head: Iterable[str], columns: Mapping[str, str]) -> bool:
    """True if a header names a column of dates.

    Also for a file without one. `columns` are as in `parse_csv_reports`.
    """
    first = next((text for text in head if text.strip() and not text.startswith("#")), None)
    return first is None or any(field in fields_of(first, _header(columns)) for field in _DATES)


def named_columns(columns: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """The accepted names of each field, in lower case.

    `columns` are a file's own names by field, in place of the usual ones; a field whose name is empty is not read.
    """
    taken = columns.values()
    usual = {
        field: tuple(one for one in own if not any(same_header(one, other) for other in taken))
        for field, own in COLUMNS.items()
    }
    named = {field: (columns[field].lower(),) if field in columns else own for field, own in usual.items()}
    return {field: own for field, own in named.items() if own != ("",)}


def _header(columns: Mapping[str, str]) -> Columns:
    """The columns of a CSV file, some of which have a name of its own."""
    if not columns:
        return _HEADER
    needed = (("url",), *((field,) for field, header in columns.items() if field != "url" and header))
    return replace(_HEADER, names=named_columns(columns), needed=needed)


def _dated_report(dates: str | None, zone: tzinfo | None, number: int, cells: Cells) -> ReportLine:
    return report(number, with_iso_dates(cells, _DATES, dates, zone))


def checked_report(number: int, cells: Cells) -> ReportLine | Rejected:
    """Return the report of one line, or its rejection."""
    try:
        return report(number, cells)
    except (BadUrl, BadCell) as problem:
        return Rejected(line=number, reason=str(problem))


def checked_again(made: ReportLine) -> ReportLine | Rejected:
    """Return a report that others made, checked like any other.

    Its fields are read as if they were cells of a line; a time without a zone is UTC. Its rejection if one is invalid.
    """
    try:
        return report(
            made.line,
            {
                "url": made.canonical.url,
                "parent": made.parent.url if made.parent else "",
                "referer": made.referer.url if made.referer else "",
                **{name: _cell(getattr(made, name)) for name in _AGAIN},
            },
            sighting=made.sighting and _checked_sighting(made.sighting),
            supplement=bool(made.supplement),
        )
    except (BadUrl, BadCell) as problem:
        return Rejected(line=made.line, reason=str(problem))


_AGAIN: Final = (
    *("reported_at", "verified_at", "source", "category", "content_id", "site_type", "commercial"),
    *("assessed_illegal", "origin_address"),
)


def _cell(value: str | bool | datetime | None) -> str:
    """A value as a cell would hold it; TypeError or UnicodeError for what none could hold."""
    if value is None or isinstance(value, bool):
        return {None: "", True: "yes", False: "no"}[value]
    text = value.isoformat() if isinstance(value, datetime) else value
    str.encode(text)
    return text


def _checked_sighting(made: Sighting) -> Sighting:
    texts = ("observer", "reference", "status", "first_seen", "last_seen", "since", "address")
    cells = {name: _cell(getattr(made, name)) for name in texts}
    if not cells["observer"]:
        raise BadCell("observer is empty")
    if made.looks is not None and made.looks not in range(_MOST_LOOKS):
        raise BadCell(f"looks must be a number below {_MOST_LOOKS:,}")
    return Sighting(
        observer=str(word_in("observer", cells)),
        reference=word_in("reference", cells),
        first_seen=time_in("first_seen", cells),
        last_seen=time_in("last_seen", cells),
        status=word_in("status", cells),
        gone=bool(made.gone),
        since=time_in("since", cells),
        address=_address("address", cells),
        looks=made.looks,
    )


_MOST_LOOKS: Final = 10**9


def report(number: int, cells: Cells, *, sighting: Sighting | None = None, supplement: bool = False) -> ReportLine:
    """Return one line's report; BadCell or BadUrl if invalid."""
    return ReportLine(
        line=number,
        canonical=canonicalize(cells["url"]),
        reported_at=time_in("reported_at", cells),
        verified_at=time_in("verified_at", cells),
        source=word_in("source", cells),
        category=word_in("category", cells),
        content_id=cells.get("content_id") or None,
        site_type=word_in("site_type", cells),
        commercial=truth_in("commercial", cells),
        assessed_illegal=truth_in("assessed_illegal", cells),
        origin_address=_address("origin_address", cells),
        parent=_other("parent", cells),
        referer=_other("referer", cells),
        sighting=sighting,
        supplement=supplement,
    )


def _other(field: str, cells: Cells) -> CanonicalUrl | None:
    text = cells.get(field)
    if not text:
        return None
    try:
        other = canonicalize(text)
    except BadUrl:
        if field == "referer":  # it changes nothing, and what people write there is often no address
            return None
        raise BadCell(f"{field} must be an address of its own, with http:// or https://") from None
    return other if other.url != canonicalize(cells["url"]).url else None


def _address(field: str, cells: Cells) -> str | None:
    text = cells.get(field)
    if not text:
        return None
    address = canonical_address(text)
    if address is None:
        raise BadCell(f"{field} must be an IP address")
    return address


PAGE: Final = "docs/intake.md"

_URLHAUS_NAMES: Final = (
    *("id", "dateadded", "url", "url_status", "last_online", "threat", "tags", "urlhaus_link", "reporter"),
)
URLHAUS: Final = Columns(
    names={"url": ("url",), "reported_at": ("dateadded",), "category": ("threat",), "verified_at": ("last_online",)},
    needed=(("url",),),
    page=PAGE,
)
"""URLhaus (abuse.ch): commented header; older dumps lack `last_online`."""

PHISHSTATS: Final = Columns(
    names={"url": ("url",), "reported_at": ("date",)},
    needed=(("url",),),
    page=PAGE,
    header=("date", "score", "url", "ip"),
)
"""PhishStats: comment lines, then rows without a header.

The address in a row comes from PhishStats's own check and is not imported.
"""


def parse_urlhaus(lines: Iterable[str], name: str) -> Iterator[ReportLine | Rejected]:
    """Read reports from URLhaus's CSV dump, with or without the line that names its columns."""
    rest, before = iter(lines), list[str]()
    for text in islice(rest, _MOST_COMMENTS):
        before.append(text)
        if is_urlhaus_header(text) or (text.strip() and not text.startswith("#")):
            break
    columns = replace(URLHAUS, header=_URLHAUS_NAMES) if before and is_urlhaus_row(before[-1]) else URLHAUS
    yield from read_lines((_uncommented(text) for text in chain(before, rest)), name, columns, report)


_MOST_COMMENTS: Final = 1_000
"""Lines before the first row of URLhaus's; there are some nine."""
_URLHAUS_ROW: Final = re.compile(r'"\d+","\d{4}-\d\d-\d\d \d\d:\d\d:\d\d","[^"]+","(?:online|offline|unknown)","')


def is_urlhaus_row(text: str) -> bool:
    """True if a line is a row of URLhaus's, of nine columns."""
    return bool(_URLHAUS_ROW.match(text)) and text.count('","') == len(_URLHAUS_NAMES) - 1


TWEETFEED: Final = Columns(
    names={"url": ("value",), "reported_at": ("date",), "kind": ("type",)},
    needed=(("url",),),
    page=PAGE,
    header=("date", "user", "type", "value", "tags", "tweet"),
)
"""TweetFeed: rows without a header, of indicators of all kinds."""
_TWEETFEED_ROW: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,[^,]*,(?:url|domain|ip|md5|sha256),")


def is_tweetfeed_row(text: str) -> bool:
    """True if a line is a row of TweetFeed's."""
    return bool(_TWEETFEED_ROW.match(text))


def parse_tweetfeed(lines: Iterable[str], name: str) -> Iterator[ReportLine | Rejected | WithoutUrl]:
    """Read the URLs of TweetFeed's CSV file; names, addresses and checksums are counted."""
    yield from read_lines(lines, name, TWEETFEED, _tweeted)


def _tweeted(number: int, cells: Cells) -> ReportLine | WithoutUrl:
    return report(number, cells) if cells["kind"] == "url" else WithoutUrl(line=number)


def is_urlhaus_header(text: str) -> bool:
    """True if a comment names URLhaus's columns."""
    return text.lstrip("# ").lower().startswith("id,dateadded,url,")


def _uncommented(text: str) -> str:
    return text.lstrip("# ") if is_urlhaus_header(text) else text


def parse_phishstats(lines: Iterable[str], name: str) -> Iterator[ReportLine | Rejected]:
    """Read reports from PhishStats's CSV file, with or without header."""
    yield from read_lines(("" if _phishstats_names(text) else text for text in lines), name, PHISHSTATS, report)


def is_phishstats_header(text: str) -> bool:
    """True if a line names PhishStats's columns, and no other."""
    return _phishstats_names(text) in ("date,score,url", "date,score,url,ip")


def _phishstats_names(text: str) -> str:
    """The columns that a line names, empty if it begins otherwise."""
    names = text.strip("# \r\n").replace('"', "").lower()
    return names if names.startswith("date,score,url") else ""


def parse_url_list(lines: Iterable[str], name: str) -> Iterator[ReportLine | Rejected | WithoutUrl]:
    """Read one report a line, without comments and empty lines; IP addresses alone are counted."""
    del name  # any text is a list of lines: nothing is refused whole
    for number, text in enumerate(lines, 1):
        if is_bare_address(text):
            yield WithoutUrl(line=number)
        elif address := lone_address(text):
            yield too_long(number, text.strip()) or checked_report(number, {"url": address})


_BARE: Final = re.compile(
    r"(\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?|[0-9a-f:.]{2,45}", re.IGNORECASE
)


def is_bare_address(text: str) -> bool:
    """True if a line holds an IP address alone, with or without a port."""
    found = _BARE.fullmatch(lone_address(text))
    return found is not None and canonical_address((found[1] or found[0]).strip("[]")) is not None


def lone_address(text: str) -> str:
    """Return the address in a line of a URL list.

    Empty for a comment.
    """
    return _COMMENT.sub("", text).strip()


_COMMENT: Final = re.compile(r"(?:^|(?<=\s))#.*", re.DOTALL)
"""A fragment has no space before it."""
