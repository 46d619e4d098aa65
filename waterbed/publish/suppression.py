"""Complementary suppression of rows.

Further rows are left out, so that no hidden one follows.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Final

Key = tuple[str, str]
"""Kind of a ranking, and a key in it."""
_NONE: Final[frozenset[Key]] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Everything that lies under exactly the same keys."""

    keys: Annotated[frozenset[Key], "its keys in all kinds of rankings"]
    sites: Annotated[frozenset[str], "the sites in it"]


Layer = Sequence[Part]
"""Disjoint parts of all URLs, or of all clocks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """Sizes of the edition before, by layer and keys."""

    hidden: Annotated[Collection[Key], "keys that it left out"] = _NONE
    small: Annotated[Collection[Key], "of these, those about too few sites"] = _NONE
    sites: Annotated[Sequence[Mapping[frozenset[Key], int]], "sites of each part, by layer"] = ()


def layer_of(units: Iterable[tuple[str, Iterable[Key]]]) -> list[Part]:
    """Gather units (site, and keys) into parts, in order."""
    found: dict[frozenset[Key], set[str]] = defaultdict(set)
    for site, keys in units:
        found[frozenset(keys)].add(site)
    return [Part(keys=keys, sites=frozenset(sites)) for keys, sites in found.items()]


def few_sites(layers: Sequence[Layer], least: int) -> set[Key]:
    """The keys with sites, but fewer than `least`."""
    found: dict[Key, set[str]] = defaultdict(set)
    for layer in layers:
        for part in layer:
            for key in part.keys:
                found[key] |= part.sites
    return {key for key, sites in found.items() if 0 < len(sites) < least}


def hidden_keys(
    layers: Sequence[Layer],
    small: Collection[Key],
    least: int,
    *,
    hidden: Collection[Key] = (),
    before: Sequence[Before] = (),
) -> set[Key]:
    """Return the keys to leave out.

    They are the small ones and more.

    All that is published is known, at the finest, by group: the parts with the same keys shown. So a key is safe if
    each of its parts shares its group with a part that lacks the key, and if these groups are about `least` sites
    together: then any count from 0 to least - 1 agrees with everything shown. Where that fails, the part is joined to
    another by hiding the keys in which the two differ, those about the fewest sites. The same holds of this edition and
    each one `before` together, as far as the study has grown enough. Hiding more never makes a safe key unsafe, so one
    pass over the keys is enough; the cost is that of the parts times the keys that need help.
    """
    gone = {*hidden, *small}
    sizes = _sizes(layers)
    for at, layer in enumerate(layers):
        groups = _Groups(layer, gone)
        told: list[tuple[Before, Mapping[frozenset[Key], int]]] = [
            (one, one.sites[at] if at < len(one.sites) else {}) for one in before
        ]
        checks = [
            partial(_exposed, key=key, least=least, before=one, earlier=earlier)
            for key in sorted(small)
            for one, earlier in told or [(Before(), {})]
        ]
        checks += [partial(_told_by_growth, before=one, earlier=earlier, least=least) for one, earlier in told]
        for check in checks:
            while found := next(
                (new for part, others in check(groups) if (new := _joined(part, others, gone, sizes))), None
            ):
                gone |= found
                groups = _Groups(layer, gone)
    return gone


class _Groups:
    """The parts of a layer, by the keys of theirs that are shown."""

    def __init__(self, layer: Layer, hidden: Collection[Key]) -> None:
        self.layer = layer
        self.of: dict[frozenset[Key], frozenset[Key]] = {part.keys: part.keys.difference(hidden) for part in layer}
        self.groups: dict[frozenset[Key], list[Part]] = defaultdict(list)
        self.about: dict[Key, list[Part]] = defaultdict(list)
        for part in layer:
            self.groups[self.of[part.keys]].append(part)
            for key in part.keys - self.of[part.keys]:
                self.about[key].append(part)

    def group(self, part: Part) -> list[Part]:
        return self.groups[self.of[part.keys]]

    def around(self, key: Key) -> list[Part]:
        """All parts in groups of a hidden key."""
        return [part for shown in {self.of[own.keys] for own in self.about[key]} for part in self.groups[shown]]


def _exposed(
    groups: _Groups, *, key: Key, least: int, before: Before, earlier: Mapping[frozenset[Key], int]
) -> Iterator[tuple[Part, list[Part]]]:
    """Parts of a small key that are not safe, and parts to join them to."""
    for part in groups.about[key]:
        if all(key in other.keys for other in groups.group(part)):
            yield part, [other for other in groups.layer if key not in other.keys]
    around = groups.around(key)
    if not around:
        return
    known = {part.keys for part in around}
    others = [part for part in groups.layer if part.keys not in known]
    if _sites(around) < least:
        yield groups.about[key][0], others
    else:

        def free(part: Part) -> int:
            """Sites of a part unknown from the edition before."""
            shown = key not in part.keys and not any(one in before.hidden for one in part.keys)
            return max(0, len(part.sites) - (earlier.get(part.keys, 0) if shown else 0))

        missing = least - 1 - sum(map(free, around))
        if 0 < missing <= sum(map(free, others)):
            yield groups.about[key][0], [part for part in others if free(part)]


def _sites(parts: Iterable[Part]) -> int:
    return len(frozenset[str]().union(*(part.sites for part in parts)))


def _told_by_growth(
    groups: _Groups, *, before: Before, earlier: Mapping[frozenset[Key], int], least: int
) -> Iterator[tuple[Part, list[Part]]]:
    """Parts hidden before that the difference between the editions tells.

    A part stays hidden together with another of its group of then, or the rest of that group has grown by so much that
    all of the group may have been the rest.
    """
    old: dict[frozenset[Key], list[frozenset[Key]]] = defaultdict(list)
    for keys in earlier:
        old[keys.difference(before.hidden)].append(keys)
    now = {part.keys: part for part in groups.layer}
    for members in old.values():
        for key in sorted({key for keys in members for key in keys if key in before.small}):
            others = [now[keys] for keys in members if key not in keys and keys in now]
            for keys in members:
                if key not in keys or keys not in now or not others:
                    continue
                together = any(groups.of[other.keys] == groups.of[keys] for other in others)
                if not together and _growth(groups, others, earlier) < least - 1:
                    yield now[keys], others


def _growth(groups: _Groups, others: Sequence[Part], earlier: Mapping[frozenset[Key], int]) -> int:
    around = [part for shown in {groups.of[other.keys] for other in others} for part in groups.groups[shown]]
    return sum(max(0, len(part.sites) - earlier.get(part.keys, 0)) for part in around)


def _joined(part: Part, partners: Iterable[Part], gone: set[Key], sizes: Mapping[Key, int]) -> frozenset[Key]:
    """Keys to hide so that a part is told together with one of its partners."""
    best = min(
        (
            (sum(sizes[key] for key in new), sorted(new))
            for other in partners
            if (new := (part.keys ^ other.keys) - gone)
        ),
        default=None,
    )
    return frozenset(part.keys - gone if best is None else best[1])


def _sizes(layers: Sequence[Layer]) -> Mapping[Key, int]:
    found: dict[Key, int] = defaultdict(int)
    for layer in layers:
        for part in layer:
            for key in part.keys:
                found[key] += len(part.sites)
    return found


def told(layer: Layer, hidden: Collection[Key], kind: str, least: int) -> int:
    """Count the keys of a kind surely left out.

    It is a lower bound that follows from the sites of the groups alone, so that the number of rows tells nothing. It
    leaves room for any one hidden key, of whatever kind, to have no site at all: then all keys that lie in it are none.
    """
    found = _Groups(layer, hidden)
    bound = 0
    for group in found.groups.values():
        keys = {key for part in group for key in part.keys if key[0] == kind and key in hidden}
        bound += min(len(keys), _sites(group) // least)
    gone = {key: found.about[key] for key in found.about if key[0] == kind}
    within = Counter(
        key for parts in gone.values() for key in frozenset[Key].intersection(*(one.keys for one in parts))
    )
    most = max((within[key] for key in found.about), default=0)
    return min(bound, len(gone) - most)
