"""Writes docs/schema.md from the dataclasses: `python -m tests.docs.schema > docs/schema.md`."""

import sys
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, get_origin

from graphs.label_hops import LabelRow, NearRow
from graphs.network.flows import Flow, FlowShare
from waterbed.analysis.coding.agreement import Agreement
from waterbed.analysis.coding.effect import EffectRow
from waterbed.analysis.coding.queues import Waiting
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
from waterbed.model.results import (
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
from waterbed.publish.site.interventions import Line
from waterbed.publish.site.overview import CurvePoint, Passage, Total
from waterbed.publish.site.quality import CanaryDay, CanaryRecord, DatedTable, Held, Lag, Outcome
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
    EventCurveRow,
    PlaceRow,
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

_HEAD = """\
# Schema

This file is made by `python -m tests.docs.schema > docs/schema.md`. Do not edit it: a test fails when it differs from
the dataclasses in `waterbed/model`.

Types: *text*, *integer*, *number*, *boolean*, *bytes*; a *time* is aware UTC, stored as whole microseconds since 1970
and exported as ISO 8601; a *list* is stored as JSON text. An empty cell under "null" means that the column always
holds a value. Ids of URLs, hosts, sites and contents are keyed, 32 hex digits; no column holds a URL or a host name in
the clear. For the meaning of the words see [ontology.md](ontology.md).
"""

_FACTS = """\
## Stored tables

The tables of the study's store, SQLite or PostgreSQL. Facts are only ever added; the one table that changes is `due`,
the schedule.
"""

_CONCLUSIONS = """\
## Conclusions

Nothing here is stored. Each is recomputed from the facts whenever it is asked for. `verdicts`, `episodes`, `hops`,
`rank` and `sizes` print them.
"""

_PAGES = """\
## Beside the pages

Rows behind figures and tables of the pages ([pages.md](pages.md)), each as CSV and JSON. `hosters/KEY-shares` has the
columns of [CauseShare](#causeshare).
"""

_ENVELOPE = """\
## TableInfo

The JSON and Parquet forms of a table carry these fields beside the rows, so that its numbers can be compared with
others.
"""


def schema_text() -> str:
    """The whole of docs/schema.md."""
    parts = [_HEAD, _FACTS]
    parts += ["\n".join(_section(cls, f"`{table_name(cls)}`", stored=True)) for cls in STORED]
    parts += [_CONCLUSIONS]
    parts += ["\n".join(_section(cls, f"`{cls.__name__}`", stored=False)) for cls in CONCLUSIONS]
    parts += [_PAGES]
    parts += ["\n".join(_section(cls, f"`{path}`", stored=False)) for path, cls in PAGES.items()]
    parts += [_ENVELOPE, "\n".join(_rows(TableInfo))]
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def _section(cls: Any, title: str, *, stored: bool) -> Iterator[str]:
    yield f"### {title}"
    yield ""
    yield from (line.strip() for line in (cls.__doc__ or "").strip().splitlines())
    yield ""
    if stored:
        further = "; ".join(", ".join(f"`{name}`" for name in index) for index in cls.INDEX)
        key = ", ".join(f"`{name}`" for name in cls.KEY)
        yield f"Class `{cls.__name__}`. Key: {key}." + (f" Indexed by: {further}." if further else "")
        yield ""
    yield from _rows(cls)


def _rows(cls: type) -> Iterator[str]:
    yield "| column | type | null | meaning |"
    yield "| --- | --- | --- | --- |"
    described = row_schema(cls)["properties"]
    for field, (kind, nullable, meaning) in columns(cls).items():
        name = public_name(cls, field)
        allowed = [value for value in described[name].get("enum", ()) if value is not None]
        values = f" ({', '.join(f'`{value}`' for value in allowed)})" if allowed else ""
        kind_name = "map of texts" if get_origin(kind) is Mapping else _TYPES[kind]
        yield f"| `{name}` | {kind_name} | {'yes' if nullable else ''} | {meaning}{values} |"


if __name__ == "__main__":
    sys.stdout.write(schema_text())
