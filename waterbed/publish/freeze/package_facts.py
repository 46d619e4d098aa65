"""Facts of a package, without machines, accounts and sealed names."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from waterbed.attribution.hosters.review import in_force, statuses
from waterbed.model.addresses import canonical_address
from waterbed.model.bookkeeping import Delivery, QuarantineDecision, Run, RunEnd
from waterbed.model.decisions import Coding, HosterChange
from waterbed.model.errors import InputError
from waterbed.model.facts import (
    Birth,
    CanaryLook,
    ControlLook,
    ExternalObservation,
    Notice,
    Observation,
    Report,
    Resolution,
    Snapshot,
    Target,
)
from waterbed.model.governance import DeviationNote, ProtocolLock
from waterbed.model.progress import staged
from waterbed.model.redaction import hosts_in, redact
from waterbed.model.registrations import DomainRegistration, Registration
from waterbed.model.urls import registrable_domain
from waterbed.store.bounded.limits import MOST_FACT
from waterbed.store.bounded.parquet import batches, check
from waterbed.store.engine import Part
from waterbed.store.folder import Folder
from waterbed.store.lake.kinds import PRUNABLE, facts_in, schema_of
from waterbed.store.lake.reading import facts_of
from waterbed.store.lake.rows import in_stretches, table_of, with_rows
from waterbed.store.spool import Spool
from waterbed.store.tables import table_name
from waterbed.store.vault import Vault
from waterbed.study.streams import write_parquet

FROZEN_FACTS: Final[tuple[type, ...]] = (
    Target,
    Report,
    Notice,
    ExternalObservation,
    Birth,
    Resolution,
    Observation,
    ControlLook,
    CanaryLook,
    Registration,
    DomainRegistration,
    Snapshot,
    Delivery,
    Run,
    RunEnd,
    QuarantineDecision,
    HosterChange,
    Coding,
    ProtocolLock,
    DeviationNote,
)
"""Frozen kinds. Sealed names, keys, schedules, leases, the audit and hosters' replies are never frozen."""
_PEOPLE: Final = ("who", "coder")
"""Fields that hold a person's account."""
_WORDS: Final = ("reason", "note", "deviation", "source")
"""Fields that hold free text or file names."""

_BUCKET: Final = 200_000
"""Facts sorted at once, about."""
_SAMPLE: Final = 20_000
"""Keys, about, that tell how to part facts for sorting."""
_AT_ONCE: Final = 100_000

Facts = Mapping[type, Sequence[Any]]


def frozen_facts(folder: Folder) -> Facts:
    """Facts of a study as a package contains them.

    All but those that grow with every pass. Each kind is sorted by its key.
    Accounts become person-1, person-2, ... in one order over all kinds; a host name in words of people is redacted.
    """
    kinds = [cls for cls in FROZEN_FACTS if cls not in PRUNABLE]
    plain: dict[type, list[Any]] = {cls: facts_of(folder, cls) for cls in staged("kinds of facts read", kinds)}
    _drop_proposals(plain)
    accounts = sorted({getattr(one, name) for one, name in _with(plain, _PEOPLE)})
    digits = len(str(len(accounts)))
    people = {account: f"person-{number:0{digits}}" for number, account in enumerate(accounts, 1)}
    return {cls: [_cleaned(one, people) for one in facts] for cls, facts in plain.items()}


def _drop_proposals(facts: dict[type, list[Any]]) -> None:
    """Take out proposals from data that are not accepted, and their codes.

    They name companies, have no effect, and are private.
    """
    held = statuses(facts[HosterChange], facts[Coding])
    gone = {one.change_id for one in facts[HosterChange] if not in_force(one, held.get(one.change_id))}
    gone &= {one.change_id for one in facts[HosterChange] if one.kind == "proposal"}
    for one in sorted(facts[HosterChange], key=lambda one: (one.decided_at, one.change_id)):
        gone |= {one.change_id} if one.key in gone else set()  # undone, and perhaps the undoing undone
    facts[HosterChange] = [one for one in facts[HosterChange] if one.change_id not in gone]
    facts[Coding] = [one for one in facts[Coding] if one.item_id not in gone]


def counts(folder: Folder) -> dict[type, int]:
    """Number of facts of each kind in the store.

    A change while a package is made shows here.
    """
    return {cls: folder.store.count(cls) for cls in FROZEN_FACTS}


def _with(facts: Facts, names: Sequence[str]) -> Iterator[tuple[Any, str]]:
    for cls, its in facts.items():
        for name in names:
            if name in {field.name for field in fields(cls)}:
                yield from ((one, name) for one in its)


def _cleaned(one: Any, people: Mapping[str, str]) -> Any:
    cls, changes = type(one), dict[str, Any]()
    if cls is Run:
        changes = {"config_hash": "", "clock_skew_s": None}
    elif cls is RunEnd:
        changes = {"rate": None}
    elif cls is DomainRegistration:
        changes = {"etag": None}  # whoever may ask the registry could try names until it says "unchanged"
    elif (name := _ADDRESSES.get(cls)) and (text := getattr(one, name)) and canonical_address(text) is None:
        changes = {name: None}  # an older version stored scopes of addresses, which may be host names
    elif cls in _SPOKEN:
        names = {field.name for field in fields(cls)}
        changes = {name: people[getattr(one, name)] for name in names & set(_PEOPLE)}
        changes |= {name: redact(getattr(one, name)) for name in names & set(_WORDS)}
    return replace(one, **changes) if changes else one


_ADDRESSES: Final[Mapping[type, str]] = {Report: "origin_address", ExternalObservation: "address"}
"""Fields of kinds that hold an address by a third party."""
_SPOKEN: Final = frozenset((Snapshot, QuarantineDecision, HosterChange, Coding, ProtocolLock, DeviationNote))


def write_facts(folder: Folder, facts: Facts, into: Path) -> dict[str, int]:
    """Write one Parquet file per kind; return rows by table.

    `facts` are those of `frozen_facts`; the others are read here, and memory does not grow with them.
    """
    into.mkdir(parents=True)
    rows = {}
    for cls in staged("kinds of facts written", FROZEN_FACTS):
        name = table_name(cls)
        with (into / f"{name}.parquet").open("wb") as file:
            if cls in facts:
                rows[name] = write_parquet(schema_of(cls), [table_of(cls, facts[cls])], file)
            else:
                rows[name] = with_rows(folder, [cls], partial(_write_sorted, cls, folder.path, file))
    return rows


def _write_sorted(cls: Any, folder: Path, file: IO[bytes], parts: Mapping[type, Part]) -> int:
    file.seek(0)
    file.truncate()
    return write_parquet(schema_of(cls), _by_key(cls, parts, folder), file)


def _by_key(cls: Any, parts: Mapping[type, Part], folder: Path) -> Iterator[pa.Table]:
    """All facts of a kind, sorted by key: parted by ranges of keys, and each range sorted."""
    (key,), schema, name, total = cls.KEY, schema_of(cls), table_name(cls), sum(parts[cls].rows.values())
    sample = f"SELECT {key} FROM {name} WHERE hash({key}) % $nth = 0"  # noqa: S608 (names of ours)
    every = f"SELECT {', '.join(schema.names)} FROM {name}"  # noqa: S608 (the same)
    drawn = list[bytes]()
    for sql in in_stretches(parts, {cls: (key,)}, cls, folder=folder) if total > _BUCKET else ():
        drawn += map(str.encode, sql.table(sample, {"nth": max(1, total // _SAMPLE)}).column(key).to_pylist())
    step = max(1, len(drawn) * _BUCKET // max(1, total))
    bounds = np.array(sorted(drawn)[step::step] or [b""])
    spool = Spool(folder)
    for sql in in_stretches(parts, {cls: schema.names}, cls, folder=folder):
        for table in sql.batches(every, _AT_ONCE):
            numbers = np.searchsorted(bounds, table.column(key).cast(pa.binary()).to_numpy().astype("S"), "right")
            order = np.argsort(numbers, kind="stable")
            found, starts = np.unique(numbers[order], return_index=True)
            cells = table.cast(schema).take(pa.array(order)).combine_chunks()
            for number, start, end in zip(found.tolist(), starts.tolist(), [*starts[1:].tolist(), None], strict=True):
                own = cells.slice(start, None if end is None else end - start)
                spool.add(number, {one: own.column(one).chunk(0) for one in schema.names})
    for number in spool.numbers():
        table = spool.table(number)
        order = pc.sort_indices(table.column(key))
        cells = table.take(order).columns
        if cls is Resolution:
            cells[schema.names.index("resolver")] = pa.array([""]).take(pa.array(np.zeros(len(table), np.int8)))
        yield pa.Table.from_arrays(cells, schema=schema)


def check_facts(place: Path, rows: Mapping[str, int]) -> None:
    """Check a package's facts; InputError for missing or unknown tables."""
    strange = sorted(set(rows) - set(_BY_NAME))
    if strange:
        raise InputError(f"the package has facts of a kind {strange[0]!r}, which this version does not know ({_SEE})")
    check([place / f"{name}.parquet" for name in rows], MOST_FACT, "a table of facts", _SEE)


def read_facts(place: Path, rows: Mapping[str, int], cls: type | None = None) -> Iterator[list[Any]]:
    """Read a package's checked facts, some at a time.

    Of one kind, or all.

    InputError for a table that is not of its kind, or has another number of rows than `rows` says.
    """
    for name, count in rows.items():
        its, path, found = _BY_NAME[name], place / f"{name}.parquet", 0
        if cls and its is not cls:
            continue
        try:
            for batch in batches(path):
                facts: list[Any] = facts_in(its, pa.Table.from_batches([batch]))
                found += len(facts)
                yield facts
        except (OSError, pa.ArrowException, KeyError, TypeError, ValueError):
            raise InputError(f"{path} is not a table of facts that this version can read ({_SEE})") from None
        if found != count:
            raise InputError(f"{path} has {found:,} rows, and {count:,} were frozen ({_SEE})")


_BY_NAME: Final = {table_name(cls): cls for cls in FROZEN_FACTS}
_SEE: Final = "docs/freeze.md"


def refuse_named(texts: Mapping[str, str], vault: Vault, targets: Iterable[Target], platforms: Collection[str]) -> None:
    """Refuse free text that names a host or domain studied.

    The suffixes of `platforms` may be named. InputError says which text does, and in which line.
    """
    hosts, sites = set[str](), set[str]()
    for target in targets:
        hosts.add(target.host_id)
        sites.add(target.site_id)
    for what, text in texts.items():
        for number, line in enumerate(text.splitlines(), 1):
            names = set(hosts_in(line)) - set(platforms)
            if any(_is_ours(name, vault, hosts, sites) for name in names):
                raise InputError(
                    f"{what}, line {number}, names a host of the study; remove it and freeze again (docs/freeze.md)"
                )


def _is_ours(name: str, vault: Vault, hosts: set[str], sites: set[str]) -> bool:
    return vault.keyed_id("host", name) in hosts or vault.keyed_id("site", registrable_domain(name)) in sites
