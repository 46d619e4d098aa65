"""The runs of all URLs, kept by block."""

import os
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

from waterbed.graphs.runs import Run
from waterbed.model.conclusions import Attribution
from waterbed.store.kept import Kept
from waterbed.study.judged import BlockRuns, Judged, UrlRuns

_AT_HAND = 2
"""Blocks whose runs are at hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Index:
    """The number and the first URL of each block, the URLs, and the distinct attributions."""

    numbers: list[int]
    firsts: list[str]
    urls: int
    made: list[Attribution]
    sets: list[tuple[str, ...]]


class Replaced(Exception):
    """Another command replaced the kept runs.

    Only the process that began to read them judges anew.
    """


class KeptRuns(Mapping[str, Sequence[Run]]):
    """The judged and attributed checks of each URL, as runs.

    As `UrlRuns`, without reading and judging checks again: windows cut them. Ask in the order of ids. Where another
    command keeps newer ones meanwhile, all others are judged anew: numbers of two readings are of different things. A
    forked process cannot, and raises Replaced.
    """

    def __init__(self, kept: Kept, judged: Callable[[], Judged]) -> None:
        """Take what is kept, and the judged looks where nothing is."""
        self._kept = kept
        self._judged = judged
        self._held: OrderedDict[int, Mapping[str, list[Run]]] = OrderedDict()
        self._is_lost = False
        self._process = os.getpid()

    @cached_property
    def _index(self) -> _Index:
        found: _Index = self._kept.of("runs", _Index, self._made)
        return found

    def _made(self) -> _Index:
        judged = self._judged()
        numbers, blocks = judged.looks.kept.numbers(), 0
        firsts = []
        for number in numbers:
            own = self._kept.of(f"runs.{number}", BlockRuns, partial(judged.runs_in, number)).urls
            firsts.append(own[0])
            blocks += len(own)
        return _Index(numbers=numbers, firsts=firsts, urls=blocks, made=list(judged.made), sets=judged.hosters[1])

    @cached_property
    def _anew(self) -> UrlRuns:
        if os.getpid() != self._process:
            raise Replaced
        return UrlRuns(self._judged())

    def _of_block(self, number: int) -> Mapping[str, list[Run]] | None:
        """The runs of a block; None if it is kept no more."""
        found = self._held.pop(number, None)
        if found is None:
            block: BlockRuns | None = None if self._is_lost else self._kept.held(f"runs.{number}", BlockRuns)
            if block is None:
                self._is_lost = True
                return None
            found = block.of_urls(self._index.made, self._index.sets)
        self._held[number] = found
        if len(self._held) > _AT_HAND:
            self._held.popitem(last=False)
        return found

    def __getitem__(self, url_id: str) -> Sequence[Run]:
        """The runs of a URL."""
        place = bisect_right(self._index.firsts, url_id) - 1
        if place < 0:
            raise KeyError(url_id)
        own = self._of_block(self._index.numbers[place])
        return self._anew[url_id] if own is None else own[url_id]

    def __iter__(self) -> Iterator[str]:
        """The ids of all URLs that were looked at, in order."""
        last = ""
        for number in self._index.numbers:
            own = self._of_block(number)
            if own is None:
                yield from (one for one in self._anew if one > last)
                return
            yield from own
            last = max(own, default=last)

    def __len__(self) -> int:
        """How many URLs were looked at."""
        return self._index.urls
