"""A world's routing, country and hoster tables, as text to import."""

import csv
import io
import json
from collections.abc import Iterator

from waterbed.lab.world import Hoster, Network, World


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
    found = [(n, hoster) for hoster in world.hoster for n in hoster.networks() if family in (None, n.version)]
    return sorted(found, key=lambda pair: (pair[0].version, int(pair[0].network_address)))


def _csv(rows: Iterator[tuple[str, ...]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _entity(hoster: Hoster) -> str:
    # A JSON string is a TOML basic string, and a JSON list of them a TOML array.
    values = {
        "key": hoster.key,
        "name": hoster.name,
        "asns": [hoster.asn],
        "country": hoster.country,
        "kind": hoster.kind,
        "suffixes": list(hoster.suffixes),
    }
    return "[[hoster]]\n" + "".join(
        f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in values.items()
    )
