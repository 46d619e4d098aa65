"""Labels of reports, by which their outcomes may depend on each other. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Annotated, Final

from waterbed.attribution.snapshots import day_of
from waterbed.estimators.cluster_shares import NO_CORRELATION, Correlation
from waterbed.model.conclusions import Episode
from waterbed.model.facts import Report

CONTENT: Final = "content"
"""The content id of the report that came first."""
ADDRESS: Final = "address"
NETWORK: Final = "network"
"""The /29 around an IPv4 address, the /64 around an IPv6 address: what one customer is mostly given."""
REGISTRATION: Final = "registration"
DELIVERY: Final = "delivery"


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A label of a report, with how alike outcomes of one value are over all hosters."""

    kind: Annotated[str, "content, address, network, registration or delivery"]
    value: Annotated[str, "what reports that may depend on each other have in common"]
    alike: Annotated[Correlation, "intra-cluster correlation of this kind"] = field(
        default=NO_CORRELATION, compare=False
    )


def _no_registration(_address: str, _day: datetime) -> str | None:
    return None


@dataclass(slots=True, kw_only=True)
class Labels:
    """The labels that a study has of its reports."""

    contents: Mapping[str, str] = field(default_factory=dict)
    """The content id of the first report of each URL, where it has one."""
    deliveries: Mapping[str, str] = field(default_factory=dict)
    """The delivery that first brought each URL."""
    registered: Callable[[str, datetime], str | None] = _no_registration
    """The smallest registered network around an address on a day."""
    alike: Mapping[str, Correlation] = field(default_factory=dict)
    """The correlation over all hosters, by kind of label."""
    _made: dict[tuple[str, str], Label] = field(default_factory=dict)
    _networks: dict[tuple[str, date], str | None] = field(default_factory=dict)

    def with_(self, alike: Mapping[str, Correlation]) -> "Labels":
        """The same labels, with correlations by kind."""
        return Labels(contents=self.contents, deliveries=self.deliveries, registered=self.registered, alike=alike)

    def of(self, url_id: str, addresses: Iterable[str], when: datetime) -> tuple[Label, ...]:
        """The labels of a report of a URL at some addresses.

        Of several addresses the first in the order of text is its label: answers come in any order.
        """
        found = [self._label(CONTENT, content)] if (content := self.contents.get(url_id)) else []
        if address := min(addresses, default=""):
            found += [self._label(ADDRESS, address), self._label(NETWORK, network_of(address))]
            known = address, day_of(when)
            if known not in self._networks:
                self._networks[known] = self.registered(address, when)
            if registered := self._networks[known]:
                found.append(self._label(REGISTRATION, registered))
        if delivery := self.deliveries.get(url_id):
            found.append(self._label(DELIVERY, delivery))
        return tuple(found)

    def of_episode(self, episode: Episode, when: datetime) -> tuple[Label, ...]:
        """The labels of a report of an episode's URL.

        Of its addresses those of its hoster count: who owns a name can point it to more, and would choose the label.
        """
        return self.of(episode.url_id, episode.own_addresses or episode.addresses, when)

    def _label(self, kind: str, value: str) -> Label:
        key = kind, value
        if key not in self._made:
            self._made[key] = Label(kind=kind, value=value, alike=self.alike.get(kind, NO_CORRELATION))
        return self._made[key]


def by_kind(each: Sequence[tuple[Label, ...]]) -> tuple[dict[str, list[str | None]], dict[str, Correlation]]:
    """The labels of each report by kind, None where it has none, and the correlation of each kind over hosters."""
    labels: dict[str, list[str | None]] = {}
    alike: dict[str, Correlation] = {}
    for place, own in enumerate(each):
        for label in own:
            labels.setdefault(label.kind, [None] * len(each))[place] = label.value
            alike[label.kind] = label.alike
    return labels, alike


@lru_cache(maxsize=1 << 16)
def network_of(address: str) -> str:
    """The /29 around an IPv4 address, or the /64 around an IPv6 address; the text itself if it is no address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return str(ip_network((parsed, 29 if parsed.version == 4 else 64), strict=False))


def first_reports(reports: Iterable[Report]) -> dict[str, Report]:
    """The report of each URL that the study received first: later ones, which may know its fate, label nothing."""

    def place(one: Report) -> tuple[datetime, str, bool]:
        return one.received_at, one.source, not one.content_id

    first: dict[str, Report] = {}
    for report in reports:
        known = first.get(report.url_id)
        if known is None or place(report) < place(known):
            first[report.url_id] = report
    return first


def deliveries_of(first: Mapping[str, Report]) -> dict[str, str]:
    """The delivery that first brought each URL: its source, and the day on which the study imported it."""
    return {url_id: f"{report.received_at:%Y-%m-%d} {report.source}" for url_id, report in first.items()}


def contents_of(first: Mapping[str, Report]) -> dict[str, str]:
    """The content id with which each URL was first reported, where it was."""
    return {url_id: report.content_id for url_id, report in first.items() if report.content_id}
