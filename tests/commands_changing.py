"""Commands that change a study where it lies, and what is promised of each at every strike."""

import hashlib
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from tests.faults import Struck, command, struck
from tests.publish.study import small_study
from tests.store.whole.editions import MEMORY
from tests.study.rig import feed, lab_study, reports_csv
from waterbed.governance.hosters import book_as_decided, read_book
from waterbed.governance.reply import record, show, take
from waterbed.intake import batches
from waterbed.intake.batches import LINES_AT_ONCE
from waterbed.model.bookkeeping import Beat, Due, Reserved, Run, RunEnd, Sealed
from waterbed.model.facts import CanaryLook, Resolution, Target
from waterbed.store.config import read_config, write_toml
from waterbed.store.database import failures_explained
from waterbed.store.folder import Folder, open_folder, real_clock
from waterbed.store.integrity import integrity, orphans
from waterbed.store.lake.lake import lake_of
from waterbed.store.lake.verifying import verify
from waterbed.store.own_files import SETTINGS
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
    found["files"] = [{"path": name, "sha256": its} for name, its in _files(folder.path)]
    days = ((kind, day, its) for kind, days in lake.facts.items() for day, its in days.items())
    found["lake"] = [{"kind": kind, "day": day, "rows": its.rows, "pruned": its.pruned} for kind, day, its in days]
    return found


def _files(study: Path) -> Iterator[tuple[str, str]]:
    """What is kept beside the store: the book of hosters, its versions, lists, tables, the protocol."""
    for pattern in ("hosters.toml", "hosters/*", "lists/*", "tables/**/*", "study.toml"):
        for path in study.glob(pattern):
            if path.is_file() and not _in_the_making(path):
                yield str(path.relative_to(study)), hashlib.sha256(path.read_bytes()).hexdigest()


def _in_the_making(path: Path) -> bool:
    """Whether it or a folder around it has the name of something that is being written."""
    return any(part.endswith("new") for part in path.parts)


@dataclass
class Doing:
    """One command, and the study before and after it, undisturbed."""

    name: str
    home: Path
    """Holds the study, and the keys."""
    words: Sequence[str]
    apart: Sequence[type] = ()
    """Classes of which a second run may take more."""
    again: Sequence[type] = ()
    """Classes of which a second run may take one once more: a host's second URL has its name asked again."""
    steps: Sequence[type] = ()
    """Classes whose rows change on the way to what they are afterwards."""
    lines: int = LINES_AT_ONCE
    """Lines of a file of reports in one transaction."""
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
        apart, again = ({table_name(cls) for cls in its} for its in (self.apart, self.again))
        found = {
            table: [
                tuple((name, str(value)) for name, value in row.items() if (table, name) not in self.chance)
                for row in its
            ]
            for table, its in rows.items()
            if table not in apart
        }
        return {table: Counter(set(its) if table in again else its) for table, its in found.items()}

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
        batches.LINES_AT_ONCE = self.doing.lines
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
        yield from self._on_record()
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

    def _on_record(self) -> Iterator[str]:
        """The book of hosters that is in force is the one that the record names."""
        folder = open_folder(self.study)
        try:
            if read_book(folder).checksum != book_as_decided(folder, real_clock()).checksum:
                yield "a book of hosters is in force that is not on record"
        finally:
            folder.close()

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
        if self.doing.name == "forget":
            files = [path.read_bytes() for path in self.study.glob("waterbed.db*")]
            gone = _ciphertexts(self.doing.home) - _ciphertexts(self.place)
            if not gone or any(one in its for one in gone for its in files):
                yield "what was forgotten still lies in the store's files"
        named = {Path(one.path).name for one in lake}
        left = {path.name for path in self.place.rglob("*") if path.is_file() and _in_the_making(path)} - named
        if left:
            yield f"left over, and named by nobody: {left}"


def _ciphertexts(home: Path) -> set[bytes]:
    folder = open_folder(home / "study")
    try:
        return {one.ciphertext for one in folder.store.all(Sealed)}
    finally:
        folder.close()


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
        reports_csv([*feed(4, 1, "https"), *pairs], Path(name), "third.csv")
        study.folder.store.close()
        yield Path(name)


@contextmanager
def filled(store: str = "sqlite") -> Iterator[Path]:
    """A home with a small study, whose hoster had its preview and disputes it; what is sealed can be pruned."""
    with TemporaryDirectory(dir=MEMORY) as name, small_study(Path(name), store=store, tlp="clear") as study:
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


def _id_in(home: Path) -> str:
    """The id of a dispute, or of a reported URL where there is none."""
    folder = open_folder(home / "study")
    try:
        disputes = [one.reply_id for one in record(folder).replies]
        return (disputes or sorted(one.url_id for one in folder.store.all(Target)))[0]
    finally:
        folder.close()


def _run(home: Path, *words: object) -> None:
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


def _second_book(home: Path) -> None:
    book = '[[hoster]]\nkey = "one"\nname = "One"\nasns = [64500]\n'
    (home / "first.toml").write_text(book)
    (home / "second.toml").write_text(f'{book}[[hoster]]\nkey = "two"\nname = "Two"\nasns = [64501]\n')
    _run(home, "hosters", "add", home / "first.toml")


def _further_routes(home: Path) -> None:
    for name, asn in (("one.csv", 64510), ("two.csv", 64511)):
        (home / name).write_text(f"28.9.0.0,28.9.255.255,{asn},A name\n")


def _ranges(home: Path) -> None:
    (home / "ranges.txt").write_text("28.7.0.0/16\n")


Prepare = Callable[[Path], None]


@dataclass(frozen=True)
class Command:
    """A command that changes a study, as words, and what is special of it."""

    home: Callable[..., AbstractContextManager[Path]]
    """Its study."""
    words: Sequence[str]
    before: Prepare = _nothing
    """What is done first."""
    apart: Sequence[type] = ()
    again: Sequence[type] = ()
    steps: Sequence[type] = ()
    lines: int = LINES_AT_ONCE
    unlike: frozenset[tuple[str, str]] = frozenset()
    """Columns by table that tell what a killed run did before."""


_SEEN = ("--answer", "comment", "--text", "seen")
_REJECTED = ("--ruling", "rejected", "--reason", "it is")
CHANGING: Mapping[str, Command] = {
    "import": Command(crawled, ("import", "HOME/third.csv")),
    "import in batches": Command(
        crawled, ("import", "HOME/third.csv"), lines=3, unlike=frozenset({("delivery", "new")})
    ),
    "recheck": Command(
        crawled,
        ("recheck",),
        apart=(CanaryLook,),
        again=(Resolution,),
        steps=(Due,),
        unlike=frozenset({("resolution", "name_servers_at")}),
    ),
    "key rotate": Command(crawled, ("key", "rotate")),
    "forget": Command(crawled, ("forget", "ID", "--reason", "they asked")),
    "lake seal": Command(filled, ("lake", "seal")),
    "prune": Command(filled, ("prune",), _sealed),
    "hosters add": Command(filled, ("hosters", "add", "HOME/second.toml", "--reason", "two"), _second_book),
    "hosters merge": Command(filled, ("hosters", "merge", "AS64501", "AS64500", "--reason", "one")),
    "tables add": Command(
        filled, ("tables", "add", "HOME/one.csv", "HOME/two.csv", "--date", "2026-01-06"), _further_routes
    ),
    "data renew": Command(filled, ("data", "renew", "cdn-ranges", "HOME/ranges.txt", "--date", "2026-11-28"), _ranges),
    "protocol lock": Command(filled, ("protocol", "lock", "--reason", "late"), _drafted),
    "reply received": Command(filled, ("reply", "received", "AS64500", *_SEEN)),
    "reply decide": Command(filled, ("reply", "decide", "ID", *_REJECTED)),
}


@contextmanager
def changing(what: str, *store: str, copy: Callable[[str], str] | None = None) -> Iterator[Doing]:
    """A command that was learned, on its study; `store` is an empty database on a server, `copy` copies one there."""
    its = CHANGING[what]
    with its.home(*store) as place, _keys_in(place):
        its.before(place)
        words = [_id_in(place) if word == "ID" else word for word in its.words]
        made = Doing(what, place, words, its.apart, its.again, its.steps, its.lines, copy=copy)
        made.chance |= its.unlike
        made.learn()
        yield made
