"""A service for tests: in this process with a clock of its own, or as a process of its own."""

import asyncio
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import IO

import msgspec

from waterbed.service.endpoint import Endpoint
from waterbed.service.service import Service, ServiceReport
from waterbed.store.config import write_toml
from waterbed.store.machine_settings import Service as Settings
from waterbed.store.own_files import SETTINGS
from waterbed.study.study import Study

QUICK = Settings(pass_s=600.0, stop_s=2.0, health_every_s=1.0, listen="127.0.0.1:0", longest_wait_s=1.0)


def set_service(study: Study, settings: Settings = QUICK, **others: object) -> None:
    """Change a study's settings, in memory and in its file."""
    folder = study.folder
    folder.config = msgspec.structs.replace(folder.config, service=settings, **others)
    write_toml(folder.path / SETTINGS, folder.config)


def served(study: Study, act: Callable[[Service, Endpoint], Awaitable[None]]) -> ServiceReport:
    """Let a service keep a study while `act` does something; then it is stopped."""

    async def both() -> ServiceReport:
        service = Service(study.folder)
        begun: asyncio.Future[Endpoint] = asyncio.get_running_loop().create_future()

        def told(endpoint: Endpoint | None) -> None:
            assert endpoint is not None
            begun.set_result(endpoint)

        keeping = asyncio.create_task(service.keep(told))
        try:
            await act(service, await begun)
        finally:
            service.stop()
            kept = await keeping
        return kept

    return asyncio.run(both())


async def until(true: Callable[[], object], seconds: float = 120.0) -> None:
    """Wait until something is true, and fail if it never is."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came to be"
        await asyncio.sleep(0.05)


def awaited(true: Callable[[], object], seconds: float = 240.0) -> None:
    """The same outside an event loop."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.02)


async def asked(endpoint: Endpoint, path: str) -> tuple[int, bytes]:
    """Ask the endpoint: status and body."""
    return await asyncio.to_thread(fetched, f"{endpoint.shown}{path}")


def fetched(url: str) -> tuple[int, bytes]:
    """Status and body of a URL on loopback."""
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.read()


STARTED: list[subprocess.Popen[bytes]] = []
"""Processes that were started: none outlives its test."""


def started(study: Path, *words: str, log: int | IO[bytes] = subprocess.PIPE) -> subprocess.Popen[bytes]:
    """Start `waterbed run` as a process of its own; its log is on standard error."""
    running = subprocess.Popen(
        [sys.executable, "-m", "waterbed.cli", "-C", str(study), "run", *words],
        stdout=subprocess.PIPE,
        stderr=log,
    )
    STARTED.append(running)
    return running


def lines(log: bytes) -> list[dict[str, object]]:
    """The lines of a JSON log."""
    return [json.loads(line) for line in log.splitlines()]
