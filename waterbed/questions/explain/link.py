"""Links between two URLs.

Each link of the way between them, with its evidence, weights and times.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from waterbed.graphs.linking.evidence import Link, Unit
from waterbed.model.conclusions import ChainLink, EvidenceKind, Hop
from waterbed.study.conclusions import Conclusions
from waterbed.study.linking import link_rules
from waterbed.study.study import Study

_SOURCES: Final[Mapping[EvidenceKind, str]] = {
    "content_id": "reports",
    "path": "spelling",
    "label": "spelling",
    "fuzzy_label": "vault",
    "alike_name": "vault",
    "name_servers": "resolver",
}
"""Source of each kind of evidence, by default the looks."""

_UNITS: Final[Mapping[Unit, str]] = {"url": "URLs", "host": "hosts", "site": "sites"}
_SHORT = 12
"""Characters shown of a key."""


def chain_between(study: Study, a: str, b: str) -> list[ChainLink]:
    """The way between two URLs, then their hops.

    One line says so if nothing links them. Of all ways it is one whose least sure link is the surest.
    """
    conclusions = study.conclude()
    units = {kind: rule.unit for kind, rule in link_rules(study.config.linking).kinds.items()}
    path = conclusions.links.explain(a, b)
    if path is None:
        least = study.config.linking.least
        return [ChainLink(about=a, step="link", value=f"none to {b} by {least} links", source="linking")]
    chain: list[ChainLink] = []
    url_id = a
    for link in path:
        chain += _link(link, url_id, units)
        url_id = link.b if url_id == link.a else link.a
    return [*chain, *(hop_link(hop, a) for hop in conclusions.hops if {hop.from_url_id, hop.to_url_id} == {a, b})]


def linked_to(conclusions: Conclusions, url_id: str) -> Iterator[ChainLink]:
    """The content and the hops of a URL.

    The content that it is held to carry, and the hops that begin or end there.
    """
    its = conclusions.links.of(url_id)
    if its is not None:
        other_urls = f"{len(its.url_ids) - 1:,} other URL{'s' if len(its.url_ids) > 2 else ''} linked"
        size = ", more than allowed" if its.oversize else ""
        value = (
            f"{conclusions.known[url_id].content_id} ({other_urls}; weakest link {its.weakest:.1f}, "
            f"{its.strength}{size})"
        )
        yield ChainLink(about=url_id, step="content", value=value, source="linking")
    yield from (hop_link(hop, url_id) for hop in conclusions.hops if url_id in (hop.from_url_id, hop.to_url_id))


def _link(link: Link, url_id: str, units: Mapping[EvidenceKind, Unit]) -> Iterator[ChainLink]:
    other_url_id = link.b if url_id == link.a else link.a
    redirect = "" if link.source is None else ", redirects there" if link.source == url_id else ", redirects here"
    value = f"{other_url_id} ({link.strength}, weight {link.weight:.1f}{redirect})"
    yield ChainLink(about=url_id, step="link", value=value, source="linking")
    for evidence in link.evidence:
        times = [(evidence.a_first, evidence.a_last), (evidence.b_first, evidence.b_last)]
        own_times, theirs = times if url_id == link.a else times[::-1]
        key = evidence.key[:_SHORT]
        value = (
            f"{key}, on {evidence.frequency:,} {_UNITS[units[evidence.kind]]}; {_span(*own_times)}, and "
            f"there {_span(*theirs)}"
        )
        yield ChainLink(
            about=other_url_id,
            step=evidence.kind,
            value=value,
            source=_SOURCES.get(evidence.kind, "looks"),
            note=f"weight {evidence.weight:.1f}",
        )


def _span(first: datetime, last: datetime) -> str:
    return f"{first:%Y-%m-%d %H:%M}" if first == last else f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}"


def hop_link(hop: Hop, about: str) -> ChainLink:
    """A hop as a link of a chain."""
    other = hop.to_url_id if about == hop.from_url_id else hop.from_url_id
    where = "" if other == about else f", {'to' if other == hop.to_url_id else 'from'} {other}"
    likely = f", {hop.sources} hosters possible" if hop.sources > 1 else ""
    born = f"; arrival by {', '.join(hop.arrival_evidence)}" if hop.arrival_evidence else ""
    return ChainLink(
        about=about,
        step="hop",
        value=f"{hop.kind} from {hop.from_hoster} to {hop.to_hoster}{where}; {hop.order}{likely}",
        source="looks",
        data_date=hop.arrived_before,
        since=hop.arrived_before,
        until=hop.arrived_before,
        note=f"by {', '.join(hop.evidence)} ({hop.strength}){born}",
    )
