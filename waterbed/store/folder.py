"""A study's folder: settings, database, tables of routes, run locks."""

import fcntl
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from stat import S_IMODE

import msgspec
from sqlalchemy import delete

from waterbed.model.bookkeeping import KeyCheck, Run, RunEnd, Written
from waterbed.model.errors import InputError, KeyProblem, NotNow, ReadOnly, StudyMissing
from waterbed.model.version import __version__
from waterbed.store.authentic import TABLE, Authentic
from waterbed.store.config import Config, placed, read_config, read_lab, write_toml
from waterbed.store.described import SCHEMA, commented, schema
from waterbed.store.frozen import FROZEN, Frozen, World, read_frozen
from waterbed.store.leases import May, begin, end, living, machine_s, mark_dead, skew_s
from waterbed.store.machine_settings import Lab
from waterbed.store.own_files import OWN, SETTINGS, no_study
from waterbed.store.runs import Heartbeat, patiently
from waterbed.store.schema import bring_forward, create, held
from waterbed.store.store import Store
from waterbed.store.tables import TABLES
from waterbed.store.vault import KEYS_ENVIRONMENT, Keys, Vault, key_file, read_keys, refuse_inside, write_keys
from waterbed.store.whole.files import DISK, locked, refuse_odd_name, write_whole
from waterbed.store.whole.folders import folder_for
from waterbed.store.whole.replacing import published_at

LAB = "lab.toml"
PRIVATE = 0o700
"""Mode of a study's folder: its owner's alone."""
STORE_ENVIRONMENT = "WATERBED_STORE"
Clock = Callable[[], datetime]


def real_clock() -> datetime:
    """Now, UTC."""
    return datetime.now(UTC)


@dataclass(slots=True, kw_only=True)
class Folder:
    """An opened study folder."""

    path: Path
    config: Config
    config_hash: str
    lab: Lab | None
    store: Store
    vault: Vault
    clock: Clock
    frozen: Frozen | None = None
    """Of a study that was reproduced from a package: nothing is added to it."""

    @property
    def tables(self) -> Path:
        """The folder of the compact routing and country tables."""
        return self.path / TABLE

    @property
    def authentic(self) -> Authentic:
        """The tags of what the study wrote beside its store."""
        return Authentic(self.store, self.vault)

    @property
    def world(self) -> World:
        """The kind of world measured, also before the freeze."""
        if self.frozen:
            return self.frozen.world
        return "measured" if self.lab is None else "replay" if self.lab.replay else "simulated"

    @property
    def measures_removal(self) -> bool:
        """False of a replay, whose servers answer by construction."""
        return self.world != "replay"

    def close(self) -> None:
        """Give the database back."""
        self.store.close()

    def check_store(self) -> None:
        """Check the store, and bring it to this version; InputError for one that is not the study's."""
        _check_store(self.path, self.store)
        _verify(self.vault, self.store)
        self.authentic.begin(self.tables)

    @contextmanager
    def run(self, kind: str, *, trust_store: str | None = None, may: May | None = None) -> Iterator["Pass"]:
        """Record a run: lock it while alive, record its end.

        `trust_store` names the roots that it checks certificates against. NotNow if it may not begin (see `begin`).
        """
        if self.frozen:
            raise ReadOnly(
                "this study was reproduced from a package: its ids are of other keys, so nothing is checked or added "
                "(docs/freeze.md)"
            )
        run_id = uuid.uuid4().hex
        (self.path / "runs").mkdir(exist_ok=True)
        lock = self.path / "runs" / run_id
        with held(self.path, self.store, alone=False) as free, lock.open("w") as living:
            if not free:
                lock.unlink()
                raise NotNow(
                    "keys are being changed or URLs forgotten at this moment; start again when that has ended "
                    "(docs/operations.md, Keys)"
                )
            self._take_keys()
            fcntl.flock(living, fcntl.LOCK_EX)
            born, lease_s = machine_s(), self.config.schedule.lease_s
            run = Run(
                run_id=run_id,
                kind=kind,
                vantage=self.config.vantage,
                started_at=self.clock(),
                version=__version__,
                config_hash=self.config_hash,
                clock_skew_s=self._skew_s(),
                trust_store=trust_store,
            )
            if not begin(self.store, run, lease_s, may):
                lock.unlink()
                raise NotNow("another run of this kind has begun (docs/service.md, Chores)")
            heartbeat = Heartbeat(self.store, run_id, lease_s, self.mark_dead_runs, born)
            current = Pass(run_id=run_id, holds=heartbeat.holds)
            heartbeat.start()
            outcome = "failed"
            try:
                yield current
                outcome = current.outcome
            finally:
                heartbeat.stop()
                ended = RunEnd(
                    run_id=run_id,
                    finished_at=self.clock(),
                    outcome=outcome,
                    done=current.done,
                    rate=current.rate,
                )
                patiently(lambda: end(self.store, ended), heartbeat.holds)
                with suppress(OSError):  # its end is on record, so the next run removes it
                    lock.unlink(missing_ok=True)

    @contextmanager
    def alone(self, what: str) -> Iterator[None]:
        """Hold the study alone; InputError if a run is alive.

        On this machine or another.
        """
        with held(self.path, self.store, alone=True) as free:
            if free:
                self.mark_dead_runs()
            if not free or living(self.store):
                raise InputError(
                    f"{what} must be the only one at work, but a run of this study is alive; end it first "
                    "(docs/operations.md, Keys)"
                )
            self._take_keys()
            yield

    def _take_keys(self) -> None:
        """Reload the keys, which may have been rotated since opening.

        If they are no longer in their place, as on a medium that was taken out, those it was opened with serve on.
        """
        with suppress(KeyProblem):  # the check below tells if those it was opened with are of no use
            self.vault = Vault(read_keys(self.config.study, self.path))
        _verify(self.vault, self.store)

    def _skew_s(self) -> float | None:
        """Seconds the database's clock is ahead; NotNow if too many."""
        skew, most = skew_s(self.store), self.config.store.most_skew_s
        if skew is not None and abs(skew) > most:
            raise NotNow(
                f"this machine's clock is {abs(skew):.1f} s {'behind' if skew > 0 else 'ahead of'} the database's, and "
                f"{most:g} s are allowed (store.most_skew_s): set both by NTP, then start again (docs/operations.md, "
                "Several machines)"
            )
        return skew

    def mark_dead_runs(self) -> int:
        """Mark dead runs and release their leases.

        A living run on this machine holds a lock on its file, and the kernel drops the lock when the process dies. One
        on another machine, or one that stands still, is known by its silence. Runs of a study that was reproduced ended
        elsewhere.
        """
        if self.frozen:
            return 0
        dead = []
        for run_id in self.store.unfinished_runs():
            lock = self.path / "runs" / run_id
            try:
                handle = os.open(lock, os.O_RDWR)
            except FileNotFoundError:
                if self.store.sqlite:
                    dead.append(run_id)  # it ran elsewhere, before the study was moved here
                continue
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            finally:
                os.close(handle)
            dead.append(run_id)
        given_back = mark_dead(self.store, dead, self.clock())
        for run_id in self._ended_locks():
            with suppress(OSError):
                (self.path / "runs" / run_id).unlink(missing_ok=True)
        return given_back

    def _ended_locks(self) -> set[str]:
        """Return runs on record as ended that have a lock file."""
        with suppress(FileNotFoundError), self.store.reading() as connection:
            names = [lock.name for lock in (self.path / "runs").iterdir()]
            return self.store.known_ids(RunEnd, "run_id", names, connection)
        return set()


@dataclass(slots=True, kw_only=True)
class Pass:
    """The run that is going on."""

    run_id: str
    holds: Callable[[], bool]
    """True if nobody can have taken over what it leased."""
    done: int = 0
    outcome: str = "finished"
    rate: float | None = None
    """Looks a second while there was much to look at."""


@contextmanager
def private() -> Iterator[None]:
    """Let new files and folders be their owner's alone."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def create_folder(path: Path, config: Config, lab: Lab | None = None) -> Folder:
    """Make a new study folder, with fresh keys outside it."""
    try:
        refuse_taken(path)
        refuse_inside(key_file(config.study), path)
        with private(), _made(path) as there:
            refuse_taken(path)
            return _filled(path, there, config, lab)
    except OSError as problem:
        if problem.errno in DISK:
            raise
        raise InputError(f"{path} cannot be made a study folder ({problem.strerror})") from None


def refuse_taken(path: Path) -> None:
    """InputError where no study can be begun."""
    refuse_odd_name(path)
    if os.path.lexists(path / SETTINGS):
        raise InputError(f"{path} holds a study already; choose another folder or remove it first")
    if path.exists() and not path.is_dir():
        raise InputError(f"{path} is a file; a folder was expected (docs/architecture.md, Storage)")
    if published_at(path):
        raise InputError(f"{path} holds a publication, where a study's files do not belong; choose another folder")


@contextmanager
def _made(path: Path) -> Iterator[frozenset[str] | None]:
    """Make a folder and hold its lock; yield those of our names that an old one had before, None of a new one."""
    handle = None
    with folder_for(path) as new:
        there = None if new else OWN & {one.name for one in path.iterdir()}
        try:
            with suppress(BlockingIOError):
                handle = locked(path / "lock", os.O_RDWR | os.O_CREAT)
            if handle is None or not os.fstat(handle).st_nlink:  # removed: the other one failed just now
                raise InputError(f"another init is at work in {path}; wait until it has ended (docs/cli.md, init)")
            yield there
        finally:
            if handle is not None:
                os.close(handle)


def _filled(path: Path, there: frozenset[str] | None, config: Config, lab: Lab | None) -> Folder:
    """Fill a folder that is held; a failure leaves no keys, an old folder as it was, and a new one not at all."""
    keys, mode = None, S_IMODE(path.stat().st_mode)
    try:
        path.chmod(PRIVATE)
        (path / TABLE).mkdir(exist_ok=True)
        keys = _prepare_store(path, config)
        if lab:
            write_toml(path / LAB, lab)
        write_whole(path / SCHEMA, msgspec.json.format(msgspec.json.encode(schema()), indent=1))
        write_whole(path / SETTINGS, commented(config))
        return open_folder(path)
    except BaseException:
        for one in (keys, *(path / name for name in OWN - (there or set()))):
            with suppress(OSError):
                if one:
                    one.rmdir() if one.is_dir() else one.unlink(missing_ok=True)
        if there is None:
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.chmod(mode)
        raise


def _prepare_store(path: Path, config: Config) -> Path | None:
    """Create an empty store, its key check, then the keys; return the file of keys that was written."""
    store = Store(_store_url(path, config))
    try:
        if store.revision() is None:
            create(store)
        else:
            store.migrate()
        if store.count(KeyCheck) and not _was_unfinished(path, store):
            own = store.file is not None and store.file.parent == path.resolve()
            raise InputError(
                f"{path if own else 'the store named by --store'} holds a study already; "
                f"{f'restore its {SETTINGS} from a backup' if own else 'each needs a database'} (docs/backup.md)"
            )
        given = bool(os.environ.get(KEYS_ENVIRONMENT))
        keys = read_keys(config.study, path) if given else Keys.new()
        store.add([Vault(keys).check()])
        if given:
            return None
        write_keys(key_file(config.study), keys, path)
        return key_file(config.study)
    finally:
        store.close()


def _was_unfinished(path: Path, store: Store) -> bool:
    """Empty a store that a killed `init` left in this folder; False if it is not one."""
    own = store.file is not None and store.file.parent == path.resolve()
    if not own or any(store.count(cls) for cls in TABLES if cls not in (KeyCheck, Written)):
        return False
    with store.writing() as connection:
        for cls in (KeyCheck, Written):
            connection.execute(delete(TABLES[cls]))
    return True


def open_folder(path: Path, clock: Clock | None = None) -> Folder:
    """Open a study folder and check settings, keys and store."""
    folder = unasked(path, clock)
    with _closed_on_failure(folder.store):
        folder.check_store()
    return folder


def unasked(path: Path, clock: Clock | None = None) -> Folder:
    """Open a study folder and check settings and keys; its store was not asked yet (`Folder.check_store`)."""
    refuse_odd_name(path)
    if not (path / SETTINGS).is_file():
        raise StudyMissing(no_study(path))
    config, config_hash = read_config(path / SETTINGS)
    config = placed(config)
    lab = read_lab(path / LAB)
    vault = Vault(read_keys(config.study, path))
    frozen = read_frozen(path / FROZEN)
    return Folder(
        path=path,
        config=config,
        config_hash=config_hash,
        lab=lab,
        store=Store(_store_url(path, config)),
        vault=vault,
        clock=clock or _clock(lab, frozen),
        frozen=frozen,
    )


@contextmanager
def _closed_on_failure(store: Store) -> Iterator[None]:
    try:
        yield
    except BaseException:
        store.close()
        raise


def _clock(lab: Lab | None, frozen: Frozen | None) -> Clock:
    if frozen:
        return lambda: frozen.frozen_at
    return (lambda: lab.clock) if lab else real_clock


def _verify(vault: Vault, store: Store) -> None:
    for check in store.all(KeyCheck):
        vault.verify(check)


def open_store(path: Path, config: Config) -> Store:
    """The store of a study folder, which needs no keys."""
    store = Store(_store_url(path, config))
    with _closed_on_failure(store):
        _check_store(path, store)
    return store


def _check_store(path: Path, store: Store) -> None:
    if store.file is not None and not store.file.is_file():
        raise StudyMissing(f"{store.file} is missing; restore it from a backup (docs/operations.md)")
    if store.revision() is None:
        raise InputError(
            f"the store of {path} is empty or not Waterbed's; restore it from a backup (docs/operations.md)"
        )
    bring_forward(path, store)


def _store_url(path: Path, config: Config) -> str:
    url = os.environ.get(STORE_ENVIRONMENT) or config.store.url
    return f"sqlite:///{(path / 'waterbed.db').resolve()}" if url == "sqlite" else url
