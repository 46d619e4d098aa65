"""Strikes a command at its n-th change of files: a kill, or an error of the disk.

`struck` runs something in a forked child, which costs no new interpreter. There every call that changes files below
some folders is counted: opening for writing, each write, rename, link, unlink, mkdir, rmdir, chmod, truncate, fsync, a
copy within the kernel. So is each statement that changes a database (an SQLite file below the folders, or any
PostgreSQL database), and its commit. At the n-th the child is killed, or the call fails as the system or the driver
says it. A write that is struck has written half, unless by EINTR; a short one says so.
`tests.campaigns` does it at many of them, and asks after each what became of a promise.

What libraries write by themselves is not seen; `tests.libc_faults` strikes that too.

    tried = struck(command("-C", study, "publish", out), [out])             # counts: tried.calls
    for call in tried.calls:
        struck(command("-C", study, "publish", out), [out], Strike(call.number))
"""

import builtins
import errno as codes
import io
import json
import os
import re
import signal
import sqlite3
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, NoReturn, TypeAlias

ROOT: Final = Path(__file__).parents[1]
_ROOMS: Final = tuple(f"{ROOT / room}{os.sep}" for room in ("waterbed", "crawler", "attribution", "graphs"))
_BROKEN: Final = 70
"""Exit code of a child in which something failed that a command would call a bug."""
_WRITES: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
NO_ROOM: Final = (codes.ENOSPC, codes.EDQUOT)
_NEED_ROOM: Final = ("open", "write", "mkdir", "link", "rename", "copy", "INSERT", "UPDATE", "CREATE", "COMMIT")
_CHANGES: Final = re.compile(r"\s*(INSERT INTO|UPDATE|DELETE FROM|CREATE|VACUUM|ANALYZE)\b\W*(\w*)")
Layer: TypeAlias = Callable[[list[Path], "Strike | None", int], None]
"""Watches calls below some folders from now on, tells of each in a file, and strikes."""
SHORT: Final = -1
"""In place of an error's number: the write writes half, and returns how much."""


@dataclass(frozen=True, slots=True)
class Call:
    """One change of a file."""

    number: int
    """1 for the first."""
    what: str
    path: str
    site: tuple[str, ...]
    """Lines of ours that led to it, innermost first."""


@dataclass(frozen=True, slots=True)
class Strike:
    """What happens at a call."""

    number: int = 1
    errno: int | None = None
    """The error of the call, or SHORT; None: the process is killed before it."""
    lasting: bool = False
    """Each later call fails too: with no room left, those that need some."""
    among: Callable[[str, str], bool] = lambda what, path: True
    """The calls that the number is of."""


@dataclass(frozen=True, slots=True)
class Struck:
    """What became of the child."""

    code: int | None
    """Its exit code as the command line gives it; None: it was killed."""
    said: str
    """What it printed, standard output and error together."""
    calls: list[Call]
    """All calls up to the strike, that one too."""


def struck(
    work: Callable[[], object], below: Sequence[Path], strike: Strike | None = None, by: Layer | None = None
) -> Struck:
    """Run it in a child and strike there; without a strike all its calls are counted.

    `by` is the layer whose calls they are, else Python's. Exit codes are those of the command line: 2 for an
    InputError, 3 for other failures that Waterbed reports.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as told:
        child = os.fork()
        if not child:
            _run(work, partial(by or _python, [*below], strike, told.fileno()), said.fileno())
        _, status = os.waitpid(child, 0)
        said.seek(0)
        told.seek(0)
        calls = [Call(number, *_read(line)) for number, line in enumerate(told.read().splitlines(), 1)]
        code = None if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
        return Struck(code, said.read().decode(errors="replace"), calls)


def command(*words: object) -> Callable[[], None]:
    """A command line, to be run in a child."""

    def run() -> None:
        from waterbed.cli.main import main

        sys.argv = ["waterbed", *map(str, words)]
        main()

    return run


def _read(line: bytes) -> tuple[str, str, tuple[str, ...]]:
    what, path, site = json.loads(line)
    return what, path, tuple(site)


def _python(below: list[Path], strike: Strike | None, told: int) -> None:
    _Striker(below, strike, told).install()


def _run(work: Callable[[], object], install: Callable[[], None], said: int) -> NoReturn:
    """Become the child."""
    code = _BROKEN
    try:
        for stream in (1, 2):
            os.dup2(said, stream)
        sys.stdout, sys.stderr = (open(stream, "w", closefd=False) for stream in (1, 2))  # noqa: SIM115 (until the end)
        install()
        code = _code(work)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _code(work: Callable[[], object]) -> int:
    from waterbed.model.errors import InputError, WaterbedError

    try:
        work()
    except SystemExit as ended:
        return int(ended.code or 0)
    except WaterbedError as problem:
        sys.stderr.write(f"waterbed: {problem}\n")
        return 2 if isinstance(problem, InputError) else 3
    except BaseException:
        traceback.print_exc()
        return _BROKEN
    return 0


class _Striker:
    """Counts calls, and strikes."""

    def __init__(self, below: list[Path], strike: Strike | None, told: int) -> None:
        self._below = tuple(f"{path}{os.sep}" for one in below for path in {one.absolute(), one.resolve()})
        self._strike, self._told, self._count = strike, told, 0
        self._write, self._readlink = os.write, os.readlink
        self._changed: dict[Any, str] = {}

    def install(self) -> None:
        """Take the place of the calls, until the process ends."""
        for what, names in (
            ("rename", ("rename", "replace")),
            ("link", ("link", "symlink")),
            ("unlink", ("unlink", "remove")),
            ("mkdir", ("mkdir",)),
            ("rmdir", ("rmdir",)),
            ("chmod", ("chmod", "fchmod")),
            ("truncate", ("truncate", "ftruncate")),
            ("fsync", ("fsync", "fdatasync")),
        ):
            for name in names:
                setattr(os, name, self._watched(what, getattr(os, name)))
        for name in ("sendfile", "copy_file_range"):
            setattr(os, name, self._copying(name, getattr(os, name)))
        os.write = self._writing(os.write)
        os.open = self._opening(os.open)
        io.open = builtins.open = self._file(io.open)  # type: ignore[assignment]
        from sqlalchemy.engine.default import DefaultDialect

        for name in ("do_execute", "do_executemany"):
            setattr(DefaultDialect, name, self._statement(getattr(DefaultDialect, name)))
        DefaultDialect.do_commit = self._commit(DefaultDialect.do_commit)  # type: ignore[method-assign]

    def at(self, what: str, *places: str) -> bool:
        """Count one call on files; True if it is to fail by a half write first."""
        inside = [place for place in places if f"{place}{os.sep}".startswith(self._below)]
        if not inside:
            return False
        self._write(self._told, json.dumps([what, inside[0], _site()]).encode() + b"\n")
        strike = self._strike
        self._count += strike is None or self._count >= strike.number or strike.among(what, inside[0])
        if strike is None or self._count < strike.number or (self._count > strike.number and not strike.lasting):
            return False
        if self._count > strike.number and strike.errno in NO_ROOM and what.split(maxsplit=1)[0] not in _NEED_ROOM:
            return False
        if what == "write" and strike.errno != codes.EINTR:
            return True
        if what.islower():
            self.end()
        return not what.islower()

    def end(self, broken: Callable[[int], Exception] | None = None) -> None:
        """Strike; `broken` makes the error of another library than the system's."""
        errno = self._strike.errno if self._strike else None
        if errno is None:
            os.kill(os.getpid(), signal.SIGKILL)
        elif errno != SHORT:
            raise broken(errno) if broken else OSError(errno, os.strerror(errno))

    def _statement(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def statement(dialect: Any, cursor: Any, text: str, values: Any, context: Any = None) -> Any:
            changes = _CHANGES.match(text)
            if changes and self._below:
                place = context.engine.url.database if dialect.name == "sqlite" and context else self._below[0]
                self._changed[dialect] = f"{place}"
                if self.at(" ".join(changes.groups()), self._changed[dialect]):
                    self.end(_DRIVER[dialect.name])
            return call(dialect, cursor, text, values, context)

        return statement

    def _commit(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def commit(dialect: Any, connection: Any) -> Any:
            place = self._changed.pop(dialect, None)
            if place is not None and self.at("COMMIT", place):
                self.end(_DRIVER[dialect.name])
            return call(dialect, connection)

        return commit

    def where(self, path: Any, folder: Any = None) -> str:
        """The absolute path that a call means."""
        if isinstance(path, int):
            return self._readlink(f"/proc/self/fd/{path}")
        named = os.fsdecode(path)
        start = Path.cwd() if folder is None else self._readlink(f"/proc/self/fd/{folder}")
        return os.path.normpath(os.path.join(start, named))  # noqa: PTH118 (no link is followed)

    def _watched(self, what: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*args: Any, **more: Any) -> Any:
            folders = [more.get("src_dir_fd", more.get("dir_fd")), more.get("dst_dir_fd")]
            paths = args[:2] if what in ("rename", "link") else args[:1]
            self.at(what, *(self.where(path, folder) for path, folder in zip(paths, folders, strict=False)))
            return call(*args, **more)

        return watched

    def _copying(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def copying(*args: Any, **more: Any) -> Any:
            self.at("copy", self.where(args[0 if name == "sendfile" else 1]))
            return call(*args, **more)

        return copying

    def _writing(self, call: Callable[..., int]) -> Callable[..., int]:
        def writing(handle: int, content: Any) -> int:
            if self.at("write", self.where(handle)):
                half = call(handle, memoryview(content)[: -(-len(content) // 2)])
                self.end()
                return half
            return call(handle, content)

        return writing

    def _opening(self, call: Callable[..., int]) -> Callable[..., int]:
        def opening(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
            if flags & _WRITES:
                self.at("open", self.where(path, dir_fd))
            return call(path, flags, mode, dir_fd=dir_fd)

        return opening

    def _file(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """Like `open`, with a raw file whose writes are counted."""
        striker = self

        class Raw(io.FileIO):
            """A file of which each write is one call."""

            def write(self, content: Any) -> int:
                """Write, or half of it and strike."""
                if striker.at("write", striker.where(self.fileno())):
                    half = super().write(memoryview(content).cast("B")[: -(-len(content) // 2)])
                    striker.end()
                    return half
                return super().write(content)

        def opened(file: Any, mode: str = "r", buffering: int = -1, *args: Any, **more: Any) -> Any:
            if not set(mode) & set("wax+"):
                return call(file, mode, buffering, *args, **more)
            where = striker.where(file)
            if not f"{where}{os.sep}".startswith(striker._below):
                return call(file, mode, buffering, *args, **more)
            if not isinstance(file, int):
                striker.at("open", where)
            raw = Raw(file, mode.replace("b", "").replace("t", ""), more.get("closefd", True), more.get("opener"))
            if buffering == 0:
                return raw
            buffered = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
            if "b" in mode:
                return buffered
            names = dict(zip(("encoding", "errors", "newline"), args, strict=False))
            told = {name: more.get(name, names.get(name)) for name in ("encoding", "errors", "newline")}
            return io.TextIOWrapper(buffered, **told)

        return opened


def _sqlite(errno: int) -> Exception:
    full = errno in NO_ROOM
    made = sqlite3.OperationalError("database or disk is full" if full else "disk I/O error")
    made.sqlite_errorcode = sqlite3.SQLITE_FULL if full else sqlite3.SQLITE_IOERR
    return made


def _postgresql(errno: int) -> Exception:
    from psycopg import errors

    return errors.lookup("53100" if errno in NO_ROOM else "58030")(os.strerror(errno))


_DRIVER: Final = {"sqlite": _sqlite, "postgresql": _postgresql}
"""How a driver says an error of the disk."""


def _site() -> list[str]:
    """Lines of ours that led here, innermost first."""
    found, frame = [], sys._getframe(2)
    walked: Any = frame
    while walked is not None:
        if walked.f_code.co_filename.startswith(_ROOMS):
            found.append(f"{os.path.relpath(walked.f_code.co_filename, ROOT)}:{walked.f_lineno}")
        walked = walked.f_back
    return found
