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
    sites_by_keys: dict[frozenset[Key], set[str]] = defaultdict(set)
    for site, keys in units:
        sites_by_keys[frozenset(keys)].add(site)
    return [Part(keys=keys, sites=frozenset(sites)) for keys, sites in sites_by_keys.items()]


def few_sites(layers: Sequence[Layer], least: int) -> set[Key]:
    """The keys with sites, but fewer than `least`."""
    sites_by_key: dict[Key, set[str]] = defaultdict(set)
    for layer in layers:
        for part in layer:
            for key in part.keys:
                sites_by_key[key] |= part.sites
    return {key for key, sites in sites_by_key.items() if 0 < len(sites) < least}


def hidden_keys(
    layers: Sequence[Layer],
    small: Collection[Key],
    least: int,
    *,
    hidden: Collection[Key] = (),
    editions: Sequence[Before] = (),
) -> set[Key]:
    """Return the keys to leave out.

    They are the small ones and more.

    All that is published is known, at the finest, by group: the parts with the same keys shown. So a key is safe if
    each of its parts shares its group with a part that lacks the key, and if these groups are about `least` sites
    together: then any count from 0 to least - 1 agrees with everything shown. Where that fails, the part is joined to
    another by hiding the keys in which the two differ, those about the fewest sites. The same holds of this edition and
    each of `editions` together, as far as the study has grown enough. Hiding more never makes a safe key unsafe, so
    one pass over the keys is enough; the cost is that of the parts times the keys that need help.
    """
    excluded = {*hidden, *small}
    sizes = _sizes(layers)
    for position, layer in enumerate(layers):
        groups = _Groups(layer, excluded)
        layer_editions: list[tuple[Before, Mapping[frozenset[Key], int]]] = [
            (edition, edition.sites[position] if position < len(edition.sites) else {}) for edition in editions
        ]
        checks = [
            partial(_exposed, key=key, least=least, before=edition, earlier=earlier)
            for key in sorted(small)
            for edition, earlier in layer_editions or [(Before(), {})]
        ]
        checks += [
            partial(_told_by_growth, previous=edition, earlier=earlier, least=least)
            for edition, earlier in layer_editions
        ]
        for check in checks:
            while newly_hidden := next(
                (new for part, partners in check(groups) if (new := _joined(part, partners, excluded, sizes))), None
            ):
                excluded |= newly_hidden
                groups = _Groups(layer, excluded)
    return excluded


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
        return [
            part
            for shown_keys in {self.of[hidden_part.keys] for hidden_part in self.about[key]}
            for part in self.groups[shown_keys]
        ]


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
    around_keys = {part.keys for part in around}
    partners = [part for part in groups.layer if part.keys not in around_keys]
    if _sites(around) < least:
        yield groups.about[key][0], partners
    else:

        def free(part: Part) -> int:
            """Sites of a part unknown from the edition before."""
            is_shown = key not in part.keys and not any(part_key in before.hidden for part_key in part.keys)
            return max(0, len(part.sites) - (earlier.get(part.keys, 0) if is_shown else 0))

        missing = least - 1 - sum(map(free, around))
        if 0 < missing <= sum(map(free, partners)):
            yield groups.about[key][0], [part for part in partners if free(part)]


def _sites(parts: Iterable[Part]) -> int:
    return len(frozenset[str]().union(*(part.sites for part in parts)))


def _told_by_growth(
    groups: _Groups, *, previous: Before, earlier: Mapping[frozenset[Key], int], least: int
) -> Iterator[tuple[Part, list[Part]]]:
    """Parts hidden before that the difference between the editions tells.

    A part stays hidden together with another of its group of then, or the rest of that group has grown by so much that
    all of the group may have been the rest.
    """
    old: dict[frozenset[Key], list[frozenset[Key]]] = defaultdict(list)
    for keys in earlier:
        old[keys.difference(previous.hidden)].append(keys)
    now = {part.keys: part for part in groups.layer}
    for members in old.values():
        for key in sorted({key for keys in members for key in keys if key in previous.small}):
            partners = [now[keys] for keys in members if key not in keys and keys in now]
            for keys in members:
                if key not in keys or keys not in now or not partners:
                    continue
                together = any(groups.of[other.keys] == groups.of[keys] for other in partners)
                if not together and _growth(groups, partners, earlier) < least - 1:
                    yield now[keys], partners


def _growth(groups: _Groups, partners: Sequence[Part], earlier: Mapping[frozenset[Key], int]) -> int:
    around = [
        part for shown_keys in {groups.of[other.keys] for other in partners} for part in groups.groups[shown_keys]
    ]
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
    sizes: dict[Key, int] = defaultdict(int)
    for layer in layers:
        for part in layer:
            for key in part.keys:
                sizes[key] += len(part.sites)
    return sizes


def told(layer: Layer, hidden: Collection[Key], kind: str, least: int) -> int:
    """Count the keys of a kind surely left out.

    It is a lower bound that follows from the sites of the groups alone, so that the number of rows tells nothing. It
    leaves room for any one hidden key, of whatever kind, to have no site at all: then all keys that lie in it are none.
    """
    groups = _Groups(layer, hidden)
    bound = 0
    for group in groups.groups.values():
        keys = {key for part in group for key in part.keys if key[0] == kind and key in hidden}
        bound += min(len(keys), _sites(group) // least)
    parts_by_key = {key: groups.about[key] for key in groups.about if key[0] == kind}
    within = Counter(
        key for parts in parts_by_key.values() for key in frozenset[Key].intersection(*(part.keys for part in parts))
    )
    most = max((within[key] for key in groups.about), default=0)
    return min(bound, len(parts_by_key) - most)
