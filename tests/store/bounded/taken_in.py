"""Hostile tables, packages, backups and exports, and a process that takes them in and tells how much memory that took.

`python -m tests.store.bounded.taken_in` prints a table of them, with the bound as it is set (docs/intake.md).
"""

import ctypes
import gzip
import hashlib
import json
import os
import resource
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from ipaddress import IPv4Address, IPv6Address
from itertools import repeat
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import networkx  # noqa: F401 (idle is with all libraries)
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from tests.publish.freeze.test_reproduce import resealed
from tests.publish.study import small_study
from waterbed.model.errors import InputError
from waterbed.model.facts import Observation, Report
from waterbed.publish.freeze.freeze import freeze
from waterbed.publish.freeze.libraries import held_with_libraries
from waterbed.publish.freeze.reproduce import reproduce
from waterbed.publish.sharing.pool import pool
from waterbed.publish.sharing.share import export, export_id_of
from waterbed.store.backup.make import make_backup
from waterbed.store.backup.manifest import MANIFEST, STORE, SUMS
from waterbed.store.backup.restore import restore_backup
from waterbed.store.bounded.limits import MIB, most_memory
from waterbed.store.tables import table_name
from waterbed.study.dated_tables import keep_table


class Taken(NamedTuple):
    """What became of a bomb."""

    grown: int
    """MiB of data that the peak of memory lies above the beginning."""
    size: int
    """Bytes of the bomb."""
    refused: str


_LIBC = ctypes.CDLL(None)
_POPULATE_READ = 22
"""MADV_POPULATE_READ, of Linux 5.14."""

Bomb = tuple[str, Path]
"""Name and place; the name's first word says how it is taken in."""


def take_in(name: str, bomb: Path, out: Path) -> None:
    """Take a bomb in as a command does."""
    kind = name.partition(",")[0]
    if kind == "package":
        reproduce(bomb, out)
    elif kind == "backup":
        restore_backup(bomb, out, who="me")
    elif kind == "export":
        pool(out, [bomb])
    else:
        keep_table(kind, bomb, out)


def bombs(folder: Path) -> Iterator[Bomb]:
    """Things to take in that need more memory than the bound."""
    mib = most_memory() // MIB
    yield from _tables(folder, mib)
    with small_study(folder / "base") as study:
        freeze(study, folder / "package")
        make_backup(study.folder.path, folder / "backups")
        export(study, folder / "export", "pool")
    yield from _packages(folder, mib)
    yield from _backups(folder, mib)
    yield from _exports(folder, mib)


def _tables(folder: Path, mib: int) -> Iterator[Bomb]:
    many, names = mib * 14_000, ",".join("x" * 300 for _ in range(4))
    v4, v6 = (lambda n: str(IPv4Address(n))), (lambda n: str(IPv6Address((0x2001 << 112) + (n << 20))))
    sets = "_".join(map(str, range(1, 10_000)))
    made: dict[str, Iterable[str]] = {
        "routes, many rows": (f"{v6(n)}/108\t{n % 400_000 + 1}\n" for n in range(many)),
        "routes, long names": (f'{v4(n << 4)},{v4((n << 4) + 15)},{n + 1},"{names}"\n' for n in range(mib * 800)),
        "routes, nested": (f"{v4(n)},{v4(0xE0000000 - n)},{n % 999 + 1}\n" for n in range(mib * 12_000)),
        "routes, one range": (f"1.0.0.0,1.0.0.255,{n + 1}\n" for n in range(many)),
        "routes, wide sets": (f"{v4((1 << 24) + (n << 8))}\t24\t{sets}\n" for n in range(mib * 10)),
        "places, all ASes": (
            "2|ripencc|20260101|2|19830101|20260101|+0100\nripencc|*|asn|*|1|summary\nripencc|*|ipv4|*|1|summary\n",
            "ripencc|NL|asn|1|4294967294|20200101|allocated\nripencc|NL|ipv4|1.0.0.0|256|20200101|allocated\n",
        ),
        "organisations, many": (
            "# format:org_id|changed|org_name|country|source\n",
            *(f"ORG{n}|1|{'n' * 99}|NL|RIPE\n" for n in range(mib * 4_000)),
        ),
        "organisations, nested": repeat('{"type":"ASN","x":' + "[" * 30_000 + "]" * 30_000 + "}\n", 100),
        "domains, many keys": ("key,domains\n", *(f"a{n},{n}\n" for n in range(mib * 12_000))),
        "hosting, NULs": repeat("\0" * MIB, mib // 2 + 8),
    }
    for number, (name, lines) in enumerate(made.items()):
        path = folder / f"table{number}.gz"
        with gzip.open(path, "wt", compresslevel=1) as file:
            file.writelines(lines)
        yield name, path


def _packages(folder: Path, mib: int) -> Iterator[Bomb]:
    def changed(change: Callable[[Path], object]) -> Path:
        package = folder / f"package{len(list(folder.glob('package*')))}"
        shutil.copytree(folder / "package", package)
        change(package)
        resealed(package)
        return package

    def more(cls: type, key: str, rows: int, **texts: Callable[[int], str]) -> Callable[[Path], object]:
        """Facts of a kind, as many as asked for, each with a key of its own."""

        def change(package: Path) -> None:
            name = table_name(cls)
            path, about = package / "data" / "facts" / f"{name}.parquet", package / "data" / "freeze.json"
            table = pq.read_table(path)
            table = table.take([n % table.num_rows for n in range(rows)])
            for column, text in {key: lambda n: hashlib.sha256(b"%d" % n).hexdigest(), **texts}.items():
                at = table.column_names.index(column)
                table = table.set_column(at, table.schema.field(at), pa.array([text(n) for n in range(rows)]))
            pq.write_table(table, path, compression="zstd")
            told = json.loads(about.read_text())
            told["rows"][name] = rows
            about.write_text(json.dumps(told))

        return change

    def long(n: int) -> str:
        return hashlib.sha512(b"%d" % n).hexdigest() * (MIB // 256)

    def results(text: str) -> Callable[[Path], object]:
        return lambda package: (package / "data/results/ranking-hoster.json").write_text(text)

    yield from (
        ("package, many facts", changed(more(Observation, "observation_id", mib * 1_500))),
        ("package, long texts", changed(more(Report, "report_id", mib * 3, category=long))),
        ("package, results wide", changed(results("[" + "[]," * (mib * 10_000) + "1]"))),
    )


def _backups(folder: Path, mib: int) -> Iterator[Bomb]:
    def changed(*statements: str, rows: dict[str, int] | None = None) -> Path:
        place = folder / f"backups{len(list(folder.glob('backups*')))}"
        shutil.copytree(folder / "backups", place)
        backup = next(place.glob("2*"))
        plain = folder / "plain.db"
        plain.write_bytes(pa.input_stream(str(backup / STORE), compression="zstd").read())
        with closing(sqlite3.connect(plain)) as opened:
            for statement in statements:
                opened.executescript(statement)
            opened.commit()
            names = [name for (name,) in opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            found = {name: opened.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in names}
        with plain.open("rb") as source, pa.CompressedOutputStream(str(backup / STORE), "zstd") as packed:
            shutil.copyfileobj(source, packed)
        plain.unlink()
        told = json.loads((backup / MANIFEST).read_text())
        told["rows"] = found
        told["store"] |= {
            "sha256": hashlib.sha256((backup / STORE).read_bytes()).hexdigest(),
            "size": (backup / STORE).stat().st_size,
        }
        (backup / MANIFEST).write_text(json.dumps(told))
        digest = hashlib.sha256((backup / MANIFEST).read_bytes()).hexdigest()
        (backup / SUMS).write_text(f"{digest}  {MANIFEST}\n")
        return place

    numbers = f"WITH RECURSIVE n(i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < {mib * 8_000})"
    checks = f"INSERT INTO key_check {numbers} SELECT i, hex(randomblob(20)), zeroblob(8) FROM n"
    runs = "INSERT INTO run (run_id, kind, vantage, started_at, version, config_hash)"
    yield from (
        ("backup, many runs", changed(f"{runs} {numbers} SELECT hex(i), 'recheck', 'v', 0, '1', 'c' FROM n")),
        ("backup, many rows", changed(checks)),
        ("backup, one text", changed(f"{runs} VALUES ('x', hex(zeroblob({mib} * 786432)), 'v', 0, '1', 'c')")),
        ("backup, its schema", changed(f"CREATE TABLE x (y DEFAULT '{'y' * (mib * MIB * 3 // 4)}')")),
        ("backup, wish for cache", changed("PRAGMA default_cache_size = 1000000", checks)),
    )


def _exports(folder: Path, mib: int) -> Iterator[Bomb]:
    def changed(**columns: Any) -> Path:
        place = folder / f"export{len(list(folder.glob('export*')))}"
        shutil.copytree(folder / "export", place)
        about = json.loads((place / "export.json").read_text())
        about |= columns.pop("about", {})
        rows = columns.pop("rows", 0)
        if rows:
            table = pq.read_table(place / "episodes.parquet")
            table = table.take([n % table.num_rows for n in range(rows)])
            for column, text in columns.items():
                at = table.column_names.index(column)
                table = table.set_column(at, table.schema.field(at), pa.array([text(n) for n in range(rows)]))
            pq.write_table(table, place / "episodes.parquet", compression="zstd")
            about["episodes"] = rows
        about["files"] = {
            f"{name}.parquet": hashlib.sha256((place / f"{name}.parquet").read_bytes()).hexdigest()
            for name in ("looks", "episodes")
        }
        about["export_id"] = export_id_of(about["files"])
        (place / "export.json").write_text(json.dumps(about))
        return place

    def long(n: int) -> str:
        return hashlib.sha512(b"%d" % n).hexdigest() * 30

    yield from (
        ("export, long publisher", changed(rows=60_000, about={"publisher": "p" * MIB})),
        ("export, many rows", changed(rows=mib * 4_000, url_id=lambda n: f"{n:032x}")),
        ("export, long names", changed(rows=mib * 400, hoster=long)),
    )


def all_taken(folder: Path) -> Iterator[tuple[str, Taken]]:
    """Take each in, in a fork: its peak begins with what it has.

    Another fork makes them all: nothing that this needed is left to a process that takes one in.
    """
    import pandas  # noqa: F401 (pyarrow imports it where it is)

    held_with_libraries()
    os.environ["XDG_CONFIG_HOME"] = str(folder / "config")
    made = _forked(lambda: [(name, str(place)) for name, place in bombs(folder)])
    for number, (name, place) in enumerate(made or ()):
        bomb = Path(place)
        told = _forked(lambda name=name, bomb=bomb, number=number: _taken(name, bomb, folder / f"out{number}"))
        yield name, Taken(*told) if told else Taken(0, _size(bomb), "a failure of our own: it died")


def _taken(name: str, bomb: Path, out: Path) -> Taken:
    os.register_at_fork(after_in_child=_with_all_code)
    _with_all_code()
    before, refused = _peak(), ""
    try:
        take_in(name, bomb, out)
    except InputError as problem:
        refused = str(problem)
    except BaseException as problem:
        refused = f"a failure of our own: {problem!r}"
    return Taken((_peak() - before) >> 10, _size(bomb), refused)


def _with_all_code() -> None:
    """Have all pages of mapped files, such as libraries' code: a fork has none, and those that it uses would count."""
    with Path("/proc/self/maps").open() as file:
        mapped = [line.split(maxsplit=5) for line in file]
    for place, rights, *_, path in (one for one in mapped if len(one) == 6):
        start, end = (int(address, 16) for address in place.split("-"))
        if path.startswith("/") and rights.startswith("r"):
            _LIBC.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), _POPULATE_READ)


def _forked(work: Callable[[], object]) -> Any:
    """What work gave in a fork, through JSON; None if that died."""
    read, written = os.pipe()
    if os.fork() == 0:
        try:
            with os.fdopen(written, "w") as told:
                json.dump(work(), told)
        finally:
            os._exit(0)
    os.close(written)
    with os.fdopen(read) as told:
        text = told.read()
    os.wait()
    return json.loads(text) if text else None


def _size(bomb: Path) -> int:
    return (
        bomb.stat().st_size if bomb.is_file() else sum(one.stat().st_size for one in bomb.rglob("*") if one.is_file())
    )


def _peak() -> int:
    """KiB, of this process and those that it began; all have the same mapped files from their beginning."""
    return max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


if __name__ == "__main__":
    with TemporaryDirectory() as place:
        for name_, its in all_taken(Path(place)):
            sys.stdout.write(f"{name_:26} {its.size / MIB:8.1f} MiB  peak +{its.grown:4} MiB  {its.refused}\n")
            sys.stdout.flush()
