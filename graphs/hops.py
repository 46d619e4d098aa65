"""Hops: content up at another hoster after it left one."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby

from waterbed.graphs.births import Births
from waterbed.graphs.hands import Hands
from waterbed.graphs.hop_sources import Loss, Losses, Source, down_by, in_order, losses, seen_up
from waterbed.graphs.linking.clusters import Clusters
from waterbed.graphs.linking.evidence import Link
from waterbed.graphs.runs import UNATTRIBUTED
from waterbed.model.conclusions import Episode, Hop, HopKind, OrderClass
from waterbed.model.results import Side

_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class HopCount:
    """Bounds of the number of hops with both ends observed."""

    least: int
    """Surely after leaving, or one name pointed elsewhere."""
    most: int
    """All that are not known to have been there before."""


def count_hops(hops: Iterable[Hop]) -> HopCount:
    """Return bounds of the number of hops.

    At least the sequential and repointed ones, at most all but the parallel ones.
    """
    orders = [hop.order for hop in hops]
    least = sum(order in ("sequential", "repointed") for order in orders)
    return HopCount(least=least, most=len(orders) - orders.count("parallel"))


@dataclass(frozen=True, slots=True, kw_only=True)
class HopContext:
    """Jurisdiction, seats, labels and clusters that describe hops.

    `home` is the declared jurisdiction, `seats` the country of a hoster's legal seat, `labels` the keyed id of each
    URL's label; `clusters` hold redirects, and the evidence on which URLs carry one content; `births` are those of the
    names.
    """

    home: str
    seats: Mapping[str, str]
    labels: Mapping[str, str] = field(default_factory=dict)
    clusters: Clusters = field(default_factory=Clusters)
    births: Births = field(default_factory=Births)
    hands: Hands = field(default_factory=Hands)
    registrar: Callable[[str, datetime], str | None] = lambda _, __: None
    """The registrar of a site at a time."""

    def renamed(self, left: Episode, arrived: Episode) -> bool:
        """True if the same label is now under another suffix.

        False if the labels are unknown.
        """
        label = self.labels.get(left.url_id)
        return label is not None and label == self.labels.get(arrived.url_id) and left.site_id != arrived.site_id


def find_hops(episodes: Iterable[Episode], context: HopContext) -> list[Hop]:
    """Return all hops in the episodes of all contents that anybody saw up.

    Content by content, in the order of arrival. A hop needs a loss and a gain. The gain: an episode at a hoster where
    the content was not up just then; a URL that comes up at several gains at each. The loss: for a URL that was up
    before, its own last loss; for a new URL one of the same content, found by the surest evidence there is: of URLs
    that redirect to it, else of URLs of the same label, else of any. Of these it is the one nearest in time
    (`waterbed.graphs.hop_sources`). Ends as masked or lost are no loss, nor is one as lineage while the content stays
    up, nor ends at the hoster of the arrival or at one whose network is that hoster's by then. An arrival is no earlier
    than the birth of its name. Pure; for a content of n episodes the time grows as n log n.
    """
    contents: dict[str, list[Episode]] = defaultdict(list)
    for episode in context.births.bounded(list(seen_up(episodes))):
        contents[episode.content_id].append(episode)
    return [
        hop for of_content in contents.values() if len(of_content) > 1 for hop in _hops_of_content(of_content, context)
    ]


def _hops_of_content(episodes: Iterable[Episode], context: HopContext) -> Iterator[Hop]:
    ordered = sorted(episodes, key=in_order)
    up: dict[str, Episode] = {}
    by_url: dict[str, list[Episode]] = defaultdict(list)
    sources = _Sources(ordered, context)
    for _, group in groupby(ordered, key=lambda episode: episode.known_up_at):
        together = list(group)
        for arrived in together:
            url_episodes = by_url.get(arrived.url_id)
            if arrived.proxy or _is_there(up, arrived, context.hands):
                continue
            if url_episodes:
                departed = sources.own_loss(arrived, url_episodes)
                # a name that alternates between hosters and was lost at all of them has returned: this is not a hop
                if departed is not None and not any(
                    down_by(departed) <= _end(earlier) and context.hands.one(earlier, arrived)
                    for earlier in url_episodes
                ):
                    yield same_url_hop(departed, arrived, context)
            else:
                hop = sources.hop_to(arrived)
                if hop is not None:
                    yield hop
        for episode in together:
            up[episode.hoster] = max(episode, up.get(episode.hoster, episode), key=_end)
            by_url[episode.url_id].append(episode)


def _is_there(up: Mapping[str, Episode], arrived: Episode, hands: Hands) -> bool:
    """True if the content was up at the hoster of an arrival, by its name of then or of before.

    Of other hosters only those count whose last look was before that at the arrival: later ones knew the holder.
    """
    when, current = arrived.known_up_at, up.get(arrived.hoster)
    if current is not None and when < _end(current):
        return True
    if hands.holders is None:
        return False
    seen = arrived.first_up or when
    return any(
        episode.last_up < seen and when < _end(episode) and hands.one(episode, arrived) for episode in up.values()
    )


def _end(episode: Episode) -> datetime:
    return episode.first_down or _NEVER


class _Sources:
    """Losses from which a new URL's content may have come."""

    def __init__(self, ordered: Iterable[Episode], context: HopContext) -> None:
        self._context = context
        lost = losses(ordered)
        by_label: dict[str, list[Loss]] = defaultdict(list)
        self._lost = {id(loss.episode) for loss in lost}
        self._of_url: dict[str, list[Loss]] = defaultdict(list)
        for loss in lost:
            self._of_url[loss.episode.url_id].append(loss)
            label = context.labels.get(loss.episode.url_id)
            if label is not None:
                by_label[label].append(loss)
        self._all = Losses(lost, context.hands)
        self._by_label = {label: Losses(its, context.hands) for label, its in by_label.items()}

    def own_loss(self, arrived: Episode, url_episodes: Sequence[Episode]) -> Episode | None:
        """The URL's earlier episode that it left for another hoster.

        The one whose end is nearest in time, if that is a loss.
        An end after the arrival counts only where that place was given up for the new one: what was there together and
        ended together moved nowhere. A place after which the URL was seen first at another was left for that one.
        `url_episodes` is in order and not empty.
        """
        when = arrived.known_up_at
        ended = sorted((e for e in url_episodes if e.first_down is not None), key=lambda e: (down_by(e), in_order(e)))
        earlier = [e for e in ended if down_by(e) <= when]
        later = [e for e in ended if e.cause == "moved" and when < down_by(e) <= arrived.last_up]
        if not earlier and not later:
            return None
        after = not earlier or (bool(later) and down_by(later[0]) - when < when - down_by(earlier[-1]))
        departed = later[0] if after else earlier[-1]
        answered = url_episodes[-1].known_up_at > departed.last_up
        lost = id(departed) in self._lost and not self._context.hands.one(departed, arrived)
        return departed if lost and not answered else None

    def hop_to(self, arrived: Episode) -> Hop | None:
        """Return the hop by the surest evidence.

        A redirect, else the same label, else the same content.
        """
        kind: HopKind = "redirect"
        source = self._redirected(arrived)
        if source is None:
            source = self._named_alike(arrived) or self._all.nearest(arrived)
            kind = "tld" if source and self._context.renamed(source.loss, arrived) else "copy"
        if source is None:
            return None
        order = _order(source.loss, arrived, known_gone=source.known_gone)
        return hop_between(source.loss, arrived, self._context, kind, order, sources=source.hosters)

    def _redirected(self, arrived: Episode) -> Source | None:
        """The loss of a URL that redirects to this one."""
        urls = dict(self._context.clusters.redirecting_to(arrived.url_id))
        candidates = [loss for url_id in urls for loss in self._of_url.get(url_id, ())]
        return Losses(candidates, self._context.hands).nearest(arrived)

    def _named_alike(self, arrived: Episode) -> Source | None:
        """The loss of a URL of the same label."""
        same_label = self._by_label.get(self._context.labels.get(arrived.url_id, ""))
        return same_label.nearest(arrived) if same_label else None


def same_url_hop(departed: Episode, arrived: Episode, context: HopContext) -> Hop:
    """Return the hop between two episodes of a URL.

    A name pointed elsewhere leaves and arrives in one interval: a class of its own.
    """
    if departed.cause == "moved" and not _known_away(departed, arrived):
        return hop_between(departed, arrived, context, "relocation", "repointed")
    return hop_between(departed, arrived, context, "reappearance", _order(departed, arrived, known_gone=False))


def _known_away(departed: Episode, arrived: Episode) -> bool:
    """True if it was at neither hoster for some time.

    A lasting redirect is such a time.
    """
    return arrived.absent_at is not None and arrived.absent_at >= down_by(departed)


def _order(left: Episode, arrived: Episode, *, known_gone: bool) -> OrderClass:
    """Sequential iff last known absent no earlier than known gone; parallel iff seen before that.

    If any other loss that could be meant was over by then, the order is not known.
    """
    if _known_away(left, arrived):
        return "sequential"
    return "parallel" if arrived.known_up_at <= left.last_up and not known_gone else "unknown"


def hop_between(
    departed: Episode, arrived: Episode, context: HopContext, kind: HopKind, order: OrderClass, *, sources: int = 1
) -> Hop:
    """Return the hop between two episodes, with levels and evidence.

    Surely after leaving only if both hosters are known: addresses that no table knows may be the other hoster's own.
    ValueError if the first is not known to have ended.
    """
    if order != "parallel" and not _attributed(departed, arrived):
        order = "unknown"
    link = _link(departed.url_id, arrived.url_id, context.clusters, kind)
    evidence = tuple(dict.fromkeys(each.kind for each in link.evidence)) if link else ("content_id",)
    return Hop(
        content_id=departed.content_id,
        from_url_id=departed.url_id,
        to_url_id=arrived.url_id,
        from_hoster=departed.hoster,
        to_hoster=arrived.hoster,
        from_countries=departed.countries,
        to_countries=arrived.countries,
        left_after=departed.last_up,
        left_before=down_by(departed),
        arrived_after=arrived.absent_at,
        arrived_before=arrived.known_up_at,
        kind=kind,
        order=order,
        levels=_levels(departed, arrived, context),
        evidence=("same_url",) if departed.url_id == arrived.url_id else evidence,
        strength=link.strength if link else "strong",
        sources=sources,
        arrival_evidence=context.births.evidence(departed, arrived),
    )


def _link(old: str, new: str, clusters: Clusters, kind: HopKind) -> Link | None:
    """Return the link on which a hop rests.

    The redirect, else the least sure link on the way.
    """
    return dict(clusters.redirecting_to(new))[old] if kind == "redirect" else clusters.weakest(old, new)


def _levels(departed: Episode, arrived: Episode, context: HopContext) -> tuple[str, ...]:
    """Return the levels that are known to have changed.

    A level with an unknown side is left out.
    """
    registrars = (
        context.registrar(departed.site_id, departed.last_up),
        context.registrar(arrived.site_id, arrived.known_up_at),
    )
    changed = {
        "address": _apart(departed.addresses, arrived.addresses),
        "prefix": _apart(departed.prefixes, arrived.prefixes),
        "as": _apart(departed.origins, arrived.origins),
        "organisation": departed.hoster != arrived.hoster and _attributed(departed, arrived),
        "country": _apart(departed.countries, arrived.countries),
        "home_abroad": {
            side_of(episode.countries, episode.hoster, context.home, context.seats) for episode in (departed, arrived)
        }
        == {"home", "abroad"},
        "tld": context.renamed(departed, arrived),
        "registrar": all(registrars) and registrars[0] != registrars[1],
    }
    return tuple(level for level, differs in changed.items() if differs)


def _attributed(left: Episode, arrived: Episode) -> bool:
    return UNATTRIBUTED not in (left.hoster, arrived.hoster)


def _apart(before: Sequence[object], after: Sequence[object]) -> bool:
    return bool(before) and bool(after) and not set(before) & set(after)


def side_of(countries: Collection[str], hoster: str, home: str, seats: Mapping[str, str]) -> Side:
    """Return the side of content at a hoster.

    By the countries of its addresses; where these are not known, by its hoster's legal seat; else `unknown`.
    """
    if not countries and hoster not in seats:
        return "unknown"
    at_home = home in countries if countries else seats[hoster] == home
    return "home" if at_home else "abroad"
