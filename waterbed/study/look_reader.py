"""Reads looks by SQL, and judges block by block."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from waterbed.judging.around import CanaryStates, HostClasses, Neighbours
from waterbed.judging.columns import NOTHING, SEEN, Array, Coder, Columns, kinds_of
from waterbed.judging.rules import RuleSet
from waterbed.judging.vantages import combine
from waterbed.judging.walk import Walk
from waterbed.model.conclusions import Verdict
from waterbed.model.facts import ControlLook, Observation, Resolution
from waterbed.model.progress import stage
from waterbed.model.urls import network_of
from waterbed.store.config import Config
from waterbed.store.engine import Duck, Part
from waterbed.store.forked import in_processes
from waterbed.store.lake.rows import in_sql, in_stretches, stretches
from waterbed.store.spark import on_spark
from waterbed.store.spool import Spool
from waterbed.study import link_signs
from waterbed.study.facts import Facts
from waterbed.study.link_signs import SIGNS, LookSigns
from waterbed.study.looks import IN_BLOCK, Looks, block_of_url

LOOKS: Final = (Path(__file__).parent / "looks.sql").read_text()
_READ: Final[Mapping[type, Sequence[str]]] = {
    Observation: (
        *link_signs.READ[Observation],
        *("url_id", "observed_at", "vantage", "network", "agent_id", "address"),
        *("resolution_id", "control_id", "profile"),
        *("phase", "failure", "status", "method", "marks", "redirect", "redirect_site_id", "head_status"),
        *("link_check", "link_exists", "authenticated", "media_type", "content_length", "etag_id"),
        *("public_key_id", "certificate_id", "tls_version", "tls_problem", "tls_trust"),
    ),
    ControlLook: (
        *("host_id", "observed_at", "vantage", "failure", "status", "media_type", "content_length", "etag_id"),
        *("redirect", "redirect_site_id", "unstable"),
    ),
    Resolution: ("addresses", "tags", "name_server_ids"),
}
Item = TypeVar("Item")
Result = TypeVar("Result")
_AT_ONCE: Final = 100_000
"""Looks in one batch."""
SHARED: Final = 2_000_000
"""Looks from which several processes share the work: each takes some hundred MB."""
_USABLE: Final = """
SELECT host, since, class FROM (
  SELECT host, since, class, lag(class) OVER (PARTITION BY host ORDER BY since) AS class_before FROM (
    SELECT target.host, epoch_us(observed_at) AS since, arg_max(status // 100, control_id) AS class
    FROM control_look JOIN (SELECT DISTINCT host_id, host FROM target) AS target USING (host_id)
    WHERE failure IS NULL AND status IS NOT NULL AND NOT list_contains(unstable, 'status')
    GROUP BY ALL
  ) AS usable
) AS told WHERE class_before IS DISTINCT FROM class
"""
_NEWEST: Final = """
SELECT address, host, max({'since': since, 'id': control_id, 'class': class}) AS newest FROM (
  SELECT look.address, control.host_id AS host, epoch_us(control.observed_at) AS since, control.control_id,
    control.status // 100 AS class
  FROM observation AS look JOIN near ON look.address = near.address JOIN target USING (url_id)
    JOIN control_look AS control USING (control_id)
  WHERE control.failure IS NULL AND control.status IS NOT NULL
    AND NOT list_contains(control.unstable, 'status')
) GROUP BY ALL
"""
_THIN: Final = ("url", "at", "vantage", "address", "addresses", "tags", "id")
"""What is kept of a look's columns once it is judged."""


@dataclass(slots=True, kw_only=True)
class _Coded:
    """The looks of some days as numbers, by block, with the coder that numbered them."""

    coder: Coder = field(default_factory=Coder)
    pieces: list[tuple[int, Columns]] = field(default_factory=list)
    usable: list[pa.Table] = field(default_factory=list)
    signs: list[pa.Table] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    """Looks whose resolution or control is of other days."""


@dataclass(slots=True, kw_only=True)
class _JudgedColumns:
    """The looks of a block, sorted, with the distinct verdicts on them and the number of each look's among these."""

    columns: Columns
    answered: Array
    verdicts: list[Verdict]
    numbers: Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """The beginning of reading looks at some URLs alone."""

    known: pa.Table
    """`url_id` and `site_id` of all URLs."""
    usable: pa.Table
    """`host_id`, `since` and `class` of usable controls that are not read again."""


class _Reader:
    """Reads looks by SQL, puts them into blocks, and judges block by block."""

    def __init__(self, facts: Facts, config: Config, walk: Walk, processes: int, before: Before | None = None) -> None:
        self.facts, self.config, self.walk, self.processes, self.before = facts, config, walk, processes, before
        self.urls = sorted(facts.targets)
        targets = [facts.targets[url_id] for url_id in self.urls]
        self.sites = _numbered([target.site_id for target in targets])
        self.target = pa.table(
            {
                "url_id": pa.array(self.urls, pa.string()),
                "number": pa.array(np.arange(len(self.urls), dtype=np.int64)),
                "host_id": pa.array([target.host_id for target in targets], pa.string()),
                "host": pa.array(_numbered([target.host_id for target in targets])),
                "site_id": pa.array([target.site_id for target in targets], pa.string()),
            }
        )
        self.known = self.target.select(["url_id", "site_id"]) if before is None else before.known
        self.canaries = CanaryStates(facts.canaries, within_s=config.judge.canary_within_s, need=config.canary.need)
        self.neighbours: Neighbours | None = None
        self.opening: Any = {"folder": facts.place, "beside": len(self.urls)}

    def read(self) -> Looks:
        """Read and judge all."""
        self.facts.rows([Observation, ControlLook, Resolution], self._code)
        kept, lengths, spans = Spool(self.facts.place), [0] * self.blocks, list[int]()
        with stage("checks judged", self.rows) as advance:
            for number, its in self._each_judged(self.coded.numbers()):
                columns, walk = its.columns, self.walk
                self.coded.pop(number)
                self.signs.of_block(columns, its.answered)
                verdicts = np.array([walk.number(verdict) for verdict in its.verdicts], np.int32)[its.numbers]
                kept.add(number, {**{name: getattr(columns, name) for name in _THIN}, "verdicts": verdicts})
                lengths[number] = len(columns)
                spans += [int(columns.at.min()), int(columns.at.max())]
                advance(len(columns))
        self.coder.pack()
        return Looks(
            urls=self.urls,
            sites=self.sites,
            coder=self.coder,
            walk=self.walk,
            folder=self.facts.place,
            kept=kept,
            lengths=lengths,
            span=(min(spans), max(spans)) if spans else None,
            link_signs=self.signs,
            usable=self._usable_of_all(),
            neighbours_asked=self.neighbours is not None,
        )

    def __getstate__(self) -> dict[str, Any]:
        """What workers of a cluster need: not the facts, which are read here."""
        here = ("facts", "coded", "signs", "before", "usable")
        return {name: value for name, value in self.__dict__.items() if name not in here}

    def _shared(
        self, work: Callable[[Any], Result], items: Sequence[Item], load: Callable[[Item], Any] = lambda item: item
    ) -> Iterator[Result]:
        """The results of work on what each item loads, in order; other processes or a cluster share much work."""
        if self.config.engine == "spark":
            return on_spark(work, map(load, items), self.facts.place)
        return in_processes(lambda item: work(load(item)), items, self.processes if self.rows >= SHARED else 1)

    def _each_judged(self, numbers: Sequence[int]) -> Iterator[tuple[int, _JudgedColumns]]:
        """All blocks; last those that ask for neighbours, which other processes cannot read."""
        left, asked = list(numbers), list[Array]()
        while left:
            again = []
            for number, its in zip(left, self._shared(self._judged, left, self.coded.get), strict=True):
                if isinstance(its, _JudgedColumns):
                    yield number, its
                else:
                    again.append(number)
                    asked.append(its)
            left = again
            if left:
                self._read_neighbours(np.unique(np.concatenate(asked)))

    def _code(self, parts: Mapping[type, Part]) -> None:
        self.coder, self.coded = Coder(), Spool(self.facts.place)
        self.signs, usable = LookSigns(self.urls, self.facts.place), list[pa.Table]()
        self.rows = sum(parts[Observation].rows.values())
        self.blocks = max(1, -(-self.rows // IN_BLOCK))
        on_cluster = self.config.engine == "spark"
        sealed, left = list[Mapping[type, Part]](), list[Mapping[type, Part]]()
        for own in stretches(parts, Observation):
            (left if any(part.here if on_cluster else part.stored for part in own.values()) else sealed).append(own)
        alone = on_cluster or (self.processes > 1 and self.rows >= SHARED)
        with stage("checks read", self.rows) as advance:
            for own, coded in chain(
                zip(sealed, self._shared(partial(self._coded, threads=1 if alone else 2), sealed), strict=True),
                ((own, self._coded(own)) for own in left),
            ):
                pieces = [coded]
                if coded.lost:
                    pieces.append(self._lost(own[Observation], coded.lost, parts))
                for piece in pieces:
                    usable += piece.usable
                    self.signs.of_stretch(piece.signs)
                    renumber = self.coder.renumbering(piece.coder)
                    for number, columns in piece.pieces:
                        self.coded.add(number, renumber(columns).named())
                        advance(len(columns))
        self.usable = _usable([*usable, *self._usable_before()])
        self.hosts = HostClasses(*self.usable)

    def _usable_before(self) -> Iterator[pa.Table]:
        """The usable controls of these hosts that are not read again."""
        if self.before is not None:
            numbers = dict(zip(*(self.target.column(name).to_pylist() for name in ("host_id", "host")), strict=True))
            told = self.before.usable
            known = told.filter(pc.is_in(told.column("host_id"), self.target.column("host_id").combine_chunks()))
            host = pa.array([numbers[one] for one in known.column("host_id").to_pylist()], pa.int64())
            yield known.set_column(0, "host", host)

    def _usable_of_all(self) -> pa.Table:
        """Time and class of each host's usable controls where the class changes."""
        host, since, status_class = self.usable
        _, first = np.unique(np.asarray(self.target.column("host")), return_index=True)
        names = self.target.column("host_id").take(pa.array(first))
        return pa.table({"host_id": names.take(pa.array(host)), "since": since, "class": status_class.astype(np.int64)})

    def _coded(self, own: Mapping[type, Part], threads: int = 2) -> _Coded:
        """The looks of a stretch of days, but for those that are lost."""
        with in_sql(own, _READ, **self.opening, threads=threads) as sql:
            found = _Coded(usable=[])
            self._take(sql, found, all_=False)
            found.usable.append(sql.table(_USABLE))
        return found

    def _lost(self, looks: Part, lost: Sequence[str], parts: Mapping[type, Part]) -> _Coded:
        """The looks of a stretch whose resolution or control is of other days."""
        found = _Coded()
        with in_sql({Observation: looks}, _READ, **self.opening) as sql:
            sql.add("lost", pa.table({"observation_id": pa.array(lost, pa.string())}))
            wanted = sql.table("SELECT * FROM observation WHERE observation_id IN (SELECT observation_id FROM lost)")

        def take(parts: Mapping[type, Part]) -> _Coded:
            with in_sql({**parts, Observation: Part.of(wanted)}, _READ, **self.opening) as sql:
                self._take(sql, found, all_=True)
            return found

        if self.facts.since is None:
            return take(parts)
        return replace(self.facts, since=None).rows([ControlLook, Resolution], take)

    def _take(self, sql: Duck, found: _Coded, *, all_: bool) -> None:
        sql.add("target", self.target)
        sql.add("known", self.known)
        for table in sql.batches(LOOKS, _AT_ONCE, {"all": all_}):
            without = table.column("lost").combine_chunks()
            if without.true_count:
                found.lost += table.column("id").filter(without).to_pylist()
                table = table.filter(pc.invert(without))  # noqa: PLW2901 (the rest of it)
            columns = found.coder.columns(table)
            of_url = columns.url.astype(np.int64)
            found.pieces += columns.split(block_of_url(of_url, len(self.urls), self.blocks))
        found.signs.append(sql.table(SIGNS, {"all": all_}))

    def features(self, looks: Iterable[str]) -> dict[str, dict[str, Any]]:
        """The features that rules test, by the look's id."""
        self.facts.rows([Observation, ControlLook, Resolution], self._code)
        wanted, found = pa.array(looks, pa.string()), dict[str, dict[str, Any]]()
        for number in self.coded.numbers():
            columns = Columns(**self.coded.pop(number)).in_order()
            places = np.flatnonzero(pc.is_in(columns.id, wanted))
            if not len(places):
                continue
            seen, asked = self._as_judged(columns)
            if len(asked):
                self._read_neighbours(np.arange(len(self.coder.address.values)))
                seen, _ = self._as_judged(columns)
            features = self.walk.features(columns.url, *seen, places)
            found |= zip(columns.id.take(pa.array(places)).to_pylist(), features, strict=True)
        return found

    def _judged(self, coded: Mapping[str, Any]) -> "_JudgedColumns | Array":
        """A block's looks with their verdicts, combined over vantage points.

        The numbers of addresses instead if their neighbours are needed.
        """
        columns = Columns(**coded).in_order()
        (seen, neighbours), asked = self._as_judged(columns)
        if len(asked):
            return asked
        verdicts = combine(
            columns,
            self.walk.judge(columns.url, seen, neighbours),
            self.walk,
            self.walk.answered()[seen],
            networks=self.config.judge.networks,
            within_s=self.config.judge.vantage_within_s,
        )
        answered = np.array([row[SEEN.index("failure")] is None for row in self.coder.seen.values], bool)
        found, numbers = np.unique(verdicts, return_inverse=True)
        return _JudgedColumns(
            columns=columns,
            answered=answered[columns.seen],
            verdicts=[self.walk.verdicts[one] for one in found.tolist()],
            numbers=numbers.astype(np.int32),
        )

    def _as_judged(self, columns: Columns) -> tuple[tuple[Array, Array], Array]:
        """The kind of each look and the status class of its address's neighbours; addresses whose are not known."""
        host_class = self.hosts.at(columns.host, columns.at)
        canary = self.canaries.at(columns, self.coder.vantages.values)
        kinds, kind = kinds_of(columns, self.coder.seen.values, host_class, canary)
        controlled = np.array([row[SEEN.index("controlled")] for row in self.coder.seen.values], bool)
        asking = np.flatnonzero(~controlled[columns.seen] & (host_class == 0) & (columns.address != NOTHING))
        neighbours, unknown = np.zeros(len(columns), np.int8), np.zeros(0, np.int32)
        if len(asking) and self.neighbours is None:
            unknown = np.unique(columns.address[asking])
        elif len(asking) and self.neighbours is not None:
            neighbours = self.neighbours.classes(columns, self.coder.address.values, asking)
        return (self.walk.kinds(kinds)[kind], neighbours), unknown

    def _read_neighbours(self, asked: Array) -> None:
        """Read the controls seen at some addresses and in their networks."""
        texts = self.coder.address.values
        networks = {network_of(texts[number]) for number in asked.tolist() if number != NOTHING}
        near = pa.table({"address": pa.array([text for text in texts if network_of(text) in networks], pa.string())})

        def read(parts: Mapping[type, Part]) -> list[Any]:
            found: list[Any] = []
            for sql in in_stretches(parts, _READ, Observation, **self.opening):
                sql.add("target", self.target)
                sql.add("near", near)
                found += sql.table(_NEWEST).to_pylist()
            return found

        rows = self.facts.rows([Observation, ControlLook], read)
        self.neighbours = Neighbours((row["address"], row["host"], *row["newest"].values()) for row in rows)


def read_looks(facts: Facts, config: Config, walk: Walk, *, processes: int = 1, before: Before | None = None) -> Looks:
    """Read all looks at URLs that count, and judge each.

    Verdicts are combined over vantage points. Memory grows with the URLs, not with the looks. Many looks are shared by
    `processes`. `before` is told where the facts are of some URLs alone.
    """
    return _Reader(facts, config, walk, processes, before).read()


def features_of(facts: Facts, config: Config, rules: RuleSet, looks: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the features that rules used, by observation id.

    All looks are read and judged again.
    """
    return _Reader(facts, config, Walk(rules), 1).features(looks)


def _usable(found: Sequence[pa.Table]) -> tuple[Array, Array, Array]:
    """Host, time and class of usable controls where the class changes, sorted by host and time."""
    whole = (
        pa.concat_tables(found, promote_options="permissive")
        if found
        else pa.table({"host": [], "since": [], "class": []})
    )
    host, at, status_class = (np.asarray(whole.column(name)).astype(np.int64) for name in whole.schema.names)
    order = np.lexsort((at, host))
    host, at, status_class = host[order], at[order], status_class[order].astype(np.int8)
    again = np.concatenate(([False], (host[1:] == host[:-1]) & (status_class[1:] == status_class[:-1])))[: len(host)]
    return host[~again], at[~again], status_class[~again]


def _numbered(ids: Sequence[str]) -> Array:
    """The same number for the same id."""
    known: dict[Any, int] = {}
    return np.array([known.setdefault(one, len(known)) for one in ids], np.int32)
