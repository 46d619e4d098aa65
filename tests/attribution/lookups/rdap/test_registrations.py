"""Which registry is asked, what is asked for, and what had been said by a day."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waterbed.attribution.lookups.dns.cymru import CymruAnswer, question, read_texts
from waterbed.attribution.lookups.rdap.bootstrap import read_bootstrap
from waterbed.attribution.lookups.rdap.plan import Answered, Covered
from waterbed.attribution.lookups.rdap.registrations import RegistrationIndex
from waterbed.model.registrations import Registration

START = datetime(2026, 1, 5, 12, tzinfo=UTC)


def fact(asked: str, first: str | None, last: str | None, *, day: int = 0, **changes: Any) -> Registration:
    """A registration that was fetched some days after the start."""
    members: dict[str, Any] = {
        "registration_id": f"{asked} {first} {day} {changes.get('level', 0)}",
        "asked": asked,
        "kind": "network",
        "level": 0,
        "status": "ok" if first else "timeout",
        "reason": None if first else "no whole answer in time",
        "registry": "ripe",
        "first": first,
        "last": last,
        "handle": f"{first}",
        "parent_handle": None,
        "name": None,
        "allocation": None,
        "country": None,
        "holder": None,
        "holder_name": None,
        "abuse_id": None,
        "etag": None,
        "source": "rdap",
        "fetched_at": START + timedelta(days=day),
    }
    return Registration(**{**members, **changes})


@pytest.mark.parametrize(
    ("address", "registry"),
    [
        ("8.8.8.8", "arin"),
        ("193.0.6.139", "ripe"),
        ("1.1.1.1", "apnic"),
        ("41.1.1.1", "afrinic"),
        ("177.1.1.1", "lacnic"),
        ("2a00::1", "ripe"),
        ("2c00::1", "afrinic"),
        ("10.0.0.1", None),
        ("224.0.0.1", None),
        ("fe80::1", None),
    ],
)
def test_the_registry_in_charge(address: str, registry: str | None) -> None:
    """As IANA has given out addresses."""
    assert read_bootstrap({}).of_address(address) == registry


def test_bases_and_links() -> None:
    """A base of the settings takes the other's place; a link leads to a known base only, and over https."""
    known = read_bootstrap({"ripe": "http://127.0.0.1:8080/rdap", "krnic": "https://rdap.example/"})
    assert known.base_of("ripe") == "http://127.0.0.1:8080/rdap/"
    assert known.of_url("https://rdap.example/ip/1.2.3.4") == ("krnic", "https://rdap.example/ip/1.2.3.4")
    assert known.of_url("http://rdap.apnic.net/ip/1.2.3.4") == ("apnic", "https://rdap.apnic.net/ip/1.2.3.4")
    for bad in ("https://rdap.apnic.net.evil.example/ip/1", "https://evil.example/", "https://rdap.apnic.net/../x", ""):
        assert known.of_url(bad) is None
    assert (known.of_as(3333), known.of_as(64512), known.of_as(23456)) == ("ripe", None, None)


def test_a_block_of_iana_is_the_registrys_own() -> None:
    """Larger than a block, or held by the registry itself; a legacy holder of a whole block is none."""
    known = read_bootstrap({})
    assert known.exceeds_block("0.0.0.0", "255.255.255.255")
    assert known.exceeds_block("80.0.0.0", "81.255.255.255")
    assert not known.exceeds_block("17.0.0.0", "17.255.255.255")
    assert not known.exceeds_block("80.0.0.0", "80.15.255.255")
    assert known.is_registrys_own("ripe", "ripe:ORG-NCC1-RIPE")
    assert not known.is_registrys_own("ripe", "ripe:ORG-1")
    assert not known.is_registrys_own("ripe", None)


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 12)), max_size=25))
def test_covered_is_the_union(ranges: list[tuple[int, int]]) -> None:
    """A number is in it just if one of the ranges has it."""
    covered, plain = Covered(), set()
    for first, size in ranges:
        covered.add(first, first + size)
        plain.update(range(first, first + size + 1))
    assert {number for number in range(-2, 80) if number in covered} == plain


def test_what_has_to_be_asked_for() -> None:
    """Not what a fresh range of level 0 covers, nor what failed a short while ago; those asked before come first."""
    facts = [
        fact("80.1.2.1", "80.1.2.0", "80.1.2.255"),
        fact("80.1.2.1", "80.1.0.0", "80.1.255.255", level=1),
        fact("2a00::1", "2a00::", "2a00::ffff", day=-40, etag='"x"'),
        fact("80.9.9.9", None, None),
        fact("80.9.9.8", None, None, day=-1),
        fact("AS3333", "3333", "3340", kind="as"),
    ]
    answered = Answered(facts, now=START + timedelta(hours=1), fresh=timedelta(days=30), retry=timedelta(hours=6))
    asks = answered.to_ask(["80.1.2.9", "80.1.3.1", "80.9.9.9", "80.9.9.8", "2a00::1"], [3335, 64512, 0, 1103])
    assert [ask.asked for ask in asks] == ["2a00::1", "AS1103", "80.1.3.1", "80.9.9.8"]
    assert asks[0].known is not None
    assert asks[0].known.etag == '"x"'
    assert answered.covers("80.1.2.77")
    assert not answered.covers("80.1.3.1")
    assert answered.knows("ripe", "80.1.0.0")


def chain(facts: list[Registration], address: str, day: int) -> tuple[list[str | None], bool, bool] | None:
    """First addresses of the levels, stale, early."""
    found = RegistrationIndex(facts, fresh_days=30).chain(address, START + timedelta(days=day))
    return found and ([one.first for one in found.levels], found.stale, found.early)


def test_a_chain_has_the_smallest_network_first() -> None:
    """The level 0 answer whose range holds the address, and the larger networks around it, whoever asked for them."""
    facts = [
        fact("80.1.2.1", "80.1.2.0", "80.1.2.255"),
        fact("80.1.9.1", "80.1.9.0", "80.1.9.255"),
        fact("80.1.9.1", "80.1.0.0", "80.1.255.255", level=1),
        fact("80.1.9.1", "80.0.0.0", "80.15.255.255", level=2),
        fact("80.1.9.1", None, None, level=3),
        fact("2a00::1", "2a00::", "2a00::ffff"),
    ]
    assert chain(facts, "80.1.2.200", 1) == (["80.1.2.0", "80.1.0.0", "80.0.0.0"], False, False)
    assert chain(facts, "2a00::7", 1) == (["2a00::"], False, False)
    assert chain(facts, "80.1.3.1", 1) is None
    assert chain(facts, "80.200.3.1", 1) is None
    assert chain([], "80.1.2.3", 1) is None


def test_the_day_decides_which_answer_applies() -> None:
    """The newest not after the day, else the earliest after it; a day has no hours."""
    facts = [fact("80.1.2.1", "80.1.2.0", "80.1.2.255", day=day, holder=f"ripe:H{day}") for day in (0, 20, 90)]
    index = RegistrationIndex(facts, fresh_days=30)

    def said(day: date) -> tuple[str | None, bool, bool]:
        found = index.chain("80.1.2.9", day)
        assert found is not None
        return found.levels[0].holder, found.stale, found.early

    assert said(START + timedelta(days=-3)) == ("ripe:H0", False, True)
    assert said(START.date()) == ("ripe:H0", False, False)
    assert said(START.replace(hour=1)) == ("ripe:H0", False, False)
    assert said(START + timedelta(days=25)) == ("ripe:H20", False, False)
    assert said(START + timedelta(days=60)) == ("ripe:H20", True, False)
    assert said(START + timedelta(days=91)) == ("ripe:H90", False, False)


def test_a_network_that_is_gone_is_no_longer_the_smallest() -> None:
    """Whoever asked within it later on was told the larger one; who asked beside it says nothing of it."""
    small, large = ("80.1.2.0", "80.1.2.255"), ("80.1.0.0", "80.1.255.255")
    first = fact("80.1.2.1", *small)
    assert chain([first, fact("80.1.2.7", *large, day=40)], "80.1.2.9", 41) == (["80.1.0.0"], False, False)
    assert chain([first, fact("80.1.2.7", *large, day=40)], "80.1.2.9", 20) == (["80.1.2.0", "80.1.0.0"], False, False)
    beside = chain([first, fact("80.1.7.7", *large, day=10)], "80.1.2.9", 11)
    assert beside == (["80.1.2.0", "80.1.0.0"], False, False)


def test_an_as_is_found_by_its_range() -> None:
    """One level, by the same rule of days."""
    index = RegistrationIndex([fact("AS3333", "3333", "3340", kind="as", holder="ripe:ORG-R")])
    found = index.of_as(3335, START)
    assert found is not None
    assert found.levels[0].holder == "ripe:ORG-R"
    assert index.of_as(3341, START) is None


@given(
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 60), st.integers(0, 3)), max_size=12), st.integers(0, 255)
)
def test_a_chain_is_what_a_full_scan_finds(rows: list[tuple[int, int, int]], last: int) -> None:
    """The first level is the smallest of all ranges that hold the address, where nothing is contradicted."""
    facts = [
        fact(f"80.1.2.{a}", f"80.1.2.{a}", f"80.1.2.{min(255, a + size)}", holder=f"{n}")
        for n, (a, size, _) in enumerate(rows)
    ]
    holding = [(min(255, a + size) - a, a) for a, size, _ in rows if a <= last <= min(255, a + size)]
    found = RegistrationIndex(facts).chain(f"80.1.2.{last}", START)
    assert (found is None) == (not holding)
    if found:
        sizes = [int((one.last or "").split(".")[3]) - int((one.first or "").split(".")[3]) for one in found.levels]
        assert sizes[0] == min(holding)[0]
        assert sizes == sorted(sizes)


def test_what_team_cymru_says() -> None:
    """Several origins in one line, several lines with several prefixes, and nonsense."""
    assert question("80.1.2.3") == "3.2.1.80.origin.asn.cymru.com."
    assert question("2a00::1").endswith(".0.0.a.2.origin6.asn.cymru.com.")
    lines = ["3333 1103 | 80.1.2.0/24 | NL | ripencc | 2001-01-01", "3333 | 80.1.0.0/16 | NL | ripencc |", "x | y"]
    assert read_texts(lines) == CymruAnswer(origins=(1103, 3333), prefixes=("80.1.0.0/16", "80.1.2.0/24"))
    assert read_texts(["", "-1 | x", "| |"]).problem == "no answer that can be read"
