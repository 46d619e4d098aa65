"""Content that came up where no hoster can be told.

At Tor and its like, in chats, in live streams.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from waterbed.graphs.hop_sources import in_order, losses
from waterbed.model.conclusions import Episode
from waterbed.model.facts import Medium, Report, reported_at
from waterbed.model.mediums import LOOKED_AT


@dataclass(frozen=True, slots=True, kw_only=True)
class Beyond:
    """Contents of hosters reported at a medium without address.

    Nobody looks there, so no order is known: none surely moved, and at most so many did.
    """

    medium: Annotated[Medium, "tor, chat or live"]
    contents: Annotated[int, "contents of a hoster that were reported there too, at any time"]
    least: Annotated[int, "of these, contents that surely went there after they left the hoster: none is known"]
    most: Annotated[int, "of these, contents first reported there after they may have left a hoster"]


def beyond(episodes: Iterable[Episode], reports: Iterable[Report], contents: Mapping[str, str]) -> list[Beyond]:
    """Count contents at mediums without address.

    `contents` is the content of each URL. What left a hoster may have left as soon as it was last up there. Pure.
    """
    at_hoster: dict[str, list[Episode]] = defaultdict(list)
    for episode in episodes:
        at_hoster[episode.content_id].append(episode)
    first: dict[tuple[Medium, str], datetime] = {}
    for report in reports:
        content = contents.get(report.url_id)
        if report.medium in LOOKED_AT or content not in at_hoster or content is None:
            continue
        when = reported_at(report)
        first[report.medium, content] = min(when, first.get((report.medium, content), when))
    lost = {content: losses(sorted(at_hoster[content], key=in_order)) for _, content in first}
    last_up_by_content = {
        content: min(loss.episode.last_up for loss in content_losses)
        for content, content_losses in lost.items()
        if content_losses
    }
    return [
        Beyond(
            medium=medium,
            contents=sum(reported_medium == medium for reported_medium, _ in first),
            least=0,
            most=sum(
                reported_medium == medium and content in last_up_by_content and when > last_up_by_content[content]
                for (reported_medium, content), when in first.items()
            ),
        )
        for medium in sorted({reported_medium for reported_medium, _ in first})
    ]
