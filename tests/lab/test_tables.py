"""Tables made of a world, as an importer would read them."""

import csv
import io
import tomllib
from ipaddress import ip_address, summarize_address_range

import pytest

from waterbed.lab.tables import country_csv, hosters_toml, routing_csv
from waterbed.lab.world import World


@pytest.mark.parametrize("family", [4, 6, None])
def test_routes_and_countries_cover_the_prefixes(world: World, family: int | None) -> None:
    """Both tables hold exactly the hosters' prefixes, sorted, each with its AS and country."""
    wanted = {
        (str(n), h.asn, h.name, h.country) for h in world.hoster for n in h.networks() if family in (None, n.version)
    }
    routes = list(csv.reader(io.StringIO(routing_csv(world, family))))
    countries = list(csv.reader(io.StringIO(country_csv(world, family))))
    found = set()
    for (start, end, asn, organisation), (start_2, end_2, code) in zip(routes, countries, strict=True):
        assert (start, end) == (start_2, end_2)
        (network,) = summarize_address_range(ip_address(start), ip_address(end))
        found.add((str(network), int(asn), organisation, code))
    assert found == wanted
    order = [(ip_address(row[0]).version, int(ip_address(row[0]))) for row in routes]
    assert order == sorted(order)


def test_hoster_entities_are_toml(world: World) -> None:
    """The hosters' file has an entity for each hoster, with its AS, kind and suffixes."""
    entities = {entity["key"]: entity for entity in tomllib.loads(hosters_toml(world))["hoster"]}
    assert entities.keys() == {hoster.key for hoster in world.hoster}
    assert entities["pages"] == {
        "key": "pages",
        "name": "Pages Inc.",
        "asns": [64498],
        "country": "US",
        "kind": "platform",
        "suffixes": ["square7.ch"],
    }
