"""Operators, upstreams, known origins and how far an attribution can be trusted."""

from datetime import UTC, date, datetime

import pytest

from waterbed.attribution.attribute import Attributor
from waterbed.attribution.hosters.book import HosterBook, book_from
from waterbed.attribution.lookups.rdap.registrations import RegistrationIndex
from waterbed.attribution.lookups.tables.routes import read_routes
from waterbed.model.conclusions import Attribution
from waterbed.model.registrations import Registration

DAY = datetime(2026, 3, 10, 12, tzinfo=UTC)
ROUTES = """192.0.2.0,192.0.2.255,64500,Big Host
198.51.100.0,198.51.100.255,64501,Other
198.51.100.0,198.51.100.255,64502,Third
203.0.113.0,203.0.113.255,64510,Shield
"""
BOOK = b"""
[[hoster]]
key = "big"
name = "Big Host"
asns = [64500]
country = "NL"
holders = ["ripe:ORG-BIG"]

[[hoster]]
key = "rent"
name = "Rent a Server"
country = "BE"
holders = ["ripe:ORG-RENT"]

[[hoster]]
key = "shield"
name = "Shield CDN"
asns = [64510]
kind = "proxy"

[[hoster]]
key = "edge"
name = "Edge in a cloud"
kind = "proxy"
prefixes = ["192.0.2.240/28"]
"""


def registered(
    first: str, last: str, holder: str | None, *, level: int = 0, country: str = "NL", asked: str = "", day: int = 1
) -> Registration:
    """One network of RIPE's, or one AS, as it was told on a day of March."""
    return Registration(
        registration_id=f"{first} {level} {day}",
        asked=asked or first,
        kind="as" if first.isdigit() else "network",
        level=level,
        status="ok",
        reason=None,
        registry="ripe",
        first=first,
        last=last,
        handle=f"NET-{first}",
        parent_handle=None,
        name=None,
        allocation=None,
        country=country,
        holder=holder,
        holder_name=None,
        abuse_id=None,
        etag=None,
        source="rdap",
        fetched_at=datetime(2026, 3, day, tzinfo=UTC),
    )


RENTED = (
    registered("192.0.2.64", "192.0.2.127", "ripe:ORG-RENT", country="BE"),
    registered("192.0.2.0", "192.0.2.255", "ripe:ORG-BIG", level=1, asked="192.0.2.64"),
)


@pytest.fixture
def attribute(tmp_path):
    """Attributes addresses with some registrations, on one day."""
    path = tmp_path / "routes"
    path.write_text(ROUTES)
    routes = [(date(2026, 3, 1), read_routes(path))]

    def made(*facts: Registration, book: HosterBook | None = None, fresh_days: float = 30.0) -> Attributor:
        return Attributor(
            routes=routes,
            registered=RegistrationIndex(facts, fresh_days=fresh_days),
            book=book or book_from(BOOK),
            suffixes={},
            max_age_days=31,
        )

    def of(*addresses: str, facts: tuple[Registration, ...] = (), origin: str | None = None, **how) -> Attribution:
        return made(*facts, **how).attribute(addresses, None, DAY, origin)

    return of


def test_a_reseller_answers_and_the_as_is_its_upstream(attribute):
    """The holder of the smallest network is the operator; who announces it stands above."""
    found = attribute("192.0.2.70", facts=RENTED)
    assert (found.hosters, found.operators, found.upstreams) == (("rent",), ("rent",), ("big",))
    assert (found.rule, found.confidence, found.registered_countries) == ("operator", "high", ("BE",))
    assert (found.as_holders, found.seats, found.prefixes) == (("big",), ("BE",), ("192.0.2.0/24",))
    assert found.registered_at == datetime(2026, 3, 1, tzinfo=UTC)


def test_a_network_of_the_as_itself_is_the_as(attribute):
    """A registrant that the book gives to the AS's company is no reseller."""
    found = attribute("192.0.2.1", facts=(registered("192.0.2.0", "192.0.2.255", "ripe:ORG-BIG"),))
    assert (found.hosters, found.operators, found.upstreams) == (("big",), ("big",), ())


def test_a_registrant_that_nobody_claims_stands_for_itself_if_it_is_another(attribute):
    """Below another holder, or beside the AS's own registrant, it is a customer; alone it may be the AS."""
    alone = registered("198.51.100.0", "198.51.100.255", "ripe:ORG-X")
    assert attribute("198.51.100.1", facts=(alone,)).hosters == ("AS64501", "AS64502")
    below = (alone, registered("198.51.100.16", "198.51.100.31", "ripe:ORG-Y", asked="198.51.100.17"))
    nested = (below[1], registered("198.51.100.0", "198.51.100.255", "ripe:ORG-X", level=1, asked="198.51.100.17"))
    assert attribute("198.51.100.17", facts=nested).hosters == ("ripe:ORG-Y",)
    ases = tuple(registered(asn, asn, "ripe:ORG-Z", asked=f"AS{asn}") for asn in ("64501", "64502"))
    assert attribute("198.51.100.1", facts=(alone, *ases)).hosters == ("ripe:ORG-X",)
    same = (registered("64501", "64501", "ripe:ORG-X", asked="AS64501"), ases[1])
    found = attribute("198.51.100.1", facts=(alone, *same))
    assert (found.hosters, found.upstreams, found.moas) == (("AS64501",), ("AS64502",), True)


def test_several_origins_that_nothing_tells_apart_lower_the_confidence(attribute):
    """Both ASes answer, and that is a guess."""
    found = attribute("198.51.100.1")
    assert (found.hosters, found.moas, found.confidence) == (("AS64501", "AS64502"), True, "low")
    assert found.address_hosters == ("AS64501+AS64502",)


def test_a_claimed_range_is_a_proxy_inside_somebody_s_cloud(attribute):
    """A CDN's published ranges decide over the AS that announces them."""
    found = attribute("192.0.2.241")
    assert (found.hosters, found.proxy, found.rule) == (("edge",), True, "proxy")
    beside = attribute("192.0.2.1", "192.0.2.241")
    assert (beside.hosters, beside.proxies, beside.rule) == (("big",), ("edge",), "beside-proxy")
    assert beside.address_hosters == ("big", "edge")


def test_an_origin_that_a_reporter_knew_answers_behind_a_proxy(attribute):
    """It counts only where all addresses are a proxy's, and not if it is a proxy's address itself."""
    found = attribute("203.0.113.1", origin="192.0.2.70", facts=RENTED)
    assert (found.hosters, found.rule, found.proxy) == (("rent",), "known-origin", False)
    assert (found.known_origins, found.proxies, found.confidence) == (("rent",), ("shield",), "medium")
    assert attribute("203.0.113.1", origin="203.0.113.9").rule == "proxy"
    direct = attribute("192.0.2.1", origin="192.0.2.70", facts=RENTED)
    assert (direct.hosters, direct.known_origins) == (("big",), ("rent",))


def test_a_name_that_leads_through_a_cdn_hides_its_hoster(tmp_path):
    """A known CDN in a cloud's own space is a proxy by the name's aliases, whatever the AS is otherwise."""
    path = tmp_path / "routes"
    path.write_text(ROUTES)
    made = Attributor(
        routes=[(date(2026, 3, 1), read_routes(path))], book=book_from(BOOK), suffixes={}, max_age_days=31
    )
    found = made.attribute(("192.0.2.1",), None, DAY, behind_cdn=True)
    assert (found.hosters, found.rule, found.proxy) == (("big",), "proxy", True)
    assert made.attribute(("192.0.2.1",), None, DAY).proxy is False
    known = made.attribute(("192.0.2.1",), None, DAY, "198.51.100.1", behind_cdn=True)
    assert (known.rule, known.hosters) == ("known-origin", ("AS64501", "AS64502"))


def test_an_old_registration_serves_and_is_marked(attribute):
    """Stale facts are shown, not hidden; each lowers the confidence by one step."""
    found = attribute("192.0.2.70", facts=RENTED, fresh_days=3)
    assert (found.hosters, found.registration_stale, found.confidence) == (("rent",), True, "medium")


def test_addresses_with_and_without_an_operator_make_one_set(attribute):
    """What is known of each address counts; the set says that it is mixed."""
    found = attribute("192.0.2.70", "198.51.100.1", facts=RENTED)
    assert (found.hosters, found.rule) == (("AS64501", "AS64502", "rent"), "operator-and-as")
    assert found.address_hosters == ("rent", "AS64501+AS64502")


def test_the_day_of_the_look_chooses_the_registration(attribute, tmp_path):
    """A network that was sold is its old holder's before, its new one's afterwards."""
    sold = (
        registered("192.0.2.0", "192.0.2.255", "ripe:ORG-BIG", day=1),
        registered("192.0.2.0", "192.0.2.255", "ripe:ORG-RENT", day=9),
    )
    path = tmp_path / "again"
    path.write_text(ROUTES)
    attributor = Attributor(
        routes=[(date(2026, 3, 1), read_routes(path))],
        registered=RegistrationIndex(sold),
        book=book_from(BOOK),
        suffixes={},
        max_age_days=31,
    )
    days = [datetime(2026, 3, day, 12, tzinfo=UTC) for day in (1, 8, 9, 10)]
    assert [attributor.attribute(("192.0.2.1",), None, day).hosters for day in days] == [
        ("big",),
        ("big",),
        ("rent",),
        ("rent",),
    ]
