"""Label hops: one name under several suffixes, in time order."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import Annotated, Literal

from waterbed.graphs.episodes import UrlHistory
from waterbed.graphs.linking.near_labels import Likeness, NearLabels
from waterbed.model.conclusions import Episode
from waterbed.model.facts import Target

LabelOrder = Literal["sequential", "parallel", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelSpell:
    """A label on one site, from arrival to loss.

    It came in (absent_at, first_up], absent_at None if it was never known absent before, and left in
    (last_up, gone_by], gone_by None if it was never known gone.
    """

    label_id: str
    site_id: str
    platform: bool
    countries: tuple[str, ...]
    absent_at: datetime | None
    first_up: datetime
    last_up: datetime
    gone_by: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelHop:
    """A label's step from one site to the next."""

    label_id: str
    from_site_id: str
    to_site_id: str
    order: LabelOrder
    left_after: datetime
    left_before: datetime | None
    arrived_after: datetime | None
    arrived_before: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelRow:
    """One label in the table of label hops.

    `hops_least` counts the sequential ones, `hops_most` all that are not parallel: the true number lies between.
    """

    label_id: Annotated[str, "keyed id of the exact label"]
    sites: Annotated[int, "sites that bear it: suffixes, those of platforms too"]
    tlds: Annotated[int, "of these, under suffixes of registries"]
    countries: Annotated[tuple[str, ...], "countries of the addresses it was up at, sorted"]
    first_seen: Annotated[datetime, "first time it was known up anywhere"]
    last_seen: Annotated[datetime, "last time it was known up anywhere"]
    steps: Annotated[int, "pairs of sites one after the other in order of first sight"]
    sequential: Annotated[int, "of these, came no earlier than the other was known gone"]
    parallel: Annotated[int, "of these, was there while the other was still up"]
    unknown: Annotated[int, "of these, the order is unknown"]
    hops_least: Annotated[int, "lower bound of hops"]
    hops_most: Annotated[int, "upper bound of hops"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NearRow:
    """Two labels that look alike, never counted as a hop.

    The label seen first, and the other.
    """

    label_id: Annotated[str, "keyed id of the label seen first"]
    near_label_id: Annotated[str, "keyed id of the label that looks like it"]
    likeness: Annotated[Likeness, "how they are alike"]
    sites: Annotated[int, "sites that bear the first"]
    near_sites: Annotated[int, "sites that bear the other"]
    first_seen: Annotated[datetime, "first time the first was known up"]
    last_seen: Annotated[datetime, "last time the first was known up"]
    near_first_seen: Annotated[datetime, "first time the other was known up"]
    near_last_seen: Annotated[datetime, "last time the other was known up"]
    order: Annotated[LabelOrder, "whether the other came when the first was gone everywhere"]


def label_spells(
    episodes: Iterable[Episode], targets: Mapping[str, Target], histories: Iterable[UrlHistory] = ()
) -> list[LabelSpell]:
    """Return when each label was up on each site.

    Over all URLs and hosters there. A site is gone when all its episodes have ended and the last of them was not just
    lost from sight. It was known absent before its first episode as far as the reported URLs tell. Episodes behind a
    proxy count: the name was up. URLs of `histories` that have no episode, and sites that nobody but reports saw up,
    were up when they were reported, and nothing tells when they were not.
    """
    by_site: dict[tuple[str, str], list[_Up]] = defaultdict(list)
    followed = set()
    for episode in episodes:
        followed.add(episode.url_id)
        if episode.seen:
            by_site[targets[episode.url_id].label_id, episode.site_id].append(episode)
    seen = set(by_site)
    for history in histories:
        place = targets[history.url_id].label_id, history.site_id
        if history.url_id not in followed or place not in seen:
            by_site[place].append(_Reported(history))
    return [_spell(label_id, site_id, its, targets) for (label_id, site_id), its in sorted(by_site.items())]


class _Reported:
    """A URL that was reported and never seen up, as an episode without any bound."""

    absent_at = first_down = cause = None
    countries: tuple[str, ...] = ()

    def __init__(self, history: UrlHistory) -> None:
        self.url_id = history.url_id
        self.known_up_at = history.known_up_at
        self.last_up = max(history.known_up_at, *history.reported)


_Up = Episode | _Reported


def _spell(label_id: str, site_id: str, its: Sequence[_Up], targets: Mapping[str, Target]) -> LabelSpell:
    first = min(e.known_up_at for e in its)
    ends = [(e.first_down, e.cause) for e in its]
    departures = [(when, cause) for when, cause in ends if when is not None]
    gone_at, cause = max(departures, default=(None, None), key=lambda end: end[0])
    # several URLs may be first: the site was absent only when all of them were known to be
    absent = [e.absent_at for e in its if e.known_up_at == first]
    absent_times = [when for when in absent if when is not None]
    return LabelSpell(
        label_id=label_id,
        site_id=site_id,
        platform=any(targets[e.url_id].suffix_id is not None for e in its),
        countries=tuple(sorted({country for e in its for country in e.countries})),
        absent_at=min(absent_times) if len(absent_times) == len(absent) else None,
        first_up=first,
        last_up=max(e.last_up for e in its),
        gone_by=gone_at if len(departures) == len(its) and cause != "lost" else None,
    )


def label_hops(spells: Iterable[LabelSpell]) -> list[LabelHop]:
    """Return the steps of each exact label between its sites.

    Sites follow each other in order of first sight. A step is sequential iff the label was last known absent at the
    new site no earlier than it was known gone from the old one, parallel iff it was seen at the new site no later than
    it was last up at the old one, else of unknown order.
    """
    by_label: dict[str, list[LabelSpell]] = defaultdict(list)
    for spell in spells:
        by_label[spell.label_id].append(spell)
    return [
        _step(departed, arrived)
        for _, its in sorted(by_label.items())
        for departed, arrived in pairwise(sorted(its, key=lambda spell: (spell.first_up, spell.site_id)))
    ]


def _step(departed: LabelSpell, arrived: LabelSpell) -> LabelHop:
    order: LabelOrder = "unknown"
    if departed.gone_by is not None and arrived.absent_at is not None and arrived.absent_at >= departed.gone_by:
        order = "sequential"
    elif arrived.first_up <= departed.last_up:
        order = "parallel"
    return LabelHop(
        label_id=departed.label_id,
        from_site_id=departed.site_id,
        to_site_id=arrived.site_id,
        order=order,
        left_after=departed.last_up,
        left_before=departed.gone_by,
        arrived_after=arrived.absent_at,
        arrived_before=arrived.first_up,
    )


def label_table(spells: Iterable[LabelSpell]) -> list[LabelRow]:
    """Return one row for each label on several sites.

    Those with most steps that may be hops come first.
    """
    spells = list(spells)
    steps: dict[str, list[LabelHop]] = defaultdict(list)
    for hop in label_hops(spells):
        steps[hop.label_id].append(hop)
    by_label: dict[str, list[LabelSpell]] = defaultdict(list)
    for spell in spells:
        if spell.label_id in steps:
            by_label[spell.label_id].append(spell)
    rows = [_row(label_id, its, steps[label_id]) for label_id, its in by_label.items()]
    return sorted(rows, key=lambda row: (-row.hops_most, -row.sites, row.label_id))


def _row(label_id: str, spells: list[LabelSpell], steps: list[LabelHop]) -> LabelRow:
    sequential, parallel = (sum(step.order == order for step in steps) for order in ("sequential", "parallel"))
    return LabelRow(
        label_id=label_id,
        sites=len(spells),
        tlds=sum(not spell.platform for spell in spells),
        countries=tuple(sorted({country for spell in spells for country in spell.countries})),
        first_seen=min(spell.first_up for spell in spells),
        last_seen=max(spell.last_up for spell in spells),
        steps=len(steps),
        sequential=sequential,
        parallel=parallel,
        unknown=len(steps) - sequential - parallel,
        hops_least=sequential,
        hops_most=len(steps) - parallel,
    )


def near_table(spells: Iterable[LabelSpell], near: Iterable[NearLabels]) -> list[NearRow]:
    """Return one row for each pair of near labels.

    Both were known up; pairs are in the order of the later one's first sight.
    """
    by_label: dict[str, list[LabelSpell]] = defaultdict(list)
    for spell in spells:
        by_label[spell.label_id].append(spell)
    spells_by_label = {label_id: _whole(its) for label_id, its in by_label.items()}
    rows = []
    for pair in near:
        if pair.a not in spells_by_label or pair.b not in spells_by_label:
            continue
        first, other = sorted(
            (spells_by_label[pair.a], spells_by_label[pair.b]), key=lambda spell: (spell.first_up, spell.label_id)
        )
        rows.append(
            NearRow(
                label_id=first.label_id,
                near_label_id=other.label_id,
                likeness=pair.likeness,
                sites=len(by_label[first.label_id]),
                near_sites=len(by_label[other.label_id]),
                first_seen=first.first_up,
                last_seen=first.last_up,
                near_first_seen=other.first_up,
                near_last_seen=other.last_up,
                order=_step(first, other).order,
            )
        )
    return sorted(rows, key=lambda row: (row.near_first_seen, row.label_id, row.near_label_id))


def _whole(spells: list[LabelSpell]) -> LabelSpell:
    """A label on all its sites taken together: gone when it is gone everywhere."""
    first = min(spells, key=lambda spell: (spell.first_up, spell.site_id))
    ends = [spell.gone_by for spell in spells if spell.gone_by is not None]
    return replace(
        first,
        last_up=max(spell.last_up for spell in spells),
        gone_by=max(ends) if len(ends) == len(spells) else None,
    )
