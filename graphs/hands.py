"""Networks that change hands around content that stays. Pure."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from waterbed.model.conclusions import Episode


@dataclass(frozen=True, slots=True)
class Hands:
    """Tells a hoster that changed from content that moved.

    `holders` gives the hosters that answered at a time for an episode's addresses; without it none changes.
    """

    holders: Callable[[Episode, datetime], Collection[str]] | None = None

    def one(self, left: Episode, arrived: Episode) -> bool:
        """True if one hoster held both places, before and after.

        Before: at the last look that saw the content at the first place; after: at the first one at the second.
        """
        if left.hoster == arrived.hoster:
            return True
        together = left.hoster in arrived.hosters and arrived.hoster in left.hosters
        if self.holders is None or together or left.proxy or arrived.proxy:
            return False
        holders_before = self.holders(arrived, left.last_up if left.first_up else _looked(left))
        return left.hoster in holders_before and arrived.hoster in self.holders(left, _looked(arrived))


def _looked(episode: Episode) -> datetime:
    """The first look at it: of one that none saw up, the look that found it gone."""
    return episode.first_up or episode.first_down or episode.known_up_at
