"""A worker process that reads a file into batches.

This process writes meanwhile. Both compute, so a thread would have to wait for the interpreter's lock. Messages go
through pipes, never through arguments; the worker ends with this process, however this process ends.
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
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from waterbed.intake.batches import Batch, Batches, BatchSource
from waterbed.intake.formats import Reading, read_reports
from waterbed.intake.reports import Defaults
from waterbed.model.errors import OwnFailure, ReaderBroke, WaterbedError
from waterbed.store.folder import Folder
from waterbed.store.vault import Vault, read_keys

LARGE: Final = 4 << 20
"""Smallest file size for a worker, bytes.

Its start takes half a second.
"""
_START: Final = (
    "import pickle, sys; sys.path[:] = pickle.load(sys.stdin.buffer); from waterbed.intake.worker import serve; serve()"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The file to read, its format, and the study."""

    path: Path
    how: Reading
    defaults: Defaults
    study: str
    folder: Path


class WorkerBatches:
    """Batches made by a worker process."""

    def __init__(self, order: Order) -> None:
        """Start the worker, and send it the order."""
        self._process = subprocess.Popen(  # noqa: S603 (this interpreter, a text of our own)
            [sys.executable, "-c", _START], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        with suppress(BrokenPipeError):  # it has ended: the first missing answer raises the error
            self._send(sys.path)
            self._send(order)

    def begin(self) -> None:
        """Make the worker read the first lines."""
        self._request(None)

    def next(self, now: datetime) -> Batch:
        """Return the next batch.

        Raises the worker's error, or ReaderBroke if the worker has ended.
        """
        made: Batch = self._request(now)
        return made

    def close(self) -> None:
        """End the worker."""
        self._process.kill()
        self._process.communicate()

    def _request(self, request: datetime | None) -> Any:
        try:
            self._send(request)
            answer = pickle.load(self._process.stdout)  # type: ignore[arg-type]  # noqa: S301 (our own process)
        except (EOFError, BrokenPipeError, pickle.UnpicklingError):
            raise ReaderBroke(
                f"the process that reads the file ended (exit status {self._process.wait()}), and so did the import; "
                "imported lines are kept: import the file again"
            ) from None
        if isinstance(answer, WaterbedError):
            raise answer
        return answer

    def _send(self, what: Any) -> None:
        pipe = self._process.stdin
        pickle.dump(what, pipe)  # type: ignore[arg-type]
        pipe.flush()  # type: ignore[union-attr]


@contextmanager
def batches_of(folder: Folder, path: Path, defaults: Defaults, how: Reading) -> Iterator[BatchSource]:
    """Yield the batches of a file.

    A worker process reads a large file if there are at least two processors.
    """
    if not _is_large(path) or (os.cpu_count() or 1) < 2:
        yield Batches(read_reports(path, how), lambda: folder.vault, defaults)
        return
    worker = WorkerBatches(
        Order(
            path=path,
            how=how,
            defaults=defaults,
            study=folder.config.study,
            folder=folder.path,
        )
    )
    try:
        yield worker
    finally:
        worker.close()


def _is_large(path: Path) -> bool:
    """True if a worker is worth it; a missing file is reported when it is opened.

    What came by standard input only this process can open.
    """
    try:
        return path.stat().st_size >= LARGE and not path.is_relative_to("/proc")
    except OSError:
        return False


def serve() -> None:
    """Answer each time read from stdin with the next batch.

    None in place of a time means begin. Ends with the input.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the main process decides when to stop
    request, answers = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr
    gc.disable()  # of millions of facts none is in a cycle
    with suppress(EOFError, BrokenPipeError):
        source = _source(pickle.load(request))  # noqa: S301 (our own process)
        while True:
            now: datetime | None = pickle.load(request)  # noqa: S301 (the same)
            answer: Batch | WaterbedError | None = None
            try:
                if now:
                    answer = source.next(now)
                else:
                    source.begin()
            except WaterbedError as problem:
                answer = problem
            except Exception as problem:  # its text may quote a line, so only the place is given
                frame = traceback.extract_tb(problem.__traceback__)[-1]
                where = f"{type(problem).__name__} at {Path(frame.filename).stem}:{frame.lineno}"
                answer = OwnFailure(f"reading the file failed: {where}; please report this line")
            pickle.dump(answer, answers, protocol=pickle.HIGHEST_PROTOCOL)
            answers.flush()


def _source(order: Order) -> Batches:
    """The batches. Keys are read with the first one, when the import's run keeps others from rotating them."""
    vault = cache(lambda: Vault(read_keys(order.study, order.folder)))
    return Batches(read_reports(order.path, order.how), vault, order.defaults)
