"""Hops of all contents by one SQL text, equal to the pure definition."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from graphs.episodes_sql import CAUSES, microseconds
from graphs.hop_sources import REACH
from graphs.hops import HopContext, hop_between
from waterbed.model.conclusions import Episode, Hop
from waterbed.store.engine import Engine, Source, Value, run

SQL: Final = (files("graphs") / "hops.sql").read_text(encoding="utf-8")

EPISODES: Final = pa.schema(
    [
        ("ep", pa.int64()),
        ("url", pa.int64()),
        ("hoster", pa.string()),
        ("attr", pa.int64()),
        ("known_up_at", pa.int64()),
        ("absent_at", pa.int64()),
        ("last_up", pa.int64()),
        ("first_down", pa.int64()),
        ("cause", pa.int64()),
    ]
)
CONTENTS: Final = pa.schema([(name, pa.int64()) for name in ("url", "content", "label", "site")])
ANSWERS: Final = pa.schema(
    [
        ("attr", pa.int64()),
        ("proxy", pa.bool_()),
        ("addresses", pa.list_(pa.string())),
        ("prefixes", pa.list_(pa.string())),
        ("origins", pa.list_(pa.int64())),
        ("countries", pa.list_(pa.string())),
    ]
)
SEATS: Final = pa.schema([("hoster", pa.string()), ("country", pa.string())])
REDIRECTS: Final = pa.schema([("old_url", pa.int64()), ("new_url", pa.int64())])


def hop_rows(
    tables: Mapping[str, Source],
    home: str,
    *,
    folder: Path,
    memory_mb: int = 4096,
    threads: int = 2,
    engine: Engine = "duckdb",
) -> pa.Table:
    """Run the SQL text over its five tables: each hop by the numbers of its two episodes."""
    values: dict[str, Value] = {cause: CAUSES.index(cause) for cause in ("moved", "masked", "lost", "lineage")}
    values |= {"home": home, "reach": REACH}
    return run(SQL, tables, values, folder=folder, memory_mb=memory_mb, threads=threads, engine=engine)


def set_hops(
    episodes: Iterable[Episode], frame: HopContext, *, folder: Path, memory_mb: int = 4096, engine: Engine = "duckdb"
) -> list[Hop]:
    """The same hops as `find_hops`, sorted by content, arrival and URL."""
    every = list(episodes)
    numbers = {url_id: n for n, url_id in enumerate(sorted({e.url_id for e in every}))}
    tables = _tables(every, numbers, frame)
    found = hop_rows(tables, frame.home, folder=folder, memory_mb=memory_mb, engine=engine).to_pylist()
    hops = [
        replace(
            hop_between(
                every[row["left_ep"]], every[row["ep"]], frame, row["kind"], row["order"], sources=row["sources"]
            ),
            levels=tuple(row["levels"]),
        )
        for row in found
    ]
    return sorted(hops, key=lambda hop: (hop.content_id, hop.arrived_before, hop.to_url_id, hop.to_hoster))


def _tables(every: list[Episode], numbers: Mapping[str, int], frame: HopContext) -> dict[str, Source]:
    urls = {e.url_id: e for e in every}
    contents, sites = _numbered(e.content_id for e in every), _numbered(e.site_id for e in every)
    labels = _numbered(frame.labels.values())
    moments = ("known_up_at", "absent_at", "last_up", "first_down")
    rows: dict[str, list[dict[str, Any]]] = {
        "episodes": [
            {
                "ep": n,
                "url": numbers[e.url_id],
                "hoster": e.hoster,
                "attr": n,
                "cause": None if e.cause is None else CAUSES.index(e.cause),
                **{name: None if getattr(e, name) is None else microseconds(getattr(e, name)) for name in moments},
            }
            for n, e in enumerate(every)
        ],
        "contents": [
            {
                "url": numbers[url_id],
                "content": contents[e.content_id],
                "label": labels.get(frame.labels.get(url_id, "")),
                "site": sites[e.site_id],
            }
            for url_id, e in urls.items()
        ],
        "attrs": [{"attr": n, **{name: getattr(e, name) for name in ANSWERS.names[1:]}} for n, e in enumerate(every)],
        "seats": [{"hoster": hoster, "country": country} for hoster, country in frame.seats.items()],
        "redirects": [
            {"old_url": numbers[old], "new_url": number}
            for url_id, number in numbers.items()
            for old in dict(frame.clusters.redirecting_to(url_id))
            if old in numbers
        ],
    }
    schemas = {"episodes": EPISODES, "contents": CONTENTS, "attrs": ANSWERS, "seats": SEATS, "redirects": REDIRECTS}
    return {name: pa.Table.from_pylist(rows[name], schema=schema) for name, schema in schemas.items()}


def _numbered(texts: Iterable[str]) -> dict[str, int]:
    return {text: n for n, text in enumerate(dict.fromkeys(texts))}
