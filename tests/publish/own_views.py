"""What a study's own people are told of a share removed: commands, tables of the notebook, a month's report."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.publish.one_number import (
    ENDS,
    WITHHELD,
    Row,
    Rows,
    by_key,
    clocks_alike,
    curve_alike,
    has_volume,
    places_alike,
    share_alike,
    shown,
    squeezed,
    unlike,
)
from tests.publish.site.recomputed_report import report_differences
from waterbed.model.conclusions import ClockKind
from waterbed.model.spelling import NOTHING, percent, percents
from waterbed.publish.notebook import Notebook
from waterbed.study.study import Study

Run = Callable[..., tuple[int, str, str]]
WIDTH: Final = "200"
"""Columns of a terminal that shows all of a ranking."""


@dataclass(frozen=True)
class Commands:
    """The commands of a study's own people."""

    run: Run
    study: Path

    def text(self, *words: object) -> str:
        """What a command prints."""
        code, out, err = self.run("-C", self.study, *words)
        assert code == 0, (words, err)
        return out

    def rows(self, *words: object) -> list[Row]:
        """The rows of a table."""
        told: list[Row] = json.loads(self.text(*words, "--format", "json"))["rows"]
        return told

    def ranking(self, rows: Rows, *words: object) -> Iterator[str]:
        """The ranking as printed: each row has its share, bounds, first down, hours and class."""
        lines = [squeezed(line) for line in self.text("rank", *words).splitlines()]
        for key, row in rows.items():
            wanted = squeezed(" ".join(_printed(row)))
            if wanted not in lines:
                own = [line for line in lines if f" {key} " in f" {line} "]
                yield f"rank {words}: {own} is not {wanted}"

    def compliance(self, clock: ClockKind, rows: Rows, by: str = "hoster") -> Iterator[str]:
        """Shares removed within 24 hours of a clock's origin are those of the ranking by that clock."""
        view = f"compliance by {by}, {clock}"
        told = [r for r in self.rows("compliance", "--by", by, "--clock", clock) if r["within_h"] == 24.0]
        for said in told:
            row = rows[said["key"]]
            yield from clocks_alike(view, said, row)
        gone = {key for key, row in rows.items() if row["episodes"]} - {said["key"] for said in told}
        yield from (f"{view}: nothing of {key}" for key in gone)

    def places(self, rows: Rows, by: str = "hoster") -> Iterator[str]:
        """Places by speed have the shares of the ranking, and where there is no interval there is no place."""
        told = by_key(self.rows("rank", "--by", by, "--table", "places", "--clock", "reported"))
        yield from places_alike(f"places by {by}", told, rows)
        printed = self.text("rank", "--by", by, "--table", "places", "--clock", "reported")
        lines = [squeezed(line) for line in printed.splitlines()]
        for key, said in told.items():
            name = rows[key]["name"]
            wanted = squeezed(f"{key} {name} {shown(said)}")
            if not any(line.startswith(wanted) for line in lines):
                yield f"places by {by}: no line begins with {wanted}"

    def sheet(self, key: str, row: Row | None, clock: ClockKind, rows: Rows) -> Iterator[str]:
        """A fact sheet has the ranking's row, and shares, curve and hours of its own clock's ranking."""
        sheet = json.loads(self.text("fact-sheet", key, "--clock", clock, "--format", "json"))
        view = f"fact-sheet {key}"
        if row is not None:
            yield from unlike(view, sheet["ranking"][0], row, row)
        by_clock = rows.get(key)
        if by_clock is None:
            return
        for said in sheet["shares"]:
            if said["within_h"] == 24.0:
                yield from clocks_alike(f"{view}, shares", said, by_clock)
        yield from curve_alike(f"{view}, curve", sheet["curve"], by_clock)
        for said in sheet["duration"]:
            if by_clock["class"] in WITHHELD:
                yield f"{view}: hours of class {by_clock['class']}"
            for end in ("", "_low", "_high"):
                half, its = said[f"median{end or '_h'}"], by_clock[f"median_h{end}"]
                if its is not None and (half is None or abs(half - its) > 1e-3):
                    yield f"{view}: half after {half} h is not {its} (median{end})"

    def sources(self, each: Mapping[str, Rows]) -> Iterator[str]:
        """The ranking by each source has the share of that source's ranking, where it is one number."""
        if len(each) < 2:
            return
        for said in self.rows("rank", "--table", "sources", "--clock", "reported"):
            row = each[said["source"]].get(said["key"])
            if row is not None:
                yield from unlike(f"sources, {said['source']}", said, row, ("removed_24h", "hosts", "place"))
            elif said["removed_24h"] is not None:
                yield f"sources, {said['source']}: a share of {said['key']}, which it did not report"

    def actors(self, rows: Rows) -> Iterator[str]:
        """The share that the hoster ended is the share removed, where that is one number, with its interval."""
        for said in self.rows("rank", "--table", "actors", "--clock", "reported"):
            row = rows.get(said["key"])
            if row is None or (said["actor"], said["within_h"]) != ("hoster", 24.0):
                continue
            yield from share_alike("actors", (said["share"], said["low"], said["high"]), row)

    def returns(self, rows: Rows) -> Iterator[str]:
        """Content that comes back has the ranking's share of first removals."""
        for said in self.rows("compliance", "--table", "returns"):
            row = rows[said["key"]]
            if has_volume(row) and row["class"] != "unmeasurable":
                yield from unlike("returns", said, row, ENDS)

    def month(self, month: str, folder: Path, rows: Rows, whole: Row | None) -> Iterator[str]:
        """A month's report has the rows of the ranking of that month, printed too, and its page says what files do."""
        lines = [squeezed(line) for line in self.text("report", "--month", month, "--out", folder).splitlines()]
        stem = f"report-{month}"
        for told in json.loads((folder / f"{stem}-hosters.json").read_text())["rows"]:
            said = {**told, "class": told["rank_class"]}
            yield from unlike(f"report of {month}", said, rows[told["key"]], (*ENDS, "median_h", "urls", "class"))
        yield from report_differences(folder / f"{stem}.html")
        now = json.loads((folder / f"{stem}-numbers.json").read_text())["rows"][0]
        if whole is not None and now["removed_24h"] is not None:
            every = {**now, "key": "all", "class": now["told"]}
            yield from share_alike(f"actors of {month}", (whole["share"], whole["low"], whole["high"]), every)
        for key, row in rows.items():
            low, high = row["removed_24h_low"], row["removed_24h_high"]
            text = shown(row) if low is None else f"{shown(row)} ({percent(low)} to {percent(high)})"
            wanted = row["class"] if text == NOTHING else text
            if key != "unknown" and not any(line.startswith(f"{key} ") and wanted in line for line in lines):
                yield f"report of {month}: no line of {key} with {wanted}"


def notebook_alike(study: Study, clock: ClockKind, rows: Rows, reported: Rows) -> Iterator[str]:
    """Tables of the notebook are those of the commands; a curve has at 24 hours the ranking's share or no point."""
    told = Notebook(study)
    for said in told.rankings(clock=clock).to_pylist():
        names = [name for name in said if name in rows[said["key"]] and name not in ("changed_after", "changed_before")]
        yield from unlike("notebook's ranking", said, rows[said["key"]], names)
    for said in told.compliance(clock=clock).to_pylist():
        if said["within_h"] == 24.0:
            yield from clocks_alike("notebook's compliance", said, rows[said["key"]])
    yield from places_alike("notebook's places", by_key(told.places().to_pylist()), reported)
    for said in told.curves().to_pylist():
        row = reported[said["key"]]
        if row["class"] in WITHHELD or (said["hour"] == 24.0 and row["removed_24h"] is None and has_volume(row)):
            yield f"notebook's curve of {said['key']}: {said['removed']} of class {row['class']}"
        elif said["hour"] == 24.0 and row["removed_24h"] is not None:
            yield from share_alike("notebook's curve", (said["removed"], *(row[name] for name in ENDS[1:3])), row)


def _printed(row: Row) -> Iterator[str]:
    """The cells of a row of a ranking in a wide terminal."""
    yield "" if row["place"] is None else str(row["place"])
    yield from (row["key"], row["name"], f"{row['urls']:,}", f"{row['hosts']:,}", f"{row['sites']:,}")
    low, high, worst, best = (row[name] for name in ENDS[1:])
    bounds = "-" if worst is None else percent(best) if percent(worst) == percent(best) else percents(worst, best)
    said = bounds if row["removed_24h"] is None and shown(row) != NOTHING else shown(row).replace(NOTHING, "-")
    yield said if low is None else f"{said} {percents(low, high)}"
    yield bounds
    yield f"{row['first_down']:,}" if row["first_down"] else ""
    half = row["median_h"]
    yield "-" if half is None else f"{half:,.1f}" if half < 10 else f"{half:,.0f}"
    yield f"{row['unknown']:,}"
    yield row["class"]
