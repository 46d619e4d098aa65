"""The record of the last editions of all ways.

It is kept in the study, so that the next one tells nothing of them.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from errno import EACCES, EPERM, EROFS
from hashlib import sha256
from logging import getLogger
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from waterbed.graphs.network.moves import Ends, Level
from waterbed.model.conclusions import Hop
from waterbed.model.errors import InputError
from waterbed.model.window import ALL, Window
from waterbed.publish.hop_cells import CellDisclosure, HopCell, HopCells, Parts, cells_in_order, hop_cells
from waterbed.publish.suppression import Before, Key, Layer
from waterbed.publish.told_rows import Held
from waterbed.store.folder import Folder
from waterbed.store.whole.files import alone_in, write_whole

_log = getLogger(__name__)

FILE: Final = "edition.json"
"""Name of the file in the study; only its owner can read it."""
Way = Literal["publish", "serve", "freeze"]
_KEPT: Final[Mapping[Way, int]] = {"publish": 6, "serve": 2, "freeze": 2}
"""Editions in the file: those of a few folders, of a server and of packages, and those that were never finished.

So many of the whole study, and of each window.
"""
_WINDOWS: Final = 24
"""Editions of windows, all together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """One hoster as an edition told it."""

    key: str
    name: str
    rank_class: str
    removed: float | None
    low: float | None
    high: float | None
    sites: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LastEdition:
    """Groups behind the last edition.

    No URL or host name is in it.
    """

    hidden: Annotated[tuple[Key, ...], "keys left out"] = ()
    small: Annotated[tuple[Key, ...], "of these, those about too few sites"] = ()
    noticed: Annotated[tuple[Key, ...], "keys left out of tables on notices"] = ()
    few: Annotated[tuple[Key, ...], "of these, those with too few clocks"] = ()
    by_source: Annotated[bool, "whether a source had too few hosts at a key; true: also of records that do not say"] = (
        True
    )
    held: Annotated[Mapping[str, Held], "weeks that it left out of hosters shown, by table"] = field(
        default_factory=dict
    )
    layers: Annotated[Mapping[str, tuple[tuple[tuple[Key, ...], int], ...]], "sites of each part, by layer"]
    least: Annotated[int, "its `publish.least`"] = 1
    weeks: Annotated[tuple[str, ...], "weeks of its cells"] = ()
    cells: Annotated[tuple[tuple[HopCell, tuple[str, ...]], ...], "its cells, and marks of their hops"] = ()
    window: Annotated[Window, "the reports that it is about"] = ALL
    data_until: Annotated[datetime | None, "last check that it rests on"] = None
    ranked: Annotated[tuple[Ranked, ...], "the hosters that it told"] = ()
    number: Annotated[int, "its number, if it was to be public; else 0"] = field(default=0, compare=False)
    named: Annotated[tuple[str, ...], "then also the hosters that it named"] = field(default=(), compare=False)

    def before(self, *layers: str, noticed: bool = False) -> Before:
        """The parts of the named layers, for suppression."""
        return Before(
            hidden=frozenset(self.noticed if noticed else self.hidden),
            small=frozenset(self.few if noticed else self.small),
            sites=[{frozenset(keys): sites for keys, sites in self.layers.get(name, ())} for name in layers],
        )


def edition_of(
    layers: Mapping[str, Layer],
    hidden: set[Key],
    small: set[Key],
    noticed: set[Key],
    few: set[Key],
    cells: HopCells,
    hops: Sequence[Hop],
    least: int,
) -> LastEdition:
    """The record of an edition."""
    return LastEdition(
        least=least,
        hidden=tuple(sorted(hidden)),
        small=tuple(sorted(small)),
        noticed=tuple(sorted(noticed)),
        few=tuple(sorted(few)),
        layers={
            name: tuple((tuple(sorted(part.keys)), len(part.sites)) for part in layer) for name, layer in layers.items()
        },
        weeks=cells.weeks,
        cells=tuple(
            (cell, tuple(_mark(hops[at]) for at in own)) for cell, own in zip(cells.cells, cells.members, strict=True)
        ),
    )


class _Record(msgspec.Struct, frozen=True):
    """An edition, and how it left: files without that word were of publications."""

    told: LastEdition
    way: Way = "publish"

    def like(self, other: "_Record") -> bool:
        """True if another left alike, about the same window."""
        return (self.way, self.told.window) == (other.way, other.told.window)


def editions(folder: Folder) -> list[LastEdition]:
    """Return the editions that bind the next, newest first.

    The next one tells nothing of them.

    Those that never came to be public, because the disk failed or the process was killed, are among them. InputError if
    the record is damaged.
    """
    return [one.told for one in _records(folder)]


def named_then(folder: Folder, number: int, data_until: datetime | None) -> Collection[str]:
    """Hosters that a public edition named.

    Empty if it rests on other data, or is not on record any more.
    """
    then = (one.named for one in editions(folder) if one.number == number and one.data_until == data_until)
    return next(then, ())


def edition_before(folder: Folder, way: Way, window: Window, data_until: datetime | None) -> LastEdition | None:
    """The newest edition with older data, or None.

    It left the same way and is about the same window.
    """
    for one in _records(folder):
        older = one.told.data_until is not None and (data_until is None or one.told.data_until < data_until)
        if one.way == way and one.told.window == window and older:
            return one.told
    return None


class Overtaken(InputError):
    """Another edition left while one was made."""


def remember(folder: Folder, edition: LastEdition | None, way: Way, before: Sequence[LastEdition]) -> None:
    """Keep what an edition tells, before it leaves.

    `before` are the editions of which it tells nothing. Overtaken, and nothing is kept, if others are on record by now.
    A study that can only be read stays as it is, with a warning.
    """
    if edition is None:
        return
    with alone_in(folder.path):
        if any(one not in before and one != edition for one in editions(folder)):
            raise Overtaken(
                "another edition left the study while this one was made, and both together could tell what they hide, "
                "so this one was not written; start again (docs/publishing.md, What a hidden row may be)"
            )
        _keep(folder, edition, way)


def keep_editions(folder: Path, told: Sequence[LastEdition]) -> None:
    """Write the record of a study from a package.

    Newest first.
    """
    if told:
        records = [_Record(one, "freeze") for one in told]
        write_whole(folder / FILE, msgspec.json.encode(records)).chmod(0o600)


def _keep(folder: Folder, edition: LastEdition, way: Way) -> None:
    earlier = [one for one in _records(folder) if one != _Record(edition, way)]
    found = [_Record(edition, way), *earlier]
    kept = [one for at, one in enumerate(found) if sum(one.like(other) for other in found[:at]) < _KEPT[one.way]]
    kept = [one for at, one in enumerate(kept) if sum(bool(other.told.window) for other in kept[:at]) < _WINDOWS]
    try:
        write_whole(folder.path / FILE, msgspec.json.encode(kept)).chmod(0o600)
    except OSError as problem:
        if problem.errno not in (EACCES, EPERM, EROFS):
            raise
        _log.warning(
            "the study can only be read, so what this edition hides is not on record: "
            "an edition of more facts could tell it (docs/publishing.md)"
        )


def _records(folder: Folder) -> list[_Record]:
    path = folder.path / FILE
    if not path.is_file():
        return []
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[_Record])
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise InputError(
            f"{path} is no record of an edition; restore it from a backup, or remove it to publish as if for the first "
            "time (docs/publishing.md)"
        ) from None


def next_cells(hops: Sequence[Hop], disclosure: CellDisclosure, last: LastEdition | None) -> HopCells:
    """Cells that tell nothing of any edition before.

    Its cells stay whole, and new hops join them.

    New hops of a pair that are enough make a cell of their own, as do those that fit no cell if they are enough
    together; else they wait for a later edition. A pair leaves a cell without its name once what remains is as much as
    the whole cell was.
    """
    fresh = hop_cells(hops, disclosure)
    if last is None or not last.cells or not fresh.weeks or last.weeks[0] not in fresh.weeks:
        return fresh
    return _Grown(hops, disclosure, fresh.weeks, last).cells()


def cells_told(hops: Sequence[Hop], disclosure: CellDisclosure, last: LastEdition | None) -> HopCells:
    """The cells that an edition told, where names are allowed.

    None where there is no such edition.
    """
    if last is None:
        return HopCells(weeks=(), cells=())
    at_mark = {_mark(hop): at for at, hop in enumerate(hops)}
    found = [
        (_with_names(cell, disclosure), tuple(at_mark[one] for one in own if one in at_mark))
        for cell, own in last.cells
    ]
    return cells_in_order(last.weeks, found)


def _with_names(cell: HopCell, disclosure: CellDisclosure) -> HopCell:
    """A cell without keys that may not be named any more."""

    def kept(level: Level) -> Ends | None:
        ends = cell.ends(level)
        return ends if ends and all(key in disclosure.named[level] for side in ends for key in side) else None

    return replace(
        cell,
        hoster=kept("hoster"),
        systems=kept("as"),
        country=kept("country"),
        passage=disclosure.told(cell.passage),
    )


@dataclass(slots=True)
class _Held:
    """A cell of the edition before, and its hops now."""

    cell: HopCell
    was: int
    own: list[int]


class _Grown:
    """The cells of an edition and the hops that are new since."""

    def __init__(
        self, hops: Sequence[Hop], disclosure: CellDisclosure, weeks: tuple[str, ...], last: LastEdition
    ) -> None:
        self._numbers = [at for at, hop in enumerate(hops) if hop.order != "parallel"]
        self._hops = [hops[at] for at in self._numbers]
        self._weeks, self._disclosure = weeks, disclosure
        self._parts = Parts(self._hops, disclosure)
        self._since = self._parts.weeks_since(weeks[0])
        at_mark = {_mark(hop): at for at, hop in enumerate(self._hops)}
        shift = weeks.index(last.weeks[0])
        kept = [
            (
                replace(cell, first=cell.first + shift, last=cell.last + shift),
                [at_mark[one] for one in own if one in at_mark],
            )
            for cell, own in last.cells
        ]
        self._held = [
            _Held(_with_names(cell, disclosure), cell.hops, own) for cell, own in kept if self._parts.large(own)
        ]
        old = {at for one in self._held for at in one.own}
        self._new = [at for at in range(len(self._hops)) if at not in old]

    def cells(self) -> HopCells:
        found = self._apart(self._new)
        alone = {at for _, own in found for at in own}
        lone = [at for at in self._new if at not in alone and not self._joined(at)]
        if self._parts.large(lone):
            found += self._described(lone)
        for held in self._held:
            found += self._released(held)
            found.append((self._counted(held), held.own))
        return cells_in_order(self._weeks, [(cell, tuple(self._numbers[at] for at in own)) for cell, own in found])

    def _described(self, group: list[int]) -> list[tuple[HopCell, list[int]]]:
        return [
            (self._parts.cell(own, shared, first, last), own)
            for shared, part in self._parts.described(group)
            for first, last, own in self._parts.by_week(part, self._since, 0, len(self._weeks) - 1)
        ]

    def _apart(self, group: Sequence[int]) -> list[tuple[HopCell, list[int]]]:
        """Cells of pairs that are large by themselves."""
        pairs: dict[object, list[int]] = defaultdict(list)
        for at in group:
            if all(sides := self._parts.sides("hoster", at)):
                pairs[sides].append(at)
        return [cell for part in pairs.values() if self._parts.large(part) for cell in self._described(part)]

    def _joined(self, at: int) -> bool:
        """Whether a new hop joins a cell; the one that tells most of it."""
        fitting = [held for held in self._held if self._parts.fits(held.cell, at)]
        if not fitting:
            return False
        week = self._since[at]

        def order(held: _Held) -> tuple[int, int]:
            ends = [held.cell.hoster, held.cell.country, held.cell.systems]
            told = sum(len(one[0]) + len(one[1]) for one in ends if one) + (held.cell.passage is not None)
            return -told, max(held.cell.first - week, week - held.cell.last, 0)

        min(fitting, key=order).own.append(at)
        return True

    def _released(self, held: _Held) -> list[tuple[HopCell, list[int]]]:
        """Pairs that leave a cell: as much remains as the cell was."""
        if held.cell.hoster and all(held.cell.hoster):
            return []
        found = []
        for cell, own in sorted(self._apart(held.own), key=lambda one: -len(one[1])):
            rest = [at for at in held.own if at not in set(own)]
            if len(rest) >= held.was and self._parts.large(rest):
                held.own = rest
                found.append((cell, own))
        return found

    def _counted(self, held: _Held) -> HopCell:
        weeks = [self._since[at] for at in held.own]
        shared = {name: getattr(held.cell, name) for name in ("hoster", "systems", "country", "passage")}
        first, last = min(held.cell.first, *weeks), max(held.cell.last, *weeks)
        return self._parts.cell(held.own, shared, first, last)


def _mark(hop: Hop) -> str:
    """A short mark of a hop; it changes when the hop is seen otherwise."""
    said = f"{hop.from_url_id} {hop.to_url_id} {hop.from_hoster} {hop.to_hoster} {hop.arrived_before.isoformat()}"
    return sha256(said.encode()).hexdigest()[:24]
