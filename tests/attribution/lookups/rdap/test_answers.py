"""RDAP and WHOIS answers as registries send them, and as nobody should."""

import json
import socket
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ipwhois.net import Net
from ipwhois.rdap import RDAP

from tests.fuzz.rdap_answers import check
from waterbed.attribution.lookups.rdap.answers import BadAnswer, Registered, is_managed, read_as, read_network
from waterbed.attribution.lookups.rdap.whois import ask_whois, read_whois

CARD = ["vcard", [["version", {}, "text", "4.0"], ["kind", {}, "text", "org"], ["fn", {}, "text", "Lab B.V."]]]
DESK = {
    "handle": "AD1",
    "roles": ["abuse"],
    "vcardArray": ["vcard", [["fn", {}, "text", "Desk"], ["email", {"type": "x"}, "text", "Abuse@Lab.example"]]],
}
NETWORK: dict[str, Any] = {
    "objectClassName": "ip network",
    "handle": "NET-1",
    "startAddress": "80.1.2.0",
    "endAddress": "80.1.2.255",
    "ipVersion": "v4",
    "name": "LAB-NET",
    "type": "ASSIGNED PA",
    "country": "nl",
    "parentHandle": "NET-0",
    "links": [{"rel": "self", "href": "https://x.example/"}, {"rel": "up", "href": "https://r.example/ip/80.1.0.0/16"}],
    "entities": [{"handle": "ORG-1", "roles": ["registrant"], "vcardArray": CARD, "entities": [DESK]}],
}


def read(**changes: Any) -> Registered:
    """The network with some members changed; None takes one away."""
    document = {name: value for name, value in {**NETWORK, **changes}.items() if value is not None}
    found = read_network(json.dumps(document).encode(), "RIPE")
    assert isinstance(found, Registered)
    return found


def test_a_network_is_read_whole() -> None:
    """All that is kept of a usual answer."""
    assert read() == Registered(
        first="80.1.2.0",
        last="80.1.2.255",
        handle="NET-1",
        parent_handle="NET-0",
        name="LAB-NET",
        allocation="ASSIGNED PA",
        country="NL",
        holder="ripe:ORG-1",
        holder_name="Lab B.V.",
        abuse="abuse@lab.example",
        up="https://r.example/ip/80.1.0.0/16",
    )


def test_ipwhois_reads_the_same() -> None:
    """A second parser, ipwhois, finds the same network in the same answer."""
    theirs = RDAP(Net("80.1.2.3")).lookup(response=NETWORK, asn_data={"asn_registry": "ripencc"}, root_ent_check=False)[
        "network"
    ]
    ours = read(country="NL")
    assert (ours.first, ours.last, ours.handle) == (theirs["start_address"], theirs["end_address"], theirs["handle"])
    assert (ours.parent_handle, ours.name) == (theirs["parent_handle"], theirs["name"])
    assert (ours.allocation, ours.country) == (theirs["type"], theirs["country"].upper())


@pytest.mark.parametrize("kind", ["individual", None, "application", ["org"], 7])
def test_who_is_not_said_to_be_an_organisation_is_not_named(kind: Any) -> None:
    """The handle is kept, the name of what may be a person is not."""
    card = ["vcard", [["fn", {}, "text", "Jo Doe"], *([["kind", {}, "text", kind]] if kind else [])]]
    found = read(entities=[{"handle": "JD1", "roles": ["registrant"], "vcardArray": card}])
    assert (found.holder, found.holder_name) == ("ripe:JD1", None)


def test_several_cards_are_taken_together() -> None:
    """A list of cards in place of one is understood, and an individual among them hides the name."""
    both = [*CARD, ["vcard", [["kind", {}, "text", "individual"], ["fn", {}, "text", "Jo Doe"]]]]
    assert read(entities=[{"handle": "O", "roles": ["registrant"], "vcardArray": both}]).holder_name is None
    assert (
        read(entities=[{"handle": "O", "roles": "registrant", "vcardArray": [*CARD, *CARD]}]).holder_name == "Lab B.V."
    )


@pytest.mark.parametrize("depth", [0, 1, 5, 20])
def test_the_abuse_role_is_found_at_any_depth(depth: int) -> None:
    """However many entities lie around it."""
    inner: dict[str, Any] = DESK
    for number in range(depth):
        inner = {"handle": f"E{number}", "roles": ["technical"], "entities": [inner]}
    assert read(entities=[inner]).abuse == "abuse@lab.example"


@pytest.mark.parametrize("types", ["abuse", ["work", "Abuse"]])
def test_a_mailbox_whose_type_is_abuse_comes_first(types: object) -> None:
    """In whatever entity it stands, before an untyped one of the abuse entity."""
    lines = [["email", {}, "text", "noc@lab.example"], ["email", {"type": types}, "text", "report@lab.example"]]
    noc = {"handle": "NOC", "roles": ["technical"], "vcardArray": ["vcard", lines]}
    assert read(entities=[DESK, {"handle": "O", "roles": ["registrant"], "entities": [noc]}]).abuse == (
        "report@lab.example"
    )


@pytest.mark.parametrize(
    ("changes", "ends"),
    [
        ({"startAddress": "080.001.002.000"}, ("80.1.2.0", "80.1.2.255")),
        ({"startAddress": "80.1.2.0/24"}, ("80.1.2.0", "80.1.2.255")),
        (
            {"startAddress": "2A00::", "endAddress": "2a00:0:0:0:ffff:ffff:ffff:ffff"},
            ("2a00::", "2a00::ffff:ffff:ffff:ffff"),
        ),
        (
            {"startAddress": None, "cidr0_cidrs": [{"v4prefix": "80.1.2.0", "length": 24}]},
            ("80.1.2.0", "80.1.2.255"),
        ),
        (
            {
                "startAddress": None,
                "cidr0_cidrs": [
                    {"v4prefix": f"80.1.2.{at}", "length": size} for at, size in ((128, 25), (0, 24), (128, 25))
                ],
            },
            ("80.1.2.0", "80.1.2.255"),
        ),
        (
            {
                "endAddress": 7,
                "cidr0_cidrs": [{"v4prefix": "80.1.2.0", "length": "25"}, {"v4prefix": "80.1.2.128", "length": 25}],
            },
            ("80.1.2.0", "80.1.2.255"),
        ),
    ],
)
def test_ranges_are_understood_in_all_spellings(changes: dict[str, Any], ends: tuple[str, str]) -> None:
    """First and last address, padded or with a length, or the prefixes of cidr0."""
    found = read(**changes)
    assert (found.first, found.last) == ends


@pytest.mark.parametrize(
    "other",
    [
        {"rel": "up", "href": "https://r.example/page", "type": "text/html"},
        {"rel": "up", "href": "https://r.example/page", "type": " Text/HTML; charset=utf-8"},
        {"rel": "rdap-up", "href": " "},
        {"rel": "up", "href": 25},
    ],
)
def test_a_link_to_a_page_or_to_nothing_is_no_way_up(other: dict[str, Any]) -> None:
    """Where a registry links to the network above for people too, the link for programs is taken."""
    above = {"rel": "up", "href": "https://r.example/above", "type": "application/rdap+json"}
    assert read(links=[other, above]).up == above["href"]
    assert read(links=[other]).up is None


def test_control_characters_and_length_are_cut() -> None:
    """What ends on terminals holds no escape sequence and no novel."""
    found = read(name="A\x1b[31m\u202eB" + "C" * 5000, country="N\x1b")
    assert found.name is not None
    assert found.name.isprintable()
    assert len(found.name) <= 200
    assert found.country is None


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no JSON"),
        (b" \n<!DOCTYPE html><p>wait", "HTML instead of JSON"),
        (b"{" * 100, "nested too deeply"),
        (b'{"a":', "broken JSON"),
        (b"{" + b" " * (1 << 20), "larger than 1 MiB"),
        (b'{"errorCode": 429}', "an error in place of an answer"),
        (b"{}", "no range of addresses in it"),
        (b'{"startAddress": "9.9.9.9", "endAddress": "1.1.1.1"}', "no range of addresses in it"),
        (b'{"startAddress": "9.9.9.9", "endAddress": "::1"}', "no range of addresses in it"),
        (b'{"cidr0_cidrs": [{"v4prefix": "9.9.9.0", "length": 99}]}', "no range of addresses in it"),
        (
            b'{"cidr0_cidrs": [{"v4prefix": "1.0.0.0", "length": 8}, {"v4prefix": "9.0.0.0", "length": 8}]}',
            "no range of addresses in it",
        ),
    ],
)
def test_what_is_no_answer_has_a_reason(data: bytes, reason: str) -> None:
    """HTML, broken, deep, large and empty answers are values."""
    assert read_network(data, "ripe") == BadAnswer(reason=reason)


def test_an_as_is_read() -> None:
    """From its numbers, texts too, else from its handle."""
    for document in ({"startAutnum": 64500, "endAutnum": 64500}, {"startAutnum": "AS64500"}, {"handle": "AS64500"}):
        found = read_as(json.dumps(document).encode(), "arin")
        assert isinstance(found, Registered)
        assert (found.first, found.last) == ("64500", "64500")
    assert isinstance(read_as(b'{"startAutnum": -5, "handle": "X"}', "arin"), BadAnswer)


def test_a_stand_in_for_others_space_is_known() -> None:
    """RIPE answers for what it does not manage."""
    assert not is_managed(read(name="NON-RIPE-NCC-MANAGED-ADDRESS-BLOCK"))
    assert is_managed(read())


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([*NETWORK, "roles", "vcardArray"]), inner)
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from([*NETWORK, "startAutnum", "endAutnum", "cidr0_cidrs", "errorCode"]), _json))
def test_wrong_types_raise_nothing(changes: dict[str, Any]) -> None:
    """Whatever stands where, the answer is read or has a reason, and whoisit reads it in no other way."""
    for document in (changes, {**NETWORK, **changes}):
        data = json.dumps(document).encode()
        assert isinstance(read_network(data, "ripe"), Registered | BadAnswer)
        assert isinstance(read_as(data, "ripe"), Registered | BadAnswer)
        check(data)


@given(st.binary(max_size=300))
def test_any_bytes_raise_nothing(data: bytes) -> None:
    """Random bytes, also behind a brace, are a bad answer at most."""
    for one in (data, b"{" + data, b'{"handle": "' + data + b'"}'):
        assert isinstance(read_network(one, "ripe"), Registered | BadAnswer)
        assert isinstance(read_as(one, "ripe"), Registered | BadAnswer)


WHOIS = """
inetnum:        80.0.0.0 - 80.255.255.255
netname:        BLOCK
country:        NL

inetnum:        80.1.2.0 - 80.1.2.255
netname:        LAB
country:        NL
admin-c:        JD1-RIPE

person:         Jo Doe
nic-hdl:        JD1-RIPE
"""


def test_a_whois_answer_gives_the_smallest_network() -> None:
    """As ipwhois reads it; without holder, since that may be a person."""
    found = read_whois(WHOIS, "80.1.2.3", "ripe")
    assert found is not None
    assert (found.first, found.last, found.name, found.country) == ("80.1.2.0", "80.1.2.255", "LAB", "NL")
    assert (found.handle, found.holder) == (None, None)
    assert read_whois("% no entries found", "80.1.2.3", "ripe") is None
    assert read_whois(WHOIS, "9.9.9.9", "ripe") is None


def test_whois_is_asked_over_tcp() -> None:
    """One question to a server on loopback; one that is not there says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(200)
                connection.sendall(WHOIS.encode())

        thread = threading.Thread(target=serve)
        thread.start()
        port = server.getsockname()[1]
        found = ask_whois("80.1.2.3", "ripe", server="127.0.0.1", timeout_s=5.0, port=port)
        thread.join()
    assert found is not None
    assert found.name == "LAB"
    assert ask_whois("80.1.2.3", "ripe", server="127.0.0.1", timeout_s=1.0, port=port) is None
