"""Compares measurements with the truth. Pure."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from waterbed.lab.world.records import TrueEpisode, TrueHop, Truth
from waterbed.model.conclusions import Episode, Hop, RankClass, RankingRow

Pair = tuple[Hop, TrueHop]


@dataclass(frozen=True, slots=True, kw_only=True)
class KindScore:
    """Counts of true, detectable and found hops of one kind."""

    true: int
    detectable: int
    found: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovalScore:
    """Share removed within 24 hours of one hoster, 0..1."""

    hoster: str
    rank_class: RankClass
    measured: float | None
    """None where the ranking refuses a share."""
    interval: tuple[float, float] | None
    """Of how the hoster works."""
    true: float
    """What happened."""
    expected: float | None
    """How the hoster works; None where an intervention changes it."""
    urls: int
    """True clocks behind the true share."""
    hides: bool
    """True if it answers us otherwise than others after some looks."""

    @property
    def holds(self) -> bool | None:
        """True if the interval holds how the hoster works.

        None without an interval, or where nobody could say.
        """
        if self.interval is None or self.expected is None or self.hides:
            return None
        return self.interval[0] <= self.expected <= self.interval[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorecard:
    """Scores of a measurement of a world.

    Shares are None where there was nothing to count.

    `detectable` hops leave a place and reach one whose URLs were reported in time; hops from behind a reverse proxy
    are not asked for, but are right when they are found.
    """

    hops_measured: int
    hops_true: int
    hops_detectable: int
    hops_found: int
    hop_precision: float | None
    hop_recall: float | None
    """Found, of the detectable ones."""
    hop_recall_all: float | None
    """Found, of all true ones."""
    by_kind: Mapping[str, KindScore]
    order_wrong: int
    """Found hops called sequential that were parallel, or the reverse."""
    left_covered: float | None
    """Share of found hops whose true leaving lies in the measured interval."""
    arrived_covered: float | None
    episodes_measured: int
    episode_precision: float | None
    """Share of measured episodes that overlap a true one of the same URL and hoster."""
    ends_covered: float | None
    """Share of measured ends whose true end lies in the measured interval."""
    removal: tuple[RemovalScore, ...]
    removal_most_off: float | None
    """Largest absolute difference of a hoster's share."""
    removal_mean_off: float | None
    intervals: int
    """Of hosters that hide nothing, of how they work."""
    intervals_hold: int
    hiding: int
    """Ranked hosters that answer us otherwise than others after some looks."""
    hiding_told: int
    """Of these, those that the ranking gives a share."""
    top_place_agrees: bool | None
    """True if the measured first place is the true one."""


def compare(
    truth: Truth,
    *,
    hops: Sequence[Hop],
    episodes: Sequence[Episode],
    rows: Sequence[RankingRow],
    url_id: Callable[[str], str],
) -> Scorecard:
    """Score hops, episodes and a hoster ranking against the truth.

    `url_id` gives a URL's keyed id.
    """
    ids = {url: url_id(url) for url in truth.shown}
    pairs = _pairs(truth, hops, ids)
    asked = [hop for hop in truth.hops if hop.detectable and not hop.masked]
    found = [true for _, true in pairs]
    matched, covered = _episodes(truth, episodes, ids)
    removal = tuple(_removal(truth, rows))
    off = [abs(score.measured - score.true) for score in removal if score.measured is not None]
    return Scorecard(
        hops_measured=len(hops),
        hops_true=len(truth.hops),
        hops_detectable=len(asked),
        hops_found=len(pairs),
        hop_precision=_share(len(pairs), len(hops)),
        hop_recall=_share(sum(hop.detectable and not hop.masked for hop in found), len(asked)),
        hop_recall_all=_share(len(pairs), len(truth.hops)),
        by_kind=_kinds(truth, found),
        order_wrong=sum(_order_wrong(hop, true) for hop, true in pairs),
        left_covered=_share(sum(h.left_after <= t.left <= h.left_before for h, t in pairs), len(pairs)),
        arrived_covered=_share(sum(_arrival_covered(h, t) for h, t in pairs), len(pairs)),
        episodes_measured=len(episodes),
        episode_precision=_share(matched, len(episodes)),
        ends_covered=_share(sum(covered), len(covered)),
        removal=removal,
        removal_most_off=max(off, default=None),
        removal_mean_off=sum(off) / len(off) if off else None,
        intervals=sum(score.holds is not None for score in removal),
        intervals_hold=sum(score.holds is True for score in removal),
        hiding=sum(score.hides for score in removal),
        hiding_told=sum(score.hides and score.measured is not None for score in removal),
        top_place_agrees=_top(truth, rows),
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _pairs(truth: Truth, hops: Sequence[Hop], ids: Mapping[str, str]) -> list[Pair]:
    """Pair measured hops with true hops of the same ends.

    Each true hop is paired once, the nearest arrival first.

    The place it left agrees when hoster and content do: of two copies that stood at one hoster either may be named.
    """
    content = {ids[url]: shown.content_id for url, shown in truth.shown.items()}
    free: dict[tuple[str, str, str, str], list[TrueHop]] = defaultdict(list)
    for true in truth.hops:
        free[ids[true.to_url], true.from_hoster, true.to_hoster, true.content_id].append(true)
    pairs = []
    for hop in sorted(hops, key=lambda hop: hop.arrived_before):
        key = (hop.to_url_id, hop.from_hoster, hop.to_hoster, content.get(hop.from_url_id, ""))
        candidates = free[key]
        if candidates:
            best = min(candidates, key=partial(_distance, hop, ids))
            candidates.remove(best)
            pairs.append((hop, best))
    return pairs


def _distance(hop: Hop, ids: Mapping[str, str], true: TrueHop) -> tuple[bool, timedelta]:
    return ids[true.from_url] != hop.from_url_id, abs(true.arrived - hop.arrived_before)


def _order_wrong(hop: Hop, true: TrueHop) -> bool:
    return (hop.order == "sequential" and true.parallel) or (hop.order == "parallel" and not true.parallel)


def _arrival_covered(hop: Hop, true: TrueHop) -> bool:
    return (hop.arrived_after is None or hop.arrived_after <= true.arrived) and true.arrived <= hop.arrived_before


def _kinds(truth: Truth, found: Sequence[TrueHop]) -> dict[str, KindScore]:
    true = Counter(hop.kind for hop in truth.hops)
    detectable = Counter(hop.kind for hop in truth.hops if hop.detectable and not hop.masked)
    hit = Counter(hop.kind for hop in found)
    return {k: KindScore(true=true[k], detectable=detectable[k], found=hit[k]) for k in sorted(true)}


def _episodes(truth: Truth, episodes: Sequence[Episode], ids: Mapping[str, str]) -> tuple[int, list[bool]]:
    places: dict[tuple[str, str], list[TrueEpisode]] = defaultdict(list)
    for true in truth.episodes:
        places[ids[true.url], true.hoster].append(true)
    matched, covered = 0, []
    for episode in episodes:
        theirs = [true for true in places[episode.url_id, episode.hoster] if _overlap(episode, true)]
        matched += bool(theirs)
        if theirs and episode.first_down is not None:
            down = episode.first_down
            covered.append(any(t.end is not None and episode.last_up <= t.end <= down for t in theirs))
    return matched, covered


def _overlap(episode: Episode, true: TrueEpisode) -> bool:
    return episode.last_up >= true.start and (true.end is None or episode.known_up_at <= true.end)


def _removal(truth: Truth, rows: Iterable[RankingRow]) -> Iterable[RemovalScore]:
    hiding = {hoster.key for hoster in truth.world.hoster if hoster.cloaks}
    for row in rows:
        true, low, high = truth.removal.get(row.key), row.removed_24h_low, row.removed_24h_high
        if true is not None:
            yield RemovalScore(
                hoster=row.key,
                rank_class=row.rank_class,
                measured=row.removed_24h,
                interval=None if low is None or high is None else (low, high),
                true=true.share,
                expected=true.expected,
                urls=true.urls,
                hides=row.key in hiding,
            )


def _top(truth: Truth, rows: Sequence[RankingRow]) -> bool | None:
    proxies = {hoster.key for hoster in truth.world.hoster if hoster.kind == "proxy"}
    # Later reports of a URL are overwritten by its first.
    first = {report.url: report.reported_at for report in reversed(truth.reports)}
    hosts: dict[str, set[str]] = defaultdict(set)
    for episode in truth.episodes:
        reported = first.get(episode.url)
        if episode.hoster in proxies or reported is None or (episode.end and episode.end <= reported):
            continue
        hosts[episode.hoster].add(truth.shown[episode.url].host)
    measured = {row.key for row in rows if row.place == 1}
    if not measured or not hosts:
        return None
    most = max(len(found) for found in hosts.values())
    return any(len(hosts[key]) == most for key in measured)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareComparison:
    """One hoster's share removed within 24 hours, in both runs.

    Shares lie in 0..1 and are None where they could not be estimated.
    """

    hoster: str
    undisturbed: float | None
    disturbed: float | None
    clocks: int
    """Takedown clocks behind the undisturbed share."""

    @property
    def difference(self) -> float | None:
        """Absolute, None where one of them is missing."""
        both = self.undisturbed is not None and self.disturbed is not None
        return abs((self.undisturbed or 0.0) - (self.disturbed or 0.0)) if both else None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunComparison:
    """The effect of a disturbance, from paired runs."""

    false_removals: int
    """Ends measured before the content was truly gone, in the disturbed run."""
    false_removals_undisturbed: int
    ends: int
    """Ends measured in the disturbed run."""
    shares: tuple[ShareComparison, ...]
    overall: ShareComparison
    """Over all hosters, weighted by the clocks of the undisturbed run."""
    mean_off: float | None
    most_off: float | None
    """Mean and largest absolute difference over hosters with a share in both runs."""
    missing: tuple[str, ...]
    """Hosters with a share in the undisturbed run alone."""


def false_removals(truth: Truth, episodes: Sequence[Episode], url_id: Callable[[str], str]) -> list[Episode]:
    """Return measured ends during which the content stayed up.

    Ends of any cause count.
    """
    urls = {url_id(url): url for url in truth.shown}
    return [
        episode
        for episode in episodes
        if episode.first_down is not None and episode.url_id in urls and _there(truth, urls[episode.url_id], episode)
    ]


def _there(truth: Truth, url: str, episode: Episode) -> bool:
    down = episode.first_down
    return down is not None and any(
        true.url == url and true.start <= episode.last_up and (true.end is None or true.end > down)
        for true in truth.episodes
    )


def compare_runs(
    truth: Truth,
    *,
    undisturbed: tuple[Sequence[Episode], Sequence[RankingRow], Callable[[str], str]],
    disturbed: tuple[Sequence[Episode], Sequence[RankingRow], Callable[[str], str]],
) -> RunComparison:
    """Compare two runs of one world.

    Each run is given as its episodes, its ranking by hoster and its function from URLs to keyed ids.
    """
    before = {row.key: row for row in undisturbed[1]}
    after = {row.key: row for row in disturbed[1]}
    shares = tuple(
        ShareComparison(
            hoster=key,
            undisturbed=before[key].removed_24h if key in before else None,
            disturbed=after[key].removed_24h if key in after else None,
            clocks=before[key].episodes if key in before else 0,
        )
        for key in sorted(before.keys() | after.keys())
    )
    both = [share for share in shares if share.difference is not None]
    off = [share.difference for share in both if share.difference is not None]
    return RunComparison(
        false_removals=len(false_removals(truth, disturbed[0], disturbed[2])),
        false_removals_undisturbed=len(false_removals(truth, undisturbed[0], undisturbed[2])),
        ends=sum(episode.first_down is not None for episode in disturbed[0]),
        shares=shares,
        overall=ShareComparison(
            hoster="all",
            undisturbed=_weighted([(share.undisturbed, share.clocks) for share in both]),
            disturbed=_weighted([(share.disturbed, share.clocks) for share in both]),
            clocks=sum(share.clocks for share in both),
        ),
        mean_off=sum(off) / len(off) if off else None,
        most_off=max(off, default=None),
        missing=tuple(s.hoster for s in shares if s.undisturbed is not None and s.disturbed is None),
    )


def _weighted(pairs: Sequence[tuple[float | None, int]]) -> float | None:
    weight = sum(clocks for _, clocks in pairs)
    return sum((share or 0.0) * clocks for share, clocks in pairs) / weight if weight else None
