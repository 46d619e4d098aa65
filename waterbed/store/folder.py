"""A study's folder: settings, database, tables of routes, run locks."""

import fcntl
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from waterbed.model.bookkeeping import KeyCheck, Run, RunEnd
from waterbed.model.errors import InputError, KeyProblem, StudyMissing
from waterbed.store.config import Config, Lab, read_config, read_lab, write_toml
from waterbed.store.sql import Store
from waterbed.store.vault import KEYS_ENVIRONMENT, Keys, Vault, key_file, read_keys, refuse_inside, write_keys

SETTINGS = "waterbed.toml"
LAB = "lab.toml"
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

    @property
    def tables(self) -> Path:
        """Where the compact routing and country tables lie."""
        return self.path / "tables"

    def close(self) -> None:
        """Give the database back."""
        self.store.close()

    @contextmanager
    def run(self, kind: str) -> Iterator["Pass"]:
        """A run on record: locked while it lives, its end written when it ends."""
        run_id = uuid.uuid4().hex
        (self.path / "runs").mkdir(exist_ok=True)
        lock = self.path / "runs" / run_id
        with self._held(fcntl.LOCK_SH) as free, lock.open("w") as held:
            if not free:
                lock.unlink()
                raise InputError(
                    "keys are being changed or URLs forgotten at this moment; start again when that has ended "
                    "(docs/operations.md, Keys)"
                )
            self._take_keys()
            fcntl.flock(held, fcntl.LOCK_EX)
            self.store.add(
                [
                    Run(
                        run_id=run_id,
                        kind=kind,
                        vantage=self.config.vantage,
                        started_at=self.clock(),
                        version=version("waterbed"),
                        config_hash=self.config_hash,
                    )
                ]
            )
            current = Pass(run_id=run_id)
            outcome = "failed"
            try:
                yield current
                outcome = current.outcome
            finally:
                self.store.release([run_id])
                end = RunEnd(run_id=run_id, finished_at=self.clock(), outcome=outcome, done=current.done)
                self.store.add([end])
                lock.unlink(missing_ok=True)

    @contextmanager
    def alone(self, what: str) -> Iterator[None]:
        """Nothing else writes to the study meanwhile, on this machine or another; InputError if something does."""
        with self._held(fcntl.LOCK_EX) as free:
            if free:
                self.bury_dead_runs()
            if not free or self.store.live_leases(real_clock()):
                raise InputError(
                    f"{what} must be the only one at work, but a run of this study is alive; end it first "
                    "(docs/operations.md, Keys)"
                )
            self._take_keys()
            yield

    def _take_keys(self) -> None:
        """Take the keys as they are now: they may have been rotated since the study was opened.

        If they are no longer in their place, as on a medium that was taken out, those it was opened with serve on.
        """
        with suppress(KeyProblem):  # the check below tells if those it was opened with are of no use
            self.vault = Vault(read_keys(self.config.study, self.path))
        _verify(self.vault, self.store)

    @contextmanager
    def _held(self, how: int) -> Iterator[bool]:
        """Hold the study's lock, shared or alone; the kernel drops it when the process dies. False if it is taken."""
        with (self.path / "lock").open("a") as file:
            try:
                fcntl.flock(file, how | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            with self.store.locked(alone=how == fcntl.LOCK_EX) as free:
                yield free

    def bury_dead_runs(self) -> int:
        """Give back the leases of runs that died on this machine.

        A living run holds a lock on its file, and the kernel drops the lock when the process dies, however it dies.
        """
        dead = []
        for run_id in self.store.unfinished_runs():
            lock = self.path / "runs" / run_id
            try:
                handle = os.open(lock, os.O_RDWR)
            except FileNotFoundError:
                continue
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            finally:
                os.close(handle)
            dead.append(run_id)
        if not dead:
            return 0
        given_back = self.store.release(dead)
        now = self.clock()
        self.store.add(RunEnd(run_id=run_id, finished_at=now, outcome="killed", done=0) for run_id in dead)
        for run_id in dead:
            (self.path / "runs" / run_id).unlink(missing_ok=True)
        return given_back


@dataclass(slots=True, kw_only=True)
class Pass:
    """The run that is going on."""

    run_id: str
    done: int = 0
    outcome: str = "finished"


def create_folder(path: Path, config: Config, lab: Lab | None = None) -> Folder:
    """Make a new study folder, with fresh keys outside it."""
    if (path / SETTINGS).exists():
        raise InputError(f"{path} holds a study already; choose another folder or remove it first")
    if path.exists() and not path.is_dir():
        raise InputError(f"{path} is a file; a study needs a folder")
    refuse_inside(key_file(config.study), path)
    new = not path.exists()
    try:
        path.mkdir(parents=True, exist_ok=True)
        (path / "tables").mkdir(exist_ok=True)
        _prepare_store(path, config)
        if lab:
            write_toml(path / LAB, lab)
        write_toml(path / SETTINGS, config)
        return open_folder(path)
    except BaseException as problem:
        if new:
            shutil.rmtree(path, ignore_errors=True)
        if isinstance(problem, OSError):
            raise InputError(f"{path} cannot be made a study folder ({problem.strerror})") from None
        raise


def _prepare_store(path: Path, config: Config) -> None:
    """An empty store with the check by which wrong keys are known; then, last, the keys."""
    store = Store(_store_url(path, config))
    try:
        store.migrate()
        if store.count(KeyCheck):
            raise InputError("the store in [store] holds a study already; each study needs a database of its own")
        given = bool(os.environ.get(KEYS_ENVIRONMENT))
        keys = read_keys(config.study, path) if given else Keys.new()
        store.add([Vault(keys).check()])
        if not given:
            write_keys(key_file(config.study), keys, path)
    finally:
        store.close()


def open_folder(path: Path, clock: Clock | None = None) -> Folder:
    """Open a study folder: settings, keys and store are all checked."""
    if not (path / SETTINGS).is_file():
        raise StudyMissing(f"no study in {path}: {SETTINGS} is missing; make one with: waterbed init {path}")
    config, config_hash = read_config(path / SETTINGS)
    lab = read_lab(path / LAB)
    vault = Vault(read_keys(config.study, path))
    store = open_store(path, config)
    _verify(vault, store)
    if clock is None:
        clock = (lambda: lab.clock) if lab else real_clock
    return Folder(
        path=path,
        config=config,
        config_hash=config_hash,
        lab=lab,
        store=store,
        vault=vault,
        clock=clock,
    )


def _verify(vault: Vault, store: Store) -> None:
    for check in store.all(KeyCheck):
        vault.verify(check)


def open_store(path: Path, config: Config) -> Store:
    """The store of a study folder, which needs no keys."""
    store = Store(_store_url(path, config))
    if store.file is not None and not store.file.is_file():
        raise StudyMissing(f"{store.file} is missing; restore it from a backup (docs/operations.md)")
    if store.revision() is None:
        raise InputError(
            f"the store of {path} is empty or not Waterbed's; restore it from a backup (docs/operations.md)"
        )
    return store


def _store_url(path: Path, config: Config) -> str:
    url = os.environ.get("WATERBED_STORE") or config.store.url
    return f"sqlite:///{(path / 'waterbed.db').resolve()}" if url == "sqlite" else url
