"""Runs command lines of one installation in children of one warm process, with a stopped clock and a fixed version.

Usage: PYTHON same_bytes_driver.py MODULE; each line of standard input is a JSON object of `words`, `stdout` and
`stderr`, and is answered by its exit status. With `--here WORDS...` it is that one command, in this process.
"""

import ctypes
import gc
import importlib
import importlib.metadata
import json
import os
import pkgutil
import shutil
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, tzinfo
from pathlib import Path

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
"""What every clock says."""
VERSION = "0"
ROOM = type(shutil.disk_usage("/"))(2 * 10**11, 10**11, 10**11)
ROOMS = ("waterbed", "graphs", "attribution")
"""The packages to warm: versions up to 0.2.0 had the last two beside `waterbed`."""


def stop_clocks() -> None:
    """Let `datetime.now` and `time.time` say the same for ever, in all that is imported before and after."""

    def now(cls: type[datetime], tz: tzinfo | None = None) -> datetime:
        return NOW.astimezone(tz) if tz else NOW.replace(tzinfo=None)

    gc.get_referents(datetime.__dict__)[0]["now"] = classmethod(now)  # the type itself: no module holds a copy
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(datetime))
    time.time = NOW.timestamp


def fix_surroundings() -> None:
    """Let the program be of one version, whichever it is, on a disk that has the same room for ever."""
    shutil.disk_usage = lambda path: ROOM
    for name in ("waterbed.model.version", "waterbed"):  # where the package says it itself
        with suppress(ImportError):
            importlib.import_module(name).__version__ = VERSION
    real = importlib.metadata.version
    importlib.metadata.version = lambda name: VERSION if name == "waterbed" else real(name)


def warm() -> None:
    """Import what commands would import one by one, so that it is done once."""
    for room in ROOMS:
        with suppress(ImportError):
            found = importlib.import_module(room)
            for module in pkgutil.walk_packages(found.__path__, f"{room}."):
                if not module.name.endswith("__main__"):
                    with suppress(ImportError):
                        importlib.import_module(module.name)


def main_of(module: str) -> Callable[[], None]:
    """The way in: the module's own, or that of the package's module of that name."""
    own = getattr(importlib.import_module(module), "main", None)
    found: Callable[[], None] = own if callable(own) else importlib.import_module(f"{module}.main").main
    return found


def run(module: str, words: list[str]) -> int:
    """The exit status of one command line."""
    sys.argv = ["waterbed", *words]
    try:
        main_of(module)()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def apart(module: str, job: dict[str, object]) -> int:
    """The same in a child, whose output goes to files."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    status = 70
    try:
        for number, name in ((1, "stdout"), (2, "stderr")):
            opened = os.open(str(job[name]), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
            os.dup2(opened, number)
        status = run(module, list(job["words"]))  # type: ignore[call-overload]
    except BaseException:
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError):
                stream.flush()
        os._exit(status)


def main() -> None:
    here = str(Path(__file__).resolve().parent)
    sys.path[:] = [entry for entry in sys.path if entry != here]  # benchmarks are named like parts of the program
    module, *words = sys.argv[1:]
    stop_clocks()
    fix_surroundings()
    if words[:1] == ["--here"]:
        sys.exit(run(module, words[1:]))
    importlib.import_module(module)
    warm()
    gc.freeze()  # children share what is there
    for line in sys.stdin:
        print(apart(module, json.loads(line)), flush=True)


if __name__ == "__main__":
    main()
