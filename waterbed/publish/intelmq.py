"""Rankings as IntelMQ events in JSON lines, one per AS.

Fields have the names of IntelMQ's harmonisation.
"""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from waterbed.model.conclusions import RankingRow
from waterbed.publish.policy import Publication
from waterbed.study.formats import loose, records

_KINDS: Final = {"phishing": "phishing", "malware": "malware-distribution", "malware_download": "malware-distribution"}
"""Types of IntelMQ's classification for categories of reports; all others are undetermined."""
_TLP: Final = {"clear": "WHITE", "green": "GREEN", "amber": "AMBER", "amber+strict": "AMBER", "red": "RED"}


def intelmq_events(publication: Publication) -> str:
    """One event per line for each numbered AS ranked."""
    lines = [_spelled(_system(row, publication)) for row in publication.table("ranking-asn").rows if _number(row)]
    return "".join(f"{line}\n" for line in lines)


def _system(row: RankingRow, publication: Publication) -> dict[str, Any]:
    """The event of one AS; extra holds the whole row."""
    extra = {name: value for name, value in records(RankingRow, [row])[0].items() if value is not None}
    event = {
        **_common(publication),
        "classification.type": "other",
        "classification.identifier": "hosting-ranking",
        "source.asn": _number(row),
        "source.as_name": row.name,
        "event_description.text": "reported content measured in this autonomous system",
        "extra": {**extra, "made": loose(publication.table("ranking-asn").envelope) | _terms(publication)},
    }
    country = publication.countries.get(row.key)
    return {**event, "source.geolocation.cc": country} if country else event


def address_events(publication: Publication, seen: Iterable[tuple[str, int | None, str, datetime]]) -> str:
    """One event per line for each address, where allowed.

    Each has its origin AS, category and time last seen.
    """
    if not publication.policy.addresses:
        return ""
    lines = []
    for address, origin, category, last in seen:
        event = {
            **_common(publication),
            "classification.type": _KINDS.get(category, "undetermined"),
            "classification.identifier": category,
            "source.ip": address,
            "time.source": _time(last),
            "extra": _terms(publication),
        }
        lines.append(_spelled({**event, "source.asn": origin} if origin else event))
    return "".join(f"{line}\n" for line in lines)


def _common(publication: Publication) -> dict[str, Any]:
    return {
        "feed.name": publication.title,
        "feed.provider": publication.policy.publisher,
        "time.source": _time(publication.last or publication.made_at),
        "time.observation": _time(publication.made_at),
        "tlp": _TLP[publication.policy.tlp],
    }


def _terms(publication: Publication) -> dict[str, Any]:
    return {"licence": publication.policy.licence, "data_licences": dict(publication.sources)}


def _number(row: RankingRow) -> int | None:
    text = row.key.removeprefix("AS")
    return int(text) if row.key.startswith("AS") and text.isdigit() else None


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def _spelled(event: dict[str, Any]) -> str:
    return json.dumps(event, ensure_ascii=False, allow_nan=False)
