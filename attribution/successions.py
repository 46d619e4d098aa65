"""Address space that changed hands between two tables. Pure.

Pairs of an old and a new AS, and how often chance would make such a pair: IPv4 by addresses, IPv6 by /48s.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, summarize_address_range
from typing import Any, Final

import numpy as np
import scipy
from numpy.typing import NDArray

from waterbed.attribution.lookups.tables.ranges import RangeTable
from waterbed.attribution.space import GLOBAL_FIRST, Counts, Space, shared_48s, shared_space
from waterbed.estimators.norm_tests import adjusted_for_all

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Shares that make a new AS an old one's heir.

    It had no address on the first day; `share_in` of what it has now was the old one's; and it got `share_out` of what
    the old one had, or `rest_out` of one that kept at most `kept`. Both have `least` IPv4 addresses, or `least_48s` of
    IPv6: a /21, or a /40.
    """

    least: int = 2048
    least_48s: int = 256
    share_in: float = 0.8
    share_out: float = 0.3
    rest_out: float = 0.2
    kept: float = 0.2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Hands:
    """Pairs of ASes between which addresses moved, as columns.

    Addresses are IPv4 addresses or IPv6 /48s, by `family`. They moved if their origins had `old` and not `new` on the
    first day, and `new` and not `old` on the second. `old_size` and `kept` are the old one's addresses on the first
    day, and those of them that it still has; `new_size` and `new_before` the new one's on the second and on the first.
    A block is an unbroken run of moved addresses: `block_pair` gives its row here, `block_first` and `block_size` its
    addresses. `size_of` are sizes on the first day of all ASes that had any, `holders`.
    """

    family: int
    old: Counts
    new: Counts
    moved: Counts
    old_size: Counts
    kept: Counts
    new_size: Counts
    new_before: Counts
    block_pair: Counts
    block_first: Counts
    block_size: Counts
    size_of: Counts
    holders: Counts

    def __len__(self) -> int:
        """Count the pairs."""
        return len(self.old)

    @property
    def blocks(self) -> Counts:
        """Number of blocks of each pair."""
        return np.bincount(self.block_pair, minlength=len(self))

    def heirs(self, rule: Rule, known: Counts | None = None) -> Bools:
        """Pairs of an old AS and its heir, by rule.

        None of those `known` is an heir.
        """
        out, rest = self.moved / self.old_size, self.kept / self.old_size
        enough = (out >= rule.share_out) | ((rest <= rule.kept) & (out >= rule.rest_out))
        heirs: Bools = (self.new_before == 0) & (self.moved >= rule.share_in * self.new_size) & enough
        return heirs & self.large(rule) & ~np.isin(self.new, [] if known is None else known)

    def large(self, rule: Rule) -> Bools:
        """Pairs of which both sides have enough addresses."""
        least = rule.least if self.family == 4 else rule.least_48s
        large: Bools = (self.old_size >= least) & (self.new_size >= least)
        return large

    def largest(self, row: int, most: int) -> tuple[str, ...]:
        """The largest moved prefixes of one pair, as text."""
        blocks = np.flatnonzero(self.block_pair == row)
        blocks = blocks[np.argsort(-self.block_size[blocks], kind="stable")][:most]
        networks = [
            network
            for first, size in zip(self.block_first[blocks].tolist(), self.block_size[blocks].tolist(), strict=True)
            for network in _networks(self.family, first, first + size)
        ]
        return tuple(map(str, sorted(networks, key=lambda network: (network.prefixlen, network))[:most]))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chance:
    """Probabilities of pairs by chance, as columns.

    `expected` blocks would have gone from one to the other if each block had gone to any AS that received one of about
    its size; `chance` is the probability of so many or more, 1 for pairs that the rule does not take; `adjusted` allows
    for all pairs of two large ASes (Benjamini and Yekutieli, Annals of Statistics 29, 2001), 1 for others. Of `peers`
    old ASes of half to twice the size, `alike` is the share that have an heir by the rule.
    """

    expected: Floats
    chance: Floats
    adjusted: Floats
    peers: Counts
    alike: Floats


_CLASSES: Final = 46
"""Powers of two of block sizes: 2000::/3 has 2 to the 45th /48s."""


def _networks(family: int, first: int, stop: int) -> Iterator[IPv4Network | IPv6Network]:
    if family == 4:
        return summarize_address_range(IPv4Address(first), IPv4Address(stop - 1))
    first, stop = ((GLOBAL_FIRST << 64) + (unit << 80) for unit in (first, stop))
    return summarize_address_range(IPv6Address(first), IPv6Address(stop - 1))


def changed_hands(earlier: RangeTable, after: RangeTable, family: int = 4) -> Hands:
    """All pairs of ASes between which addresses moved.

    Linear in the tables' stretches.
    """
    old_space, other = _shared(earlier, after, family)
    ases = np.unique(np.concatenate([earlier.members, after.members]).astype(np.int64))
    old_size, new_size = _sizes(old_space, earlier, ases), _sizes(other, after, ases)
    of, pairs, stays = _set_pairs(old_space, earlier, other, after)
    row, place = _expanded(of, pairs[0])
    code = np.searchsorted(ases, pairs[1][place]) * len(ases) + np.searchsorted(ases, pairs[2][place])
    distinct, pair = np.unique(code, return_inverse=True)
    old, new = np.divmod(distinct, max(1, len(ases)))
    row_kept, place_kept = _expanded(of, stays[0])
    retained = _summed(np.searchsorted(ases, stays[1][place_kept]), old_space.counts[row_kept], len(ases))
    first = np.cumsum(old_space.counts) - old_space.counts
    return Hands(
        old=ases[old],
        new=ases[new],
        moved=_summed(pair, old_space.counts[row], len(distinct)),
        old_size=old_size[old],
        kept=retained[old],
        new_size=new_size[new],
        new_before=old_size[new],
        size_of=old_size[old_size > 0],
        holders=ases[old_size > 0],
        family=family,
        **_blocks(pair, row, first, old_space.counts),
    )


def _shared(before: RangeTable, after: RangeTable, family: int) -> tuple[Space, Space]:
    return shared_space(4, before, after) if family == 4 else shared_48s(before, after)


def moved_from(
    earlier: RangeTable, after: RangeTable, ases: frozenset[int], family: int = 4
) -> tuple[int, dict[int, int]]:
    """Addresses of some ASes, and those with other origins.

    IPv6 in /48s. The latter by each new origin; of addresses with several each counts in full.
    """
    old_space, other = _shared(earlier, after, family)
    width = np.int64(len(after.offsets) + 1)
    codes, of = np.unique((old_space.sets.astype(np.int64) + 1) * width + other.sets + 1, return_inverse=True)
    had, departed = 0, dict[int, int]()
    for code, addresses in zip(codes.tolist(), _summed(of, old_space.counts, len(codes)).tolist(), strict=True):
        first, second = divmod(code, int(width))
        if ases.isdisjoint(earlier.members_of(first - 1)):
            continue
        had += addresses
        now = after.members_of(second - 1)
        if ases.isdisjoint(now):
            for asn in now:
                departed[asn] = departed.get(asn, 0) + addresses
    return had, departed


def chances(hands: Hands, rule: Rule) -> Chance:
    """Probability of each pair of one family by chance alone."""
    return chances_together([hands], rule)[0]


def chances_together(families: Sequence[Hands], rule: Rule) -> list[Chance]:
    """Probability of each pair by chance alone.

    Each family has a null of its own, and all pairs of all families are adjusted together.

    The null: each block that changed hands went to any of the ASes that received blocks of its size class (a power of
    two), independently. The blocks of a pair are then a sum of independent hypergeometric counts; its upper tail is
    taken from Poisson's law of the same mean, which is not smaller from one above the mean on (Hoeffding, Annals of
    Mathematical Statistics 27, 1956; Anderson and Samuels, Fifth Berkeley Symposium, 1967), and as 1 below. So a single
    block never tells anything: every transfer looks like that.
    """
    family_chances = []
    for hands in families:
        heirs, blocks, expected = heirs_of(hands, families, rule), hands.blocks, _expected(hands)
        chance = np.where(heirs & (blocks >= expected + 1.0), scipy.special.pdtrc(blocks - 1.0, expected), 1.0)
        peers, heir_share = _alike(hands, heirs)
        family_chances.append(
            Chance(expected=expected, chance=chance, adjusted=np.ones(len(hands)), peers=peers, alike=heir_share)
        )
    large = [hands.large(rule) for hands in families]
    compared = [family_chance.chance[is_large] for family_chance, is_large in zip(family_chances, large, strict=True)]
    together = adjusted_for_all(np.concatenate(compared), dependent=True)
    parts = np.split(together, np.cumsum([len(part) for part in compared])[:-1])
    for family_chance, is_large, part in zip(family_chances, large, parts, strict=True):
        family_chance.adjusted[is_large] = part
    return family_chances


def heirs_of(hands: Hands, families: Sequence[Hands], rule: Rule) -> Bools:
    """Pairs of one family: an AS and its heir.

    An heir in IPv6 is no AS that had IPv4 before: such an AS may have bought its first IPv6. That an AS had IPv6 before
    it got all its IPv4 from another is no sign against it.
    """
    holders = next((other.holders for other in families if (hands.family, other.family) == (6, 4)), None)
    return hands.heirs(rule, holders)


def _expected(hands: Hands) -> Floats:
    if not len(hands):
        return np.zeros(0)
    size = np.log2(hands.block_size.astype(np.float64)).astype(np.int64)
    sides = []
    for side in (hands.old, hands.new):
        distinct, place = np.unique(side, return_inverse=True)
        counted = np.bincount(place[hands.block_pair] * _CLASSES + size, minlength=len(distinct) * _CLASSES)
        sides.append(counted.reshape(-1, _CLASSES)[place])
    block_counts = np.maximum(np.bincount(size, minlength=_CLASSES), 1)
    return np.asarray((sides[0] * (sides[1] / block_counts)).sum(axis=1), np.float64)


def _alike(hands: Hands, heirs: Bools) -> tuple[Counts, Floats]:
    """Old ASes of half to twice each one's size, and the share of them with an heir."""
    everyone = np.sort(hands.size_of)
    _, positions = np.unique(hands.old[heirs], return_index=True)
    heir_sizes = np.sort(hands.old_size[heirs][positions])
    low, high = (hands.old_size + 1) // 2, hands.old_size * 2
    peers, with_heir = (
        np.searchsorted(sizes, high, side="right") - np.searchsorted(sizes, low, side="left")
        for sizes in (everyone, heir_sizes)
    )
    return peers, with_heir / np.maximum(peers, 1)


def _sizes(space: Space, table: RangeTable, ases: Counts) -> Counts:
    """Addresses of each AS; those of several origins count for each."""
    has_set = space.sets >= 0
    set_sizes = _summed(space.sets[has_set].astype(np.int64), space.counts[has_set], len(table.offsets) - 1)
    members = np.searchsorted(ases, table.members.astype(np.int64))
    return _summed(members, np.repeat(set_sizes, np.diff(table.offsets)), len(ases))


_Ends = tuple[Counts, Counts, Counts]
"""For each combination of sets: where its entries begin and end among them; the entries' old and new ASes."""


def _set_pairs(old_space: Space, earlier: RangeTable, other: Space, after: RangeTable) -> tuple[Counts, Any, Any]:
    """The combination of sets of each stretch, and of each combination who left whom, and who stayed."""
    width = np.int64(len(after.offsets) + 1)
    codes = (old_space.sets.astype(np.int64) + 1) * width + other.sets + 1
    distinct, of = np.unique(codes, return_inverse=True)
    moves: list[tuple[int, int]] = []
    stays: list[int] = []
    moved_end, stayed_end = [0], [0]
    for code in distinct.tolist():
        first, second = divmod(code, int(width))
        was, now = earlier.members_of(first - 1), after.members_of(second - 1)
        moves += [(a, b) for a in was if a not in now for b in now if b not in was]
        stays += [a for a in was if a in now]
        moved_end.append(len(moves))
        stayed_end.append(len(stays))
    sides = np.array(moves, np.int64).reshape(-1, 2)
    return of, (np.array(moved_end), sides[:, 0], sides[:, 1]), (np.array(stayed_end), np.array(stays, np.int64))


def _expanded(of: Counts, ends: Counts) -> tuple[Counts, Counts]:
    """Each stretch once for each entry of its combination: the stretches, and the entries."""
    sizes = np.diff(ends)[of]
    row = np.repeat(np.arange(len(of)), sizes)
    within = np.arange(len(row)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return row, ends[of[row]] + within


def _blocks(pair: Counts, row: Counts, first: Counts, counts: Counts) -> dict[str, Counts]:
    """Unbroken runs of stretches of one pair."""
    order = np.argsort(pair, kind="stable")
    pair, row = pair[order], row[order]
    new = np.ones(len(pair), bool)
    new[1:] = (pair[1:] != pair[:-1]) | (row[1:] != row[:-1] + 1)
    starts = np.flatnonzero(new)
    return {
        "block_pair": pair[starts],
        "block_first": first[row[starts]],
        "block_size": np.add.reduceat(counts[row], starts) if len(starts) else np.zeros(0, np.int64),
    }


def _summed(number: Counts, values: Counts, size: int) -> Counts:
    """Sum whole numbers by number, exactly."""
    sums = np.zeros(size, np.int64)
    np.add.at(sums, number, values)
    return sums
