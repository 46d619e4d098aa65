"""All looks of a study as columns, by SQL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from waterbed.judging.around import Neighbours, canary_states, classes_before
from waterbed.judging.columns import SEEN, Array, Coder, Columns, joined, kinds_of
from waterbed.judging.walk import Walk
from waterbed.model.facts import ControlLook, Observation, Resolution
from waterbed.store.config import Config
from waterbed.store.engine import Part, Sql
from waterbed.store.lake.rows import in_sql
from waterbed.study.facts import Facts

LOOKS: Final = (Path(__file__).parent / "looks.sql").read_text()
_READ: Final[Mapping[type, Sequence[str]]] = {
    Observation: (
        *("url_id", "observed_at", "vantage", "network", "address", "resolution_id", "control_id", "profile"),
        *("phase", "failure", "status", "method", "marks", "redirect", "redirect_site_id", "head_status"),
        *("link_check", "link_exists", "authenticated", "media_type", "content_length", "etag_id"),
        *("public_key_id", "certificate_id", "tls_version", "tls_problem", "tls_trust"),
    ),
    ControlLook: (
        *("host_id", "observed_at", "vantage", "failure", "status", "media_type", "content_length", "etag_id"),
        *("redirect", "redirect_site_id", "unstable"),
    ),
    Resolution: ("addresses", "tags"),
}
_AT_ONCE: Final = 200_000
"""Looks in one batch."""
_USABLE: Final = """
SELECT target.host, epoch_us(observed_at) AS at, arg_max(status // 100, control_id) AS class
FROM control_look JOIN (SELECT DISTINCT host_id, host FROM target) AS target USING (host_id)
WHERE failure IS NULL AND status IS NOT NULL AND NOT list_contains(unstable, 'status')
GROUP BY ALL
"""
_NEWEST: Final = """
SELECT address, host, max({'since': since, 'id': control_id, 'class': class}) AS newest FROM (
  SELECT look.address, control.host_id AS host, epoch_us(control.observed_at) AS since, control.control_id,
    control.status // 100 AS class
  FROM observation AS look JOIN target USING (url_id) JOIN control_look AS control USING (control_id)
  WHERE look.address IS NOT NULL AND control.failure IS NULL AND control.status IS NOT NULL
    AND NOT list_contains(control.unstable, 'status')
) GROUP BY ALL
"""


@dataclass(slots=True, kw_only=True)
class Looks:
    """All looks that count, sorted by URL and time.

    `urls` are the ids of all URLs, in order; the columns give places in it. `neighbours` is the class of each look's
    neighbours, 0 without one or where its host told its own.
    """

    urls: Sequence[str]
    sites: Array
    """The site of each URL, as a number."""
    columns: Columns
    coder: Coder
    seen: Array
    """The kind of each look, as the walk numbers it."""
    neighbours: Array
    walk: Walk
    starts: Array = field(init=False)
    """Where the looks of each URL begin, and the end."""

    def __post_init__(self) -> None:
        """Find the looks of each URL."""
        self.starts = np.searchsorted(self.columns.url, np.arange(len(self.urls) + 1))

    def __len__(self) -> int:
        """The number of looks."""
        return len(self.columns)

    def of_url(self, number: int) -> slice:
        """The places of a URL's looks."""
        return slice(int(self.starts[number]), int(self.starts[number + 1]))


def read_looks(facts: Facts, config: Config, walk: Walk) -> Looks:
    """Read all looks at URLs that count."""
    urls = sorted(facts.targets)
    targets = [facts.targets[url_id] for url_id in urls]
    hosts = _numbered([target.host_id for target in targets])
    known = pa.table(
        {
            "url_id": pa.array(urls, pa.string()),
            "number": pa.array(range(len(urls)), pa.int32()),
            "host_id": pa.array([target.host_id for target in targets], pa.string()),
            "host": pa.array(hosts, pa.int32()),
        }
    )

    def read(parts: Mapping[type, Part]) -> Looks:
        with in_sql(parts, _READ, folder=facts.place, engine=config.engine) as sql:
            sql.add("target", known)
            return _looks(sql, facts, config, walk, urls, _numbered([target.site_id for target in targets]))

    return facts.rows([Observation, ControlLook, Resolution], read)


def _looks(sql: Sql, facts: Facts, config: Config, walk: Walk, urls: Sequence[str], sites: Array) -> Looks:
    coder = Coder()
    columns = joined([coder.columns(batch) for batch in sql.batches(LOOKS, _AT_ONCE)]).in_order()
    hosts, times, classes = _usable(sql)
    host_class = classes_before(columns.host, columns.at, hosts, times, classes)
    canary = canary_states(
        columns,
        coder.vantages.values,
        facts.canaries,
        within_s=config.judge.canary_within_s,
        need=config.canary.need,
    )
    kinds, number = kinds_of(columns, coder.seen.values, host_class, canary)
    controlled = np.array([row[SEEN.index("controlled")] for row in coder.seen.values] or [False], bool)
    asking = np.flatnonzero(~controlled[columns.seen] & (host_class == 0))
    neighbours = np.zeros(len(columns), np.int8)
    if len(asking):
        rows = sql.table(_NEWEST).to_pylist()
        newest = Neighbours((row["address"], row["host"], *row["newest"].values()) for row in rows)
        neighbours = newest.classes(columns, coder.address.values, asking)
    return Looks(
        urls=urls,
        sites=sites,
        columns=columns,
        coder=coder,
        seen=walk.kinds(kinds)[number] if kinds else np.zeros(0, np.int64),
        neighbours=neighbours,
        walk=walk,
    )


def _usable(sql: Sql) -> tuple[Array, Array, Array]:
    """Host, time and class of all usable controls, sorted by host and time."""
    found = sql.table(_USABLE)
    host, at, status_class = (np.asarray(found.column(name)) for name in ("host", "at", "class"))
    order = np.lexsort((at, host))
    return host[order], at[order], status_class[order]


def _numbered(ids: Sequence[str]) -> Array:
    """The same number for the same id."""
    known: dict[Any, int] = {}
    return np.array([known.setdefault(one, len(known)) for one in ids], np.int32)
