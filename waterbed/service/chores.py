"""Runs the service's periodic commands, each in its own process, once for all services of a study."""

import asyncio
import logging
import shlex
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import timedelta
from typing import Final

from waterbed.model.bookkeeping import Run
from waterbed.model.errors import InputError, NotNow
from waterbed.model.redaction import redact
from waterbed.store.folder import Folder, Pass
from waterbed.store.leases import May
from waterbed.store.machine_settings import Chore
from waterbed.store.runs import again, last_finished

ALLOWED = ("enrich", "lake", "backup", "prune", "publish", "import", "doctor", "cache")
"""First words of chores: nothing that reveals, forgets or changes keys."""
REFRESH = Chore(command="cache refresh", every_hours=24.0)
"""What every service does, for the first time a day after the study's first run."""
_RETRY: Final = timedelta(hours=1)
_LOOK_S = 1.0
_SHOWN = 500
"""Letters of a chore's sentence that the log shows."""
_COMMAND: Final = """
import ctypes, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, 15)  # PR_SET_PDEATHSIG, SIGTERM: prctl(2)
from waterbed.cli.main import program
program()
"""
"""The command line in a process that ends with the service, however that ends."""
_log = logging.getLogger("waterbed.service")


def words_of(chore: Chore) -> list[str]:
    """Split a chore's command; InputError if it is not allowed."""
    try:
        words = shlex.split(chore.command)
    except ValueError:
        words = []
    if not words or words[0] not in ALLOWED:
        raise InputError(
            f"service.chores: {chore.command!r} does not begin with one of {', '.join(ALLOWED)} "
            "(docs/service.md, Chores)"
        )
    if any("://" in word and not word.startswith(("s3://", "file://")) for word in words):
        raise InputError("service.chores: a command holds an address (docs/service.md, Chores)")
    return words


class Chores:
    """Runs due chores, one at a time.

    Each is a run on record, so that of several services one alone does it: another one if that one dies.
    """

    def __init__(self, folder: Folder, chores: tuple[Chore, ...], on_end: Callable[[str, str], None]) -> None:
        """Take the chores.

        `on_end` gets each ended chore's first word and outcome.
        """
        self._folder, self._on_end = folder, on_end
        self._chores = [(words_of(chore), timedelta(hours=chore.every_hours)) for chore in chores]
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = False
        self._idle = asyncio.Event()
        self._idle.set()

    async def run_due(self) -> None:
        """Run each due chore, one after the other, that no other service runs."""
        await asyncio.to_thread(self._folder.mark_dead_runs)
        for words, every in self._chores:
            if await asyncio.to_thread(self._is_due, words, every):
                await self._run(words, every)

    def kind(self, words: list[str]) -> str:
        """A chore's kind of run: its words may name a place."""
        return f"chore {self._folder.vault.keyed_id('chore', shlex.join(words))}"

    def _is_due(self, words: list[str], every: timedelta) -> bool:
        if self._stopping:
            return False
        with self._folder.store.reading() as connection:
            due = self._may(words, every)(connection)
        if due and shlex.join(words) == REFRESH.command:
            began = self._folder.store.first(Run, "started_at")
            return began is not None and began + every <= self._folder.clock()
        return due

    def _may(self, words: list[str], every: timedelta) -> May:
        return again(self.kind(words), now=self._folder.clock(), every=every, retry=min(every, _RETRY))

    async def _run(self, words: list[str], every: timedelta) -> None:
        self._idle.clear()
        try:
            with ExitStack() as stack:
                run = self._folder.run(self.kind(words), may=self._may(words, every))
                try:
                    current = await asyncio.to_thread(stack.enter_context, run)
                except NotNow:
                    return  # another service was quicker, or keys are being changed
                ends_run = stack.pop_all()
                try:
                    await self._do(words, current)
                finally:
                    await asyncio.to_thread(ends_run.close)
        finally:
            self._idle.set()

    async def _do(self, words: list[str], run: Pass) -> None:
        began = time.monotonic()
        run.outcome = "stopped" if self._stopping else "failed"
        if self._stopping:
            return
        _log.info("a chore begins", extra={"chore": words[0]})
        # of what it prints the sentence of its failure is kept: findings are on record in the study
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", _COMMAND, "-C", str(self._folder.path), *words),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            said = await self._said(self._process, run)
            code = self._process.returncode
        finally:
            self._process = None
        outcome = {0: "done", 1: "finding"}.get(code if code is not None else -1, "failed")
        if outcome != "failed":
            run.outcome = "finished"
        elif self._stopping:
            run.outcome = "stopped"
        _log.log(
            logging.WARNING if outcome == "failed" else logging.INFO,
            "a chore ended",
            extra={
                "chore": words[0],
                "outcome": outcome,
                "exit_code": code,
                "seconds": time.monotonic() - began,
                "said": said if outcome == "failed" else "",
            },
        )
        self._on_end(words[0], outcome)

    async def _said(self, process: asyncio.subprocess.Process, run: Pass) -> str:
        """Wait for a chore's end; the sentence that it ended with.

        It is made to end if others may have taken it over.
        """
        ended = asyncio.ensure_future(process.communicate())
        while not ended.done():
            await asyncio.wait({ended}, timeout=_LOOK_S)
            if not run.holds():
                with suppress(ProcessLookupError):
                    process.terminate()
        lines = ended.result()[1].decode(errors="replace").splitlines()
        told = [line for line in lines if line.startswith("waterbed")]
        return redact(told[-1].removeprefix("waterbed: "))[:_SHOWN] if told else ""

    async def stop(self, patience_s: float) -> None:
        """Terminate a running chore; kill it after `patience_s`. Its end is on record then."""
        self._stopping = True
        process = self._process
        if process is not None:
            with suppress(ProcessLookupError):
                process.terminate()
                try:
                    await asyncio.wait_for(process.wait(), patience_s)
                except TimeoutError:
                    process.kill()
        await self._idle.wait()

    def successes(self) -> list[tuple[str, float, float]]:
        """Of each chore its first word, when it last succeeded (seconds since 1970, 0: never), and its interval."""
        return [
            (words[0], last.timestamp() if last else 0.0, every.total_seconds())
            for words, every in self._chores
            for last in [last_finished(self._folder.store, self.kind(words))]
        ]
