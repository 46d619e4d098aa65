"""A study with a row of every kind in its store and files of every kind in its folder; two stores held side by side."""

import random
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from waterbed.model.bookkeeping import STORED
from waterbed.model.codec import columns
from waterbed.store.folder import Folder
from waterbed.store.store import Store
from waterbed.store.tables import TABLES

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
OURS = {"Sealed", "KeyCheck", "Forgotten", "Run", "RunEnd", "Beat", "Reserved", "Due"}
"""What the study itself writes when it is made and filled."""


def made_up(cls: type, chance: random.Random) -> Any:
    """A fact with a value in each field, null now and then where that may be."""
    values = {}
    for name, (kind, nullable, _) in columns(cls).items():
        if nullable and chance.random() < 0.3:
            values[name] = None
        elif kind is str:
            values[name] = f"{chance.getrandbits(128):032x}" if name.endswith("_id") else "zürich 'x' \\ \t" + name
        elif kind is int:
            values[name] = chance.randrange(-(2**40), 2**40)
        elif kind is float:
            values[name] = chance.uniform(-1e9, 1e9)
        elif kind is bool:
            values[name] = chance.random() < 0.5
        elif kind is bytes:
            values[name] = chance.randbytes(40)
        elif kind is datetime:
            values[name] = NOON + timedelta(microseconds=chance.randrange(10**12))
        else:
            values[name] = ()
    return cls(**values)


def fill(folder: Folder, *, each: int = 30, seed: int = 5) -> None:
    """Add facts of every kind, and files."""
    chance = random.Random(seed)
    folder.store.add(made_up(cls, chance) for cls in STORED if cls.__name__ not in OURS for _ in range(each))
    files(folder.path)


def files(path: Path) -> None:
    """Files as a study has them, with odd names among them."""
    for name in (
        "tables/routes-2026/prefixes.npy",
        "hosters/ab.toml",
        "events/press.toml",
        "lake/a/day=2026-01-05/x.parquet",
    ):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(name.encode() * 100)
    (path / "hosters.toml").write_text("# none\n")
    (path / "notes ü'\n.txt").write_text("odd")
    (path / "runs").mkdir(exist_ok=True)
    (path / "runs" / "left").write_text("")


def contents(store: Store) -> dict[str, list[str]]:
    """Every row of every table, in an order of its own."""
    return {cls.__name__: sorted(repr(_values(row)) for row in store.all(cls)) for cls in TABLES}


def _values(row: Any) -> tuple[Any, ...]:
    """The values of a fact; SQLite has one zero alone, not -0.0 beside it."""
    values = (getattr(row, field.name) for field in fields(row))
    return tuple(value + 0.0 if isinstance(value, float) else value for value in values)


def tree(path: Path) -> dict[str, bytes]:
    """All files below a study folder but its store and its locks."""
    return {
        found.relative_to(path).as_posix(): found.read_bytes()
        for found in path.rglob("*")
        if found.is_file()
        and found.name not in ("lock", "lake.lock")
        and not found.name.startswith("waterbed.db")
        and "runs" not in found.parts
    }
