"""Two measurements of one truth, one of them disturbed: pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from waterbed.lab.world.records import Truth
from waterbed.model.conclusions import Episode, RankingRow


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedShare:
    """Share removed within 24 hours of one hoster, in both runs, 0..1; None where it could not be estimated."""

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
class Paired:
    """What a disturbance changed."""

    false_removals: int
    """Ends measured before the content was truly gone, in the disturbed run."""
    false_removals_undisturbed: int
    ends: int
    """Ends measured in the disturbed run."""
    shares: tuple[PairedShare, ...]
    overall: PairedShare
    """Over all hosters, weighted by the clocks of the undisturbed run."""
    mean_off: float | None
    most_off: float | None
    """Mean and largest absolute difference over hosters with a share in both runs."""
    missing: tuple[str, ...]
    """Hosters with a share in the undisturbed run alone."""


def false_removals(truth: Truth, episodes: Sequence[Episode], url_id: Callable[[str], str]) -> list[Episode]:
    """Measured ends, of whatever cause, up to which the content had been there without a break."""
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
) -> Paired:
    """Compare two runs, each given as episodes, ranking by hoster, and how its study names URLs."""
    before = {row.key: row for row in undisturbed[1]}
    after = {row.key: row for row in disturbed[1]}
    shares = tuple(
        PairedShare(
            hoster=key,
            undisturbed=before[key].removed_24h if key in before else None,
            disturbed=after[key].removed_24h if key in after else None,
            clocks=before[key].episodes if key in before else 0,
        )
        for key in sorted(before.keys() | after.keys())
    )
    both = [share for share in shares if share.difference is not None]
    off = [share.difference for share in both if share.difference is not None]
    return Paired(
        false_removals=len(false_removals(truth, disturbed[0], disturbed[2])),
        false_removals_undisturbed=len(false_removals(truth, undisturbed[0], undisturbed[2])),
        ends=sum(episode.first_down is not None for episode in disturbed[0]),
        shares=shares,
        overall=PairedShare(
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
