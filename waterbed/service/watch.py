"""A folder that is watched: each file that is put there is imported once."""

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from waterbed.intake.importer import ImportReport
from waterbed.model.bookkeeping import Delivery
from waterbed.model.errors import InputError
from waterbed.study.study import Study

_UNFINISHED: Final = (".part", ".tmp", ".crdownload", ".filepart", "~")
"""How names of files end that are still being written."""

_Look = tuple[int, int]
"""Size and time of change."""


@dataclass(slots=True, kw_only=True)
class Watched:
    """A folder and what is known of the files in it."""

    study: Study
    folder: Path
    named: Mapping[str, Any] = field(default_factory=dict)
    """How files are imported: see `Study.import_reports`."""
    _seen: dict[Path, _Look] = field(default_factory=dict)
    _done: dict[Path, _Look] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """InputError if there is no such folder."""
        if not self.folder.is_dir():
            raise InputError(f"{self.folder} is no folder; --watch needs one in which reports files appear")

    def look(self) -> Iterator[tuple[Path, ImportReport | InputError]]:
        """Import what is new since the last look, oldest first; a file that cannot be read comes with its reason.

        A file is taken when it looks as it did at the look before, so that nobody is still writing it. What the study
        has imported already, in whatever file, is passed over.
        """
        found = dict(sorted(self._files(), key=lambda each: (each[1][1], each[0].name)))
        ready = [path for path, look in found.items() if self._seen.get(path) == look != self._done.get(path)]
        self._seen = found
        for path in ready:
            try:
                if not self.study.store.by_ids(Delivery, "file_id", [self.study.file_id(path)]):
                    yield path, self._imported(path)
            except InputError as problem:
                yield path, problem
            self._done[path] = found[path]

    def _imported(self, path: Path) -> ImportReport:
        return self.study.import_reports(path, **self.named)

    def _files(self) -> Iterator[tuple[Path, _Look]]:
        for path in self.folder.iterdir():
            if path.name.startswith(".") or path.name.endswith(_UNFINISHED):
                continue
            try:
                if path.is_file():
                    state = path.stat()
                    yield path, (state.st_size, state.st_mtime_ns)
            except FileNotFoundError:
                continue  # taken away between listing and looking


def keep_watching(
    watched: Watched, told: Callable[[Path, ImportReport | InputError], None], *, every_s: float, rounds: int | None
) -> int:
    """Look again and again, at most `rounds` times, until a signal ends it; returns how many files had a finding."""
    findings, done = 0, 0
    with _until_signal() as ended:
        while rounds is None or done < rounds:
            for path, outcome in watched.look():
                told(path, outcome)
                findings += isinstance(outcome, InputError) or bool(outcome.rejected) or outcome.empty
            done += 1
            if done == rounds or ended.wait(every_s):
                break
    return findings


@contextmanager
def _until_signal() -> Iterator[threading.Event]:
    """An event that SIGINT or SIGTERM sets: a file that is being imported is finished first."""
    ended = threading.Event()
    before = {number: signal.signal(number, lambda *_: ended.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
