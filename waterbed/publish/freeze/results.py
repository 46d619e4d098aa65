"""Writes a study's tables as files, and compares two sets."""

import hashlib
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isclose
from pathlib import Path
from typing import Annotated, Any, Final

from waterbed.model.results import Answer, PooledHoster
from waterbed.publish.policy import Publication, Table, named_keys
from waterbed.publish.sharing.pool import Pooled, pool, pooled_info
from waterbed.questions.intervention.page import Line, intervention_pages, refused_table
from waterbed.shown.layout import data_files
from waterbed.store.bounded.json_text import BadJson, json_in
from waterbed.study.conclusions import Conclusions
from waterbed.study.formats import as_csv, as_json
from waterbed.study.study import Study

EVENT_RESULTS: Final[Mapping[str, type]] = {"answers": Answer, "sentences": Line}
"""Tables of each event, and what their rows are."""
_CLOSE: Final = 1.1e-6
"""Tolerance of the last printed digit, which other processors may round differently."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One table of a package compared with its reproduction."""

    name: Annotated[str, "the table"]
    equal: Annotated[bool, "whether each of its files is equal, byte for byte"]
    differ: Annotated[int, "values that differ; 0 of a table that is compared by checksum alone"] = 0
    first: Annotated[str, "where it differs first, and how; empty: it does not"] = ""
    close: Annotated[bool, "whether all that differs are numbers, by less than 1 in 10^9"] = False


def results_of(publication: Publication, shown: Publication) -> tuple[dict[str, bytes], dict[str, str]]:
    """Files of published tables, and checksums of withheld ones.

    `shown` is what the policy lets through.
    """
    held = [table for table in publication.tables if table.name not in {one.name for one in shown.tables}]
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in _files(held)}
    return dict(_files(shown.tables)), sums


def event_results(study: Study, conclusions: Conclusions, shown: Publication) -> dict[str, bytes]:
    """Files of the answers to each public event.

    Under disclosure control, as on its page: event-NAME-answers and event-NAME-sentences; a refused event has its
    reason as its sentence.
    """
    found: dict[str, bytes] = {}
    heading = shown.table("ranking-hoster").envelope
    pages = intervention_pages(
        study, conclusions.whole, named=named_keys(shown), least=shown.policy.least, under="displacement.html"
    )
    for one in pages:
        stem = one.page.path.rpartition("/")[2].removesuffix(".html")
        own = {table.path.rpartition("-")[2]: table for table in one.page.tables}
        told = [own[name] for name in EVENT_RESULTS if name in own] or [refused_table(one)]
        for table in told:
            path = f"event-{stem}-{table.path.rpartition('-')[2]}"
            found |= {name: file.content for name, file in data_files(replace(table, path=path), heading)}
    return found


def _files(tables: Sequence[Table]) -> Iterator[tuple[str, bytes]]:
    for table in tables:
        yield f"{table.name}.csv", as_csv(table.cls, table.rows).encode()
        yield f"{table.name}.json", as_json(table.cls, table.rows, table.envelope).encode()


def compared(theirs: Mapping[str, bytes], ours: Mapping[str, bytes]) -> list[Compared]:
    """Compare each table of a package with its reproduction.

    Tables that only the reproduction has are listed too.
    """
    names = sorted({name.rpartition(".")[0] for name in {*theirs, *ours}})
    return [_one(name, theirs, ours) for name in names]


def compared_held(theirs: Mapping[str, str], ours: Mapping[str, str]) -> list[Compared]:
    """The same for tables known only by their checksums."""
    names = sorted({name.rpartition(".")[0] for name in {*theirs, *ours}})
    made = []
    for name in names:
        equal = all(theirs.get(f"{name}.{end}") == ours.get(f"{name}.{end}") for end in ("csv", "json"))
        first = "" if equal else "it is withheld: the package has only its checksums"
        made.append(Compared(name=name, equal=equal, first=first))
    return made


def _one(name: str, theirs: Mapping[str, bytes], ours: Mapping[str, bytes]) -> Compared:
    files = [f"{name}.csv", f"{name}.json"]
    if all(theirs.get(file) == ours.get(file) for file in files):
        return Compared(name=name, equal=True)
    for whose, missing in ((theirs, "the package lacks this table"), (ours, "the reproduction lacks this table")):
        if not all(file in whose for file in files):
            return Compared(name=name, equal=False, first=missing)
    try:
        known = json_in(theirs[files[1]])
    except BadJson as problem:
        return Compared(name=name, equal=False, first=f"the package's table cannot be read: {problem}")
    found = list(_differences(known, json_in(ours[files[1]]), ""))
    if not found:  # the same values, written differently
        return Compared(name=name, equal=False, first=_line(theirs[files[0]], ours[files[0]]))
    where, was, is_now = found[0]
    return Compared(
        name=name,
        equal=False,
        differ=len(found),
        first=f"{where}: {_value(was)} -> {_value(is_now)}",
        close=all(_near(a, b) for _, a, b in found),
    )


def _differences(was: Any, is_now: Any, at: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(was, dict) and isinstance(is_now, dict):
        for key in dict.fromkeys((*was, *is_now)):
            yield from _differences(was.get(key), is_now.get(key), f"{at}.{key}" if at else key)
    elif isinstance(was, list) and isinstance(is_now, list) and len(was) == len(is_now):
        for number, (a, b) in enumerate(zip(was, is_now, strict=True), 1):
            yield from _differences(a, b, f"{at} {number}{_named(a, b)}")
    elif isinstance(was, list) and isinstance(is_now, list):
        yield at, f"{len(was):,} of them", f"{len(is_now):,}"
    elif was != is_now or type(was) is not type(is_now):
        yield at, was, is_now


def _named(was: Any, is_now: Any) -> str:
    """The name of a row, where it has one and is the same row in both."""
    names = {str(row["name"]) for row in (was, is_now) if isinstance(row, dict) and row.get("name")}
    return f" ({names.pop()})" if len(names) == 1 else ""


def _near(was: Any, is_now: Any) -> bool:
    numbers = isinstance(was, int | float) and isinstance(is_now, int | float)
    return numbers and isclose(was, is_now, rel_tol=_CLOSE, abs_tol=_CLOSE)


def _line(was: bytes, is_now: bytes) -> str:
    lines = zip(was.split(b"\n"), is_now.split(b"\n"), strict=False)
    number = next((number for number, (a, b) in enumerate(lines, 1) if a != b), 0)
    return (
        f"the same values, written differently from line {number} of the CSV file on" if number else "formatting only"
    )


def _value(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:59]}…"


SHARED_TABLE: Final = "shared-hosters"
"""The only table that daily, prefix-level observations and episodes can reproduce."""


def shared_results(export: Path, scratch: Path) -> dict[str, bytes]:
    """Hosters of an export as files; InputError if damaged."""
    try:
        return _pooled_files(pool(scratch, [export]))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _pooled_files(pooled: Pooled) -> dict[str, bytes]:
    rows = pooled.hosters
    return {
        f"{SHARED_TABLE}.csv": as_csv(PooledHoster, rows).encode(),
        f"{SHARED_TABLE}.json": as_json(PooledHoster, rows, pooled_info(pooled)).encode(),
    }
