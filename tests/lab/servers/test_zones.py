"""Aliases, name servers and parked names, asked over the wire."""

from datetime import datetime, timedelta

import dns.rcode
import dns.rdatatype
import pytest

from waterbed.lab.world.file import BEYOND, PARKING, World
from waterbed.lab.world.records import Truth
from waterbed.model.urls import registrable_domain


@pytest.fixture
def moment(strange_world: World) -> datetime:
    return strange_world.start + timedelta(hours=48)


def _texts(answer, kind: str) -> set[str]:
    wanted = dns.rdatatype.from_text(kind)
    return {r.to_text().rstrip(".") for rrset in answer.answer if rrset.rdtype == wanted for r in rrset}


def _standing(truth: Truth, moment: datetime, key: str) -> list[str]:
    return [h for h, place in truth.places.items() if place.at(moment) == key and truth.hosts[h].at(moment)]


def test_an_alias_comes_with_its_addresses(strange, strange_truth: Truth, moment: datetime) -> None:
    """A name that is an alias gives CNAME and address; the alias lies under its hoster's domain and says no name."""
    aliased = [h for h in _standing(strange_truth, moment, "polder") if strange_truth.traits[h].alias]
    assert aliased
    for host in aliased:
        answer = strange.resolve(host)
        (alias,) = _texts(answer, "CNAME")
        assert alias.endswith(".polder-hosting.net")
        assert not any(label in alias for label in host.split(".")[:2] if len(label) > 3)
        assert _texts(answer, "A") == set(strange_truth.hosts[host].at(moment) or ())
        assert _texts(strange.resolve(alias), "A") == _texts(answer, "A")


def test_an_alias_without_ipv6_has_no_data(strange, strange_truth: Truth, moment: datetime) -> None:
    """AAAA of an alias without any gives the CNAME and an SOA: no data, not NXDOMAIN."""
    host = next(h for h in _standing(strange_truth, moment, "polder") if strange_truth.traits[h].alias)
    answer = strange.resolve(host, "AAAA")
    assert answer.rcode() == dns.rcode.NOERROR
    assert len(_texts(answer, "CNAME")) == 1
    assert answer.authority[0].rdtype == dns.rdatatype.SOA


def test_a_domain_has_its_hosters_name_servers(strange, strange_truth: Truth, moment: datetime) -> None:
    """NS of a registrable domain names two machines of its hoster, which have addresses there."""
    for host in _standing(strange_truth, moment, "polder")[:10]:
        servers = _texts(strange.resolve(registrable_domain(host), "NS"), "NS")
        assert servers == {"ns1.polder-hosting.net", "ns2.polder-hosting.net"}
    (address,) = _texts(strange.resolve("ns1.polder-hosting.net"), "A")
    assert address.startswith("28.1.")
    assert _texts(strange.resolve("polder-hosting.net", "NS"), "NS") == servers
    assert _texts(strange.resolve("square7.ch", "NS"), "NS") == {"ns1.pictures-hosting.net", "ns2.pictures-hosting.net"}


def test_a_name_in_a_platforms_zone_has_none(strange, strange_truth: Truth, moment: datetime) -> None:
    """A customer's name on a platform is no zone of its own: no data."""
    host = _standing(strange_truth, moment, "pictures")[0]
    answer = strange.resolve(host, "NS")
    assert (answer.rcode(), answer.answer) == (dns.rcode.NOERROR, [])


def test_a_domain_exists_while_its_www_does(strange, strange_truth: Truth, moment: datetime) -> None:
    """The domain above a www name has no address and still exists; a domain that nobody has does not."""
    host = next(h for h in _standing(strange_truth, moment, "polder") if h.startswith("www."))
    assert strange.resolve(registrable_domain(host)).rcode() == dns.rcode.NOERROR
    assert strange.resolve("nobody.example", "NS").rcode() == dns.rcode.NXDOMAIN


def test_a_parked_name_leads_to_the_parking_service(strange, strange_truth: Truth, moment: datetime) -> None:
    """After its parking a name has parking addresses and name servers, and a page that offers it for sale."""
    from ipaddress import ip_address, ip_network

    parked = _standing(strange_truth, moment, "parking")
    assert parked
    headers = set()
    for host in parked:
        (address,) = _texts(strange.resolve(host), "A")
        assert ip_address(address) in ip_network(BEYOND[PARKING])
        servers = _texts(strange.resolve(registrable_domain(host), "NS"), "NS")
        assert servers == {"ns1.sedoparking.com", "ns2.sedoparking.com"}
        reply = strange.ask(address, host, "/whatever")
        assert reply.status == 200
        assert b"for sale" in reply.body
        headers.add("x-adblock-key" in reply.headers)
    assert headers == {True, False} or len(parked) < 6
