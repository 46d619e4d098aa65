"""Hosters, rules and attribution as of a day."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from waterbed.attribution.attribute import Attributor
from waterbed.attribution.hosters.book import book_from, read_hosters
from waterbed.attribution.lookups.tables.countries import read_countries
from waterbed.attribution.lookups.tables.routes import read_routes
from waterbed.attribution.rules import rules_from, standard_rules
from waterbed.model.errors import InputError

BOOK = b"""
[[hoster]]
key = "first"
name = "First Hosting"
asns = [64500, 64501]
country = "NL"

[[hoster]]
key = "shield"
name = "Shield CDN"
asns = [64510]
country = "US"
kind = "proxy"
suffixes = ["pages.example"]
"""
OLD = """192.0.2.0,192.0.2.255,64500,First
198.51.100.0,198.51.100.255,64502,Odd Name
203.0.113.0,203.0.113.255,64510,Shield
"""
NEW = OLD.replace("64502,Odd Name", "64503,New Name")
V6 = "2001:db8::,2001:db8::ffff,64501,First Six\n"
DAY = datetime(2025, 4, 11, 12, tzinfo=UTC)
SUFFIX = "suffix-id"


@pytest.fixture
def tables(tmp_path):
    """Two days of IPv4 routes and one of IPv6, read from files."""
    read = {}
    for name, text in {"old": OLD, "new": NEW, "v6": V6}.items():
        path = tmp_path / name
        path.write_text(text)
        read[name] = read_routes(path)
    path = tmp_path / "places"
    path.write_text("192.0.2.0,192.0.2.255,NL\n198.51.100.0,198.51.100.255,DE\n2001:db8::,2001:db8::ffff,FR\n")
    read["places"] = read_countries(path)
    return read


@pytest.fixture
def attributor(tables):
    """Routes of 1 and 11 April for IPv4, of 5 April for IPv6."""
    routes = [(date(2025, 4, 11), tables["new"]), (date(2025, 4, 1), tables["old"]), (date(2025, 4, 5), tables["v6"])]
    return Attributor(
        routes=routes,
        countries=[(date(2025, 4, 1), tables["places"])],
        book=book_from(BOOK),
        suffixes={SUFFIX: "pages.example"},
        max_age_days=31,
    )


def test_a_set_of_addresses_has_all_its_origins_and_hosters(attributor):
    """Both families count; two ASes of one company are one hoster; an unclaimed AS stands for itself."""
    found = attributor.attribute(("192.0.2.1", "198.51.100.1", "2001:db8::1"), None, DAY)
    assert found.origins == (64500, 64501, 64503)
    assert found.organisations == ("First", "First Six", "New Name")
    assert found.hosters == ("AS64503", "first")
    assert found.countries == ("DE", "FR", "NL")
    assert (found.rule, found.proxy, found.stale) == ("as-organisation", False, False)
    assert found.routes_date == datetime(2025, 4, 5, tzinfo=UTC)
    assert (found.day, found.suffix_id) == (DAY, None)


@pytest.mark.parametrize(
    ("addresses", "suffix_id", "rule", "hosters", "proxy"),
    [
        (("203.0.113.1",), SUFFIX, "platform", ("shield",), False),
        ((), SUFFIX, "platform", ("shield",), False),
        (("203.0.113.1",), None, "proxy", ("shield",), True),
        (("203.0.113.1",), "unlisted", "proxy", ("shield",), True),
        (("192.0.2.1", "203.0.113.1"), None, "beside-proxy", ("first",), False),
        (("192.0.2.1",), None, "as-organisation", ("first",), False),
        (("8.8.8.8",), None, "unattributed", (), False),
        (("not an address",), None, "unattributed", (), False),
        ((), None, "unattributed", (), False),
    ],
)
def test_the_first_rule_that_applies_chooses(attributor, addresses, suffix_id, rule, hosters, proxy):
    """Platform before proxy before AS organisation; a proxy is never a hoster beside a true one."""
    found = attributor.attribute(addresses, suffix_id, DAY)
    assert (found.rule, found.hosters, found.proxy) == (rule, hosters, proxy)


@pytest.mark.parametrize(
    ("day", "origin", "routes_date", "stale"),
    [
        (datetime(2025, 3, 1, tzinfo=UTC), 64502, date(2025, 4, 1), True),
        (datetime(2025, 4, 1, tzinfo=UTC), 64502, date(2025, 4, 1), False),
        (datetime(2025, 4, 10, 23, 59, tzinfo=UTC), 64502, date(2025, 4, 1), False),
        (datetime(2025, 4, 11, tzinfo=UTC), 64503, date(2025, 4, 11), False),
        (datetime(2025, 5, 12, tzinfo=UTC), 64503, date(2025, 4, 11), False),
        (datetime(2025, 5, 13, tzinfo=UTC), 64503, date(2025, 4, 11), True),
    ],
)
def test_the_look_s_own_day_decides_the_table(attributor, day, origin, routes_date, stale):
    """The latest table not after the day applies; an old or a later one is marked stale."""
    for _ in range(2):
        found = attributor.attribute(("198.51.100.1",), None, day)
        assert (found.origins, found.routes_date.date(), found.stale) == ((origin,), routes_date, stale)
        assert found.day == day
    assert attributor.origins_by_row(["198.51.100.1", "x", "2001:db8::1"], day) == [(origin,), (), (64501,)]


def test_what_is_forgotten_is_looked_up_again(attributor, monkeypatch):
    """However few addresses are remembered, each set of old and new ones has the same answer."""
    sets = [("192.0.2.1",), ("192.0.2.1", "198.51.100.1"), ("198.51.100.1", "203.0.113.1", "192.0.2.1"), ("192.0.2.1",)]
    remembered = [attributor.attribute(one, None, DAY) for one in sets]
    monkeypatch.setattr("waterbed.attribution.attribute._REMEMBERED", 1)
    again = Attributor(
        routes=[(date(2025, 4, 11), attributor.routes.on(date(2025, 4, 11), 4).table)],
        countries=[(date(2025, 4, 1), attributor.countries.on(date(2025, 4, 1), 4).table)],
        book=book_from(BOOK),
        suffixes={},
        max_age_days=31,
    )
    assert [again.attribute(one, None, DAY) for one in sets] == remembered


def test_staleness_is_told_anew_for_each_day(attributor):
    """The same set and table on three days: too early, in force, too old."""
    days = [datetime(2025, 3, 1, tzinfo=UTC), datetime(2025, 4, 2, tzinfo=UTC), datetime(2025, 4, 3, tzinfo=UTC)]
    assert [attributor.attribute(("192.0.2.1",), None, day).stale for day in days] == [True, False, False]
    late = [datetime(2025, 5, 1, tzinfo=UTC), datetime(2025, 6, 1, tzinfo=UTC), datetime(2025, 5, 2, tzinfo=UTC)]
    assert [attributor.attribute(("192.0.2.1",), None, day).stale for day in late] == [False, True, False]


def test_without_tables_nothing_is_attributed():
    """No routing table is no error: there is just nobody to name."""
    bare = Attributor(routes=[], countries=[], book=book_from(b""), suffixes={}, max_age_days=31)
    found = bare.attribute(("192.0.2.1",), None, DAY)
    assert (found.rule, found.origins, found.routes_date, found.stale) == ("unattributed", (), None, False)
    assert bare.origins_by_row(["192.0.2.1"], DAY) == [()]


def test_of_two_tables_of_one_day_the_later_given_applies(tables):
    """A table imported again for the same day replaces the first."""
    both = [(date(2025, 4, 1), tables["old"]), (date(2025, 4, 1), tables["new"])]
    twice = Attributor(routes=both, countries=[], book=book_from(b""), suffixes={}, max_age_days=31)
    assert twice.origins_by_row(["198.51.100.1"], DAY) == [(64503,)]


def test_names_and_seats_come_from_the_book_then_the_tables(attributor):
    """An unclaimed AS is called as its holder is; nobody knows its legal seat."""
    assert attributor.name_of("first") == "First Hosting"
    assert attributor.name_of("AS64502") == "Odd Name"
    assert attributor.name_of("AS65000") == "AS65000"
    assert attributor.name_of("no-such") == "no-such"
    assert attributor.country_of("first") == "NL"
    assert attributor.country_of("AS64502") is None


def test_a_book_is_read_from_its_file(tmp_path):
    """Aliases by AS and by suffix, and a checksum to cite them by."""
    path = tmp_path / "hosters.toml"
    path.write_bytes(BOOK)
    book = read_hosters(path)
    assert book.by_as[64501] == "first"
    assert 64999 not in book.by_as
    assert {s: h.key for s, h in book.by_suffix.items()} == {"pages.example": "shield"}
    assert len(book.checksum) == 64
    with pytest.raises(InputError, match="cannot be read"):
        read_hosters(tmp_path / "none")


HOSTER = '[[hoster]]\nkey = "a"\nname = "A"\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (HOSTER * 2, "key 'a' is claimed twice"),
        (HOSTER + "asns = [64500]\n" + HOSTER.replace('"a"', '"b"') + "asns = [64500]\n", "AS64500 is claimed twice"),
        (HOSTER + "asns = [64500, 64500]\n", "AS64500 is claimed twice"),
        (HOSTER + 'suffixes = ["p.example", "p.example"]\n', "claimed twice"),
        (HOSTER.replace('"a"', '"AS64500"'), "lower-case"),
        (HOSTER + "asns = [0]\n", "AS 0"),
        (HOSTER + 'country = "Netherlands"\n', "ISO code"),
        (HOSTER + 'kind = "cloud"\n', "cloud"),
        (HOSTER + 'suffixes = ["https://p.example/"]\n', "pages.example"),
        (HOSTER + "asn = 1\n", "asn"),
        ("[[hoster", "hosters:"),
        ('[[hoster]]\nkey = "a"\n', "name"),
    ],
)
def test_a_book_that_contradicts_itself_is_refused(text, says):
    """Each fault is one sentence that names the value and the docs."""
    with pytest.raises(InputError, match=r"docs/hosters\.md") as caught:
        book_from(text.encode())
    assert says in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        'name = "x"\nrule = []\n',
        'name = "x"\n[[rule]]\nid = "a"\nneeds = ["proxy"]\nchooses = "proxy"\n',
        'name = "x"\n[[rule]]\nid = "a"\nchooses = "proxy"\n',
        'name = "x"\n[[rule]]\nid = "a"\n[[rule]]\nid = "a"\n',
        'name = "x"\n[[rule]]\nid = "a"\nneeds = ["landlord"]\n',
    ],
)
def test_rules_that_may_leave_a_case_open_are_refused(text):
    """Every set of roles must have its rule."""
    with pytest.raises(InputError, match=r"docs/attribution\.md"):
        rules_from(text.encode(), "rules")


def test_the_standard_rules_cover_every_role():
    """The rules that come along are whole and in the order of the design."""
    assert [rule.id for rule in standard_rules().rule] == [
        "platform",
        "known-origin",
        "beside-proxy",
        "proxy",
        "operator-and-as",
        "operator",
        "as-organisation",
        "unattributed",
    ]
    assert Path(__file__).parents[2].joinpath("attribution", "rules.toml").is_file()
