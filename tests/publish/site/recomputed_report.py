"""Texts of a month's report, worked out from the files beside it."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.publish.site.recomputed import (
    Check,
    Files,
    Row,
    minute_of,
    one_or_range,
    text_of,
    time_of,
    whole,
    without_constants,
)
from waterbed.model.spelling import NOTHING, number, percent
from waterbed.questions.report.page import BACK, HOSTERS, LATE, REFERENCES
from waterbed.shown.layout import day


class Beside(Files):
    """What lies beside a report: no publication."""

    def __init__(self, page: Path) -> None:
        self.folder = page.parent
        self.stem = page.stem

    def own(self, name: str) -> list[Row]:
        """The rows of one of its tables."""
        return self.rows(f"{self.stem}-{name}")


def report_differences(page: Path) -> list[str]:
    """What a report says otherwise than its files, or without any file."""
    its = Beside(page)
    check, (now, then) = Check(its, page), its.own("numbers")
    source = page.stem.removeprefix(f"report-{now['month']}").removeprefix("-")
    title = check.page.xpath("string(//title)").rpartition(": ")[2]
    of_source = f", reports of {source}" if source else ""
    since, until = (day(time_of(now[name])) for name in ("since", "until"))
    check.take(
        "//h1/following-sibling::p[1]",
        f"URLs first reported from {since} to before {until} (UTC), {_followed(now)}. Clocks run from the report. "
        f"{then['month']}: {_followed(then)}.",
    )
    check.take("//h1", f"{title}: {now['month']}{of_source}")
    check.take("//main/ul/li", *_sentences(its, now, then))
    check.table(
        "This month and",
        [
            [what, *(told(o) if _is_measured(o) or (n < REPORTED and o["reports"]) else NOTHING for o in (now, then))]
            for n, (what, told) in enumerate(LINES)
        ],
        *re.findall(r"\d+", f"{now['month']} {then['month']}"),
    )
    hosters, late, returned = its.own("hosters"), _late(its), its.own("returned")
    check.table("Hosters, most", [_hoster(row, noticed=bool(now["notices"])) for row in hosters[:HOSTERS]], "24")
    check.table("Hosters notified", late[:LATE])
    names = {row["key"]: row["name"] for row in hosters}
    check.table(
        "Content that was seen again",
        [
            [
                row["reference"] or row["url_id"][:12],
                names.get(row["hoster"], row["hoster"]),
                *map(minute_of, (row["removed_at"], row["back_at"])),
                names.get(row["where"], row["where"]),
            ]
            for row in returned[:BACK]
        ],
    )
    until = minute_of(now["followed_to"]) if now["followed_to"] else ""
    _remarks(check, len(hosters) - HOSTERS, len(returned) - BACK, cut=_cut(its, late), until=until)
    check.rest()
    return check.wrong


LINES: Final[tuple[tuple[str, Callable[[Row], str]], ...]] = (
    ("reports", lambda o: whole(o["reports"])),
    ("URLs first reported", lambda o: whole(o["urls"])),
    ("on sites", lambda o: whole(o["sites"])),
    ("reports of URLs from before", lambda o: whole(o["again"])),
    ("notices sent about these URLs", lambda o: whole(o["notices"])),
    ("removed by the end", lambda o: whole(o["removed"])),
    ("gone otherwise (name, network, or before the first check)", lambda o: whole(o["gone_otherwise"])),
    ("still up at the end", lambda o: whole(o["up"])),
    ("never decided", lambda o: whole(o["undecided"])),
    ("without an address to check", lambda o: whole(o["no_address"])),
    ("carried over: still up at the end", lambda o: whole(o["carried_up"])),
    ("carried over: overdue at the end", lambda o: whole(o["carried_overdue"])),
    ("removed within 24 h", lambda o: _share(o)),  # noqa: PLW0108 (defined below)
    ("hours until half was gone", lambda o: _hours(o["median_h"])),
    ("came back at the same hoster", lambda o: whole(o["back_here"])),
    ("came back elsewhere", lambda o: whole(o["back_elsewhere"])),
    (
        "hops to another hoster, surely to possibly",
        lambda o: f"{whole(o['hops_least'])} to {whole(o['hops_most'])}",
    ),
)


REPORTED: Final = 5
"""The first lines count what was reported, the others what was measured."""


def _hours(hours: float | None) -> str:
    return NOTHING if hours is None else f"{hours:,.1f}"


def _is_measured(o: Row) -> bool:
    return o["followed_to"] is not None and o["followed_to"] > o["since"]


def _followed(o: Row) -> str:
    if o["followed_to"] is None:
        return "before the study's first report"
    if not _is_measured(o):
        return f"not measured, as the study ends at {minute_of(o['followed_to'])} so far, {_before_last(o)}"
    short = f", where the study ends so far, {_before_last(o)}" if o["followed_to"] < o["until"] else ""
    return f"followed to {minute_of(o['followed_to'])}{short}"


def _before_last(o: Row) -> str:
    return f"{number(o['confirm_h'])} h before its last check, to confirm removals"


def _share(o: Row) -> str:
    if o["told"] not in ("told", "too few days"):
        return o["told"] or "no clocks"
    ends = f"{percent(o['removed_24h_low'])} to {percent(o['removed_24h_high'])}"
    return f"{one_or_range(o)} ({ends if o['removed_24h_low'] is not None else 'too few days for an interval'})"


def _without_address(now: Row) -> str:
    return f" {whole(now['no_address'])} have no address to check." if now["no_address"] else ""


def _sentences(its: Beside, now: Row, then: Row) -> list[str]:
    """The month in words."""
    if now["urls"] and not _is_measured(now):
        why = _followed(now) if now["followed_to"] else "none was checked yet"
        return [f"{whole(now['urls'])} URL{'s were' if now['urls'] != 1 else ' was'} first reported; {why}."]
    if not _is_measured(now):
        return [f"This month is {_followed(now)}."]
    if not now["urls"]:
        return ["No URL was first reported in this month.", *_carried(now)]
    assert now["urls"] == sum(now[name] for name in ("removed", "gone_otherwise", "up", "undecided", "no_address"))
    told = [
        f"{whole(now['urls'])} URL{'s were' if now['urls'] != 1 else ' was'} first reported; at the end "
        f"{whole(now['removed'])} {'were' if now['removed'] != 1 else 'was'} removed, "
        f"{whole(now['gone_otherwise'])} gone otherwise, {whole(now['up'])} still up, and of {whole(now['undecided'])} "
        f"no check could be decided.{_without_address(now)}",
        *_unseen(now),
        *_carried(now),
        f"Removed within 24 h of the report: {_share(now)}; {_change(now, then)}.",
    ]
    if most := [row for row in its.own("hosters") if row["up"]][:3]:
        named = ", ".join(f"{row['name']} ({whole(row['up'])} of {whole(row['urls'])})" for row in most)
        told.append(f"Most is still up at {named}.")
    if overdue := its.own("overdue"):
        late = max(overdue, key=lambda row: row["late_h"])
        told.append(
            f"{len(overdue):,} URL{'s are' if len(overdue) != 1 else ' is'} up beyond the time of a notice, "
            f"the longest by {late['late_h']:,.0f} h until {minute_of(now['followed_to'])} ({late['name']})."
        )
    if now["notices"] and (number := now["without_notice"]):
        word = "URLs are" if number != 1 else "URL is"
        told.append(f"{number:,} {word} still up at the end without a notice to the hoster.")
    if back := now["back_here"] + now["back_elsewhere"]:
        assert back == len(its.own("returned"))
        here = whole(now["back_here"])
        times = "times" if now["back_here"] != 1 else "time"
        after = f"{back:,} removal{'s' if back != 1 else ''}"
        told.append(f"After {after} the content was seen again, {here} {times} where it had been.")
    if held := now["quarantines_open"]:
        word = "quarantine is open: its" if held == 1 else "quarantines are open: their"
        told.append(f"{held:,} {word} down checks do not count until a person decides.")
    if other := now["quarantines_open_no_verdict"]:
        word, change = ("quarantine", "is open: it changes") if other == 1 else ("quarantines", "are open: they change")
        told.append(f"{other:,} {word} of our own network or of a delivery {change} no verdict.")
    return told


def _unseen(now: Row) -> list[str]:
    if not now["unseen"]:
        return []
    old = f"more than {number(now['unseen_h'])} h before the end"
    told = f"{whole(now['unseen'])} of the {whole(now['up'])} still up {'were' if now['unseen'] != 1 else 'was'} last"
    since = f"none after {minute_of(now['unseen_since'])}"
    return [f"{told} seen up {old}, {since}: what became of these since is unknown, here and below."]


def _carried(now: Row) -> list[str]:
    if not now["carried_up"]:
        return []
    last = f"last seen up more than {number(now['unseen_h'])} h before"
    old = f", {whole(now['carried_unseen'])} {last}" if now["carried_unseen"] else ""
    up = f"{whole(now['carried_up'])} URL{'s' if now['carried_up'] != 1 else ''}"
    return [
        f"Carried over from earlier months: {up} still up at the end of the month, {whole(now['carried_overdue'])} of "
        f"them overdue{old}."
    ]


def _change(now: Row, then: Row) -> str:
    if not _is_measured(then):
        return "nothing was measured in the month before"
    if now["removed_24h_best"] is None or then["removed_24h_best"] is None:
        return "not comparable with the month before: one of the two shares could not be given"
    if now["removed_24h_low"] is None or then["removed_24h_low"] is None:
        return "not comparable with the month before: reports span too few days for an interval"
    if now["removed_24h_low"] > then["removed_24h_high"]:
        return "more than in the month before"
    if now["removed_24h_high"] < then["removed_24h_low"]:
        return "less than in the month before"
    return "no difference from the month before that chance could not make"


def _hoster(o: Row, *, noticed: bool) -> list[str]:
    overdue = whole(o["overdue"]) if noticed else NOTHING
    now = _row_share(o, "removed_24h", o["rank_class"], o["changed_before"])
    shares = [now, _row_share(o, "before_24h", o["before_class"], o["before_changed_before"])]
    return [o["name"], o["key"], whole(o["urls"]), whole(o["up"]), overdue, *shares, _hours(o["median_h"])]


def _row_share(o: Row, name: str, rank_class: str | None, changed: str | None) -> str:
    if rank_class is None:
        return NOTHING
    if o[f"{name}_low"] is not None:
        since = f" since {time_of(changed):%Y-%m-%d}" if changed else " of the second half"
        ends = f"({percent(o[f'{name}_low'])} to {percent(o[f'{name}_high'])})"
        return f"{one_or_range(o, name)} {ends}{since if rank_class == 'changed' else ''}"
    if rank_class == "too few days" and o[f"{name}_worst"] is not None:
        return one_or_range(o, name)
    return rank_class


def _late(its: Beside) -> list[list[str]]:
    """Overdue content by hoster."""
    rows = its.own("overdue")
    found = []
    for key in dict.fromkeys(row["key"] for row in rows):
        own = [row for row in rows if row["key"] == key]
        latest = f"{max(row['late_h'] for row in own):,.0f}"
        references = ", ".join(row["reference"] or row["url_id"][:12] for row in own[:REFERENCES])
        found.append([own[0]["name"], str(len(own)), latest, references])
    return found


def _cut(its: Beside, late: list[list[str]]) -> bool:
    return len(late) > LATE or any(int(row[1]) > REFERENCES for row in late)


def _remarks(check: Check, more: int, more_returned: int, *, cut: bool, until: str) -> None:
    """The small print: how many more rows the files have, and where the page comes from."""
    info = json.loads((check.files.folder / f"{Path(check.name).stem}-numbers.json").read_text())
    for paragraph in check.page.xpath("//p[@class='small']"):
        said = text_of(paragraph)
        known = ""
        if said.startswith("Overdue: beyond"):
            known = f"until {until}; waterbed overdue counts"
            if cut != ("all are in the file. " in said):
                check.wrong.append(f"{check.name}: {said} is cut, or not")
        elif "Most still up first." in said:
            known = f"{more} more hosters in the file. Most" if more > 0 else "Most"
        elif "more in the file." in said:
            known = f"{more_returned} more in the file."
        elif "Run " in said:
            known = f"Run {info['run']}, Waterbed {info['version']}."
        if known not in said or re.search(r"\d", without_constants(said.replace(known, " ") if known else said)):
            check.wrong.append(f"{check.name}: {said} is not {known}")
        check.drop(paragraph)
