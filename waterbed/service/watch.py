"""Imports each file that appears in a watched folder once."""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Final

from waterbed.intake.importer import ImportReport
from waterbed.model.bookkeeping import Delivery
from waterbed.model.errors import InputError, KeyProblem, NotNow, ReaderBroke, ReadOnly, StudyMissing
from waterbed.study.study import Study

_UNFINISHED: Final = (".part", ".tmp", ".crdownload", ".filepart", "~")
"""Endings of the names of files that are still being written."""

REFUSED: Final = "refused"
"""Folder inside the watched one, into which files go that cannot be read."""
_OURS: Final = (KeyProblem, ReadOnly, StudyMissing)
"""Errors for which no file is to blame."""

Refusal = InputError | ReaderBroke
_Look = tuple[int, int]
"""Size and time of change."""


@dataclass(slots=True, kw_only=True)
class WatchedFolder:
    """A watched folder and the state of its files."""

    study: Study
    folder: Path
    named: Mapping[str, Any] = field(default_factory=dict)
    """Keyword arguments of `Study.import_reports`."""
    _seen: dict[Path, _Look] = field(default_factory=dict)
    _done: dict[Path, _Look] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """InputError if there is no such folder."""
        if not self.folder.is_dir():
            raise InputError(f"{self.folder} is not a folder; --watch needs the folder in which reports files appear")

    def import_new(self) -> Iterator[tuple[Path, ImportReport | Refusal]]:
        """Import new files, oldest first.

        A file that cannot be read, or on which a reader breaks, is yielded with its error and moved aside into the
        folder REFUSED; where that cannot be written to it stays, and is not read again until it changes. A file is
        imported once its size and time are the same at two calls, so that it is complete. Content that the study has
        imported already, in any file, is skipped. While the study takes in nothing, its error is yielded with the first
        file; all stay, and are tried again at the next call.
        """
        found = dict(sorted(self._files(), key=lambda each: (each[1][1], each[0].name)))
        ready = [path for path, state in found.items() if self._seen.get(path) == state != self._done.get(path)]
        self._seen = found
        for path in ready:
            try:
                if not self.study.store.by_ids(Delivery, "file_id", [self.study.file_id(path)]):
                    yield path, self._imported(path)
            except _OURS:
                raise
            except NotNow as problem:
                yield path, problem
                return
            except (InputError, ReaderBroke) as problem:
                self._move_aside(path)
                yield path, problem
            self._done[path] = found[path]

    def _imported(self, path: Path) -> ImportReport:
        return self.study.import_reports(path, **self.named)

    def _move_aside(self, path: Path) -> None:
        aside = self.folder / REFUSED
        with suppress(OSError):
            aside.mkdir(exist_ok=True)
            free = (aside / f"{path.name}{f'.{n}' if n else ''}" for n in count())
            path.rename(next(place for place in free if not os.path.lexists(place)))

    def _files(self) -> Iterator[tuple[Path, _Look]]:
        try:
            paths = list(self.folder.iterdir())
        except OSError as problem:
            raise InputError(
                f"{self.folder} cannot be listed ({problem.strerror}); --watch needs a folder that stays "
                "(docs/intake.md, Watching a folder)"
            ) from None
        for path in paths:
            if path.name.startswith(".") or path.name.endswith(_UNFINISHED):
                continue
            try:
                if path.is_file():
                    state = path.stat()
                    yield path, (state.st_size, state.st_mtime_ns)
            except FileNotFoundError:
                continue  # taken away between listing and looking


def keep_watching(
    watched: WatchedFolder,
    report: Callable[[Path, ImportReport | Refusal], None],
    *,
    every_s: float,
    rounds: int | None,
) -> int:
    """Import new files until a signal, at most `rounds` times.

    Returns the number of files with a finding.
    """
    findings, finished = 0, 0
    with _until_signal() as ended:
        while rounds is None or finished < rounds:
            for path, outcome in watched.import_new():
                report(path, outcome)
                findings += isinstance(outcome, Refusal) or bool(outcome.rejected) or outcome.empty
            finished += 1
            if finished == rounds or ended.wait(every_s):
                break
    return findings


@contextmanager
def _until_signal() -> Iterator[threading.Event]:
    """Yield an event that SIGINT or SIGTERM sets; a running import is finished first."""
    ended = threading.Event()
    before = {number: signal.signal(number, lambda *_: ended.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
