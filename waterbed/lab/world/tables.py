"""A world's routing, country and hoster tables, as text to import."""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from datetime import datetime

from waterbed.lab.servers.scene import LINK_CHECK
from waterbed.lab.world.allocations import Paper, Papers, handle_of
from waterbed.lab.world.file import PARKING, PARKING_NETWORK, Hoster, World

_PARKING = Hoster(key=PARKING, name="Parked Names Ltd.", asn=65_535, country="US", v4=(PARKING_NETWORK,))
"""Whose addresses parked names have; no hoster of the world."""


def routing_csv(world: World, family: int | None = None, moment: datetime | None = None) -> str:
    """Write rows of start, end, AS number, organisation, sorted; `family` 4 or 6, else both. No header.

    `moment` is when they are so, else the world's start.
    """
    names = {asn: hoster.name for hoster in (*world.hoster, _PARKING) for asn in _asns(hoster)}
    return _csv(
        (str(paper.network[0]), str(paper.network[-1]), str(asn), names[asn])
        for paper in _papers(world, family, moment)
        for asn in paper.origins
    )


def country_csv(world: World, family: int | None = None, moment: datetime | None = None) -> str:
    """Write rows of start, end, ISO country code, sorted; `family` 4 or 6, else both. No header."""
    return _csv(
        (str(paper.network[0]), str(paper.network[-1]), paper.holder.country)
        for paper in _papers(world, family, moment)
    )


def hosters_toml(world: World) -> str:
    """Write the hoster entities: key, name, asns, country, kind, suffixes."""
    return "\n".join(_entity(hoster) for hoster in world.hoster)


def _papers(world: World, family: int | None, moment: datetime | None) -> list[Paper]:
    parking = [
        Paper(network=network, holder=_PARKING, origins=(_PARKING.asn,), parent=None)
        for network in (_PARKING.networks() if world.parks else ())
    ]
    papers = [*Papers(world).of_day(moment or world.start), *parking]
    found = [paper for paper in papers if family in (None, paper.network.version)]
    return sorted(found, key=lambda p: (p.network.version, int(p.network.network_address), p.network.prefixlen))


def _csv(rows: Iterator[tuple[str, ...]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def link_checks_toml(world: World) -> str:
    """Write the link checks of the image hosters that have one; empty if none has."""
    return "\n".join(
        _table(
            "link_check",
            {
                "name": f"{hoster.key}-{number}" if number else hoster.key,
                "suffix": suffix,
                "path": "^/i/([a-z0-9]+)",
                "ask": f"{LINK_CHECK}{{1}}",
                "exists": [200, 204],
                "missing": [404, 410],
            },
        )
        for hoster in world.hoster
        if hoster.link_check
        for number, suffix in enumerate(hoster.suffixes)
    )


def _entity(hoster: Hoster) -> str:
    values = {
        "key": hoster.key,
        "name": hoster.name,
        "asns": _asns(hoster),
        "country": hoster.country,
        "kind": hoster.kind,
        "suffixes": list(hoster.suffixes),
        "holders": [handle_of(hoster)],
    }
    return _table("hoster", values)


def _asns(hoster: Hoster) -> list[int]:
    return [hoster.asn, *sorted(set(hoster.further_as.values()))]


def _table(kind: str, values: Mapping[str, object]) -> str:
    # A JSON string is a TOML basic string, and a JSON list of them a TOML array.
    return f"[[{kind}]]\n" + "".join(
        f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in values.items()
    )
