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
    way = conclusions.links.explain(a, b)
    if way is None:
        least = study.config.linking.least
        return [ChainLink(about=a, step="link", value=f"none to {b} by {least} links", source="linking")]
    found: list[ChainLink] = []
    here = a
    for link in way:
        found += _link(link, here, units)
        here = link.b if here == link.a else link.a
    return [*found, *(hop_link(hop, a) for hop in conclusions.hops if {hop.from_url_id, hop.to_url_id} == {a, b})]


def linked_to(conclusions: Conclusions, url_id: str) -> Iterator[ChainLink]:
    """The content and the hops of a URL.

    The content that it is held to carry, and the hops that begin or end there.
    """
    its = conclusions.links.of(url_id)
    if its is not None:
        others = f"{len(its.url_ids) - 1:,} other URL{'s' if len(its.url_ids) > 2 else ''} linked"
        size = ", more than allowed" if its.oversize else ""
        value = (
            f"{conclusions.known[url_id].content_id} ({others}; weakest link {its.weakest:.1f}, {its.strength}{size})"
        )
        yield ChainLink(about=url_id, step="content", value=value, source="linking")
    yield from (hop_link(hop, url_id) for hop in conclusions.hops if url_id in (hop.from_url_id, hop.to_url_id))


def _link(link: Link, here: str, units: Mapping[EvidenceKind, Unit]) -> Iterator[ChainLink]:
    there = link.b if here == link.a else link.a
    way = "" if link.source is None else ", redirects there" if link.source == here else ", redirects here"
    value = f"{there} ({link.strength}, weight {link.weight:.1f}{way})"
    yield ChainLink(about=here, step="link", value=value, source="linking")
    for one in link.evidence:
        times = [(one.a_first, one.a_last), (one.b_first, one.b_last)]
        mine, theirs = times if here == link.a else times[::-1]
        key = one.key[:_SHORT]
        value = f"{key}, on {one.frequency:,} {_UNITS[units[one.kind]]}; {_span(*mine)}, and there {_span(*theirs)}"
        yield ChainLink(
            about=there,
            step=one.kind,
            value=value,
            source=_SOURCES.get(one.kind, "looks"),
            note=f"weight {one.weight:.1f}",
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
