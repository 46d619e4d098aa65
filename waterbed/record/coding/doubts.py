"""The cases of all looks, block by block."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, get_args

import numpy as np
import pyarrow as pa

from waterbed.judging.columns import NOTHING, Array, mixed
from waterbed.judging.doubtful import ANSWER, OURS, Case, Doubt, doubt_of
from waterbed.model.conclusions import Verdict
from waterbed.study.conclusions import Conclusions
from waterbed.study.look_tables import flat_lists, observation_tables
from waterbed.study.looks import Block

DOUBTS: Final[tuple[Doubt, ...]] = get_args(Doubt)


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockCases:
    """The cases of a block, as `waterbed.judging.doubtful.cases` tells them.

    All places are those in the block; `doubt` is a place in `DOUBTS`, or `NOTHING`.
    """

    block: Block
    seen: pa.Table
    """What the looks saw."""
    verdicts: Array
    """The number of each look's verdict, before people's codes."""
    first: Array
    last: Array
    before: Array
    after: Array
    doubt: Array

    def cases(self, chosen: Array) -> list[Case]:
        """Some of them; looks are numbered among all looks."""
        start = self.block.first
        columns = (self.first, self.last, self.before, self.after, self.doubt)
        ids = self.block.id.take(pa.array(self.first[chosen])).to_pylist()
        return [
            Case(
                item_id=item_id,
                first=start + first,
                last=start + last,
                doubt=None if doubt == NOTHING else DOUBTS[doubt],
                before=None if before == NOTHING else start + before,
                after=None if after == NOTHING else start + after,
            )
            for item_id, first, last, before, after, doubt in zip(
                ids, *(column[chosen].tolist() for column in columns), strict=True
            )
        ]


def all_cases(conclusions: Conclusions, beside: Sequence[str] = ()) -> Iterator[BlockCases]:
    """The cases of each block.

    `beside` names columns of observations that are read too.
    """
    looks = conclusions.looks
    for block, seen in zip(
        looks.blocks(), observation_tables(conclusions.facts, looks, (*ANSWER, *beside)), strict=True
    ):
        yield _cases(block, conclusions.uncoded_in(block), looks.walk.verdicts, seen)


def _cases(block: Block, verdicts: Array, told: Sequence[Verdict], table: pa.Table) -> BlockCases:
    size, places = len(block), np.arange(len(block))
    rules: dict[str, int] = {}
    same = [block.url, np.array([rules.setdefault(one.rule, len(rules)) for one in told], np.int32)[verdicts]]
    same += [_coded(column) for column in flat_lists(table.select(ANSWER)).columns]
    starts = np.flatnonzero(np.concatenate(([True], np.any([its[1:] != its[:-1] for its in same], axis=0))))
    ends = np.append(starts[1:], size) - 1
    decided = np.array([one.state != "unknown" for one in told], bool)[verdicts]
    begins = np.searchsorted(block.url, block.url[starts], "left")
    finishes = np.searchsorted(block.url, block.url[starts], "right")
    last_before = np.concatenate(([NOTHING], np.maximum.accumulate(np.where(decided, places, NOTHING))))[starts]
    next_after = np.append(np.minimum.accumulate(np.where(decided, places, size)[::-1])[::-1], size)[ends + 1]
    before = np.where(last_before >= begins, last_before, NOTHING)
    after = np.where(next_after < finishes, next_after, NOTHING)
    ours = np.array([one.outcome in OURS for one in told], bool)
    seen = np.flatnonzero(~ours[verdicts[starts]])
    first, before, after = starts[seen], before[seen], after[seen]
    around = [np.where(one == NOTHING, NOTHING, verdicts[one]).astype(np.int32) for one in (before, after)]
    of, number = mixed([verdicts[first], *around])
    doubts = [
        doubt_of(told[verdict], *(None if one == NOTHING else told[one].state for one in beside))
        for verdict, *beside in zip(*(column[of].tolist() for column in (verdicts[first], *around)), strict=True)
    ]
    numbers = np.array([NOTHING if doubt is None else DOUBTS.index(doubt) for doubt in doubts] or [0], np.int8)
    return BlockCases(
        block=block,
        seen=table,
        verdicts=verdicts,
        first=first,
        last=ends[seen],
        before=before,
        after=after,
        doubt=numbers[number],
    )


def _coded(column: Any) -> Array:
    coded = column.combine_chunks().dictionary_encode().indices
    return np.asarray(coded.fill_null(NOTHING))
