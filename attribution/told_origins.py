"""Which address lies behind a reverse proxy, as reporters told it."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from waterbed.model.facts import Report


class OriginsTold:
    """What reports say of the addresses behind proxies, by URL and time."""

    def __init__(self, reports: Iterable[Report]) -> None:
        """Take what reports tell; most tell nothing."""
        told: dict[str, list[tuple[datetime, str]]] = defaultdict(list)
        for report in reports:
            if report.origin_address:
                told[report.url_id].append((report.reported_at or report.received_at, report.origin_address))
        self._told = {url_id: sorted(origins) for url_id, origins in told.items()}

    def behind(self, url_id: str, when: datetime) -> str | None:
        """The address as it was last told before a time, else as it was told first; None if nobody told."""
        told = self._told.get(url_id)
        if not told:
            return None
        known = [address for at, address in told if at <= when]
        return known[-1] if known else told[0][1]
