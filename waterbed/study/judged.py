"""Judged and attributed looks, as numbers.

Single looks are made when asked for.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import pairwise

import numpy as np

from waterbed.graphs.runs import Run
from waterbed.judging.columns import NOTHING, Array, mixed
from waterbed.judging.confirmation import STATES, confirmed
from waterbed.model.codec import moment
from waterbed.model.conclusions import NAME_ONLY, Attribution, EndCause, State, Verdict
from waterbed.store.settings import Judge
from waterbed.study.attributed import Attributed
from waterbed.study.looks import Block, Looks

_RUNS_KEPT = 2
"""Blocks whose runs are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """Looks whose verdict was changed afterwards.

    `rows` are numbers of looks, ascending, `numbers` those of their verdicts.
    """

    rows: Array
    numbers: Array

    def of_block(self, block: Block) -> tuple[Array, Array]:
        """Places in a block, and the numbers there."""
        own = slice(*np.searchsorted(self.rows, [block.first, block.first + len(block)]).tolist())
        return self.rows[own] - block.first, self.numbers[own]

    def verdicts(self, block: Block) -> Array:
        """The numbers of a block's verdicts."""
        places, numbers = self.of_block(block)
        if not len(places):
            return block.verdicts
        found = block.verdicts.copy()
        found[places] = numbers
        return found

    def and_then(self, later: Mapping[int, int]) -> "Changed":
        """The same with later changes, by look."""
        if not later:
            return self
        found = {**dict(zip(self.rows.tolist(), self.numbers.tolist(), strict=True)), **later}
        rows = sorted(found)
        return Changed(rows=np.array(rows, np.int64), numbers=np.array([found[row] for row in rows], np.int32))


@dataclass(slots=True, kw_only=True)
class JudgedBlock:
    """The looks of a block with final verdicts and attributions.

    `down` holds for confirmed absences alone.
    """

    block: Block
    verdicts: Array
    attributed: Array
    down: Array


@dataclass(kw_only=True)
class Judged:
    """All looks with their final verdicts and attributions, by number.

    Where a name is parked or seized nobody is named (NAME_ONLY).
    """

    looks: Looks
    changed: Changed
    attributed: Attributed
    settings: Judge
    """How absences are confirmed."""

    @property
    def made(self) -> Sequence[Attribution]:
        """The distinct attributions."""
        return self.attributed.made

    def of_block(self, number: int) -> JudgedBlock:
        """One block."""
        block, settings = self.looks.block(number), self.settings
        verdicts = self.changed.verdicts(block)
        down = confirmed(
            block.url,
            block.at,
            states_of(self.looks, verdicts),
            block.vantage,
            looks=settings.confirm_looks,
            over_s=settings.confirm_s,
            within_s=settings.vantage_within_s,
        )
        return JudgedBlock(block=block, verdicts=verdicts, attributed=self.attributed.numbers(block), down=down)

    def blocks(self) -> Iterator[JudgedBlock]:
        """All blocks, in the order of their URLs."""
        return map(self.of_block, self.looks.kept.numbers())

    def answers_of(self, block: JudgedBlock, places: slice) -> list[Attribution | None]:
        """The attributions of some looks, one by one."""
        return [
            None if number == NOTHING else replace(self.made[number], day=moment(at))
            for number, at in zip(block.attributed[places].tolist(), block.block.at[places].tolist(), strict=True)
        ]

    def runs_in(self, number: int) -> "BlockRuns":
        """The runs of the URLs of a block."""
        its, walk, urls = self.of_block(number), self.looks.walk, self.looks.urls
        block = its.block
        others = np.array([one.cause in NAME_ONLY for one in walk.verdicts], bool)
        answers = np.where(others[its.verdicts], NOTHING, its.attributed)
        of_made, _ = self.hosters
        hosters = of_made[answers]
        changed = block.url[1:] != block.url[:-1]
        for column in (its.verdicts, its.down, hosters):
            changed |= column[1:] != column[:-1]
        starts = np.flatnonzero(np.concatenate(([True], changed)))
        of_url, url = np.unique(block.url[starts], return_inverse=True)
        verdicts, verdict = np.unique(its.verdicts[starts], return_inverse=True)
        told = [walk.verdicts[one] for one in verdicts.tolist()]
        return BlockRuns(
            urls=[urls[one] for one in of_url.tolist()],
            told=[(one.state, one.cause) for one in told],
            columns=np.array([url, starts, verdict, its.down[starts], hosters[starts]], np.int32).tobytes(),
            at=block.at.astype(np.int64).tobytes(),
            answers=its.attributed.astype(np.int32).tobytes(),
        )

    @cached_property
    def hosters(self) -> tuple[Array, list[tuple[str, ...]]]:
        """Sets of hosters: each attribution's number, and the sets."""
        sets: dict[tuple[str, ...], int] = {}
        return np.array([*(sets.setdefault(one.hosters, len(sets)) for one in self.made), NOTHING], np.int32), list(
            sets
        )

    @cached_property
    def told_of(self) -> list[tuple[Verdict, Attribution | None, int]]:
        """Numbers of looks by verdict and attribution.

        The first seen first.
        Verdicts are without look, URL and time.
        """
        found: Counter[tuple[int, int]] = Counter()
        for its in self.blocks():
            first, number = mixed([its.verdicts, its.attributed])
            looks = np.bincount(number, minlength=len(first))
            for place in np.argsort(first, kind="stable").tolist():
                at = int(first[place])
                found[int(its.verdicts[at]), int(its.attributed[at])] += int(looks[place])
        return [
            (self.looks.walk.verdicts[verdict], None if answer == NOTHING else self.made[answer], looks)
            for (verdict, answer), looks in found.items()
        ]

    def hoster_words(self) -> Counter[tuple[str, ...]]:
        """Numbers of decided looks that asked a link check.

        By the hosters of their addresses; the content itself was not asked for.
        """
        found: Counter[tuple[str, ...]] = Counter()
        own = self.looks.walk.rules.of_link_checks
        for told, answer, looks in self.told_of:
            if told.state != "unknown" and told.rule.partition("+")[0] in own:
                found[answer.hosters if answer else ()] += looks
        return found

    def outcomes(self) -> Counter[tuple[str, State]]:
        """Numbers of looks by outcome, first seen first.

        By outcome and state.
        """
        found: Counter[tuple[str, State]] = Counter()
        for told, _, looks in self.told_of:
            found[told.outcome, told.state] += looks
        return found

    def answers(self) -> list[tuple[Attribution, int]]:
        """The distinct attributions, the first seen first.

        Each with its number of looks.
        """
        found: Counter[int] = Counter()
        for its in self.blocks():
            numbers, first, looks = np.unique(its.attributed, return_index=True, return_counts=True)
            for place in np.argsort(first).tolist():
                if numbers[place] != NOTHING:
                    found[int(numbers[place])] += int(looks[place])
        return [(self.made[number], looks) for number, looks in found.items()]

    def beside(self, other: "Judged") -> list[tuple[str, Attribution | None, Attribution | None]]:
        """The distinct pairs of attributions by two attributors.

        Of each URL's looks.
        """
        found = []
        for block in self.looks.blocks():
            one, two = self.attributed.numbers(block), other.attributed.numbers(block)
            first, _ = mixed([block.url, one, two])
            found += [
                (
                    self.looks.urls[int(block.url[at])],
                    None if one[at] == NOTHING else self.made[int(one[at])],
                    None if two[at] == NOTHING else other.made[int(two[at])],
                )
                for at in np.sort(first).tolist()
            ]
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockRuns:
    """The runs of a block's URLs, as numbers.

    `told` are the states and causes, `columns` of each run the places of URL and state, the first look, whether it is a
    confirmed absence, and its set of hosters; `at` and `answers` of each look its time and the number of its
    attribution.
    """

    urls: list[str]
    told: list[tuple[State, EndCause | None]]
    columns: bytes
    at: bytes
    answers: bytes

    def of_urls(self, made: Sequence[Attribution], sets: Sequence[tuple[str, ...]]) -> Mapping[str, list[Run]]:
        """The runs of each URL, in time order.

        They are made when asked for. `made` are the distinct attributions, `sets` those of their hosters.
        """
        return _RunsOfBlock(self, made, sets)


class _RunsOfBlock(Mapping[str, list[Run]]):
    """The runs of each URL of a block."""

    def __init__(self, block: BlockRuns, made: Sequence[Attribution], sets: Sequence[tuple[str, ...]]) -> None:
        url, start, *others = np.frombuffer(block.columns, np.int32).reshape(5, -1)
        self._told, self._made, self._sets = block.told, made, sets
        self._at, self._answers = np.frombuffer(block.at, np.int64), np.frombuffer(block.answers, np.int32)
        ends = [*start[1:].tolist(), len(self._at)]
        self._rows = list(zip(start.tolist(), ends, *(one.tolist() for one in others), strict=True))
        bounds = np.searchsorted(url, np.arange(len(block.urls) + 1)).tolist()
        self._bounds = dict(zip(block.urls, pairwise(bounds), strict=True))

    def __getitem__(self, url_id: str) -> list[Run]:
        return [self._run(*row) for row in self._rows[slice(*self._bounds[url_id])]]

    def _run(self, first: int, end: int, which: int, absent: int, keys: int) -> Run:
        state, cause = self._told[which]
        own = self._answers[first:end]
        return Run(
            state=state,
            cause=cause,
            down=bool(absent),
            answered=keys != NOTHING,
            hosters=() if keys == NOTHING else self._sets[keys],
            at=self._at[first:end],
            answer=partial(_answer, self._made, own),
            answers=partial(_answers, self._made, own),
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self._bounds)

    def __len__(self) -> int:
        return len(self._bounds)


def _answer(made: Sequence[Attribution], numbers: Array, nth: int) -> Attribution:
    return made[int(numbers[nth])]


def _answers(made: Sequence[Attribution], numbers: Array, first: int, last: int) -> list[Attribution]:
    return [made[number] for number in dict.fromkeys(numbers[first:last].tolist())]


class UrlRuns(Mapping[str, Sequence[Run]]):
    """The runs of each URL that was looked at.

    They are made block by block when asked for: ask in the order of ids.
    """

    def __init__(self, judged: Judged) -> None:
        """Take all judged looks."""
        self._judged = judged
        self._held: OrderedDict[int, Mapping[str, list[Run]]] = OrderedDict()

    def _of_block(self, number: int) -> Mapping[str, list[Run]]:
        found = self._held.pop(number, None)
        if found is None:
            found = self._judged.runs_in(number).of_urls(self._judged.made, self._judged.hosters[1])
        self._held[number] = found
        if len(self._held) > _RUNS_KEPT:
            self._held.popitem(last=False)
        return found

    def __getitem__(self, url_id: str) -> Sequence[Run]:
        """The runs of a URL."""
        looks = self._judged.looks
        place = looks.place_of(url_id)
        if place is None or not looks.lengths[looks.block_of(place)]:
            raise KeyError(url_id)
        return self._of_block(looks.block_of(place))[url_id]

    def __iter__(self) -> Iterator[str]:
        """The ids of all URLs that were looked at, in order."""
        for number in self._judged.looks.kept.numbers():
            yield from self._of_block(number)

    @cached_property
    def _length(self) -> int:
        return sum(len(np.unique(block.url)) for block in self._judged.looks.blocks())

    def __len__(self) -> int:
        """How many URLs were looked at."""
        return self._length


def states_of(looks: Looks, verdicts: Array) -> Array:
    """The number of each look's state."""
    of_verdicts: Array = np.array([STATES.index(one.state) for one in looks.walk.verdicts] or [0], np.int8)
    return of_verdicts[verdicts]


def verdicts_in(looks: Looks, block: Block, verdicts: Array, places: slice) -> list[Verdict]:
    """The verdicts on some looks of a block."""
    told = looks.walk.verdicts
    return [
        replace(told[number], observation_id=look, url_id=looks.urls[url], observed_at=moment(at))
        for number, look, url, at in zip(
            verdicts[places].tolist(),
            block.id[places.start : places.stop].to_pylist(),
            block.url[places].tolist(),
            block.at[places].tolist(),
            strict=True,
        )
    ]
