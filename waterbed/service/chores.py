"""Runs the service's periodic commands, each in its own process."""

import asyncio
import json
import logging
import shlex
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from waterbed.model.errors import InputError
from waterbed.store.machine_settings import Chore

DONE = "chores.json"
ALLOWED = ("enrich", "lake", "backup", "prune", "publish", "import", "doctor", "cache")
"""First words of chores: nothing that reveals, forgets or changes keys."""
REFRESH = Chore(command="cache refresh", every_hours=24.0)
"""What every service does, for the first time a day after it began."""
_RETRY_S = 3600.0
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

    The time of each chore's last run is kept in the study's folder.
    """

    def __init__(self, study: Path, chores: tuple[Chore, ...], on_end: Callable[[str, str], None]) -> None:
        """Take the chores.

        `on_end` gets each ended chore's first word and outcome.
        """
        self._study, self._on_end = study, on_end
        self._chores = [
            (" ".join(words), words, chore.every_hours * 3600) for chore in chores for words in [words_of(chore)]
        ]
        self._process: asyncio.subprocess.Process | None = None
        self._tried: dict[str, float] = {}
        if REFRESH in chores and REFRESH.command not in self._last():
            self._keep({**self._last(), REFRESH.command: time.time()})

    async def run_due(self) -> None:
        """Run each due chore, one after the other."""
        for name, words, every_s in self._chores:
            now, last = time.time(), self._last().get(name)
            tried = self._tried.get(name)
            if tried is not None and time.monotonic() - tried < min(every_s, _RETRY_S):
                continue
            if last is None or not last <= now < last + every_s:
                await self._run(name, words)

    async def _run(self, name: str, words: list[str]) -> None:
        began = self._tried[name] = time.monotonic()
        _log.info("a chore begins", extra={"chore": words[0]})
        # what it prints is not kept: a command may name files, and its findings are on record in the study
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "waterbed.cli", "-C", str(self._study), *words),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            code = await self._process.wait()
        finally:
            self._process = None
        outcome = {0: "done", 1: "finding"}.get(code, "failed")
        _log.log(
            logging.WARNING if outcome == "failed" else logging.INFO,
            "a chore ended",
            extra={"chore": words[0], "outcome": outcome, "exit_code": code, "seconds": time.monotonic() - began},
        )
        if outcome != "failed":
            self._keep({**self._last(), name: time.time()})
        self._on_end(words[0], outcome)

    async def stop(self, patience_s: float) -> None:
        """Terminate a running chore; kill it after `patience_s`."""
        process = self._process
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), patience_s)
            except TimeoutError:
                process.kill()

    def successes(self) -> list[tuple[str, float, float]]:
        """Of each chore its first word, when it last succeeded (seconds since 1970, 0: never), and its interval."""
        last = self._last()
        return [(words[0], last.get(name, 0.0), every_s) for name, words, every_s in self._chores]

    def _last(self) -> dict[str, float]:
        """Read the time of each chore's last run, seconds since 1970; empty if unreadable."""
        try:
            read = json.loads((self._study / DONE).read_bytes())
            return {str(name): float(when) for name, when in read.items()}
        except (OSError, ValueError, AttributeError, TypeError):
            return {}

    def _keep(self, last: dict[str, float]) -> None:
        written = self._study / f"{DONE}.new"
        try:
            written.write_text(json.dumps(last))
            written.replace(self._study / DONE)
        except OSError as problem:
            _log.warning("when chores ran cannot be written down", extra={"why": problem.strerror})
