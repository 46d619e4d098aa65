"""A lab run's study folder: opened, removed if it fails."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from stat import S_IMODE

from waterbed.lab.servers.process import LabServers
from waterbed.model.errors import InputError
from waterbed.store.config import Config, read_config, write_toml
from waterbed.store.folder import LAB
from waterbed.store.machine_settings import Lab
from waterbed.store.own_files import OWN, SETTINGS
from waterbed.store.vault import KEYS_ENVIRONMENT, key_file
from waterbed.study.study import Study, create_study, open_study

CONTROL_RUN = "beside"
"""Folder of the control run, in that of the first."""


def opened(out: Path, servers: LabServers, now: datetime, config: Config, *, replay: bool = False) -> Study:
    """Create or reopen the study of a lab run."""
    lab = Lab(resolver=servers.resolver, clock=now, connect_to=servers.connect_to, replay=replay)
    if not (out / SETTINGS).exists():
        return create_study(out, config, lab)
    if not (out / LAB).exists():
        raise InputError(f"{out} holds a study that is not of the lab; choose another folder")
    write_toml(out / LAB, lab)
    return open_study(out)


@dataclass(frozen=True, slots=True)
class FolderBefore:
    """A place before a study was made there."""

    out: Path
    new: tuple[Path, ...]
    """Of the folder and its parents, those that were missing, the innermost first."""
    names: frozenset[str]
    mode: int

    @classmethod
    def of(cls, out: Path) -> "FolderBefore":
        """Look at a place.

        One that cannot be looked at is refused when a study is made there.
        """
        try:
            new = tuple(one for one in (out, *out.parents) if not one.exists())
            there = out.is_dir()
            names = frozenset(one.name for one in out.iterdir()) if there else frozenset[str]()
            return cls(out, new, names, S_IMODE(out.stat().st_mode) if there else 0)
        except OSError:
            return cls(out, (), frozenset((SETTINGS,)), 0)

    @contextmanager
    def unless_whole(self, study: str) -> Iterator[None]:
        """Remove this study and its keys if the block fails.

        What was there before stays, and so does all that a signal interrupts.
        """
        try:
            yield
        except Exception:
            if SETTINGS not in self.names and study == _study_in(self.out):
                self._remove()
            raise

    def _remove(self) -> None:
        if not os.environ.get(KEYS_ENVIRONMENT):
            for folder in (self.out / CONTROL_RUN, self.out):
                if study := _study_in(folder):
                    key_file(study).unlink(missing_ok=True)
        if self.new:
            shutil.rmtree(self.out, ignore_errors=True)
            for one in self.new[1:]:
                with suppress(OSError):  # others have put something there
                    one.rmdir()
            return
        for name in {*OWN, CONTROL_RUN} - self.names:
            place = self.out / name
            if place.is_dir() and not place.is_symlink():
                shutil.rmtree(place, ignore_errors=True)
            else:
                place.unlink(missing_ok=True)
        self.out.chmod(self.mode)


def _study_in(folder: Path) -> str | None:
    """The name of a folder's study by its settings, None where none can be read."""
    try:
        return read_config(folder / SETTINGS)[0].study
    except InputError:
        return None
