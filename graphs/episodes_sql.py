"""Episodes of all URLs by one SQL text, equal to the pure definition."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from itertools import chain
from pathlib import Path
from typing import Any, Final, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from graphs.episodes import RETURNS, UNATTRIBUTED, EpisodeRules, Sighting, UrlHistory, episodes, routed
from waterbed.model.conclusions import Attribution, EndCause, Episode
from waterbed.store.engine import Engine, Source, Value, run

CAUSES: Final[tuple[EndCause, ...]] = get_args(EndCause)
"""Causes of an end; their places are the numbers in the SQL text."""

SQL: Final = (files("graphs") / "episodes.sql").read_text(encoding="utf-8")

LOOKS: Final = pa.schema(
    [
        ("url", pa.int64()),
        ("seq", pa.int64()),
        ("seen_at", pa.int64()),
        ("state", pa.string()),
        ("down", pa.bool_()),
        ("cause", pa.int64()),
        ("attr", pa.int64()),
    ]
)
KNOWN: Final = pa.schema([("url", pa.int64()), ("known_up_at", pa.int64()), ("reports", pa.list_(pa.int64()))])
ATTRS: Final = pa.schema(
    [
        ("attr", pa.int64()),
        ("hosters", pa.list_(pa.string())),
        ("proxy", pa.bool_()),
        ("addresses", pa.list_(pa.string())),
        ("address_hosters", pa.list_(pa.string())),
    ]
)

_START = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds(moment: datetime) -> int:
    """Whole microseconds since 1970."""
    return (moment - _START) // _MICROSECOND


def values(rules: EpisodeRules) -> dict[str, Value]:
    """The parameters of the SQL text."""
    return {
        "until": microseconds(rules.until),
        "leave": max(1, rules.leave_looks),
        "soon": rules.soon // _MICROSECOND,
        "late": rules.late // _MICROSECOND,
        "returns": RETURNS,
        **{cause: CAUSES.index(cause) for cause in ("moved", "masked", "lineage")},
    }


def episode_rows(
    tables: Mapping[str, Source],
    rules: EpisodeRules,
    *,
    folder: Path,
    memory_mb: int = 4096,
    threads: int = 2,
    engine: Engine = "duckdb",
) -> pa.Table:
    """Run the SQL text over tables `looks`, `known` and `attrs`; a row without a hoster names a URL left over."""
    return run(SQL, tables, values(rules), folder=folder, memory_mb=memory_mb, threads=threads, engine=engine)


def set_episodes(
    known: Mapping[str, UrlHistory],
    sightings: Mapping[str, Sequence[Sighting]],
    rules: EpisodeRules,
    *,
    folder: Path,
    memory_mb: int = 4096,
    engine: Engine = "duckdb",
) -> list[Episode]:
    """The same episodes as `all_episodes`, URL by URL, sorted by the time they were known up.

    URLs whose looks at one instant name different hosters are walked through one by one: their order decides, and sets
    have none.
    """
    ids = list(sightings)
    answers = _Answers()
    tables: dict[str, Source] = {
        "looks": _looks(sightings, answers),
        "known": _known([known[url_id] for url_id in ids]),
        "attrs": pa.Table.from_pylist(answers.rows(), schema=ATTRS),
    }
    found: list[Episode] = []
    for row in episode_rows(tables, rules, folder=folder, memory_mb=memory_mb, engine=engine).to_pylist():
        its = known[ids[row["url"]]]
        if row["hoster"] is None:
            found += episodes(its, sightings[its.url_id], rules)
        else:
            found.append(_episode(row, its, answers.distinct[row["attr"]]))
    place = {url_id: n for n, url_id in enumerate(ids)}
    return sorted(found, key=lambda e: (place[e.url_id], e.known_up_at, e.last_up, e.hoster))


@dataclass(slots=True)
class _Answers:
    """Distinct attributions, by all that episodes take of them."""

    distinct: list[Attribution] = field(default_factory=list)
    _number: dict[tuple[object, ...], int] = field(default_factory=dict)

    def numbers(self, answers: Sequence[Attribution | None]) -> list[int | None]:
        """The number of each: by the object's place in memory, so that the same one is looked into once."""
        objects = dict(zip(map(id, answers), answers, strict=True))
        numbers = {place: None if answer is None else self._number_of(answer) for place, answer in objects.items()}
        return list(map(numbers.__getitem__, map(id, answers)))

    def _number_of(self, answer: Attribution) -> int:
        key = (
            answer.hosters,
            answer.origins,
            answer.countries,
            answer.addresses,
            answer.address_hosters,
            answer.prefixes,
            answer.proxy,
        )
        if key not in self._number:
            self._number[key] = len(self.distinct)
            self.distinct.append(answer)
        return self._number[key]

    def rows(self) -> list[dict[str, Any]]:
        return [
            {
                "attr": number,
                "hosters": list(dict.fromkeys(answer.hosters)) or [UNATTRIBUTED],
                "proxy": answer.proxy,
                "addresses": answer.addresses,
                "address_hosters": answer.address_hosters,
            }
            for number, answer in enumerate(self.distinct)
        ]


def _looks(sightings: Mapping[str, Sequence[Sighting]], answers: _Answers) -> pa.Table:
    looks = list(chain.from_iterable(sightings.values()))
    verdicts = [look.verdict for look in looks]
    causes = pa.array([verdict.cause for verdict in verdicts], pa.string())
    up = np.array([verdict.state == "up" for verdict in verdicts], np.int8)
    columns = {
        "url": np.repeat(np.arange(len(sightings)), [len(seen) for seen in sightings.values()]),
        "seq": np.arange(len(looks)),
        "seen_at": _times([verdict.observed_at for verdict in verdicts]),
        "state": pa.array(["unknown", "up"]).take(pa.array(up)),  # confirmed or not, a loss is told by `down`
        "down": [look.down for look in looks],
        "cause": pc.index_in(causes, value_set=pa.array(CAUSES)),
        "attr": answers.numbers([look.attribution for look in looks]),
    }
    return pa.table(columns, schema=LOOKS)


def _known(urls: Sequence[UrlHistory]) -> pa.Table:
    ends = np.cumsum([0, *(len(its.reported) for its in urls)], dtype=np.int32)
    reports = _times([moment for its in urls for moment in its.reported])
    columns = {
        "url": np.arange(len(urls)),
        "known_up_at": _times([its.known_up_at for its in urls]),
        "reports": pa.ListArray.from_arrays(pa.array(ends), reports),
    }
    return pa.table(columns, schema=KNOWN)


def _times(moments: Sequence[datetime]) -> pa.Array:
    # seconds since 1970 as floating-point numbers are exact to a quarter of a microsecond until 2242
    seconds = np.fromiter(map(datetime.timestamp, moments), np.float64, len(moments))
    return pa.array(np.rint(seconds * 1e6).astype(np.int64))


def _moment(value: int | None) -> datetime | None:
    return None if value is None else _START + value * _MICROSECOND


def _episode(row: Mapping[str, Any], its: UrlHistory, answer: Attribution) -> Episode:
    return Episode(
        url_id=its.url_id,
        content_id=its.content_id,
        site_id=its.site_id,
        hoster=row["hoster"],
        hosters=answer.hosters,
        origins=answer.origins,
        countries=answer.countries,
        addresses=answer.addresses,
        prefixes=routed(answer),
        proxy=answer.proxy,
        known_up_at=_START + row["known_up_at"] * _MICROSECOND,
        reported_at=_moment(row["reported_at"]),
        absent_at=_moment(row["absent_at"]),
        first_up=_moment(row["first_up"]),
        last_up=_START + row["last_up"] * _MICROSECOND,
        first_down=_moment(row["first_down"]),
        cause=None if row["cause"] is None else CAUSES[row["cause"]],
        looks=row["looks"],
        unknown_looks=row["unknown_looks"],
    )
