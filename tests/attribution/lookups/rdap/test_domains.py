"""RDAP answers on domains as registries send them, and who is asked."""

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.rdap_domains import check_domain
from waterbed.attribution.lookups.rdap.answers import BadAnswer
from waterbed.attribution.lookups.rdap.domain_plan import domains_due
from waterbed.attribution.lookups.rdap.domain_registries import DomainRegistries, DomainRegistry, askable_domain
from waterbed.attribution.lookups.rdap.domains import EPP_STATES, RegisteredDomain, epp_states, read_domain
from waterbed.crawler.registry.response import Found, RdapResponse, interpret
from waterbed.model.errors import InputError
from waterbed.model.registrations import DomainRegistration

CASES = Path(__file__).with_name("cases") / "domains"
NAME = "shop-login.com"
DAY = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("case", sorted(path.name for path in CASES.glob("*") if ".expected." not in path.name))
def test_an_answer_gives_registrar_dates_and_statuses_or_says_what_is_wrong(case: str) -> None:
    """Each case beside what is kept of it, or why it is refused; whoisit reads the same."""
    expected = json.loads((CASES / f"{case}.expected.json").read_text(encoding="utf-8"))
    found = check_domain((CASES / case).read_bytes(), NAME)
    if expected is None:
        assert isinstance(found, BadAnswer)
        assert found.reason
        return
    if "bad" in expected:
        assert found == BadAnswer(reason=expected["bad"])
        return
    assert isinstance(found, RegisteredDomain)
    given = asdict(found) | {
        key: day and f"{day:%Y-%m-%d}" for key, day in asdict(found).items() if key.endswith("_on")
    }
    assert given == expected | {"states": tuple(expected["states"])}


def test_each_status_is_read_in_both_spellings() -> None:
    """`client hold`, `clientHold` and shouted ones are one; what no list knows is not kept."""
    for state in EPP_STATES:
        first, *others = state.split(" ")
        epp = first + "".join(map(str.capitalize, others))
        assert epp_states([state, epp, state.upper(), f"{epp} https://icann.org/epp#{epp}"]) == (state,)
    assert epp_states(["ok", "Jo Doe", None, 7]) == ("active",)


def test_a_name_in_letters_of_its_own_is_the_one_asked_for() -> None:
    """A registry may spell a name in Unicode; it is asked for in ASCII."""
    for members in ({"ldhName": "bücher.com"}, {"unicodeName": "BÜCHER.com"}, {"ldhName": "XN--BCHER-KVA.com"}):
        assert isinstance(read_domain(json.dumps(members).encode(), "xn--bcher-kva.com"), RegisteredDomain)


def test_a_text_that_holds_the_domain_is_not_kept() -> None:
    """A registry that writes the name where a registrar's should be tells it to nobody."""
    card = ["vcard", [["fn", {}, "text", f"Owner of {NAME.upper()}"], ["kind", {}, "text", "org"]]]
    for entity in ({"handle": f"REG-{NAME}"}, {"handle": "R1"}):
        told = {"ldhName": NAME, "entities": [{**entity, "roles": ["registrar"], "vcardArray": card}]}
        found = read_domain(json.dumps(told).encode(), NAME)
        assert isinstance(found, RegisteredDomain)
        assert found.registrar_name is None
        assert found.registrar == (None if NAME in entity["handle"] else "com:R1")
    response = RdapResponse(status=200, etag=f'W/"{NAME}-7"', body=json.dumps({"ldhName": NAME}).encode())
    outcome = interpret(response, "domain", "rdap.example", "https://rdap.example/", DAY, NAME)
    assert isinstance(outcome, Found)
    assert outcome.etag is None


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(["registrar", "client hold", NAME]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["roles", "publicIds", "type", "identifier", "eventAction", "eventDate"]), inner
        )
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["ldhName", "status", "events", "entities", "objectClassName"]), _JSON))
def test_wrong_types_raise_nothing(changes: dict[str, Any]) -> None:
    """Whatever stands where, a domain is read or has a reason, and whoisit reads no other."""
    for given_members in (changes, {**changes, "ldhName": NAME}):
        assert isinstance(check_domain(json.dumps(given_members).encode()), RegisteredDomain | BadAnswer)


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("www.shop-login.com", "shop-login.com"),
        ("a.b.shop.co.uk", "shop.co.uk"),
        ("shop.pages.dev", None),
        ("customer.blogspot.com", None),
        ("192.0.2.7", None),
        ("2001:db8::7", None),
        ("abcdefghij234567.onion", None),
        ("x.i2p", None),
        ("printer.local", None),
        ("router.home.arpa", None),
        ("localhost", None),
        ("com", None),
        ("co.uk", None),
        ("nowhere.test", None),
        ("www.shop.example", None),
    ],
)
def test_only_registrable_domains_are_asked_for(host: str, domain: str | None) -> None:
    """No platform's customer, no address, no special-use name, nothing without a public suffix."""
    assert askable_domain(host) == domain


def test_the_bootstrap_names_one_server_for_each_top_level_domain() -> None:
    """By the longest suffix, over https alone; a base of the settings takes its place."""
    shipped = DomainRegistries({})
    assert shipped.of(NAME) == DomainRegistry(host="rdap.verisign.com", base="https://rdap.verisign.com/com/v1/")
    assert shipped.of("a.nosuchtld") is None
    assert shipped.of("a.kg") is None  # its server speaks plain http, which would tell names to everybody
    given = DomainRegistries({"COM": "https://rdap.lab.example"})
    assert given.of(NAME) == DomainRegistry(host="rdap.lab.example", base="https://rdap.lab.example/")
    assert given.of("a.net") == shipped.of("a.net")
    lab = DomainRegistries({"nl": "http://127.0.0.1:8080/"}, only_loopback=True)
    assert (lab.of(NAME), lab.of("a.nl")) == (
        None,
        DomainRegistry(host="127.0.0.1:8080", base="http://127.0.0.1:8080/"),
    )
    for url in ("http://rdap.example/", "ftp://127.0.0.1/", "https://[", "https://rdap.example/?q="):
        with pytest.raises(InputError, match=r"domains\.bases"):
            DomainRegistries({"com": url})


def test_a_redirect_stays_below_the_base() -> None:
    """No registrar, and no other registry, learns a name by a redirect."""
    shipped = DomainRegistries({})
    inside = "https://rdap.verisign.com/com/v1/domain/SHOP-LOGIN.COM"
    assert shipped.of_url(NAME, inside) == ("rdap.verisign.com", inside)
    for url in (
        "https://rdap.registrar.example/domain/shop-login.com",
        "https://rdap.verisign.com/net/v1/domain/shop-login.com",
        "https://rdap.verisign.com/com/v1/../../net/v1/domain/x",
        "http://rdap.verisign.com/com/v1/domain/shop-login.com",
        "https://rdap.verisign.com@evil.example/com/v1/",
    ):
        assert shipped.of_url(NAME, url) is None


def fact(hours: float, status: str = "ok", site: str = "s") -> DomainRegistration:
    """An answer so many hours after the day."""
    return DomainRegistration(
        answer_id=f"{site}{hours}{status}",
        site_id=site,
        tld="com",
        status=status,  # type: ignore[arg-type]  # one of the statuses
        reason=None if status == "ok" else status,
        registry="rdap.example",
        registrar="iana:1" if status == "ok" else None,
        registrar_name=None,
        created_on=None,
        expires_on=None,
        states=(),
        etag='"1"' if status == "ok" else None,
        fetched_at=DAY + timedelta(hours=hours),
    )


@pytest.mark.parametrize(
    ("facts", "gone_h", "due"),
    [
        ([], None, True),
        ([fact(-1)], None, False),
        ([fact(-49)], None, True),
        ([fact(-1, "not_found")], None, False),
        ([fact(-5)], -3, True),
        ([fact(-2)], -3, False),
        ([fact(-5), fact(-2, "not_found")], -3, False),
        ([fact(-1, "limited")], None, False),
        ([fact(-7, "limited")], None, True),
        ([fact(-8), fact(-1, "limited")], -3, False),
        ([fact(-8), fact(-7, "refused")], -7.5, True),
        ([fact(-7, "no_registry")], None, False),
        ([fact(-49, "no_registry")], None, True),
    ],
)
def test_a_domain_is_asked_for_when_its_answer_is_old_or_its_name_went(
    facts: list[DomainRegistration], gone_h: float | None, due: bool
) -> None:
    """Once in `fresh`, again once its names have no address, and after `retry` where it failed."""
    gone = None if gone_h is None else DAY + timedelta(hours=gone_h)
    found = domains_due(facts, {"s": gone}, now=DAY, fresh=timedelta(hours=48), retry=timedelta(hours=6))
    assert [one.site_id for one in found] == (["s"] if due else [])
    if found:
        assert found[0].known == next((one for one in reversed(facts) if one.status == "ok"), None)
