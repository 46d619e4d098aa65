"""Reports from ICCAM, the exchange between hotlines.

In the JSON of its version 3.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from waterbed.intake.csv_reports import ReportLine, Sighting, report
from waterbed.intake.csv_table import BadCell, Rejected, time_in
from waterbed.intake.json_reports import plain_text
from waterbed.model.errors import BadUrl, InputError
from waterbed.store.bounded.json_text import JsonText

OBSERVER: Final = "iccam"
PAGE: Final = "docs/intake.md"
_SITE_TYPES: Final[Mapping[int, str]] = {
    2: "website",
    3: "filehost",
    4: "imagestore",
    5: "imageboard",
    6: "forum",
    7: "bannersite",
    8: "linksite",
    9: "socialsite",
    10: "redirector",
    11: "webarchived",
    18: "searchprovider",
    20: "imagehost",
    22: "blog",
    23: "webpage",
}
"""Kinds of sites by number, as the Dutch hotline's tool has them; 1: not determined, 24: not applicable."""
_COMMERCIAL: Final[Mapping[int, str]] = {2: "yes", 3: "no"}
_ILLEGAL: Final[Mapping[int, str]] = {1: "yes", 2: "yes", 4: "no"}
"""Classifications: baseline, national, and ignore; 3, doubtful, is unknown."""
_ACTIONS: Final[Mapping[int, str]] = {
    1: "police_told",
    2: "provider_told",
    3: "content_removed",
    4: "content_unavailable",
    5: "moved",
    7: "not_illegal",
}
_GONE: Final = ("content_removed", "content_unavailable")


def parse_iccam(pieces: Iterable[str], name: str) -> Iterator[ReportLine | Rejected]:
    """Read one report from each content item.

    The text is an array of ICCAM's reports, each with its `contentItems`; items are numbered from 1 through the file.
    The item that is the source URL is the page that shows the others. Ages, genders, analysts and notes are not read.
    InputError if it is no such array.
    """
    text, number = JsonText(pieces, name), 0
    if text.kind() != "[":
        raise InputError(f"{name} is not an array of ICCAM's reports with their contentItems ({PAGE}, ICCAM)")
    for _ in text.items():
        entry = text.value()
        items = entry.get("contentItems") if isinstance(entry, dict) else None
        if not isinstance(items, list) or not items:
            number += 1
            yield Rejected(line=number, reason="entry is not a report with contentItems")
            continue
        page = next((_url(one) for one in items if _part(one, "url").get("isSourceUrl") is True), "")
        for item in items:
            number += 1
            yield _line(number, entry, item, page)
    text.end()


def _line(number: int, entry: Mapping[str, Any], item: Any, page: str) -> ReportLine | Rejected:
    if not isinstance(item, dict) or not _url(item):
        return Rejected(line=number, reason="content item lacks a url")
    assessed, acted = _last(item, "assessments"), _ACTIONS.get(_number(_last(item, "actions").get("actionType")))
    illegal = "no" if acted == "not_illegal" else _ILLEGAL.get(_number(assessed.get("classification")), "")
    cells = {
        "url": _url(item),
        "parent": page if page != _url(item) else "",
        "referer": plain_text(entry.get("referrerUrl")),
        "site_type": _SITE_TYPES.get(_number(entry.get("sourceUrlSiteType")), ""),
        "commercial": _COMMERCIAL.get(_number(entry.get("sourceUrlCommerciality")), ""),
        "assessed_illegal": illegal,
        "reported_at": plain_text(entry.get("hotlineReceivedDate")) or plain_text(item.get("countryAssignmentDate")),
    }
    try:
        return report(number, cells, sighting=_sighting(entry, item))
    except (BadUrl, BadCell) as problem:
        return Rejected(line=number, reason=str(problem))


def _sighting(entry: Mapping[str, Any], item: Mapping[str, Any]) -> Sighting | None:
    """What another hotline saw, by its last action; None if it took none.

    `moved` is its own look, which says that the content is not in its country: it does not say that it is gone.
    """
    action = _last(item, "actions")
    status = _ACTIONS.get(_number(action.get("actionType")))
    if status is None:
        return None
    return Sighting(
        observer=OBSERVER,
        reference=f"{_number(entry.get('reportId'))}-{_number(item.get('contentId'))}",
        first_seen=None,
        last_seen=None,
        status=status,
        gone=status in _GONE,
        since=time_in("actionDate", {"actionDate": plain_text(action.get("actionDate"))}),
        address=None,
        looks=None,
    )


def _url(item: Any) -> str:
    return plain_text(_part(item, "url").get("urlString"))


def _part(item: Any, name: str) -> Mapping[str, Any]:
    part = item.get(name) if isinstance(item, dict) else None
    return part if isinstance(part, dict) else {}


def _last(item: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    every = item.get(name)
    last = every[-1] if isinstance(every, list) and every else None
    return last if isinstance(last, dict) else {}


def _number(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
