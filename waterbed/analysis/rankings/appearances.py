"""Where reported URLs appeared: what volume is counted from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Self

from graphs.episodes import Sighting
from waterbed.model.conclusions import Attribution


@dataclass(frozen=True, slots=True, kw_only=True)
class Appearance:
    """One reported URL and the keys its addresses gave it."""

    url_id: Annotated[str, "the URL"]
    host_id: Annotated[str, "its host"]
    site_id: Annotated[str, "its registrable domain: the cluster"]
    keys: Annotated[tuple[str, ...], "distinct hosters, ASes or countries of its addresses over its looks"]
    decided: Annotated[bool, "whether any look at it could be decided"]
    proxy: Annotated[bool, "whether all its addresses were reverse proxies"]
    since: Annotated[datetime | None, "when a takedown clock starts, if a look said where; null: nothing does"] = None

    @classmethod
    def of(
        cls,
        url_id: str,
        *,
        host_id: str,
        site_id: str,
        sightings: Sequence[Sighting],
        keys: Callable[[Sequence[Attribution]], tuple[str, ...]],
        since: datetime | None,
    ) -> Self:
        """The appearance of a URL by its sightings; `keys` names those of its answers, `since` starts its clock."""
        answers = [sighting.attribution for sighting in sightings if sighting.attribution]
        return cls(
            url_id=url_id,
            host_id=host_id,
            site_id=site_id,
            keys=keys(answers),
            decided=any(sighting.verdict.state != "unknown" for sighting in sightings),
            proxy=bool(answers) and all(answer.proxy for answer in answers),
            since=since if answers else None,
        )
