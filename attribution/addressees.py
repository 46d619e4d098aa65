"""Recipients of notices compared with the hoster then. Pure."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from waterbed.model.addresses import canonical_address
from waterbed.model.conclusions import Addressed, Attribution
from waterbed.model.facts import Notice, Report, reported_at
from waterbed.model.notices import Company, latest_notices
from waterbed.model.takedown import AddressedNotice


class SeenAnswer(NamedTuple):
    """The attribution of a URL at one look."""

    when: datetime
    attribution: Attribution
    down: bool


def addressed(
    notices: Iterable[Notice],
    seen: Mapping[str, Sequence[SeenAnswer]],
    sites: Mapping[str, str],
    company: Company,
    registrar: Callable[[str, datetime], str | None] = lambda _, __: None,
) -> list[AddressedNotice]:
    """Determine whom each notice reached.

    The order is that of the times of sending.

    `seen` holds the attributed looks at each URL in time order, `sites` the site of each URL. Who the hoster was is
    read from the look nearest to the delivery (else the sending) that did not see the URL down: what answers for a
    name after a removal may be a parking service. The earlier of two equally near looks decides. `registrar` gives the
    registrar of a site at a time: a notice to it reached who sponsors the name, whoever hosts.
    """
    notices_addressed = []
    usable_looks = {url_id: [look for look in looks if not look.down] or list(looks) for url_id, looks in seen.items()}
    for notice in latest_notices(notices):
        notified_at = notice.delivered_at or notice.sent_at
        look = _nearest(usable_looks.get(notice.url_id, ()), notified_at)
        recipient = company(notice.recipient, notified_at)
        reach, role = _reached(notice.recipient, recipient, look.attribution) if look else ("unattributed", None)
        sponsor = registrar(sites[notice.url_id], notified_at)
        if role is None and sponsor in (notice.recipient, recipient):
            reach, role, recipient = "indirect", "registrar", sponsor
        notices_addressed.append(
            AddressedNotice(
                notice_id=notice.notice_id,
                url_id=notice.url_id,
                site_id=sites[notice.url_id],
                kind=notice.kind,
                sender=notice.sender,
                recipient=recipient,
                hosters=look.attribution.hosters if look else (),
                addressed=reach,
                role=role,
                look_h=(look.when - notified_at) / timedelta(hours=1) if look else None,
                sent_at=notice.sent_at,
                delivered_at=notice.delivered_at,
                bounced=notice.bounced,
                reminder=notice.reminder,
                batch=f"{notice.sender}: {notice.batch}" if notice.batch else None,
                acknowledged_at=notice.acknowledged_at,
                response=notice.response,
                held_for_police=notice.held_for_police,
                due_at=notice.due_at,
            )
        )
    return notices_addressed


def _nearest(looks: Sequence[SeenAnswer], when: datetime) -> SeenAnswer | None:
    place = bisect_left(looks, when, key=lambda look: look.when)
    return min(looks[max(0, place - 1) : place + 1], key=lambda look: abs(look.when - when), default=None)


def _reached(named: str, company: str, there: Attribution) -> tuple[Addressed, str | None]:
    """Whom a notice reached, and the recipient's part; `named` is the recipient as the sender named it."""
    if company in there.hosters and not there.proxy:
        return "direct", "platform" if company == there.platform else "hoster"
    parts = {
        "proxy": there.proxies,
        "platform": (there.platform,),
        "operator": there.operators,
        "upstream": there.upstreams,
        "as_holder": (*there.as_holders, *(f"AS{number}" for number in there.origins)),
        "hoster": there.hosters,
    }
    for role, keys in parts.items():
        if company in keys or named in keys:
            return "indirect", "proxy" if role == "hoster" else role
    return "misaddressed", None


class ReportedOrigins:
    """Reported addresses behind proxies, by URL and time."""

    def __init__(
        self, reports: Iterable[Report], further_origins: Mapping[str, Sequence[tuple[datetime, str]]] | None = None
    ) -> None:
        """Take what reports tell; most tell nothing.

        Stored texts that are no address are passed over. `further_origins` are times and addresses that somebody else
        told, by URL.
        """
        reported: dict[str, list[tuple[datetime, str]]] = defaultdict(list)
        for url_id, origins in (further_origins or {}).items():
            reported[url_id] += origins
        for report in reports:
            if report.origin_address and canonical_address(report.origin_address):
                reported[report.url_id].append((reported_at(report), report.origin_address))
        self._reported = {url_id: sorted(origins) for url_id, origins in reported.items()}

    @property
    def urls(self) -> Iterable[str]:
        """The URLs of which a report tells one."""
        return self._reported.keys()

    def behind(self, url_id: str, when: datetime) -> str | None:
        """The last reported address before a time.

        Else the first one reported; None if no report has one.
        """
        reported = self._reported.get(url_id)
        if not reported:
            return None
        addresses = [address for known_at, address in reported if known_at <= when]
        return addresses[-1] if addresses else reported[0][1]
