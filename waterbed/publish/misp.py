"""Rankings as a MISP feed of asn and bgp-ranking objects.

The feed is a manifest, hashes, and one event for each ranking.
"""

import json
from collections.abc import Mapping
from datetime import UTC
from typing import Any, Final
from uuid import UUID, uuid5

from pymisp import MISPEvent, MISPObject

from waterbed.measures.constancy import change_message
from waterbed.model.conclusions import RankingRow
from waterbed.model.formatter import OWN
from waterbed.publish.policy import Publication, provenance_text

_SPACE: Final = UUID("b7c7d1f2-0a53-5b39-9d0c-3a6a5b0f9e21")
_FINISHED, _LOW = 2, 4
"""MISP's analysis state, and threat level "undefined": a ranking is not an indicator."""


def misp_feed(publication: Publication) -> Mapping[str, str]:
    """Files of the feed: manifest.json, hashes.csv and the events.

    Maps name to text.
    The event's uuid is that of study and ranking, so that a MISP instance updates it.
    """
    event = _ranking_event(publication)
    return {
        f"{event.uuid}.json": _spelled(event.to_feed()),
        "manifest.json": _spelled(event.manifest),
        "hashes.csv": "".join(f"{each},{event.uuid}\n" for each in event.attributes_hashes("md5")),
    }


def _ranking_event(publication: Publication) -> MISPEvent:
    policy = publication.policy
    space = uuid5(_SPACE, policy.namespace)
    table = publication.table("ranking-asn")
    event = MISPEvent()
    caveat = f"{table.envelope.caveat}. " if table.envelope.caveat else ""
    event.from_dict(
        uuid=str(uuid5(space, "ranking-asn")),
        info=f"{caveat}{publication.title}: autonomous systems by reported content, {table.envelope.window}",
        date=(publication.last or publication.made_at).astimezone(UTC).date().isoformat(),
        analysis=_FINISHED,
        threat_level_id=_LOW,
        timestamp=int(publication.made_at.timestamp()),
        published=True,
        publish_timestamp=int(publication.made_at.timestamp()),
        Orgc={"name": policy.publisher, "uuid": str(uuid5(space, "publisher"))},
    )
    event.add_tag(f"tlp:{policy.tlp}")
    event.add_tag(f'waterbed:licence="{policy.licence}"')
    event.add_attribute(
        "comment",
        provenance_text(publication, table.envelope),
        category="Other",
        uuid=str(uuid5(space, "what it rests on")),
        timestamp=int(publication.made_at.timestamp()),
    )
    for row in table.rows:
        if row.key.startswith("AS") and row.place is not None:
            for found in _objects(row, publication, space):
                event.add_object(found)
    return event


def _objects(row: RankingRow, publication: Publication, space: UUID) -> list[MISPObject]:
    """The objects of an AS and of its rank."""
    system = _object("asn", row.key, publication, space)
    _add(system, "asn", row.key.removeprefix("AS"), space, row)  # as MISP stores it
    _add(system, "description", row.name, space, row)
    if country := publication.countries.get(row.key):
        _add(system, "country", country, space, row)
    ranking = _object("bgp-ranking", row.key, publication, space)
    day = (publication.last or publication.made_at).astimezone(UTC)
    _add(ranking, "date", day.strftime("%Y-%m-%dT%H:%M:%S+00:00"), space, row)
    _add(ranking, "ranking", float(row.hosts), space, row)
    _add(ranking, "position", float(row.place or 0), space, row)
    ranking.comment = _words(row)
    reference = ranking.add_reference(system.uuid, "ranks")
    reference.uuid = str(uuid5(space, f"{row.key} ranks"))
    reference.timestamp = int(publication.made_at.timestamp())
    return [system, ranking]


def _object(name: str, key: str, publication: Publication, space: UUID) -> MISPObject:
    found = MISPObject(name, strict=True)
    found.uuid = str(uuid5(space, f"{name} {key}"))
    found.timestamp = int(publication.made_at.timestamp())
    return found


def _add(found: MISPObject, relation: str, value: Any, space: UUID, row: RankingRow) -> None:
    found.add_attribute(
        relation,
        value=value,
        uuid=str(uuid5(space, f"{found.name} {row.key} {relation}")),
        timestamp=int(found.timestamp.timestamp()) if hasattr(found.timestamp, "timestamp") else found.timestamp,
        to_ids=False,
    )


def _words(row: RankingRow) -> str:
    """Describe the evidence behind a rank."""
    share = "not estimable"
    if row.removed_24h_low is not None and row.removed_24h_high is not None:
        one = f"{row.removed_24h:.3f}" if row.removed_24h is not None else "no single number"
        share = f"{one} ({row.removed_24h_low:.3f} to {row.removed_24h_high:.3f})"
    words = OWN.text(change_message(row))
    return (
        f"{row.hosts} hosts of {row.sites} sites with {row.urls} reported URLs; place by hosts; "
        f"removed within 24 h: {share}; {row.first_down} first found down; "
        f"class {row.rank_class}{words and f': {words}'}"
    )


def _spelled(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False, default=str) + "\n"
