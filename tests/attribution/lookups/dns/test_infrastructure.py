"""Known infrastructure: what the curated list says, and how names and addresses are matched."""

from ipaddress import ip_address, ip_network

import dns.name
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waterbed.attribution.lookups.dns.infrastructure import (
    Entry,
    Infrastructure,
    below,
    infrastructure_from,
    standard_infrastructure,
)
from waterbed.model.errors import InputError

NOBODY = ("203.0.113.7",)
KNOWN = {"parked.test": "parking", "cdn.parked.test": "cdn", "a-b.example": "sitebuilder"}
labels = st.text("abcdeprktnst-_.\\ \x00ä", min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("addresses", "cnames", "name_servers", "expected"),
    [
        (NOBODY, (), ("ns1.sedoparking.com", "ns2.sedoparking.com"), ("parking_by_name_servers",)),
        (NOBODY, (), ("NS1.SedoParking.COM.",), ("parking_by_name_servers",)),
        (NOBODY, (), ("ns1.bodis.com", "ns1.parkingcrew.net"), ("parking_by_name_servers",)),
        (NOBODY, (), ("ns1.bodis.com", "ns1.host.test"), ()),
        (NOBODY, (), ("ns3.afternic.com", "ns4.afternic.com"), ("parking_by_name_servers",)),
        (NOBODY, (), ("parking1.ovh.net", "parking2.ovh.net"), ("parking_by_name_servers",)),
        (NOBODY, (), ("ns10.ovh.net", "dns10.ovh.net"), ()),
        (NOBODY, (), ("ns01.domaincontrol.com", "ns02.domaincontrol.com"), ()),
        (NOBODY, (), ("ada.ns.cloudflare.com", "bob.ns.cloudflare.com"), ()),
        (NOBODY, (), ("ns1.dns-parking.com", "ns2.dns-parking.com"), ()),
        (NOBODY, (), ("ns4.wixdns.net", "ns5.wixdns.net"), ()),
        (NOBODY, (), ("ns1.fbi.seized.gov", "NS2.FBI.SEIZED.GOV."), ("seized_by_name_servers",)),
        (NOBODY, (), ("ns1.seizedservers.com", "ns1.honest.test"), ()),
        (NOBODY, (), ("jocelyn.ns.cloudflare.com", "plato.ns.cloudflare.com"), ()),
        (("199.2.137.20",), (), (), ("seized",)),
        (("146.112.61.106",), (), (), ()),
        (("91.195.240.94",), (), None, ("parking",)),
        (("91.195.241.255", "185.53.179.1"), (), (), ("parking",)),
        (("91.195.242.0",), (), (), ()),
        (("91.195.240.94", "203.0.113.7"), (), (), ()),
        (("198.49.23.144", "198.185.159.145"), (), (), ("sitebuilder",)),
        (("198.49.23.146",), (), (), ()),
        (NOBODY, ("www.shop.test.cdn.cloudflare.net",), (), ("cdn",)),
        (NOBODY, ("d111111abcdef8.cloudfront.net",), (), ("cdn",)),
        (NOBODY, ("shop.test.edgekey.net", "e1.a.akamaiedge.net"), (), ("cdn",)),
        (NOBODY, ("pointing.wixdns.net", "cdn1.wixdns.net"), (), ("sitebuilder",)),
        (NOBODY, ("shops.myshopify.com",), (), ("sitebuilder",)),
        (NOBODY, ("cloudflare.net",), (), ()),
        (NOBODY, ("x.azureedge.net",), ("ns1.bodis.com",), ("cdn", "parking_by_name_servers")),
        (("91.195.240.94",), (), ("ns1.bodis.com",), ("parking",)),
        (("91.195.240.94",), (), ("ns1.seizedservers.com",), ("parking", "seized_by_name_servers")),
        ((), (), (), ()),
        (("no address", "2001:db8::1"), ("", "."), ("", "."), ()),
    ],
)
def test_the_standard_list_names_kinds_only(addresses, cnames, name_servers, expected):
    """Aliases count by any link; name servers and addresses only if all agree, and name servers are told apart."""
    assert standard_infrastructure().tags(addresses, cnames, name_servers) == expected


@given(st.lists(labels, max_size=4), st.sampled_from([*KNOWN, "edparked.test", "test", "parked.test.example"]))
def test_names_match_at_label_boundaries_only(before, end):
    """Of any name, whatever its labels hold, that is known which dnspython says stands at or above it, the nearest."""
    raw = [label.encode() for label in before]
    name = dns.name.Name([*raw, *end.encode().split(b"."), b""])
    above = [known for known in KNOWN if name.is_subdomain(dns.name.from_text(known))]
    nearest = max(above, key=lambda known: known.count("."), default=None)
    assert below(name.to_text(omit_final_dot=True), KNOWN) == KNOWN.get(nearest)


@given(st.text("parkedtsn-", max_size=8), st.sampled_from(["parked.test", "a-b.example"]))
def test_a_longer_label_is_another_name(before, known):
    """What is put before a known name without a dot makes another name."""
    assert below(before + known, KNOWN) == (None if before else KNOWN[known])
    assert below(f"{before or 'x'}.{known}", KNOWN) == KNOWN[known]


networks = st.one_of(
    st.tuples(st.ip_addresses(v=4), st.integers(0, 32)), st.tuples(st.ip_addresses(v=6), st.integers(0, 128))
).map(lambda pair: ip_network(f"{pair[0]}/{pair[1]}", strict=False))


@given(st.lists(networks, max_size=6, unique=True), st.data())
def test_an_address_is_known_if_a_listed_prefix_holds_it(listed, data):
    """The look-up by prefix length agrees with the standard library's `in`."""
    entry = Entry(tag="parking", who="x", source=("s",), addresses=tuple(map(str, listed)))
    near = st.sampled_from([n[0] for n in listed] + [n[-1] for n in listed] + [ip_address("203.0.113.7")])
    address = data.draw(st.one_of(st.ip_addresses(), near))
    expected = ("parking",) if any(address in network for network in listed) else ()
    assert Infrastructure([entry]).tags((str(address),), (), ()) == expected


SOURCE = '[[source]]\nid = "s"\nchecked = 2026-01-05\nsaid = "x"\n'
ENTRY = '[[entry]]\ntag = "parking"\nwho = "x"\nsource = ["s"]\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\x00", "line 1"),
        (SOURCE + ENTRY.replace("parking", "bogus"), "bogus"),
        (SOURCE + ENTRY.replace('"s"', '"t"'), "source"),
        (SOURCE + ENTRY.replace('["s"]', "[]"), "source"),
        (SOURCE + ENTRY + 'name_servers = ["com"]', "'com'"),
        (SOURCE + ENTRY + 'cnames = ["Upper.test"]', "Upper.test"),
        (SOURCE + ENTRY + 'cnames = [".parked.test"]', "parked.test"),
        (SOURCE + ENTRY + 'addresses = ["192.0.2.1/24"]', "192.0.2.1/24"),
        (SOURCE + ENTRY + 'cnames = ["a.test", "a.test"]', "twice"),
        (SOURCE + ENTRY + 'surprise = "x"', "surprise"),
    ],
)
def test_a_list_that_is_wrong_is_refused_with_the_place(text, said):
    """Each mistake is named, with the file it is in."""
    with pytest.raises(InputError) as refused:
        infrastructure_from(text.encode(), "mine.toml")
    assert "mine.toml" in str(refused.value)
    assert said in str(refused.value)
