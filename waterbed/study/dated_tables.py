"""Dated tables of a study: imported, compacted and opened."""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

from waterbed.attribution.attribute import Attributor
from waterbed.attribution.hosters.book import HosterBook
from waterbed.attribution.hosters.evidence import printable
from waterbed.attribution.hosters.members import holder_key
from waterbed.attribution.lookups.rdap.registrations import RegistrationIndex
from waterbed.attribution.lookups.tables.countries import CountryTables, read_countries, together
from waterbed.attribution.lookups.tables.covariates import CovariateTable, read_covariates
from waterbed.attribution.lookups.tables.domains import DomainTable, read_domains
from waterbed.attribution.lookups.tables.hosting import HostingTables, read_hosting
from waterbed.attribution.lookups.tables.organisations import AsOrganisations, read_organisations
from waterbed.attribution.lookups.tables.relations import RelationTable, read_relations
from waterbed.attribution.lookups.tables.routes import RouteTables, read_routes
from waterbed.attribution.lookups.tables.siblings import SiblingTable, read_siblings
from waterbed.model.errors import InputError
from waterbed.model.facts import Birth, Snapshot
from waterbed.model.redaction import shown
from waterbed.model.registrations import Registration
from waterbed.store.bounded.files import raw_pieces
from waterbed.store.bounded.limits import MOST_TABLE
from waterbed.store.bounded.memory import bounded_work
from waterbed.store.folder import Folder, real_clock

Tables = (
    RouteTables
    | CountryTables
    | HostingTables
    | AsOrganisations
    | DomainTable
    | CovariateTable
    | RelationTable
    | SiblingTable
)

READERS: dict[str, Callable[[Path], Tables]] = {
    "routes": read_routes,
    "places": read_countries,
    "organisations": read_organisations,
    "hosting": read_hosting,
    "domains": read_domains,
    "covariates": read_covariates,
    "relations": read_relations,
    "siblings": read_siblings,
}
_LOADERS: dict[str, Callable[[Path], Tables]] = {
    "routes": RouteTables.load,
    "places": CountryTables.load,
    "organisations": AsOrganisations.load,
    "hosting": HostingTables.load,
    "domains": DomainTable.load,
    "covariates": CovariateTable.load,
    "relations": RelationTable.load,
    "siblings": SiblingTable.load,
}
_FIRST_YEAR = 1980
_LICENCE = 120
"""Most characters of a licence's name."""


def add_table(folder: Folder, path: Path, day: date, *, kind: str, licence: str | None = None) -> list[Snapshot]:
    """Import a file as the table of a day.

    One snapshot for each address family, or one of family 0. It applies, also if it was there before and another took
    its place.
    """
    if kind not in READERS:
        raise InputError(f"kind {shown(kind)} is unknown; {', '.join(READERS)} was expected (docs/tables.md)")
    day, licence = described_day(folder, day), plain_licence(licence)
    digest = hashlib.sha256()
    for piece in raw_pieces(path, "a dated table", MOST_TABLE, "docs/tables.md"):
        digest.update(piece)
    checksum = digest.hexdigest()
    name = _name(folder, kind, day, f"{kind}-{day.isoformat()}-{checksum[:16]}")
    authentic, place = folder.authentic, folder.tables / name
    kept = keep_table(kind, path, place, own=authentic.is_own(place))
    earlier = max((one.imported_at for one in snapshots_of(folder)), default=datetime.min.replace(tzinfo=UTC))
    # a lab's clock may stand still between two imports, and the one added last is to apply
    imported_at = max(folder.clock(), earlier + timedelta(microseconds=1))
    snapshots = [
        Snapshot(
            snapshot_id=f"{name}-v{family}",
            kind=kind,
            family=family,
            source=printable(path.name),
            data_date=datetime.combine(day, time(), tzinfo=UTC),
            rows=rows,
            checksum=checksum,
            imported_at=imported_at,
            form=kept.form,
            built_at=kept.built_at,
            licence=licence,
        )
        for family, rows in kept.rows
    ]
    authentic.record(authentic.of_table(place), snapshots)
    return snapshots


def _name(folder: Folder, kind: str, day: date, content: str) -> str:
    """The folder of a table: its own if it is damaged or applies, a further one if others took its place."""
    same = [one for one in snapshots_of(folder) if one.kind == kind and one.data_date.date() == day]
    own = [one for one in same if folder_name(one).startswith(content)]
    if not own:
        return content
    names = list(dict.fromkeys(map(folder_name, own)))
    for name in names:
        try:
            load(folder, name, kind)
        except InputError:
            return name
    newest = [one for one in own if folder_name(one) == names[-1]]
    replaced = any(_replaces(folder, later, one) for one in newest for later in same[same.index(one) + 1 :])
    return f"{content}-{len(names) + 1}" if replaced else names[-1]


def _replaces(folder: Folder, later: Snapshot, one: Snapshot) -> bool:
    """True if a table takes the place of one added before, of its day; those of other registries stand beside it."""
    if later.family != one.family:
        return False
    if later.form != "delegated" or one.form != "delegated":
        return True
    registries = {load(folder, folder_name(each), one.kind).about.registry for each in (later, one)}
    return len(registries) == 1


def described_day(folder: Folder, day: date) -> date:
    """Return the day that a file describes.

    InputError if it lies before there were such tables, or in the future.
    """
    now = max(folder.clock(), real_clock())  # a lab's clock may stand anywhere
    latest = (now + timedelta(days=1)).date()  # the day of those who are ahead of UTC
    if not date(_FIRST_YEAR, 1, 1) <= day <= latest:
        raise InputError(
            f"--date {day} is out of range; a day from {_FIRST_YEAR} to today was expected (docs/tables.md)"
        )
    return day


def plain_licence(licence: str | None) -> str | None:
    """Return a licence's name without surrounding spaces.

    InputError if it is not plain text.
    """
    if licence is not None and not (licence.isprintable() and 0 < len(licence.strip()) <= _LICENCE):
        raise InputError(f"the licence must be plain text of 1 to {_LICENCE} characters (docs/tables.md)")
    return licence.strip() if licence else None


def births_of(folder: Folder) -> list[Snapshot]:
    """Return births as rows of the list of tables.

    One for each file and kind of birth; none of them is stored.
    """
    of_file: dict[tuple[datetime, str, str], list[Birth]] = {}
    for one in folder.store.all(Birth, order=("data_date", "received_at", "kind")):
        of_file.setdefault((one.data_date, one.source, one.kind), []).append(one)
    return [
        Snapshot(
            snapshot_id="",
            kind="births",
            family=0,
            source=source,
            data_date=day,
            rows=len(its),
            checksum="",
            imported_at=its[-1].received_at,
            form=kind,
            licence=its[-1].licence,
        )
        for (day, source, kind), its in of_file.items()
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A kept table: its form, and rows by family."""

    form: str
    built_at: datetime | None
    rows: list[tuple[int, int]]
    """Family and rows; family 0 for tables without addresses."""


def keep_table(kind: str, path: Path, kept: Path, *, own: bool = False) -> Kept:
    """Read a table's file, and keep it.

    It lies in a folder named after it; with `own` one that is there whole is not written again. InputError if it is no
    such table, or takes more memory than its bound.
    """
    with suppress(ImportError):
        import_module("pandas")  # which pyarrow loads where it is, with the first array: no part of what a file takes

    def work() -> Kept:
        tables = READERS[kind](path)
        if not own:
            tables.save(kept)
        if isinstance(tables, AsOrganisations | DomainTable | CovariateTable | RelationTable | SiblingTable):
            return Kept(form=tables.form, built_at=None, rows=[(0, len(tables))])
        rows = [(family, rows) for family, rows in ((4, tables.rows_v4), (6, tables.rows_v6)) if rows]
        return Kept(form=tables.about.form, built_at=tables.about.built_at, rows=rows)

    return bounded_work(path, "docs/tables.md", work)


def snapshots_of(folder: Folder) -> list[Snapshot]:
    """Return all dated tables, oldest first.

    Of one date, the one added last comes last and applies.
    """
    return folder.store.all(Snapshot, order=("data_date", "imported_at", "snapshot_id"))


def folder_name(snapshot: Snapshot) -> str:
    """Return the folder name of a snapshot's table.

    The families of one file share it.
    """
    return snapshot.snapshot_id.rpartition("-v")[0]


def opened(folder: Folder, kind: str) -> list[tuple[date, Any]]:
    """Return the tables of a kind with their dates.

    In the order of `snapshots_of`. Delegated files of several registries and one day are one table; of one registry's,
    the one added last counts.
    """
    named = {folder_name(one): one.data_date.date() for one in snapshots_of(folder) if one.kind == kind}
    return joined_by_registry([(day, load(folder, name, kind)) for name, day in named.items()])


def load(folder: Folder, name: str, kind: str) -> Any:
    """Return one table, memory-mapped.

    InputError if its folder is not as the study wrote it: nothing of it was used.
    """
    place = folder.tables / name
    if not folder.authentic.is_own(place):
        raise InputError(
            f"{place} is not as this study wrote it: something is missing, was changed or exchanged. Import the "
            "table's file again, and see who can write there (docs/tables.md, Authentic)"
        )
    return _LOADERS[kind](place)


def joined_by_registry(dated: list[tuple[date, Any]]) -> list[tuple[date, Any]]:
    """Merge the delegated tables of each day.

    The merged one stands where the last of them stood.
    """
    parts: dict[date, dict[str | None, CountryTables]] = {}
    last: dict[date, int] = {}
    for place, (day, table) in enumerate(dated):
        if isinstance(table, CountryTables) and table.about.form == "delegated":
            parts.setdefault(day, {})[table.about.registry] = table
            last[day] = place
    found: list[tuple[date, Any]] = []
    for place, (day, table) in enumerate(dated):
        if not (isinstance(table, CountryTables) and table.about.form == "delegated"):
            found.append((day, table))
        elif last[day] == place:
            several = list(parts[day].values())
            found.append((day, together(several) if len(several) > 1 else several[0]))
    return found


def attributor_of(folder: Folder, book: HosterBook) -> Attributor:
    """Return the attributor of a study's tables."""
    registrations = folder.store.all(Registration, order=("fetched_at", "registration_id"))
    routes: list[tuple[date, RouteTables]] = opened(folder, "routes")
    countries: list[tuple[date, CountryTables]] = opened(folder, "places")
    organisations: list[tuple[date, AsOrganisations]] = opened(folder, "organisations")
    return Attributor(
        routes=routes,
        countries=countries,
        organisations=organisations,
        relations=opened(folder, "relations"),
        registered=RegistrationIndex(registrations, fresh_days=folder.config.registry.fresh_days),
        holder_names={
            holder_key(one.holder): one.holder_name for one in registrations if one.holder and one.holder_name
        },
        book=book,
        suffixes=suffixes_of(folder, book),
        max_age_days=folder.config.routes_max_age_days,
    )


def suffixes_of(folder: Folder, book: HosterBook) -> dict[str, str]:
    """Return the suffixes of platforms by their keyed ids.

    A study that was reproduced has those of its package.
    """
    if folder.frozen:
        return dict(folder.frozen.suffixes)
    return {folder.vault.keyed_id("suffix", suffix): suffix for suffix in book.suffixes()}
