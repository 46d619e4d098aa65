"""A world's routing, country and hoster tables, as text to import."""

import csv
import io
import json
from collections.abc import Iterator, Mapping

from waterbed.lab.scene import LINK_CHECK
from waterbed.lab.world import PARKING, PARKING_NETWORK, Hoster, Network, World

_PARKING = Hoster(key=PARKING, name="Parked Names Ltd.", asn=65_535, country="US", v4=(PARKING_NETWORK,))
"""Whose addresses parked names have; no hoster of the world."""


def routing_csv(world: World, family: int | None = None) -> str:
    """Write rows of start, end, AS number, organisation, sorted; `family` 4 or 6, else both. No header."""
    return _csv((str(n[0]), str(n[-1]), str(hoster.asn), hoster.name) for n, hoster in _networks(world, family))


def country_csv(world: World, family: int | None = None) -> str:
    """Write rows of start, end, ISO country code, sorted; `family` 4 or 6, else both. No header."""
    return _csv((str(n[0]), str(n[-1]), hoster.country) for n, hoster in _networks(world, family))


def hosters_toml(world: World) -> str:
    """Write the hoster entities: key, name, asns, country, kind, suffixes."""
    return "\n".join(_entity(hoster) for hoster in world.hoster)


def _networks(world: World, family: int | None) -> list[tuple[Network, Hoster]]:
    hosters = (*world.hoster, *([_PARKING] if world.parks else []))
    found = [(n, hoster) for hoster in hosters for n in hoster.networks() if family in (None, n.version)]
    return sorted(found, key=lambda pair: (pair[0].version, int(pair[0].network_address)))


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
        "asns": [hoster.asn],
        "country": hoster.country,
        "kind": hoster.kind,
        "suffixes": list(hoster.suffixes),
    }
    return _table("hoster", values)


def _table(kind: str, values: Mapping[str, object]) -> str:
    # A JSON string is a TOML basic string, and a JSON list of them a TOML array.
    return f"[[{kind}]]\n" + "".join(
        f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in values.items()
    )
