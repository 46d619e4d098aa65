"""Tables made of a world, as an importer would read them."""

import csv
import io
import tomllib
from ipaddress import ip_address, summarize_address_range
from pathlib import Path

import pytest

from waterbed.lab.world.allocations import country_csv, hosters_toml, link_checks_toml, routing_csv
from waterbed.lab.world.file import World


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
        "holders": ["arin:ORG-PAGES-ARIN"],
    }


def test_parked_names_have_a_route(strange_world: World) -> None:
    """Where names can end up parked, the parking service has a network of its own in both tables."""
    for text in (routing_csv(strange_world), country_csv(strange_world)):
        assert any(row[0].startswith("33.255.254.") for row in csv.reader(io.StringIO(text)))
    assert "parking" not in {entity["key"] for entity in tomllib.loads(hosters_toml(strange_world))["hoster"]}


def test_link_checks_are_of_image_hosts(world: World, strange_world: World, tmp_path: Path) -> None:
    """Each image host has a link check under its suffix that the crawler can read; other worlds have none."""
    from waterbed.crawler.probe.link_checks import LINK_CHECKS, link_check_for, read_link_checks
    from waterbed.model.urls import canonicalize

    assert link_checks_toml(world) == ""
    (tmp_path / LINK_CHECKS).write_text(link_checks_toml(strange_world))
    found = link_check_for(read_link_checks(tmp_path), canonicalize("https://shop.square7.ch/i/abc123.jpg"))
    assert found is not None
    check, asked = found
    assert (asked.host, asked.target) == ("shop.square7.ch", "/api/exists/abc123")
    assert [check.file_exists(status) for status in (204, 404, 500)] == [True, False, None]
