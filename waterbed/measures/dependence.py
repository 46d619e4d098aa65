"""The labels of a study's reports, and how alike they make outcomes."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Final

from waterbed.estimators.cluster_shares import Correlation, pooled_correlation
from waterbed.graphs.linking.clusters import site_clusters
from waterbed.measures.labels import Labels, contents_of, deliveries_of, first_reports
from waterbed.measures.takedown import REMOVED, WITHIN_H, Clock, clocks, episodes_by_key, followed
from waterbed.model.conclusions import Episode
from waterbed.model.facts import named_contents
from waterbed.study.conclusions import Conclusions

PARTS: Final = 4


def labels_of(conclusions: Conclusions) -> Labels:
    """The labels of a study's reports, with the correlation of removal within 24 hours that all hosters show.

    Linear in reports and episodes.
    """
    return conclusions.once("labels of reports", lambda: _labels(conclusions))


def _labels(conclusions: Conclusions) -> Labels:
    first = first_reports(conclusions.facts.reports)
    labels = Labels(
        contents=contents_of(first),
        deliveries=deliveries_of(first),
        registered=conclusions.attributor.registered_network,
    )
    if conclusions.until is None:
        return labels
    return labels.with_(pooled_over_hosters(conclusions.episodes, labels, until=conclusions.until))


def clusters_of_sites(conclusions: Conclusions) -> dict[str, int]:
    """The cluster of each site: sites that share a content id, directly or through others, are one."""
    facts = conclusions.facts

    def clustered() -> dict[str, int]:
        sites = {url_id: target.site_id for url_id, target in facts.targets.items()}
        return site_clusters(sites, named_contents(facts.reports).items())

    return conclusions.once("clusters of sites", clustered)


def pooled_over_hosters(episodes: Iterable[Episode], labels: Labels, *, until: datetime) -> dict[str, Correlation]:
    """The intra-cluster correlation of removal within 24 hours, over hosters, by kind of label.

    The reports of a hoster are counted in PARTS of as many each, in time order: a hoster that changes makes outcomes of
    a delivery, or of whatever else is of one time, alike in one part alone.
    """
    return pooled_over_times([(episodes, until)], labels, parts=PARTS)


def pooled_over_times(
    times: Iterable[tuple[Iterable[Episode], datetime]], labels: Labels, *, parts: int = 1
) -> dict[str, Correlation]:
    """The same over the hosters of several times apart, each with the end to which its episodes are followed.

    What changed between them makes no outcomes alike. What only a report saw up tells nothing of how alike removals
    are: a delivery of URLs that never existed would make all others look dependent.
    """
    each = [
        _counted(part, until)
        for episodes, until in times
        for group in episodes_by_key(episodes, "hoster").values()
        for part in _in_parts([one for one in clocks(group, labels) if one.seen], parts)
    ]
    kinds = dict.fromkeys(kind for own in each for kind in own)
    return {kind: pooled_correlation(own[kind] for own in each if kind in own) for kind in kinds}


def _in_parts(group: Sequence[Clock], count: int) -> list[Sequence[Clock]]:
    """The clocks in so many parts of as many each, in time order."""
    if count == 1:
        return [group]
    in_order = sorted(group, key=lambda clock: clock.origin)
    ends = [len(in_order) * n // count for n in range(count + 1)]
    return [in_order[begin:end] for begin, end in pairwise(ends)]


def _counted(group: Iterable[Clock], until: datetime) -> Mapping[str, tuple[list[int], list[int]]]:
    """Removals and clocks by each value of each kind of label."""
    hits, sizes = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for clock in followed(group, WITHIN_H, until=until):
        for label in clock.labels:
            sizes[label.kind, label.value] += 1
            hits[label.kind, label.value] += clock.cause == REMOVED and clock.right_h <= WITHIN_H
    found: dict[str, tuple[list[int], list[int]]] = {}
    for (kind, value), size in sizes.items():
        own = found.setdefault(kind, ([], []))
        own[0].append(hits[kind, value])
        own[1].append(size)
    return found
