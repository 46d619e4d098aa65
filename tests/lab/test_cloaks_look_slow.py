"""Hosters that only look quick, measured by the production crawler: no row, sheet, page or export shows them so."""

import csv
import io
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Final

import pytest
from lxml import html

from tests.lab.test_runs import _smaller
from tests.once import made_once
from waterbed.lab.run import run_scenario
from waterbed.publish.release import publish_all
from waterbed.study.study import open_study

FIRST_DOWN: Final = ("nevelnet", "duinhost")
"""What nobody but a report saw up: hidden from the first check on, or never there."""
ELSEWHERE: Final = ("veenweg", "omleiding", "tundrahost")
"""After one honest check each path leads elsewhere, or to a seizure that the site shows itself."""
CLOAKS: Final = (*FIRST_DOWN, *ELSEWHERE)
QUICK, NEAR = 0.5, 0.1
"""A share that looks quick, and how near to the true one its worst case has to be."""
WITHIN_H: Final = 24.0
SLOW_H: Final = 100.0
"""Every hoster here that only looks quick removes next to nothing: medians and means end later than this."""
WHY: Final = {
    **dict.fromkeys(FIRST_DOWN, r"first found down|down at (?:our|the) first check|first down"),
    **dict.fromkeys(ELSEWHERE, "unmeasurable"),
}
COMMANDS: Final = (
    ("rank",),
    ("rank", "--by", "asn"),
    ("rank", "--table", "places"),
    ("rank", "--window", "week"),
    ("compliance",),
)

pytestmark = pytest.mark.long


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A study of the scenario, what it published, what its commands printed, and what was true."""

    folder: Path
    names: Mapping[str, str]
    """By hoster key: its name."""
    asns: Mapping[str, str]
    true: Mapping[str, float]
    """Share removed within 24 hours of what was there."""

    def whose(self, record: Mapping[str, Any]) -> set[str]:
        """The hosters that only look quick that a record is about."""
        known = {word: key for key in CLOAKS for word in (key, self.names[key], self.asns[key])}
        said = {record.get(field) for field in ("key", "name", "hoster", "hoster_name")}
        return {known[word] for word in said if isinstance(word, str) and word in known}


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    """Nine hosters, ten days, by the production crawler."""
    folder = made_once(tmp_path_factory, "cloaks", _measure)
    said = json.loads((folder / "truth.json").read_text())
    return Measured(folder=folder, **said)


def _measure(folder: Path) -> None:
    changes = {"count": "270", "days": "10", "step_s": "7200.0", "reported_over_days": "[0.0, 8.0]"}
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_CONFIG_HOME", str(folder / "config"))
        done = run_scenario(_smaller("cloaks", folder, **changes), folder / "s")
        with open_study(folder / "s") as study:
            publish_all(study, folder / "out")
        hosters = done.truth.world.hoster
        true = {one.key: done.truth.removal[one.key].share if one.key in done.truth.removal else 0.0 for one in hosters}
        said = {"names": {h.key: h.name for h in hosters}, "asns": {h.key: f"AS{h.asn}" for h in hosters}, "true": true}
        (folder / "truth.json").write_text(json.dumps(said))
        (folder / "printed").mkdir()
        for words in [*COMMANDS, *(("fact-sheet", key) for key in CLOAKS)]:
            for form in ("table", "csv", "json"):
                text = _printed(folder / "s", *words, "--format", form)
                (folder / "printed" / f"{' '.join(words)}.{'txt' if form == 'table' else form}").write_text(text)


def _printed(study: Path, *words: str) -> str:
    program = Path(sys.executable).with_name("waterbed")
    done = subprocess.run([program, "-C", study, *words], capture_output=True, text=True, check=True)
    return done.stdout


def records(measured: Measured) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Where it stands, whose it is, and the record: of all CSV and JSON, published or printed."""
    for path in sorted(chain((measured.folder / "out").rglob("*"), (measured.folder / "printed").rglob("*"))):
        where = str(path.relative_to(measured.folder))
        own = next((key for key in CLOAKS if re.search(rf"hosters/{key}-|fact-sheet {key}\.", where)), None)
        for record in _of_file(path):
            for key in measured.whose(record) or ({own} if own else set()):
                yield where, key, record


def _of_file(path: Path) -> Iterator[Mapping[str, Any]]:
    if path.suffix == ".csv":
        for row in csv.DictReader(io.StringIO(path.read_text())):
            yield {field: _value(text) for field, text in row.items()}
    elif path.suffix == ".jsonl":
        for line in path.read_text().splitlines():
            yield from _objects(json.loads(line))
    elif path.suffix == ".json" and "schema" not in path.name:
        yield from _objects(json.loads(path.read_text() or "null"))


def _value(text: str | None) -> Any:
    try:
        return float(text or "")
    except ValueError:
        return text or None


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, dict):
        yield value
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _objects(one)


def looks_quick(record: Mapping[str, Any], true: float) -> list[str]:
    """The fields by which a record of a slow hoster looks quick."""
    found = []
    numbers = {field: float(one) for field, one in record.items() if isinstance(one, (int, float))}
    hour = numbers.get("hour", numbers.get("within_h", 0.0))
    for field, value in numbers.items():
        share = re.fullmatch(r"removed(?:_24h)?", field) or (field == "share" and record.get("cause") == "removed")
        worst = numbers.get(f"{field}_worst", numbers.get("worst", 1.0))
        if share and hour <= WITHIN_H and value >= QUICK and worst > true + NEAR:
            found.append(field)
        if re.fullmatch(r"removed(?:_24h)?_(?:low|worst)", field) and hour <= WITHIN_H and value > true + NEAR:
            found.append(field)
        if field in ("median_h", "mean_h") and value < SLOW_H:
            high = numbers.get(f"{field}_high", numbers.get(field.replace("_h", "_high")))
            found += [field] if high is not None and high < SLOW_H else []
        # of nine hosters seven are truly slow: whose places begin above the middle is surely not among the slowest
        if field in ("place_low", "own_low") and "norm" in record and value > 4:
            found.append(field)
    return found


def test_no_record_looks_quick(measured: Measured) -> None:
    """Tables, curves, sheets and feeds: a high share stands beside a worst case that is near the truth."""
    found, seen = dict[str, list[str]](), set[str]()
    for where, key, record in records(measured):
        seen.add(key)
        if quick := looks_quick(record, measured.true[key]):
            found.setdefault(f"{where}: {key}", []).extend(quick)
    assert {where: sorted(set(fields)) for where, fields in found.items()} == {}
    assert seen == set(CLOAKS)


def test_each_row_says_why(measured: Measured) -> None:
    """A row with a class counts what was first found down, or is unmeasurable."""
    silent, rows = [], 0
    for where, key, record in records(measured):
        name = record.get("class", record.get("rank_class"))
        if name is None or not ("removed_24h" in record or "removed_24h_worst" in record):
            continue
        rows += 1
        down, clocks = float(record.get("first_down") or 0), float(record.get("episodes") or record.get("sites") or 0)
        if not (down >= 0.5 * clocks > 0 if key in FIRST_DOWN else name == "unmeasurable"):
            silent.append(f"{where}: {key}, {name}, {down:g} of {clocks:g}")
    assert silent == []
    assert rows >= len(CLOAKS) * 4


def test_no_page_looks_quick_and_each_says_why(measured: Measured) -> None:
    """No cell of a hoster's row, and no description of a figure, gives a high share without a low end; rows say why."""
    quick, silent = [], []
    for path in sorted((measured.folder / "out").rglob("*.html")):
        tree = html.fromstring(path.read_bytes())
        for key in CLOAKS:
            name = measured.names[key]
            for table in tree.iter("table"):
                heads = [_text(head) for head in table.xpath("./thead//th")]
                for row in table.xpath(f"./tbody/tr[.//bdi[text()='{name}']]"):
                    cells = [(head, _text(cell)) for head, cell in zip(heads, row, strict=False) if _of_removal(head)]
                    high = [cell for cell in cells if _high(cell[1], measured.true[key])]
                    quick += [f"{path.name}: {key}: {head}: {said}" for head, said in high]
                    counted = any(
                        head == "First down" and _text(cell) != "0" for head, cell in zip(heads, row, strict=False)
                    )
                    shares = any("%" in said for _, said in cells)
                    if shares and not counted and not re.search(WHY[key], html.tostring(row).decode()):
                        silent.append(f"{path.name}: {key}: {_text(row)}")
            for text in tree.xpath("//desc/text() | //title/text()"):
                for said in re.findall(rf"{re.escape(name)} (\d+)%", text):
                    quick += [f"{path.name}: {key}: figure says {said}%"] if int(said) >= 100 * QUICK else []
    assert quick == []
    assert silent == []
    for key in CLOAKS:
        sheet = _text(html.fromstring((measured.folder / "out" / "hosters" / f"{key}.html").read_bytes()))
        assert re.search(WHY[key], sheet, re.IGNORECASE), key
        assert re.search(WHY[key], (measured.folder / "printed" / f"fact-sheet {key}.txt").read_text()), key


def test_no_printed_row_looks_quick_and_each_says_why(measured: Measured) -> None:
    """In tables for people a row of such a hoster has no high share without a low end, and says why."""
    for words in COMMANDS:
        lines = (measured.folder / "printed" / f"{' '.join(words)}.txt").read_text().splitlines()
        for key in CLOAKS:
            for line in lines:
                if re.search(rf"\b{key}\b|\b{measured.asns[key]}\b", line):
                    assert not _high(line, measured.true[key]), line


def _text(element: Any) -> str:
    return " ".join(element.text_content().split())


def _of_removal(head: str) -> bool:
    return re.search(r"(?i)removed|within|\b\d+ h\b|worst", head) is not None


def _high(text: str, true: float) -> bool:
    """Whether a text names a high share, and none that is near the true one."""
    shares = [float(one) / 100 for one in re.findall(r"(\d+(?:\.\d+)?)(?=%|-\d+%)", text)]
    return bool(shares) and max(shares) >= QUICK and min(shares) > true + NEAR
