"""Windows of an event in which nobody looked."""

from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from waterbed.graphs.displacement.event import SEE, Event
from waterbed.graphs.displacement.movements import place_of
from waterbed.model.codec import microseconds
from waterbed.model.conclusions import Episode, ExternalEpisode
from waterbed.model.errors import InputError
from waterbed.study.conclusions import Conclusions

Window = tuple[datetime, datetime]


def windows_of(event: Event, until: datetime | None = None) -> dict[str, Window]:
    """Windows before and after an event, up to a time.

    One of which less than a period has passed by then is left out.
    """
    start, end = event.window
    windows = {"before": (start, event.at - event.anticipation * event.period), "after": (event.at, end)}
    return {
        name: (first, min(last, until) if until else last)
        for name, (first, last) in windows.items()
        if until is None or first + event.period <= until
    }


def unseen_windows(
    conclusions: Conclusions,
    event: Event,
    episodes: Sequence[Episode],
    external: Sequence[ExternalEpisode],
    areas: Collection[tuple[str, tuple[str, ...]]],
    until: datetime | None = None,
) -> Iterator[tuple[str, str, Window]]:
    """Yield areas and windows without a look at their URLs.

    URLs that were ever at one of an area's places; what others saw there counts, too. Ends at the first look found.
    """
    declared = tuple(event.places)
    place_urls = [(place_of(episode, event.kind, declared), episode.url_id) for episode in episodes]
    for area, places in areas:
        urls = sorted({url_id for place, url_id in place_urls if place in places})
        theirs = [episode for episode in external if place_of(episode, event.kind, declared) in places]
        for name, window in windows_of(event, until).items():
            if not _looked(conclusions, urls, window) and not any(_meets(episode, window) for episode in theirs):
                yield area, name, window


def _looked(conclusions: Conclusions, urls: Sequence[str], window: Window) -> bool:
    start, end = map(microseconds, window)
    past = conclusions.whole.past
    for url_id in urls:
        for run in past.get(url_id, ()):
            place = bisect_left(run.at, start)
            if place < len(run.at) and run.at[place] < end:
                return True
    return False


def _meets(episode: Episode, window: Window) -> bool:
    return episode.known_up_at < window[1] and (episode.first_down or episode.last_up) >= window[0]


def refuse_unseen(
    conclusions: Conclusions,
    event: Event,
    episodes: Sequence[Episode],
    external: Sequence[ExternalEpisode],
    until: datetime | None = None,
) -> None:
    """InputError for a window without looks at target or controls."""
    areas = (("target", (event.target,)), ("controls", event.controls))
    for area, name, (start, end) in unseen_windows(conclusions, event, episodes, external, areas, until):
        raise InputError(
            f"nobody checked {area} from {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}, and checks in each "
            f"window are needed; waterbed verdicts lists all checks",
            key=name,
            see=SEE,
        )
