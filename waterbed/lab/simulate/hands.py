"""Routing tables with known successions, drawn without a network.

Networks pass to successors, are sold in parts, renamed, renumbered; blocks change hands one by one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Final

import numpy as np
from numpy.typing import NDArray

from waterbed.attribution.lookups.tables.ranges import RangeTable, Rows, build, zeros
from waterbed.attribution.successions import Rule, chances, changed_hands
from waterbed.model.progress import staged

_AS: Final = 64_500
_SPACE: Final = 1 << 24
"""First address handed out, that of 1.0.0.0."""
_BLOCKS: Final = (256, 512, 1024, 2048, 4096, 8192, 16384)
_COMMON: Final = (0.62, 0.16, 0.11, 0.05, 0.03, 0.02, 0.01)
"""Block sizes and how common each is, as in tables of 2025."""
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class HandsWorld:
    """Tables of two days, and true successions."""

    before: RangeTable
    after: RangeTable
    successions: frozenset[tuple[int, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class HandsScore:
    """Successions of one world: true, found, right."""

    true: Annotated[int, "successions that happened"]
    found: Annotated[int, "pairs found at the rate"]
    right: Annotated[int, "of these, successions"]
    pairs: Annotated[int, "pairs of ASes between which addresses moved"]


@dataclass(slots=True)
class _Space:
    """Who has which block, on both days; blocks lie in random order, so that few of one AS touch."""

    sizes: Ints
    before: Ints
    after: Ints
    newest: int
    held: dict[int, Ints] = field(default_factory=dict)

    def give(self, blocks: Ints, whom: int | Ints) -> None:
        """Blocks that one has on the second day."""
        self.after[blocks] = whom

    def newcomer(self) -> int:
        """An AS that had nothing on the first day."""
        self.newest += 1
        return self.newest


def hands_world(rng: np.random.Generator, *, ases: int = 6_000) -> HandsWorld:
    """Draw a world with 10 to 40 successions.

    A successor gets 35% to all of the addresses of a network of 2,048 or more, in two blocks or more, and up to 12% of
    what it has from others; the rest stays, is withdrawn, or goes to others. Beside that: sales of 5% to 80% to an AS
    that exists, and of up to 25% to a new one; newcomers made of single blocks of several sellers or of one block;
    single blocks sold between any two; blocks given back, and others taken in their place (renumbering); blocks split
    into more specific routes; renamings, of which no table of routes shows anything.
    """
    space = _space(rng, ases)
    old = _sellers(space, rng)
    pairs = frozenset(_succeed(space, rng, next(old)) for _ in range(int(rng.integers(10, 41))))
    for _ in range(int(rng.integers(20, 60))):
        _sell(space, rng, next(old), int(rng.integers(_AS, _AS + ases)), rng.uniform(0.05, 0.8))
    for _ in range(int(rng.integers(10, 40))):
        _sell(space, rng, next(old), space.newcomer(), rng.uniform(0.05, 0.25))
    _transfer(space, rng, ases)
    gone = rng.random(len(space.sizes)) < rng.uniform(0.0, 0.03)
    fresh = (space.before == 0) & (rng.random(len(space.sizes)) < rng.uniform(0.2, 0.8))
    untouched = space.after == space.before
    space.after[gone & untouched] = 0
    space.after[fresh] = rng.integers(_AS, _AS + ases, int(fresh.sum()))
    first = _SPACE + np.cumsum(space.sizes) - space.sizes
    split = (rng.random(len(space.sizes)) < 0.1) & (space.sizes > _BLOCKS[0])
    return HandsWorld(
        before=_table(first, space.sizes, space.before, np.zeros(len(split), bool)),
        after=_table(first, space.sizes, space.after, split),
        successions=pairs,
    )


def scored(world: HandsWorld, rate: float) -> HandsScore:
    """Find the successions of a world, and compare."""
    rule = Rule()
    hands = changed_hands(world.before, world.after)
    at = np.flatnonzero(chances(hands, rule).adjusted <= rate)
    found = set(zip(hands.old[at].tolist(), hands.new[at].tolist(), strict=True))
    right = len(found & world.successions)
    return HandsScore(true=len(world.successions), found=len(found), right=right, pairs=len(hands))


def hands_scores(worlds: int, *, seed: int, rate: float = 0.1) -> list[HandsScore]:
    """Score many drawn worlds; the same seed draws the same."""
    numbers = staged("worlds simulated", range(worlds), worlds)
    return [scored(hands_world(np.random.default_rng([seed, number])), rate) for number in numbers]


def recall_and_precision(scores: Sequence[HandsScore]) -> tuple[float, float]:
    """Share of successions found, and of pairs right."""
    true, found, right = (sum(getattr(one, name) for one in scores) for name in ("true", "found", "right"))
    return right / max(1, true), right / max(1, found)


def _space(rng: np.random.Generator, ases: int) -> _Space:
    many = np.minimum(1 + (rng.pareto(1.1, ases) * 1.5).astype(np.int64), 1_500)
    owner = np.repeat(np.arange(_AS, _AS + ases), many)
    owner = np.concatenate([owner, np.zeros(len(owner) // 20, np.int64)])  # routed later, if ever
    rng.shuffle(owner)
    sizes = rng.choice(_BLOCKS, len(owner), p=_COMMON)
    return _Space(sizes=sizes, before=owner, after=owner.copy(), newest=_AS + ases)


def _sellers(space: _Space, rng: np.random.Generator) -> Iterator[int]:
    """ASes of 2,048 addresses or more in three blocks or more, each once."""
    ases, of = np.unique(space.before, return_inverse=True)
    large = (np.bincount(of, space.sizes) >= 2 * Rule().least) & (np.bincount(of) >= 3) & (ases > 0)
    yield from rng.permutation(ases[large]).tolist()


def _succeed(space: _Space, rng: np.random.Generator, old: int) -> tuple[int, int]:
    blocks, new = rng.permutation(np.flatnonzero(space.before == old)), space.newcomer()
    sizes = space.sizes[blocks]
    least = max(Rule().least, 0.35 * sizes.sum())
    enough = int(np.searchsorted(np.cumsum(sizes), max(least, rng.uniform(0.35, 1.0) * sizes.sum()))) + 1
    taken = blocks[: max(2, enough)]
    space.give(taken, new)
    rest = blocks[len(taken) :]
    fate = rng.random()
    if fate < 0.3:
        space.after[rest] = 0
    elif fate < 0.6:
        space.after[rest] = rng.integers(_AS, space.newest, len(rest))
    others = rng.permutation(np.flatnonzero(space.after != new))[:50]
    room = rng.uniform(0.0, 0.12) * space.sizes[taken].sum()
    space.give(others[np.cumsum(space.sizes[others]) <= room], new)
    return old, new


def _sell(space: _Space, rng: np.random.Generator, old: int, whom: int, share: float) -> None:
    blocks = rng.permutation(np.flatnonzero(space.before == old))
    sizes = np.cumsum(space.sizes[blocks])
    space.give(blocks[sizes <= share * sizes[-1]], whom)


def _transfer(space: _Space, rng: np.random.Generator, ases: int) -> None:
    """Single blocks go to anybody, some of them to newcomers."""
    sold = np.flatnonzero((space.after == space.before) & (space.before > 0))
    sold = sold[rng.random(len(sold)) < rng.uniform(0.02, 0.06)]
    newcomers = space.newest + 1 + np.arange(ases // 20)
    space.newest = int(newcomers[-1])
    to_new = rng.random(len(sold)) < 0.25
    whom = np.where(to_new, rng.choice(newcomers, len(sold)), rng.integers(_AS, _AS + ases, len(sold)))
    space.give(sold, whom)


def _table(first: Ints, sizes: Ints, owner: Ints, split: NDArray[np.bool_]) -> RangeTable:
    """A table of blocks, some of them as two halves."""
    half = np.where(split, sizes // 2, 0)
    starts = np.concatenate([first, (first + half)[split]])
    ends = np.concatenate([np.where(split, first + half, first + sizes), (first + sizes)[split]]) - 1
    owners = np.concatenate([owner, owner[split]])
    routed = owners > 0
    none, low, high, whose = zeros(int(routed.sum())), starts[routed], ends[routed], owners[routed]
    v4 = Rows(
        first_high=none,
        first_low=low.astype(np.uint64),
        last_high=none,
        last_low=high.astype(np.uint64),
        number=whose.astype(np.uint64),
    )
    empty = np.zeros(0, np.uint64)
    return build(v4, Rows(first_high=empty, first_low=empty, last_high=empty, last_low=empty, number=empty))
