"""The facts behind all conclusions; looks are read late."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import partial
from pathlib import Path
from tempfile import gettempdir
from typing import Any, Generic, TypeVar, overload

import pyarrow as pa

from waterbed.model.bookkeeping import Delivery, QuarantineDecision
from waterbed.model.codec import moment
from waterbed.model.decisions import Coding
from waterbed.model.facts import (
    Birth,
    CanaryLook,
    ControlLook,
    ExternalObservation,
    Notice,
    Observation,
    Report,
    Resolution,
    Target,
    reported_at,
)
from waterbed.model.notices import standing_notices
from waterbed.model.registrations import DomainRegistration
from waterbed.store.engine import Part, Value
from waterbed.store.folder import Folder
from waterbed.store.lake.kinds import facts_in, schema_of
from waterbed.store.lake.reading import facts_of
from waterbed.store.lake.rows import in_sql, in_stretches, table_of, with_rows

Fact = TypeVar("Fact")
Result = TypeVar("Result")


class Later(Sequence[Fact], Generic[Fact]):
    """Facts that are read when first asked for."""

    def __init__(self, read: Callable[[], Sequence[Fact]]) -> None:
        """Take the function that reads them."""
        self._read = read
        self._found: Sequence[Fact] | None = None

    @property
    def found(self) -> Sequence[Fact]:
        """All of them."""
        if self._found is None:
            self._found = self._read()
        return self._found

    @overload
    def __getitem__(self, place: int) -> Fact: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Fact]: ...
    def __getitem__(self, place: Any) -> Any:
        """The facts at a place."""
        return self.found[place]

    def __len__(self) -> int:
        """The number of facts."""
        return len(self.found)

    def __iter__(self) -> Iterator[Fact]:
        """All facts in order."""
        return iter(self.found)

    def __eq__(self, other: object) -> bool:
        """True if the facts are equal."""
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]


class LaterByKey(Mapping[str, Fact], Generic[Fact]):
    """Facts by key that are read when first asked for."""

    def __init__(self, read: Callable[[], Mapping[str, Fact]]) -> None:
        """Take the function that reads them."""
        self._read = read
        self._found: Mapping[str, Fact] | None = None

    @property
    def found(self) -> Mapping[str, Fact]:
        """All of them."""
        if self._found is None:
            self._found = self._read()
        return self._found

    def __getitem__(self, key: str) -> Fact:
        """The fact of a key."""
        return self.found[key]

    def __len__(self) -> int:
        """The number of facts."""
        return len(self.found)

    def __iter__(self) -> Iterator[str]:
        """All keys."""
        return iter(self.found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The facts behind all conclusions.

    Observations are sorted by URL and time. Those of a study, and resolutions and controls, are read from the disk when
    asked for one by one: what concludes of all of them reads `rows`.
    """

    targets: Mapping[str, Target]
    reports: Sequence[Report]
    looks: Sequence[Observation]
    resolutions: Mapping[str, Resolution]
    controls: Mapping[str, ControlLook]
    canaries: Sequence[CanaryLook]
    deliveries: Sequence[Delivery] = ()
    decisions: Sequence[QuarantineDecision] = ()
    notices: Sequence[Notice] = ()
    """Without those that are withdrawn."""
    withdrawn_notices: Sequence[Notice] = ()
    external_observations: Sequence[ExternalObservation] = ()
    births: Sequence[Birth] = ()
    domains: Sequence[DomainRegistration] = ()
    codings: Sequence[Coding] = ()
    claimed: Mapping[tuple[str, str], datetime] = field(default_factory=dict)
    """By URL and source: the earliest time that a report claims, where it counts as made later (`as_counted`)."""
    folder: Folder | None = field(default=None, compare=False, repr=False)
    """Where looks, resolutions and controls lie; None if they are in memory."""
    since: date | None = field(default=None, compare=False, repr=False)
    """The first day whose looks, resolutions and controls `rows` reads; None: all."""
    _counted: dict[type, dict[date, int]] = field(init=False, default_factory=dict, compare=False, repr=False)
    """The store's rows by day, counted once."""
    _tables: dict[type, pa.Table] = field(init=False, default_factory=dict, compare=False, repr=False)
    """Those in memory, as tables."""
    until: datetime | None = field(default=None, compare=False, repr=False)
    """The time before which looks, resolutions and controls are that `rows` reads; None: all."""

    def before(self, when: datetime) -> "Facts":
        """The facts that tell of a time before another.

        Reports count by when they were made, decisions of people by when they decided.
        """
        reports = [one for one in self.reports if reported_at(one) < when]
        known = {one.url_id for one in reports}
        return replace(
            self,
            targets={url_id: target for url_id, target in self.targets.items() if url_id in known},
            reports=reports,
            looks=Later(lambda: [one for one in self.looks if one.url_id in known and one.observed_at < when]),
            resolutions=LaterByKey(lambda: {k: one for k, one in self.resolutions.items() if one.resolved_at < when}),
            controls=LaterByKey(lambda: {k: one for k, one in self.controls.items() if one.observed_at < when}),
            canaries=[one for one in self.canaries if one.observed_at < when],
            deliveries=[one for one in self.deliveries if one.received_at < when],
            decisions=[one for one in self.decisions if one.decided_at < when],
            notices=[one for one in self.notices if one.url_id in known and one.sent_at < when],
            withdrawn_notices=[one for one in self.withdrawn_notices if one.url_id in known and one.sent_at < when],
            external_observations=[
                one for one in self.external_observations if one.url_id in known and _told(one) < when
            ],
            births=[one for one in self.births if one.born_at < when],
            domains=[one for one in self.domains if one.fetched_at < when],
            codings=[one for one in self.codings if one.coded_at < when],
            claimed={of: claimed for of, claimed in self.claimed.items() if claimed < when},
            until=when,
        )

    @property
    def place(self) -> Path:
        """A folder for what does not fit into memory."""
        return self.folder.path if self.folder else Path(gettempdir())

    def looks_at(self, url_ids: Sequence[str]) -> dict[str, list[Observation]]:
        """The looks at some URLs, each URL's in time order."""
        found: dict[str, list[Observation]] = {url_id: [] for url_id in url_ids}
        chosen: Iterator[Observation] = (look for look in self.looks if look.url_id in found)
        if self.folder is not None:
            chosen = iter(with_rows(self.folder, [Observation], partial(_looks_at, self.folder, url_ids)))
        for look in chosen:
            found[look.url_id].append(look)
        return found

    def resolutions_by_id(self, ids: Collection[str]) -> Mapping[str, Resolution]:
        """Those of some resolutions that there are."""
        if self.folder is None:
            return {one: self.resolutions[one] for one in ids if one in self.resolutions}
        found = with_rows(self.folder, [Resolution], partial(_resolutions, self.folder, ids))
        return {one.resolution_id: one for one in found}

    def served_since(self) -> dict[str, datetime]:
        """Earliest begin of a certificate for each URL's host."""
        rows = self.selected(Observation, ("url_id", "certificate_from"), _SERVED, {})
        found: dict[str, int] = {}
        for url_id, began in zip(rows.column("url_id").to_pylist(), rows.column("began").to_pylist(), strict=True):
            found[url_id] = min(began, found.get(url_id, began))
        return {url_id: moment(began) for url_id, began in found.items()}

    def selected(self, cls: type, names: Sequence[str], text: str, values: Mapping[str, Value]) -> pa.Table:
        """The rows of a query over one kind of facts.

        Stretch of days by stretch: looks, resolutions or controls. `names` are the columns that the query reads.
        """
        return self.rows([cls], partial(_selected, self.place, cls, names, text, values))

    def rows(self, kinds: Sequence[type], read: Callable[[Mapping[type, Part]], Result]) -> Result:
        """Call a function with the rows of some kinds.

        Looks, resolutions or controls.
        """
        if self.folder is not None:
            return with_rows(self.folder, kinds, read, self.since, self.until, self._counted)
        held: Mapping[type, Callable[[], Any]] = {
            Observation: lambda: self.looks,
            Resolution: self.resolutions.values,
            ControlLook: self.controls.values,
        }
        for cls in kinds:
            if cls not in self._tables:
                self._tables[cls] = table_of(cls, held[cls]())
        return read({cls: Part.of(self._tables[cls]) for cls in kinds})


def _told(one: ExternalObservation) -> datetime:
    """The last time of which an observation tells."""
    times = [when for when in (one.first_seen, one.last_seen, one.since) if when is not None]
    return max(times, default=one.received_at)


_SERVED = """
SELECT url_id, epoch_us(min(certificate_from)) AS began FROM observation WHERE certificate_from IS NOT NULL
GROUP BY url_id
"""


def _looks_at(folder: Folder, url_ids: Sequence[str], parts: Mapping[type, Part]) -> list[Observation]:
    names = [field.name for field in schema_of(Observation)]
    with in_sql(parts, {Observation: names}, folder=folder.path) as sql:
        sql.add("wanted", pa.table({"url_id": pa.array(url_ids, pa.string())}))
        chosen = "SELECT * FROM observation WHERE url_id IN (SELECT url_id FROM wanted)"
        return facts_in(Observation, sql.table(f"{chosen} ORDER BY url_id, observed_at, observation_id"))


def _resolutions(folder: Folder, ids: Collection[str], parts: Mapping[type, Part]) -> list[Resolution]:
    names = [field.name for field in schema_of(Resolution)]
    with in_sql(parts, {Resolution: names}, folder=folder.path) as sql:
        sql.add("wanted", pa.table({"resolution_id": pa.array(ids, pa.string())}))
        chosen = "SELECT * FROM resolution WHERE resolution_id IN (SELECT resolution_id FROM wanted)"
        return facts_in(Resolution, sql.table(chosen))


def selected(folder: Folder, cls: type, names: Sequence[str], text: str, values: Mapping[str, Value]) -> pa.Table:
    """The rows of a query over one kind.

    As `Facts.selected`; nothing else is read.
    """
    return with_rows(folder, [cls], partial(_selected, folder.path, cls, names, text, values))


def _selected(
    place: Path,
    cls: type,
    names: Sequence[str],
    text: str,
    values: Mapping[str, Value],
    parts: Mapping[type, Part],
) -> pa.Table:
    found = [sql.table(text, values) for sql in in_stretches(parts, {cls: names}, cls, folder=place)]
    if not found:
        with in_sql(parts, {cls: names}, folder=place) as sql:
            found.append(sql.table(text, values))
    return pa.concat_tables(found)


def read_facts(folder: Folder) -> Facts:
    """Read the facts of a study.

    Sealed days come from the lake, all others from the store. Each in an order of its own: conclusions are the same in
    either database.
    """
    notices, withdrawn = standing_notices(facts_of(folder, Notice, order=("received_at",)))
    return Facts(
        targets={target.url_id: target for target in facts_of(folder, Target, order=("added_at",))},
        reports=facts_of(folder, Report, order=("received_at",)),
        looks=Later(lambda: facts_of(folder, Observation, order=("url_id", "observed_at"))),
        resolutions=LaterByKey(lambda: {one.resolution_id: one for one in facts_of(folder, Resolution)}),
        controls=LaterByKey(lambda: {one.control_id: one for one in facts_of(folder, ControlLook)}),
        canaries=facts_of(folder, CanaryLook, order=("observed_at",)),
        deliveries=facts_of(folder, Delivery, order=("received_at",)),
        decisions=facts_of(folder, QuarantineDecision, order=("decided_at",)),
        notices=notices,
        withdrawn_notices=withdrawn,
        external_observations=facts_of(folder, ExternalObservation, order=("received_at",)),
        births=facts_of(folder, Birth, order=("received_at",)),
        domains=facts_of(folder, DomainRegistration, order=("fetched_at",)),
        codings=facts_of(folder, Coding, order=("coded_at",)),
        folder=folder,
    )
