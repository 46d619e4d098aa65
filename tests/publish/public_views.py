"""What is published of a share removed: tables, pages, exports and the interface."""

import csv
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from lxml import html

from tests.publish.api.serving import FOR_CASES, fixed, served
from tests.publish.one_number import (
    WITHHELD,
    Row,
    Rows,
    by_key,
    clocks_alike,
    curve_alike,
    equal,
    places_alike,
    shown,
    squeezed,
    unlike,
)
from waterbed.measures.ranking import UNKNOWN
from waterbed.model.spelling import NOTHING, percent
from waterbed.publish.policy import Publication
from waterbed.publish.site.hoster import sheet_paths


@dataclass(frozen=True)
class Published:
    """A published folder."""

    folder: Path

    def rows(self, name: str) -> list[Row]:
        """The rows of a table; its CSV and Parquet say the same."""
        path = self.folder / f"{name}.json"
        told: list[Row] = json.loads(path.read_text())["rows"]
        with path.with_suffix(".csv").open(newline="") as file:
            listed = list(csv.DictReader(file))
        assert len(listed) == len(told), name
        for one, other in zip(listed, told, strict=True):
            for column, text in one.items():
                value = other[column]
                assert (text == "") == (value in (None, "")), (name, column, text, value)
                assert not isinstance(value, float) or float(text) == value, (name, column, text, value)
        packed = path.with_suffix(".parquet")
        if packed.is_file():
            for one, other in zip(pq.read_table(packed).to_pylist(), told, strict=True):
                own = {key: value for key, value in other.items() if isinstance(value, float | int | str)}
                numbers = {key: one[key] for key in own if isinstance(one[key], float | int | str)}
                assert {key: own[key] for key in numbers} == numbers, name
        return told

    def has(self, name: str) -> bool:
        """True if there is such a table."""
        return (self.folder / f"{name}.json").is_file()

    def by_key(self, name: str) -> Rows:
        """The rows of a table by key."""
        return by_key(self.rows(name)) if self.has(name) else {}

    def page(self, name: str) -> Any:
        """A page, parsed."""
        return html.fromstring((self.folder / name).read_text())

    def rankings(self, whole: Mapping[str, Rows]) -> Iterator[str]:
        """Published rows are those of the rankings, some left out whole; places and shares of hosts are among these."""
        for kind, rows in whole.items():
            told = self.by_key(f"ranking-{kind}")
            for key, said in told.items():
                names = rows[key].keys() - {"place", "hosts_fractional"}
                yield from unlike(f"published ranking by {kind}", said, rows[key], sorted(names))

    def tables(self) -> Iterator[str]:
        """Each table about keys of a ranking is about those alone that the ranking shows."""
        for path in sorted(self.folder.glob("*-*.json")):
            head, _, kind = path.stem.partition("-")
            if head in ("places", "volume", "feeds", "compliance", "weeks", "changes") and "." not in path.name[:-5]:
                known = self.by_key(f"ranking-{kind}").keys()
                others = {row["key"] for row in self.rows(path.stem)} - known
                yield from (f"published {path.stem}: {key}, which the ranking leaves out" for key in others)

    def beside(self, kind: str, reported: Rows, noticed: Rows) -> Iterator[str]:
        """Published places and notices have the shares of the ranking by their clocks."""
        yield from places_alike(f"published places by {kind}", self.by_key(f"places-{kind}"), reported)
        for said in self.rows(f"compliance-{kind}") if self.has(f"compliance-{kind}") else ():
            if said["week"] is None and said["within_h"] == 24.0:
                yield from clocks_alike(f"published compliance by {kind}", said, noticed[said["key"]])

    def weeks(self, by_week: Mapping[str, Rows]) -> Iterator[str]:
        """Published weeks are the rankings of reports of that week."""
        for said in self.rows("weeks-hoster"):
            row = by_week[said["window"]][said["key"]]
            yield from unlike(f"weeks, {said['window']}", said, row, sorted(said.keys() & row.keys()))

    def curves(self) -> Iterator[str]:
        """The first page draws a curve only of one number, which its curve has at 24 hours."""
        rows = self.by_key("ranking-hoster")
        for one in self.rows("data/curves"):
            if one["hour"] == 24.0:
                row = rows[one["key"]]
                if row["removed_24h"] is None or not equal(one["removed"], row["removed_24h"]):
                    yield f"curves, {one['key']} ({row['class']}): {one['removed']} is not {row['removed_24h']}"

    def sheets(self) -> Iterator[str]:
        """A hoster's page has the ranking's number, class and hours, and its curve the same share or none."""
        rows = self.by_key("ranking-hoster")
        paths = sheet_paths([key for key in rows if key != UNKNOWN])
        for key, path in paths.items():
            row, stem = rows[key], path.removesuffix(".html")
            if self.has(f"{stem}-shares"):
                yield from curve_alike(f"page of {key}, curve", self.rows(f"{stem}-shares"), row)
            if row["class"] in WITHHELD and self.has(f"{stem}-curves"):
                yield f"page of {key}: curves of class {row['class']}"
            mean = self.rows(f"{stem}-numbers")[0]["mean_h"]
            if row["class"] in WITHHELD and mean is not None:
                yield f"page of {key}: mean hours of class {row['class']}"
            boxes = [squeezed(one.text_content()) for one in self.page(path).xpath("//section[@class='numbers']/div")]
            low, high = row["removed_24h_low"], row["removed_24h_high"]
            if low is None:
                wanted = [f"{NOTHING} {row['class']}"]
            else:
                wanted = [f"{shown(row)} removed within 24 hours", f"95% interval {percent(low)} to {percent(high)}"]
            box = squeezed(re.sub("removed within", " removed within", boxes[1]))
            yield from (
                f"page of {key}: {box} lacks {one}"
                for one in wanted
                if one.replace(" ", "") not in box.replace(" ", "")
            )

    def pages(self, kind: str) -> Iterator[str]:
        """Both tables of a ranking's page have the number of each row."""
        rows = self.by_key(f"ranking-{kind}")
        if not rows:
            return
        name = "ranking.html" if kind == "hoster" else f"ranking-{kind}.html"
        ranked, numbers = self.page(name).xpath("//table[contains(@class, 'sortable')]")[:2]
        lines = zip(rows.values(), ranked.xpath("./tbody/tr"), numbers.xpath("./tbody/tr"), strict=True)
        for row, one, other in lines:
            low, high = row["removed_24h_low"], row["removed_24h_high"]
            cell = squeezed(one.xpath("./td[contains(@class, 'share')]")[0].text_content())
            wanted = row["class"] if low is None else f"{shown(row)} {percent(low)} to {percent(high)}"
            if not cell.startswith(wanted):
                yield f"{name}, {row['key']}: {cell} is not {wanted}"
            cells = [squeezed(td.text_content()) for td in other.xpath("./td")]
            said = cells[2], cells[5], cells[6], cells[-1]
            half = NOTHING if row["median_h"] is None else None
            down = f"{row['episodes']:,}", f"{row['first_down']:,}", row["class"]
            if cells[2] != shown(row) or (cells[6], cells[7], cells[-1]) != down or (half and cells[5] != half):
                yield f"{name}, numbers of {row['key']}: {said} is not {(shown(row), half, *down)}"

    def exports(self) -> Iterator[str]:
        """STIX and IntelMQ have whole rows, MISP their share in words."""
        systems = self.by_key("ranking-asn")
        for line in (self.folder / "intelmq.jsonl").read_text().splitlines():
            said = json.loads(line)["extra"]
            known = {name: value for name, value in systems[said["key"]].items() if value is not None}
            yield from unlike("IntelMQ", said, systems[said["key"]], known)
            yield from (f"IntelMQ, {said['key']}: {name}" for name in systems[said["key"]].keys() & said - known.keys())
        hosters = self.by_key("ranking-hoster")
        for one in json.loads((self.folder / "stix.json").read_text())["objects"]:
            for said in (told for told in one.get("extensions", {}).values() if "removed_24h_worst" in told):
                rows = hosters if one["type"] == "infrastructure" else systems
                row = rows[said["key"]]
                yield from unlike("STIX", said, row, {name for name, value in row.items() if value is not None})
        for path in (self.folder / "misp").glob("*.json"):
            for one in json.loads(path.read_text()).get("Event", {}).get("Object", ()):
                if one["name"] == "bgp-ranking":
                    yield from self._misp(one, systems)

    def _misp(self, one: Row, systems: Rows) -> Iterator[str]:
        place = next(float(a["value"]) for a in one["Attribute"] if a["object_relation"] == "position")
        row = next(row for row in systems.values() if row["place"] == place)
        low, high, share = row["removed_24h_low"], row["removed_24h_high"], row["removed_24h"]
        said = "not estimable"
        if low is not None:
            said = f"{'no single number' if share is None else f'{share:.3f}'} ({low:.3f} to {high:.3f})"
        wanted = f"removed within 24 h: {said}; {row['first_down']} first found down; class {row['class']}"
        if wanted not in one["comment"]:
            yield f"MISP, {row['key']}: {one['comment']} lacks {wanted}"

    def interface(self, publication: Publication) -> Iterator[str]:
        """The interface answers each table with the rows of its file, and the row of each hoster alone."""
        with served(fixed(publication)) as server:
            for name in server.get("/v1", FOR_CASES).told["tables"]:
                answer = server.get(f"/v1/tables/{name}?limit=1000", FOR_CASES).told
                if answer["rows"] != self.rows(name)[:1000]:
                    yield f"interface, {name}: {answer['rows'][:2]} is not {self.rows(name)[:2]}"
            for key, row in self.by_key("ranking-hoster").items():
                if server.get(f"/v1/rankings/hoster/{key}", FOR_CASES).told["row"] != row:
                    yield f"interface, {key}: not {row}"

    def cards(self, cards: Rows) -> Iterator[str]:
        """The card of a source counts as the study does, but for what it shares with sources that are left out."""
        for said in self.rows("feeds"):
            row = {**cards[said["source"]], "key": said["source"], "class": "source"}
            names = {name for name in row if name in said and said[name] is not None}
            yield from unlike("card", said, row, names | {"first_down", "followed", "sites", "urls"})

    def letter(self) -> Iterator[str]:
        """The letter gives the share of each category with its interval, or none."""
        rows = self.by_key("ranking-category")
        for said in self.rows("data/letter") if self.has("data/letter") else ():
            found = re.match(r"category (.+): removed within 24 hours", said["what"])
            if found and (row := next((r for r in rows.values() if r["name"] == found[1]), None)):
                told = row["removed_24h_low"] is not None
                wanted = row["removed_24h"] if told else None, row["removed_24h_low"], row["removed_24h_high"]
                if not all(map(equal, (said["value"], said["low"], said["high"]), wanted)):
                    yield f"letter, {said['what']}: {said} is not {wanted}"
