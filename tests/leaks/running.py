"""Runs that are searched: what they log, what they print, and what the process list shows of them."""

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from tests.leaks.search import Found, Search


@contextmanager
def everything_logged(path: Path) -> Iterator[None]:
    """While this lasts, whatever any logger says at DEBUG goes to a file, through an ordinary formatter."""
    handler = logging.FileHandler(path)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    root = logging.getLogger()
    # a pass silences the logger `scrapy`; those below it are set apart, so that they talk all the same
    named = [logging.getLogger(name) for name in list(root.manager.loggerDict)]
    louder = [logger for logger in named if logger.name.startswith(("scrapy.", "recheck", "asyncio", "sqlalchemy"))]
    before = [(logger, logger.level) for logger in (root, *louder)]
    for logger, _ in before:
        logger.setLevel(logging.DEBUG)
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        handler.close()
        for logger, level in before:
            logger.setLevel(level)


def say(out: Path, study: Path, *words: str) -> int:
    """Run the command line in this process, as the shell would see it end; all it says goes to a file."""
    from waterbed.cli.main import main

    number = len(list(out.iterdir()))
    with (
        (out / f"{number:03}-{words[0]}.txt").open("w") as said,
        redirect_stdout(said),
        redirect_stderr(said),
        pytest.MonkeyPatch.context() as patched,
    ):
        patched.setenv("COLUMNS", "400")
        patched.setattr(sys, "argv", ["waterbed", "-C", str(study), "--verbose", *words])
        with pytest.raises(SystemExit) as end:
            main()
    return int(end.value.code or 0)


def config_home() -> Path:
    """Where the keys are: they open the vault, but are no names."""
    return Path(os.environ["XDG_CONFIG_HOME"])


def clean(search: Search, *paths: Path) -> Found:
    """Search; everything must have been readable and nothing may be found."""
    found = search.over(paths)
    assert found.unread == [], f"not read: {found.unread}"
    assert found.hits == [], f"in the clear: {found.hits}"
    return found


@contextmanager
def processes_watched(out: Path) -> Iterator[set[int]]:
    """Arguments and environments of this process's descendants are sampled into a file, 50 times a second.

    Yields the ids of the processes that were seen.
    """
    seen: set[int] = set()
    samples: dict[tuple[int, str], bytes] = {}
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.02):
            for pid in _below(os.getpid()):
                for what in ("cmdline", "environ", "comm"):
                    try:
                        samples[pid, what] = Path(f"/proc/{pid}/{what}").read_bytes()
                        seen.add(pid)
                    except OSError:
                        continue  # it has ended

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        ended.set()
        watcher.join()
        (out / "processes").write_bytes(b"\n".join(samples.values()))


def _below(pid: int) -> Iterator[int]:
    try:
        tasks = [path.read_text().split() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:
        return
    for child in (int(word) for words in tasks for word in words):
        yield child
        yield from _below(child)


def started(out: Path, study: Path, *words: str) -> "subprocess.Popen[bytes]":
    """Start the command line as a process; all it says, and all its temporary files, lie in the folder."""
    (out / "tmp").mkdir(exist_ok=True)
    with (out / f"{len(list(out.iterdir())):02}-{words[0]}.txt").open("wb") as said:
        return subprocess.Popen(
            [sys.executable, "-m", "waterbed.cli", "-C", str(study), "--verbose", *words],
            stdout=said,
            stderr=subprocess.STDOUT,
            env=os.environ | {"PYTHONASYNCIODEBUG": "1", "COLUMNS": "400", "TMPDIR": str(out / "tmp")},
        )
