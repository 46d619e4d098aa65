"""Rebuilds a study from a package and compares all tables."""

import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

from waterbed.governance.hosters import FILE as HOSTERS
from waterbed.governance.protocol.file import PROTOCOL, checksum
from waterbed.graphs.displacement.event import EVENTS
from waterbed.model.errors import InputError
from waterbed.model.facts import Observation
from waterbed.model.governance import ProtocolLock
from waterbed.model.progress import stage
from waterbed.publish.build_publication import publication_of
from waterbed.publish.edition import LastEdition, editions, keep_editions
from waterbed.publish.freeze.bag import DATA, damages, name_of
from waterbed.publish.freeze.freeze import settings_of
from waterbed.publish.freeze.layout import (
    DOCS,
    EDITIONS,
    FACTS,
    RESULTS,
    SETTINGS,
    SHARED,
    TABLES,
    About,
    DatedTable,
    other_than,
    read_about,
)
from waterbed.publish.freeze.libraries import held_with_libraries
from waterbed.publish.freeze.package_facts import check_facts, read_facts
from waterbed.publish.freeze.results import (
    SHARED_TABLE,
    Compared,
    compared,
    compared_held,
    event_results,
    results_of,
    shared_results,
)
from waterbed.publish.policy import publishable
from waterbed.store.bounded.files import content, raw_pieces
from waterbed.store.bounded.json_text import BadJson, json_in
from waterbed.store.bounded.limits import MOST_FILE, MOST_MANIFEST, MOST_RESULTS
from waterbed.store.bounded.memory import bounded_memory
from waterbed.store.config import Config, read_config
from waterbed.store.folder import STORE_ENVIRONMENT
from waterbed.store.frozen import FROZEN
from waterbed.store.machine_settings import StoreAt
from waterbed.store.own_files import SETTINGS as STUDY
from waterbed.store.tables import table_name
from waterbed.store.vault import key_file
from waterbed.store.whole.files import beside
from waterbed.store.whole.folders import new_folder
from waterbed.study.dated_tables import keep_table
from waterbed.study.study import create_study, open_study


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduced:
    """The result of reproducing a package."""

    package: Annotated[str, "SHA-256 that names it"]
    folder: Annotated[Path, "the new study; of a package for a partner, a folder of its results"]
    tables: Annotated[list[Compared], "every table that can be reproduced"]
    cannot: Annotated[list[str], "tables of the package that cannot be reproduced from what it holds"]
    other: Annotated[list[str], "what of this installation is not as it was there"]
    deviations: Annotated[tuple[str, ...], "from the locked protocol: of the new study; for a partner, as frozen"]
    protocol: Annotated[str, "SHA-256 of the locked protocol, which fits its text; empty: none was locked"]

    @property
    def equal(self) -> bool:
        """True if all tables are equal."""
        return all(table.equal for table in self.tables)


_LOOK_BYTES: Final = 4096
"""Memory that conclusions may take for each look: some three times what they do."""


def refuse_existing(folder: Path) -> None:
    """InputError unless a place is free, or an empty folder."""
    if folder.is_symlink() or (folder.exists() and not (folder.is_dir() and not any(folder.iterdir()))):
        raise InputError(f"{folder} exists already; name a new folder for the reproduction ({DOCS})")


def reproduce(
    package: Path, folder: Path, *, store: str | None = None, tables: Path | None = None, sha256: str = ""
) -> Reproduced:
    """Verify a package, rebuild its study, and compare all tables.

    The new study has keys of its own. `sha256` is the package's as its author cites it; empty: not known, and then the
    package is whole but may be anybody's.
    `store` is sqlite or the URL of an empty PostgreSQL database; in `tables`, files of dated tables that the package
    lacks are found by checksum. InputError, and nothing made, if the package is damaged (it names every file), its
    protocol is not the locked one, or a dated table is missing.
    """
    refuse_existing(folder)
    if Path(os.path.realpath(folder)).is_relative_to(os.path.realpath(package)):
        raise InputError(f"{folder} lies inside the package; name a place outside it ({DOCS})")
    held = held_with_libraries()
    with bounded_memory(package, DOCS):
        found = damages(package)
        if found:
            damage = "; ".join(f"{one.path} {one.what}" for one in found)
            raise InputError(f"{package} differs from its frozen state: {damage} ({DOCS})")
        if sha256 and sha256.lower() != (own := name_of(package)):
            raise InputError(
                f"{package} has the SHA-256 {own}, and {sha256} was expected: it is not what its author cites ({DOCS})"
            )
        about = read_about(package)
        theirs = _held(package / DATA / RESULTS)
    rebuild = _shared if about.kind == "shared" else _whole
    asked = _Asked(
        payload=package / DATA, about=about, theirs=theirs, folder=folder, store=store, tables=tables, held=held
    )
    compared_, cannot, deviations = rebuild(asked)
    return Reproduced(
        package=name_of(package),
        folder=folder,
        tables=compared_,
        cannot=cannot,
        other=other_than(about),
        deviations=deviations,
        protocol=about.protocol[0] if about.protocol else "",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A package, and where it is to be rebuilt."""

    payload: Path
    about: About
    theirs: Mapping[str, bytes]
    """The package's files of results."""
    folder: Path
    store: str | None
    tables: Path | None
    held: int
    """Bytes of memory held before it was opened."""


def _held(place: Path) -> dict[str, bytes]:
    """The files of results; InputError if all together are more than MOST_RESULTS bytes."""
    found, left = dict[str, bytes](), MOST_RESULTS
    for path in sorted(place.glob("*")):
        if path.is_file():
            found[path.name] = content(path, "a table of results", left, DOCS)
            left -= len(found[path.name])
    return found


def _shared(asked: _Asked) -> tuple[list[Compared], list[str], tuple[str, ...]]:
    if asked.store or asked.tables:
        raise InputError(f"a package for a partner contains no facts: leave out --store and --tables ({DOCS})")
    with bounded_memory(asked.payload, DOCS, held=asked.held):
        ours = shared_results(asked.payload / SHARED, beside(asked.folder.absolute()))
    with new_folder(asked.folder) as work:
        _results(work, ours)
    own = {name: content for name, content in asked.theirs.items() if name in ours}
    cannot = sorted({name.rpartition(".")[0] for name in asked.theirs} - {SHARED_TABLE})
    return compared(own, ours), cannot, asked.about.deviations


def _whole(asked: _Asked) -> tuple[list[Compared], list[str], tuple[str, ...]]:
    about, url = asked.about, _store(asked.store)
    with bounded_memory(asked.payload, DOCS, held=asked.held):
        check_facts(asked.payload / FACTS, about.rows)
        locks = [lock for locks in read_facts(asked.payload / FACTS, about.rows, ProtocolLock) for lock in locks]
        _refuse_protocol(locks, about)
        files = _found([one for one in about.tables if not one.inside], asked.tables)
        kept = settings_of(read_config(asked.payload / SETTINGS)[0])
    config = msgspec.structs.replace(kept, study=uuid.uuid4().hex, store=StoreAt(url=url))
    # what was taken in is a study like any other: conclusions may take what its looks need
    more = _LOOK_BYTES * about.rows.get(table_name(Observation), 0)
    with _keyed(config), new_folder(asked.folder) as work, _emptied(work):
        with bounded_memory(asked.payload, DOCS, held=asked.held):
            _fill(asked.payload, about, config, files, work)
        with bounded_memory(asked.payload, DOCS, more=more, held=asked.held):
            with open_study(work) as study:
                conclusions = study.conclude()
                publication = publication_of(study, conclusions)
                shown = publishable(publication, editions(study.folder))
                ours, held = results_of(publication, shown)
                ours |= event_results(study, conclusions, shown)
                deviations = study.protocol.sentences if study.protocol else ()
            _results(work, ours)
            found = [*compared(asked.theirs, ours), *compared_held(about.held_back, held)]
    return found, [], deviations


def _store(asked: str | None) -> str:
    named = os.environ.get(STORE_ENVIRONMENT)
    if asked and named and asked != named:
        raise InputError(f"--store and ${STORE_ENVIRONMENT} name two databases; unset one of them ({DOCS})")
    return asked or named or "sqlite"


def _refuse_protocol(locks: list[Any], about: About) -> None:
    """InputError unless the protocol's texts match the published checksums."""
    ordered = sorted(locks, key=lambda one: (one.locked_at, one.lock_id))
    wrong = [lock.sha256 for lock in ordered if checksum(lock.text) != lock.sha256]
    if wrong or tuple(lock.sha256 for lock in ordered) != about.protocol:
        which = (wrong or about.protocol or [ordered[0].sha256])[0]
        raise InputError(
            f"the locked protocol of the package lacks the SHA-256 that its outputs name, {which}: it was put "
            f"together by hand ({DOCS})"
        )


def _found(missing: list[DatedTable], place: Path | None) -> dict[str, Path]:
    """Find files of missing tables by checksum.

    Keyed by the table's folder; file names do not matter.
    """
    if not missing:
        return {}
    if place is None:
        them = "; ".join(f"{one.kind} of {one.day}, SHA-256 {one.sha256}" for one in missing)
        raise InputError(
            f"the package names {len(missing)} dated tables by checksum alone: {them}; get their files, and name their "
            f"folder with --tables ({DOCS})"
        )
    if not place.is_dir():
        raise InputError(f"{place} is not a folder; expected one with the files of dated tables ({DOCS})")
    by_sum = {_sha256(path): path for path in sorted(place.rglob("*")) if path.is_file()}
    lacking = [one for one in missing if one.sha256 not in by_sum]
    if lacking:
        wanted = "; ".join(f"{one.kind} of {one.day}, SHA-256 {one.sha256}" for one in lacking)
        raise InputError(f"no file in {place} is {wanted} ({DOCS})")
    return {one.folder: by_sum[one.sha256] for one in missing}


@contextmanager
def _keyed(config: Config) -> Iterator[None]:
    """Remove the keys of a new study if it fails."""
    keys = key_file(config.study)
    known = keys.exists()
    try:
        yield
    except BaseException:
        if not known:
            keys.unlink(missing_ok=True)
        raise


@contextmanager
def _emptied(work: Path) -> Iterator[None]:
    """Empty the database of a new study if it fails: a server keeps what the folder loses."""
    try:
        yield
    except BaseException:
        if (work / STUDY).exists():  # else the database was not taken
            with suppress(Exception), open_study(work) as study:  # the first failure is the one to tell
                if not study.store.sqlite:
                    study.store.clear()
        raise


def _fill(
    payload: Path,
    about: About,
    config: Config,
    files: Mapping[str, Path],
    work: Path,
) -> None:
    for name, path in files.items():
        kind = next(one.kind for one in about.tables if one.folder == name)
        keep_table(kind, path, work / TABLES / name)
    if (payload / TABLES).is_dir():
        shutil.copytree(payload / TABLES, work / TABLES, dirs_exist_ok=True)
    with (
        create_study(work, config) as study,
        study.store.writing() as connection,
        stage("facts taken in", sum(about.rows.values())) as advance,
    ):
        for facts in read_facts(payload / FACTS, about.rows):
            study.store.add(facts, connection)
            advance(len(facts))
    for name in (PROTOCOL, HOSTERS):
        if (payload / name).exists():
            shutil.copyfile(payload / name, work / name)
    if (payload / EVENTS).is_dir():
        shutil.copytree(payload / EVENTS, work / EVENTS)
    keep_editions(work, _editions(payload))
    marked = msgspec.structs.replace(about.frozen, package=name_of(payload.parent))
    (work / FROZEN).write_bytes(msgspec.json.encode(marked))


def _editions(payload: Path) -> list[LastEdition]:
    """What editions had told; nothing in packages of version 0.1.0."""
    path = payload / EDITIONS
    if not path.exists():
        return []
    try:
        told = json_in(content(path, "a list of editions", MOST_MANIFEST, DOCS))
        return msgspec.convert(told, list[LastEdition])
    except (BadJson, msgspec.ValidationError):
        raise InputError(f"{path} is not the list of editions of a package ({DOCS})") from None


def _results(folder: Path, files: Mapping[str, bytes]) -> None:
    place = folder / RESULTS
    place.mkdir(parents=True)
    for name, data in files.items():
        (place / name).write_bytes(data)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    for piece in raw_pieces(path, "a dated table", MOST_FILE, DOCS):
        digest.update(piece)
    return digest.hexdigest()
