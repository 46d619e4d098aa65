"""Hostile files, and a process that reads them and tells how much memory that took."""

import bz2
import gzip
import io
import json
import os
import resource
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from itertools import chain, count, repeat
from pathlib import Path
from typing import NamedTuple

from waterbed.intake.csv_table import Rejected
from waterbed.intake.formats import FORMATS, read_reports
from waterbed.model.errors import InputError

MIB = 1 << 20
_NULS = bytes(16 * MIB)
_HEAD = b"url\nhttp://a.example/\n"
_URL = f'"type": "url", "value": "http://a.example/{"a" * 500}"'


class Read(NamedTuple):
    """What became of a file."""

    grown: int
    """MiB that the peak of memory lies above the beginning."""
    good: int
    rejected: int
    refused: str


def bombs(folder: Path) -> Iterator[Path]:
    """Files that are, or stand for, hundreds of megabytes."""
    for name, pack in (("nuls.gz", gzip.compress), ("nuls.bz2", bz2.compress)):
        yield _written(folder / name, pack(_HEAD) + pack(_NULS) * 32)
    yield _written(folder / "parts.gz", gzip.compress(_HEAD) + gzip.compress(b"") * 10_000)
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive, archive.open("r", "w") as file:
        for piece in (_HEAD, *repeat(_NULS, 6)):
            file.write(piece)
    yield _written(folder / "nuls.zip", zipped.getvalue())
    for name, head in (("line.csv", _HEAD), ("columns.csv", b"url,"), ("utf16.csv", b"\xff\xfe")):
        yield _written(folder / name, head, size=384 * MIB)
    yield _written(folder / "sparse.csv", b"", size=10 << 30)
    yield _written(folder / "deep.json", b'[{"url": ' + b"[" * 500_000)
    yield _written(folder / "deep.jsonl", b'{"url": "http://a.example/"}\n' + b"[" * 30_000 + b"]" * 30_000 + b"\n")


def endless() -> Iterator[tuple[str, Iterator[str]]]:
    """Forms of JSON, each with a text that never ends."""
    yield "stix", chain(['{"type": "bundle", "objects": ['], (f'{{"id": "url--{n}", {_URL}}},' for n in count()))
    yield "misp", chain(['{"Event": {"Attribute": ['], repeat(f"{{{_URL}}},"))
    yield "json", chain(['[{"url": "http://a.example/", "x": ['], repeat("[]," * 10_000))


def _written(path: Path, data: bytes, size: int = 0) -> Path:
    with path.open("wb") as file:
        file.write(data)
        if size:
            file.truncate(size)  # the rest are NULs that take no disk
    return path


def all_read(folder: Path) -> dict[str, Read]:
    """Read each in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", "from tests.store.bounded.bombs import main; main()", str(folder)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    return {name: Read(*told) for name, *told in map(json.loads, done.stdout.splitlines())}


def main() -> None:
    """Fork for each: a fork's peak begins with what it has."""
    files = [(path.name, read_reports(path)) for path in bombs(Path(sys.argv[1]))]
    for name, lines in (*files, *((form, FORMATS[form].parse(text, form)) for form, text in endless())):
        if os.fork() == 0:
            before, found, refused = _peak(), [0, 0], ""
            try:
                for line in lines:
                    found[isinstance(line, Rejected)] += 1
            except InputError as problem:
                refused = str(problem)
            sys.stdout.write(json.dumps([name, (_peak() - before) >> 10, *found, refused]) + "\n")
            sys.stdout.flush()
            os._exit(0)
        os.wait()


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
