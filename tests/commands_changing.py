"""Commands that change a study where it lies, and what is promised of each at every strike."""

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from tests.faults import Struck, command, struck
from tests.publish.study import small_study
from tests.store.whole.editions import MEMORY
from tests.study.rig import feed, lab_study, reports_csv
from waterbed.governance.reply import record, show, take
from waterbed.model.bookkeeping import Beat, Due, Reserved, Run, RunEnd, Sealed
from waterbed.model.facts import CanaryLook
from waterbed.store.config import read_config, write_toml
from waterbed.store.database import failures_explained
from waterbed.store.folder import SETTINGS, Folder, open_folder
from waterbed.store.integrity import integrity, orphans
from waterbed.store.lake.lake import lake_of
from waterbed.store.lake.verifying import verify
from waterbed.store.tables import TABLES, table_name
from waterbed.store.vault import read_keys
from waterbed.store.whole.unfinished import unfinished

Rows = Mapping[str, list[dict[str, Any]]]
State = dict[str, Counter[tuple[Any, ...]]]
_RUNS = {Run, RunEnd, Beat, Reserved}
"""A killed run stays on record, and what it held; the next pass ends it, and gives that back."""


def rows_of(folder: Folder) -> Rows:
    """All that a study holds, by table; sealed entries are opened, a lake's days and the keys are tables, too."""
    store, lake, keys = folder.store, lake_of(folder).manifest(), read_keys(folder.config.study, folder.path)
    found: dict[str, list[dict[str, Any]]] = {}
    with store.reading() as connection, failures_explained():
        for cls, table in TABLES.items():
            if cls not in _RUNS:
                found[table_name(cls)] = [dict(row._mapping) for row in connection.execute(table.select())]
    for row in found[table_name(Sealed)]:
        row["text"] = folder.vault.open(Sealed(**row))
    found["keys"] = [{"number": number} for number in sorted(keys.encryption)]
    days = ((kind, day, its) for kind, days in lake.facts.items() for day, its in days.items())
    found["lake"] = [{"kind": kind, "day": day, "rows": its.rows, "pruned": its.pruned} for kind, day, its in days]
    return found


@dataclass
class Doing:
    """One command, and the study before and after it, undisturbed."""

    name: str
    home: Path
    """Holds the study, and the keys."""
    words: Sequence[str]
    apart: Sequence[type] = ()
    """Classes of which a second run may take more."""
    steps: Sequence[type] = ()
    """Classes whose rows change on the way to what they are afterwards."""
    chance: set[tuple[str, str]] = field(default_factory=set)
    """Columns by table that differ between two undisturbed runs."""
    copy: Callable[[str], str] | None = None
    """Makes a copy of a database on a server; its URL in, the copy's out."""
    before: State = field(default_factory=dict)
    after: State = field(default_factory=dict)

    def learn(self) -> None:
        """Run it undisturbed twice."""
        with self.copied() as case:
            before = case.rows()
        seen = []
        for _ in range(2):
            with self.copied() as case:
                done = struck(case.work, case.below)
                if done.code != 0:
                    raise AssertionError(f"{self.name}: {done.code}, {done.said}")
                seen.append(case.rows())
        for table, rows in seen[0].items():
            for name in rows[0] if rows else ():
                one, other = (Counter(str(row[name]) for row in its[table]) for its in seen)
                if one != other:
                    self.chance.add((table, name))
        self.before, self.after = self.state(before), self.state(seen[0])
        if self.state(seen[1]) != self.after:
            raise AssertionError(f"{self.name}: two undisturbed runs differ")

    def state(self, rows: Rows) -> State:
        """The rows, without what is chance."""
        apart = {table_name(cls) for cls in self.apart}
        return {
            table: Counter(
                tuple((name, str(value)) for name, value in row.items() if (table, name) not in self.chance)
                for row in its
            )
            for table, its in rows.items()
            if table not in apart
        }

    @contextmanager
    def copied(self) -> Iterator["Changing"]:
        """One case, on a copy of study and keys."""
        with TemporaryDirectory(dir=MEMORY) as name:
            place, was = Path(name) / "home", os.environ.get("XDG_CONFIG_HOME")
            shutil.copytree(self.home, place)
            if self.copy:
                config = read_config(place / "study" / SETTINGS)[0]
                store = msgspec.structs.replace(config.store, url=self.copy(config.store.url))
                write_toml(place / "study" / SETTINGS, msgspec.structs.replace(config, store=store))
            os.environ["XDG_CONFIG_HOME"] = str(place / "config")
            try:
                yield Changing(self, place)
            finally:
                if was is None:
                    del os.environ["XDG_CONFIG_HOME"]
                else:
                    os.environ["XDG_CONFIG_HOME"] = was


@dataclass
class Changing:
    """A command on a copy of a study."""

    doing: Doing
    place: Path

    def __post_init__(self) -> None:
        """Say where strikes count: the study, its keys, and all beside them."""
        self.study, self.below = self.place / "study", [self.place]

    def work(self) -> None:
        """Run the command."""
        command("-C", self.study, *(word.replace("HOME", str(self.place)) for word in self.doing.words))()

    def rows(self) -> Rows:
        """All that the study holds now."""
        folder = open_folder(self.study)
        try:
            return rows_of(folder)
        finally:
            folder.close()

    def complaints(self, found: Struck) -> Iterator[str]:
        """Whole, nothing lost or doubled; the next run goes on to where an undisturbed one ends."""
        if found.code not in (None, 0, 2, 3):
            yield f"exit code {found.code}: {found.said}"
        if found.code in (2, 3) and len(_sentences(found.said)) != 1:
            yield f"not one sentence: {found.said}"
        state = self.doing.state(self.rows())
        yield from self._between(state)
        if found.code == 0 and state != self.doing.after:
            yield f"exit code 0, and not all is there: {_differing(state, self.doing.after)}"
        if state != self.doing.after or self.doing.name == "recheck":
            again = struck(self.work, self.below)
            if again.code != 0:
                yield f"the next one ends with {again.code}: {again.said}"
            state = self.doing.state(self.rows())
            if state != self.doing.after:
                yield f"the next one ends elsewhere: {_differing(state, self.doing.after)}"
        yield from self._whole()

    def _between(self, state: State) -> Iterator[str]:
        """What was there and stays is there; nothing is there that never was, or more often than ever."""
        steps = {table_name(cls) for cls in self.doing.steps}
        for table in state.keys() - steps:
            before, after = self.doing.before[table], self.doing.after[table]
            if (before & after) - state[table]:
                yield f"{table}: {sum(((before & after) - state[table]).values())} lost"
            if state[table] - (before | after):
                yield f"{table}: {sum((state[table] - (before | after)).values())} doubled or strange"

    def _whole(self) -> Iterator[str]:
        """What the database's own check, its references, the lake and doctor say; and files left that nobody names."""
        folder = open_folder(self.study)
        try:
            lake = verify(folder).findings
            broken = [*integrity(folder.store)[0], *(one.what for one in lake if one.severity == "problem")]
            broken += [] if self.doing.name == "prune" else [*orphans(folder.store)]
            if self.doing.name == "recheck" and (folder.store.unfinished_runs() or folder.store.count(Beat)):
                yield "the next pass leaves a killed one without an end"
        finally:
            folder.close()
        if broken or unfinished(self.study):
            yield f"not whole: {broken}, {unfinished(self.study)}"
        doctor = struck(command("-C", self.study, "doctor"), [])
        if doctor.code not in (0, 1):
            yield f"doctor ends with {doctor.code}: {doctor.said}"
        named = {Path(one.path).name for one in lake}
        left = {path.name for path in self.place.rglob("*.new") if path.is_file()} - named
        if left:
            yield f"left over, and named by nobody: {left}"


def _sentences(said: str) -> list[str]:
    return [line for line in said.splitlines() if line.startswith("waterbed: ")]


def _differing(one: State, other: State) -> str:
    return "; ".join(
        f"{table} +{sum((one[table] - other[table]).values())} -{sum((other[table] - one[table]).values())}"
        for table in one
        if one[table] != other[table]
    )


@contextmanager
def crawled(store: str = "sqlite") -> Iterator[Path]:
    """A home with a lab study: six URLs reported, two of them looked at; its servers answer meanwhile."""
    pairs = feed(3, 2)
    with (
        TemporaryDirectory(dir=MEMORY) as name,
        _keys_in(Path(name)),
        lab_study(pairs, Path(name), store=store, batch=2) as (study, _),
    ):
        study.import_reports(reports_csv(pairs[:2], Path(name), "first.csv"))
        _run(Path(name), "recheck")
        study.import_reports(reports_csv(pairs, Path(name), "second.csv"))
        reports_csv([*pairs, *feed(4, 1, "https")], Path(name), "third.csv")
        study.folder.store.close()
        yield Path(name)


@contextmanager
def filled() -> Iterator[Path]:
    """A home with a small study, whose hoster had its preview and disputes it; what is sealed can be pruned."""
    with TemporaryDirectory(dir=MEMORY) as name, small_study(Path(name), tlp="clear") as study:
        shown = show(study.folder, "AS64500", {"sheet.txt": b"x"}, None)
        take(study.folder, shown.hoster, "dispute", "not ours", None)
        study.folder.store.close()
        yield Path(name)


@contextmanager
def _keys_in(place: Path) -> Iterator[None]:
    was = os.environ.get("XDG_CONFIG_HOME")
    os.environ["XDG_CONFIG_HOME"] = str(place / "config")
    try:
        yield
    finally:
        if was is None:
            del os.environ["XDG_CONFIG_HOME"]
        else:
            os.environ["XDG_CONFIG_HOME"] = was


def _run(home: Path, *words: str) -> None:
    with _keys_in(home):
        done = struck(command("-C", home / "study", *words), [])
    if done.code != 0:
        raise AssertionError(f"{words}: {done.code}, {done.said}")


def _sealed(home: Path) -> None:
    _run(home, "lake", "seal")


def _drafted(home: Path) -> None:
    _run(home, "protocol", "init")


def _nothing(home: Path) -> None:
    pass


Prepare = Callable[[Path], None]
CHANGING: Mapping[str, tuple[Any, Prepare, Sequence[str], Sequence[type], Sequence[type]]] = {
    "import": (crawled, _nothing, ("import", "HOME/third.csv"), (), ()),
    "recheck": (crawled, _nothing, ("recheck",), (CanaryLook,), (Due,)),
    "key rotate": (crawled, _nothing, ("key", "rotate"), (), ()),
    "lake seal": (filled, _nothing, ("lake", "seal"), (), ()),
    "prune": (filled, _sealed, ("prune",), (), ()),
    "hosters merge": (filled, _nothing, ("hosters", "merge", "AS64501", "AS64500", "--reason", "one"), (), ()),
    "protocol lock": (filled, _drafted, ("protocol", "lock", "--reason", "late"), (), ()),
    "reply received": (
        filled,
        _nothing,
        ("reply", "received", "AS64500", "--answer", "comment", "--text", "seen"),
        (),
        (),
    ),
    "reply decide": (filled, _nothing, ("reply", "decide", "ID", "--ruling", "rejected", "--reason", "it is"), (), ()),
}
"""By command: its study, what is done first, its words, classes left apart, classes with steps between."""


@contextmanager
def changing(what: str, *store: str, copy: Callable[[str], str] | None = None) -> Iterator[Doing]:
    """A command that was learned, on its study; `store` is an empty database on a server, `copy` copies one there."""
    home, prepare, words, apart, steps = CHANGING[what]
    with home(*store) as place, _keys_in(place):
        prepare(place)
        if "ID" in words:
            folder = open_folder(place / "study")
            words = [record(folder).replies[0].reply_id if word == "ID" else word for word in words]
            folder.close()
        made = Doing(what, place, words, apart, steps, copy=copy)
        made.learn()
        yield made
