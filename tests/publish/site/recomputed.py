"""Each page's text worked out anew from the files beside it, and what differs from the page."""

import ast
import csv
import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache, cached_property
from html import unescape
from importlib.resources import files
from pathlib import Path
from typing import Any

from lxml import html

from waterbed.model.spelling import NOTHING, number, percent
from waterbed.publish.site.figures.hops import count
from waterbed.shown.layout import day, minute, thousands

Row = Mapping[str, Any]
Rows = list[list[str]]
PAGES = [Path(str(files(f"waterbed.{name}"))) for name in ("shown", "publish.site", "questions")]
_DIGIT = re.compile(r"\d")
_LINK = re.compile(r"(.+ → .+): ([\d,.]+) (?:certain|possible), of ([\d,.]+); ([^;]+)(?:; by .+)?")
_SIDES = {"home", "abroad", "unknown"}
_ROUNDED = 0.06
"""Parts of hops are told to a tenth."""
_WORDED = re.compile(r"\S*\d\S*.*\s|\s.*\S*\d\S*")


class Files:
    """What lies beside the pages of one publication."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.total = {row["name"]: row["value"] for row in self.rows("data/totals")}
        self.info = json.loads((folder / "ranking-hoster.json").read_text())
        self.readme = (folder / "README.txt").read_text()
        self.sheets = {self.key(page): page for page in (folder / "hosters").glob("*.html")}

    @cached_property
    def events(self) -> list[Row]:
        """Events with a page that is not refused: its stem, title, day, and the keys that it names."""
        found = []
        for path in sorted((self.folder / "interventions").glob("*-declared.json")):
            stem = f"interventions/{path.stem.removesuffix('-declared')}"
            told = {row["name"]: row["text"] for row in self.rows(f"{stem}-declared")}
            (target,) = re.findall(r"\(([^()]+)\)$", told["Target"])
            others = [told[name] for name in ("Controls", "Buffer", "Controls of the buffer")]
            keys = [key for text in others for key in re.findall(r"\(([^()]+)\)(?:,|$)", text)]
            day = time_of(f"{told['Event, UTC']}+00:00").strftime("%-d %B %Y")
            page = html.fromstring((self.folder / f"{stem}.html").read_text())
            title = text_of(page.xpath("//h1")[0])
            found.append({"stem": stem, "title": title, "target": target, "others": keys, "day": day})
        return found

    @cached_property
    def spelled(self) -> set[str]:
        """Shares, places and weeks of rankings, as a drawing in a row spells them."""
        names = [path.stem for path in self.folder.glob("*-*.csv") if path.stem.startswith(("ranking-", "places-"))]
        values = [value for name in (*names, "weeks-hoster") for row in self.rows(name) for value in row.values()]
        values = [value for value in values if value is not None and not isinstance(value, list)]
        words = [str(one) if isinstance(one, int | str) else percent(one) for one in values]
        words += [percent(one) for one in values if isinstance(one, int)]
        words += [f"{event['title']} {event['day']}" for event in self.events]
        return {word.rstrip(".,") for text in words for word in re.findall(r"\d[\d.,W-]*", text)}

    def has(self, name: str) -> bool:
        return (self.folder / f"{name}.csv").is_file()

    def rows(self, name: str) -> list[Row]:
        """The rows of a table: JSON, which CSV repeats; none where there is no such table."""
        if not self.has(name):
            return []
        rows = json.loads((self.folder / f"{name}.json").read_text())["rows"]
        with (self.folder / f"{name}.csv").open(newline="") as file:
            assert len(list(csv.DictReader(file))) == len(rows), name
        return rows

    @cached_property
    def of_reports(self) -> bool:
        """True if shares of rankings run from the report, as places do."""
        return bool(json.loads((self.folder / "ranking-hoster.json").read_text())["clock"] == "reported")

    def places(self, kind: str) -> dict[str, Row]:
        """The places that stand beside shares."""
        return self.by_key(f"places-{kind}") if self.of_reports else {}

    def by_key(self, name: str) -> dict[str, Row]:
        return {row["key"]: row for row in self.rows(name)}

    def key(self, page: Path) -> str:
        """The hoster of a sheet."""
        return text_of(html.fromstring(page.read_text()).xpath("//p[@class='about']/span[1]")[0])


def squeezed(text: str) -> str:
    return " ".join(text.split())


def text_of(element: Any) -> str:
    """All text of an element, without that of drawings."""
    parts = element.xpath(".//text()[not(ancestor::*[local-name()='svg'])][not(ancestor::script)]")
    return squeezed("".join(parts))


def cells(table: Any) -> Rows:
    """Texts of a table's body."""
    return [[text_of(cell) for cell in row.xpath("./td|./th")] for row in table.xpath("./tbody/tr")]


def time_of(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def whole(value: float | None) -> str:
    return thousands(None if value is None else int(value))


def spread(low: str, high: str) -> str:
    return low if low == high else f"{low} to {high}"


@cache
def constants() -> list[str]:
    """Pieces of text with digits that templates and code hold for every study, longest first."""
    found = set()
    for file in (PAGES[0] / "templates").iterdir():
        text = file.read_text()
        found |= set(re.findall(r'"([^"<>{}]*)"', text))
        text = re.sub(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}", "\0", text, flags=re.S)
        found |= set(re.split("[\0\1]", unescape(re.sub(r"<[^>]*>", "\1", text))))
    for path in (path for folder in PAGES for path in folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
    return sorted({one for text in found if _WORDED.search(one := squeezed(text))}, key=len, reverse=True)


class Check:
    """One page: what it should say is taken off it, until no number is left."""

    def __init__(self, beside: Files, path: Path) -> None:
        self.files = beside
        self.name = str(path.relative_to(beside.folder))
        self.page = html.fromstring(path.read_text())
        self.wrong: list[str] = []

    def take(self, where: str, *expected: str) -> None:
        """Compare the texts of elements, and take these away."""
        found = self.page.xpath(where)
        texts = tuple(map(text_of, found))
        if texts != tuple(map(squeezed, expected)):
            self.wrong.append(f"{self.name} {where}: {texts} is not {expected}")
        for element in found:
            self.drop(element)

    def table(self, caption: str, expected: Rows, *counted: str) -> None:
        """Compare the body of the tables whose caption begins so.

        Caption and headings may say how many rows there are, and what is `counted`.
        """
        found = self.page.xpath(f"//table[caption[starts-with(normalize-space(.), '{caption}')]]")
        if not found and expected:
            self.wrong.append(f"{self.name}: no table {caption}")
        for table in found:
            said = cells(table)
            for drawing in table.xpath(".//*[local-name()='svg']"):
                self.words_of_rows(drawing)
            for text in map(text_of, table.xpath("./caption|./thead//th")):
                if set(re.findall(r"\d[\d,.]*", without_constants(text))) - {f"{len(expected):,}", *counted}:
                    self.wrong.append(f"{self.name}: {text!r} is in no file")
            if said != expected:
                pairs = [(a, b) for a, b in zip(said, expected, strict=False) if a != b]
                self.wrong.append(f"{self.name} {caption}: {len(said)} and {len(expected)} rows, {pairs[:2]}")
            self.drop(table)

    def drawings(self) -> None:
        """Numbers in a drawing's words are of its own file; ticks and constants go."""
        for figure in self.page.xpath("//figure"):
            known = set(self.numbers_of(figure)) | (
                self.merged(figure) if figure.get("id") == "figure-sankey" else set()
            )
            words = figure.xpath(".//*[local-name()='desc']|.//*[local-name()='title']|./figcaption|./ul")
            for text in map(squeezed, map("".join, (one.itertext() for one in words))):
                bare = without_constants(text)
                unknown = [word for word in re.findall(r"\d[\d.,:/W-]*", bare) if word.rstrip(".,:") not in known]
                if unknown:
                    self.wrong.append(f"{self.name} {figure.get('id')}: {unknown} of {text!r} are in no file")
            self.drop(figure)
        for drawing in self.page.xpath("//*[local-name()='svg']"):
            self.words_of_rows(drawing)
            self.drop(drawing)

    def merged(self, figure: Any) -> set[str]:
        """Numbers of a Sankey's links of small flows together, if all its links add up to the flows of the file."""
        flows: dict[str, float] = {}
        for row in self.files.rows("data/hop-flows"):
            if row["level"] == "hoster":
                flows[row["passage"] or "held back"] = flows.get(row["passage"] or "held back", 0) + row["hops"]
        found: set[str] = set()
        for drawing in figure.xpath(".//*[local-name()='svg']"):
            sums, links = dict.fromkeys(flows, 0.0), dict[tuple[str, str, str], float]()
            for tip in drawing.xpath(".//*[local-name()='title']"):
                if told := _LINK.fullmatch(squeezed("".join(tip.itertext()))):
                    ends, part, whole_link, way = told.groups()
                    hops = float(part.replace(",", ""))
                    sums[way] = sums.get(way, 0) + hops
                    links[ends, whole_link, way] = links.get((ends, whole_link, way), 0) + hops
                    found |= {part, whole_link} if "other " in ends else set()
            said = squeezed(" ".join(" ".join(word.itertext()) for word in drawing.xpath(".//*[local-name()='text']")))
            for told in re.findall(r"Not drawn, between others: ([\d,.]+) hops(.*)", said):
                for hops, way in re.findall(r"([\d,.]+) (" + "|".join(flows) + ")", told[1]):
                    sums[way] += float(hops.replace(",", ""))
                    links["others", hops, way] = float(hops.replace(",", ""))
                found |= {told[0]}
            odd = [
                link
                for link, hops in links.items()
                if abs(hops - round(hops / (total := float(link[1].replace(",", "")))) * total) > 2 * _ROUNDED
            ]
            if odd or any(abs(sums[way] - flows.get(way, 0)) > _ROUNDED * max(1, len(links)) for way in sums):
                self.wrong.append(f"{self.name} {figure.get('id')}: links of {sums} are not flows of {flows}: {odd}")
        return found

    def words_of_rows(self, drawing: Any) -> None:
        """Numbers that a bar, a box or a weekly line says are of rankings or their weeks."""
        said = [drawing.get("aria-label") or "", *("".join(one.itertext()) for one in drawing)]
        for text in map(squeezed, said):
            unknown = {word.rstrip(".,") for word in re.findall(r"\d[\d.,W-]*", without_constants(text))}
            if unknown - self.files.spelled:
                self.wrong.append(f"{self.name}: {unknown - self.files.spelled} of {text!r} are in no file")

    def numbers_of(self, figure: Any) -> Iterator[str]:
        """Every value of the file behind a figure as it may be spelled, with sums and the study's totals."""
        (href,) = {link for link in figure.xpath(".//a/@href") if link.endswith(".csv")}
        stem = str((self.files.folder / self.name).parent.joinpath(href[:-4]).resolve().relative_to(self.files.folder))
        rows = self.files.rows(stem) + (
            self.files.rows(stem.replace("-curves", "-shares")) if "-curves" in stem else []
        )
        rows += self.files.rows("data/hop-places") if stem == "data/hop-flows" else []
        values = [value for row in rows for value in row.values()] + list(self.files.total.values()) + [len(rows)]
        values += [f"{event['title']} {event['day']}" for event in self.files.events] + [len(self.files.events)]
        if self.name.startswith("hosters/"):  # a file of all hosters: its own rows count, and those with a share
            its = [row for row in rows if row.get("key") == self.files.key(self.files.folder / self.name)]
            values += [len(its), sum(row.get("removed_24h") is not None for row in its)]
        for row in rows:
            values += [row[a] - (row[b] or 0) for a, b in (("hops", "certain"),) if row.get(a) is not None and b in row]
        for value in values:
            if isinstance(value, str):
                yield from re.findall(r"\d[\d.,:/W-]*", value)
            elif isinstance(value, int | float):
                for said in (percent(value), number(value), count(value), f"{value:.0%}", f"{value:g}", str(value)):
                    yield from re.findall(r"\d[\d.,:/W-]*", said)
        for side in ("before", "after", "control_before", "control_after"):
            for reading in {row.get("reading") for row in rows}:
                own = [row for row in rows if row.get("reading") == reading]
                total = sum(row.get(side) or 0 for row in own if {*row.get("key", "").split(" or ")} <= _SIDES)
                for row in own:
                    if total and row.get(side):
                        yield from (str(total), f"{row[side] / total:.0%}".rstrip("%"))
        yield from (f"{len([row for row in rows if row.get('failed')])}",)

    def drop(self, element: Any) -> None:
        if element.getparent() is not None:
            element.drop_tree()

    def rest(self) -> None:
        """What is left may hold no number but those of the templates."""
        for script in self.page.xpath("//script|//style|//head"):
            self.drop(script)
        for text in self.page.xpath("//text()"):
            if _DIGIT.search(text) and _DIGIT.search(left := without_constants(squeezed(text))):
                self.wrong.append(f"{self.name}: {squeezed(text)!r} is in no file ({left!r})")

    def frame(self) -> None:
        """The title, the navigation and the foot."""
        info, readme = self.files.info, self.files.readme
        made = re.search(
            r"Published by .* on (\S+ \S+) UTC\. TLP:(\S+)\. (?:Licence: (\S+)|No licence is given)\.", readme
        )
        assert made
        terms = "no licence is given" if made[3] is None else f"licence {made[3]}"
        start, _, end = info["window"].partition("/")
        looks = "none yet" if info["window"] == "none" else f"{day(time_of(start))} to {day(time_of(end))}"
        dates = ", ".join(f"{name} {date}" for name, date in info["data_dates"].items()) or "no table"
        feet = [one for one in map(text_of, self.page.xpath("//footer/dl/div")) if not one.startswith(("By", "Prot"))]
        expected = [
            f"Checks{looks}", f"Made{made[1]} UTC", f"TermsTLP:{made[2]}, {terms}", f"Data of{dates}",
            f"Run{info['run'][:12]}", f"Waterbed{info['version']}",
        ]  # fmt: skip
        if feet != expected:
            self.wrong.append(f"{self.name} foot: {feet} is not {expected}")
        for part in self.page.xpath("//footer|//header|//p[@class='notice']"):
            self.drop(part)


def without_constants(text: str) -> str:
    """A text without the pieces that every study's pages have."""
    for piece in (*constants(), "IPv4", "/v1/tables"):
        if not _DIGIT.search(text):
            break
        if piece in text:
            text = text.replace(piece, " ")
    return text


def one_or_range(row: Row, name: str = "removed_24h") -> str:
    """A share, or its range from worst to best case where it is not one number."""
    if row[name] is not None or row[f"{name}_worst"] is None:
        return percent(row[name])
    return f"{percent(row[f'{name}_worst'])} to {percent(row[f'{name}_best'])}"


def slowest_first(row: Row) -> tuple[float, float, str]:
    """The order of rows with a share by speed."""
    return row["removed_24h_best"], row["removed_24h_worst"], row["key"]


def first_found_down(row: Row) -> str:
    """What a cell says of many clocks that nobody but the report saw up."""
    many = row["first_down"] * 10 > row["episodes"]
    return f"{row['first_down']:,} of {row['episodes']:,} first found down" if many else ""


def share_cell(row: Row, norm: str = "") -> str:
    """The cell of a share removed."""
    if row["removed_24h_low"] is None:
        return squeezed(f"{row['class']} {first_found_down(row)}")
    ends = f"{percent(row['removed_24h_low'])} to {percent(row['removed_24h_high'])}"
    beside = "" if row["class"] == "ranked" else row["class"]
    return squeezed(f"{one_or_range(row)} {ends} {first_found_down(row)} {beside} {norm}")


def places_cell(place: Row | None) -> str:
    return spread(str(place["place_low"]), str(place["place_high"])) if place and place["place_low"] else NOTHING


def minute_of(text: str) -> str:
    return minute(time_of(text))


def way(passage: str | None) -> str:
    return "held back" if passage is None else "country unknown" if passage == "unknown" else passage
