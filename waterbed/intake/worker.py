"""Reads a file and prepares its batches in a process of its own, while this one writes.

Both processes compute: beside a thread that does, the interpreter's lock would let the other one wait. What is said
goes through pipes, never through arguments; the other process ends with this one, however this one ends.
"""

import gc
import os
import pickle
import signal
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import cache
from pathlib import Path
from typing import Any, Final

from waterbed.intake.batches import Batch, Batches, BatchSource
from waterbed.intake.formats import read_reports
from waterbed.intake.reports import Defaults
from waterbed.model.errors import OwnFailure, WaterbedError
from waterbed.store.folder import Folder
from waterbed.store.vault import Vault, read_keys

LARGE: Final = 4 << 20
"""Bytes of a file for which another process is worth its start of half a second."""
_START: Final = (
    "import pickle, sys; sys.path[:] = pickle.load(sys.stdin.buffer); from waterbed.intake.worker import serve; serve()"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Which file is read, how, and for which study."""

    path: Path
    form: str | None
    zone: tzinfo | None
    defaults: Defaults
    study: str
    folder: Path


class Apart:
    """Batches that another process makes."""

    def __init__(self, order: Order) -> None:
        """Start it, and say what it is to read."""
        self._process = subprocess.Popen(  # noqa: S603 (this interpreter, a text of our own)
            [sys.executable, "-c", _START], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        with suppress(BrokenPipeError):  # it has ended: the first answer that is missing says so
            self._say(sys.path)
            self._say(order)

    def begin(self) -> None:
        """Let it read the first lines."""
        self._answer(None)

    def next(self, now: datetime) -> Batch:
        """The next batch; raises what the other process raised, OwnFailure if it is no more."""
        made: Batch = self._answer(now)
        return made

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()

    def _answer(self, asked: datetime | None) -> Any:
        try:
            self._say(asked)
            answer = pickle.load(self._process.stdout)  # type: ignore[arg-type]  # noqa: S301 (our own process)
        except (EOFError, BrokenPipeError, pickle.UnpicklingError):
            raise OwnFailure(
                f"the process that reads the file ended (exit status {self._process.wait()}), so the import did; what "
                "was taken in is kept: import the file again"
            ) from None
        if isinstance(answer, WaterbedError):
            raise answer
        return answer

    def _say(self, what: Any) -> None:
        pipe = self._process.stdin
        pickle.dump(what, pipe)  # type: ignore[arg-type]
        pipe.flush()  # type: ignore[union-attr]


@contextmanager
def batches_of(
    folder: Folder, path: Path, defaults: Defaults, *, form: str | None = None, zone: tzinfo | None = None
) -> Iterator[BatchSource]:
    """The batches of a file; a large one is read by another process where there are processors for both."""
    if not _is_large(path) or (os.cpu_count() or 1) < 2:
        yield Batches(read_reports(path, form, zone), lambda: folder.vault, defaults)
        return
    apart = Apart(
        Order(path=path, form=form, zone=zone, defaults=defaults, study=folder.config.study, folder=folder.path)
    )
    try:
        yield apart
    finally:
        apart.close()


def _is_large(path: Path) -> bool:
    """Whether it is worth it; a file that is gone is not, and whoever opens it says so."""
    try:
        return path.stat().st_size >= LARGE
    except OSError:
        return False


def serve() -> None:
    """Answer each time that is read with the next batch, until nobody asks any more; None: begin."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # whoever asks decides when it is enough
    asked, answers = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr
    gc.disable()  # of millions of facts none is in a cycle
    with suppress(EOFError, BrokenPipeError):
        source = _source(pickle.load(asked))  # noqa: S301 (our own process)
        while True:
            now: datetime | None = pickle.load(asked)  # noqa: S301 (the same)
            answer: Batch | WaterbedError | None = None
            try:
                if now:
                    answer = source.next(now)
                else:
                    source.begin()
            except WaterbedError as problem:
                answer = problem
            except Exception as problem:  # its text may quote a line: the place alone is told
                frame = traceback.extract_tb(problem.__traceback__)[-1]
                where = f"{type(problem).__name__} at {Path(frame.filename).stem}:{frame.lineno}"
                answer = OwnFailure(f"reading the file failed: {where}; please report this line")
            pickle.dump(answer, answers, protocol=pickle.HIGHEST_PROTOCOL)
            answers.flush()


def _source(order: Order) -> Batches:
    """The batches; keys are read for the first one, when the import's run keeps others from rotating them."""
    vault = cache(lambda: Vault(read_keys(order.study, order.folder)))
    return Batches(read_reports(order.path, order.form, order.zone), vault, order.defaults)
