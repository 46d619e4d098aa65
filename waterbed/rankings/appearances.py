"""Where reported URLs appeared: what volume is counted from."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated


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
