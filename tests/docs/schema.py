"""Writes docs/schema.md from the dataclasses: `python -m tests.docs.schema > docs/schema.md`."""

import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import groupby
from typing import Any, Final, NamedTuple, get_origin

from waterbed.governance.agreement import Agreement
from waterbed.graphs.label_hops import LabelRow, NearRow
from waterbed.graphs.network.flows import Flow, FlowShare
from waterbed.model.bookkeeping import STORED
from waterbed.model.codec import columns, public_name
from waterbed.model.conclusions import (
    Attribution,
    ChainLink,
    Episode,
    ExternalEpisode,
    Hop,
    Quarantine,
    RankingRow,
    Size,
    Verdict,
)
from waterbed.model.governance import EditionRow
from waterbed.model.results import (
    BorrowedRow,
    ChangeRow,
    EventCurveRow,
    FeedCard,
    FeedRow,
    PlaceRow,
    PooledHoster,
    Provenance,
    SharedEpisode,
    SharedLook,
    VolumeRow,
    WindowShare,
)
from waterbed.model.specifications import ConclusionRow, CurveRow, FlipRow, LevelRow, ValueRow
from waterbed.model.table import TableInfo
from waterbed.model.takedown import (
    AddressedNotice,
    Case,
    CauseShare,
    ComplianceRow,
    ComplianceTrend,
    Duration,
    Overdue,
    Reconciled,
    TakedownClock,
    Unanswered,
)
from waterbed.publish.site.hop_files import CellRow, LevelChain, LevelFlow, LevelMeasure, LevelPlace, WeekHops
from waterbed.publish.site.hoster import CurveHour, SheetNumbers
from waterbed.publish.site.overview import CurvePoint, Passage, Total
from waterbed.publish.site.quality import CanaryDay, CanaryRecord, DatedTable, Held, Lag, Outcome
from waterbed.questions.intervention.page import Line
from waterbed.record.coding.effect import EffectRow
from waterbed.record.coding.queues import Waiting
from waterbed.store.tables import table_name
from waterbed.study.formats import row_schema

CONCLUSIONS: tuple[type, ...] = (
    Verdict,
    Attribution,
    ChainLink,
    Episode,
    ExternalEpisode,
    Hop,
    Quarantine,
    LabelRow,
    NearRow,
    RankingRow,
    Size,
    AddressedNotice,
    TakedownClock,
    ComplianceRow,
    ComplianceTrend,
    Unanswered,
    Overdue,
    CauseShare,
    Duration,
    Case,
    Reconciled,
    VolumeRow,
    WindowShare,
    ChangeRow,
    EditionRow,
    EventCurveRow,
    PlaceRow,
    BorrowedRow,
    FeedRow,
    FeedCard,
    ConclusionRow,
    FlipRow,
    LevelRow,
    CurveRow,
    ValueRow,
    Flow,
    FlowShare,
    SharedLook,
    SharedEpisode,
    PooledHoster,
    Provenance,
    Waiting,
    Agreement,
    EffectRow,
)

PAGES: dict[str, type] = {
    "data/totals": Total,
    "data/curves": CurvePoint,
    "data/passages": Passage,
    "data/hop-flows": LevelFlow,
    "data/hop-places": LevelPlace,
    "data/hop-weeks": WeekHops,
    "data/hop-cells": CellRow,
    "data/hop-measures": LevelMeasure,
    "data/hop-chains": LevelChain,
    "data/canaries": CanaryRecord,
    "data/canary-days": CanaryDay,
    "data/quarantines": Held,
    "data/schedule": Lag,
    "data/outcomes": Outcome,
    "data/tables-used": DatedTable,
    "hosters/KEY-curves": CurveHour,
    "hosters/KEY-numbers": SheetNumbers,
    "interventions/NAME-curves": EventCurveRow,
    "interventions/NAME-declared": Line,
}
"""Rows beside the pages, by path; further ones are of classes above."""

_TYPES = {
    str: "text",
    int: "integer",
    float: "number",
    bool: "boolean",
    bytes: "bytes",
    datetime: "time",
    tuple: "list",
}
_MANY: Final = 3
"""A column that this many tables have alike is described once."""
_LONG: Final = 5
"""A list of so many values that returns is given once."""


class Column(NamedTuple):
    """A column as the page shows it."""

    name: str
    kind: str
    meaning: str
    values: tuple[str, ...]


_HEAD = """\
# Schema

Made by `python -m tests.docs.schema > docs/schema.md` from the dataclasses in `waterbed/model`; do not edit it.

Columns are text unless a type is named; a type with `?` may be null. A *time* is aware UTC: whole microseconds since
1970 in the store, ISO 8601 in exports. A *list* is stored as JSON text. Ids of URLs, hosts, sites and contents are
keyed, 32 hex digits; no column holds a URL or a host name in the clear. [ontology.md](ontology.md) defines the words.

## Common columns

Many tables have these columns:
"""

_VALUES = """\
## Values

Lists of values that several columns share:
"""

_FACTS = """\
## Stored tables

The study's store, SQLite or PostgreSQL. Facts are only ever added; only `due`, the schedule, changes.
"""

_CONCLUSIONS = """\
## Conclusions

Never stored: each command recomputes them from the facts. `verdicts`, `episodes`, `hops`, `rank` and `sizes` print
them.
"""

_PAGES = """\
## Beside the pages

Rows behind figures and tables of the pages ([pages.md](pages.md)), as CSV and JSON. `hosters/KEY-shares` has the
columns of [CauseShare](#causeshare).
"""

_ENVELOPE = """\
## TableInfo

The JSON and Parquet forms of a table carry these fields beside its rows.
"""


def schema_text() -> str:
    """The whole of docs/schema.md."""
    shared, lists = _shared(), _lists()
    named = "\n".join(f"- `{name}`: {_spelled(values)}" for values, name in lists.items())
    parts = [_HEAD, "\n".join(_list(list(shared.values()), {}, lists)), _VALUES, named, _FACTS]
    parts += ["\n".join(_section(cls, f"`{table_name(cls)}`", shared, lists)) for cls in STORED]
    parts += [_CONCLUSIONS]
    parts += ["\n".join(_section(cls, f"`{cls.__name__}`", shared, lists)) for cls in CONCLUSIONS]
    parts += [_PAGES]
    parts += ["\n".join(_section(cls, f"`{path}`", shared, lists)) for path, cls in PAGES.items()]
    parts += [_ENVELOPE, "\n".join(_list(_columns(TableInfo), shared, lists))]
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def _columns(cls: type) -> list[Column]:
    described = row_schema(cls)["properties"]
    found = []
    for field, (kind, nullable, meaning) in columns(cls).items():
        name = public_name(cls, field)
        values = tuple(value for value in described[name].get("enum", ()) if value is not None)
        spelled = "map of texts" if get_origin(kind) is Mapping else _TYPES[kind]
        found.append(Column(name, spelled + "?" * nullable, meaning, values))
    return found


def _own(cls: type) -> tuple[type | None, list[Column]]:
    """The class whose columns a class begins with, and its own further ones."""
    mine = _columns(cls)
    for other in CONCLUSIONS[: CONCLUSIONS.index(cls)] if cls in CONCLUSIONS else ():
        theirs = _columns(other)
        if mine[: len(theirs)] == theirs:
            return other, mine[len(theirs) :]
    return None, mine


def _all() -> list[list[Column]]:
    return [_own(cls)[1] for cls in dict.fromkeys((*STORED, *CONCLUSIONS, *PAGES.values(), TableInfo))]


def _shared() -> dict[str, Column]:
    """The commonest column of each name that many tables have alike, in the order of their tables."""
    counted = Counter(column for table in _all() for column in table)
    best: dict[str, Column] = {}
    for column, tables in counted.items():
        if tables >= _MANY and tables > counted.get(best.get(column.name, column), 0) * (column.name in best):
            best[column.name] = column
    return best


def _lists() -> dict[tuple[str, ...], str]:
    """The long lists of values that return, with the name of the first column that has each."""
    found = [column for table in _all() for column in table if len(column.values) >= _LONG and not _plain(column)]
    often = Counter(column.values for column in found)
    return {column.values: column.name for column in reversed(found) if often[column.values] > 1}


def _plain(column: Column) -> bool:
    """Whether a column's meaning names all of its values."""
    return all(re.search(rf"(?<![\w-]){re.escape(value)}(?![\w-])", column.meaning) for value in column.values)


def _section(cls: Any, title: str, shared: dict[str, Column], lists: dict[tuple[str, ...], str]) -> Iterator[str]:
    yield f"### {title}"
    yield ""
    if cls in CONCLUSIONS and title != f"`{cls.__name__}`":
        yield f"Columns of [{cls.__name__}](#{cls.__name__.lower()})."
        return
    yield from (line.strip() for line in (cls.__doc__ or "").strip().splitlines())
    yield ""
    if cls in STORED:
        further = "; ".join(", ".join(f"`{name}`" for name in index) for index in cls.INDEX)
        key = ", ".join(f"`{name}`" for name in cls.KEY)
        yield f"Class `{cls.__name__}`. Key: {key}." + (f" Indexed by: {further}." if further else "")
        yield ""
    base, own = _own(cls)
    if base:
        yield f"Columns of [{base.__name__}](#{base.__name__.lower()}), then:"
        yield ""
    yield from _list(own, shared, lists)


def _list(rows: list[Column], shared: dict[str, Column], lists: dict[tuple[str, ...], str]) -> Iterator[str]:
    for common, group in groupby(rows, lambda column: shared.get(column.name) == column):
        if common:
            yield f"- {_spelled([column.name for column in group])}: [common](#common-columns)"
        else:
            yield from (_item(column, lists) for column in group)


def _item(column: Column, lists: dict[tuple[str, ...], str]) -> str:
    told = ""
    if not _plain(column):
        listed = column.values in lists
        told = f" ([values](#values) of `{lists[column.values]}`)" if listed else f" ({_spelled(column.values)})"
    kind = "" if column.kind == "text" else f" *{column.kind}*"
    return f"- `{column.name}`{kind}: {column.meaning}{told}"


def _spelled(values: Iterable[str]) -> str:
    return ", ".join(f"`{value}`" for value in values)


if __name__ == "__main__":
    sys.stdout.write(schema_text())
