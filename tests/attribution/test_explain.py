"""Links from a set of addresses to its hosters, and how long each of them held."""

from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from tests.attribution.test_roles import BOOK, DAY, ROUTES, registered
from waterbed.attribution.attribute import Attributor
from waterbed.attribution.explain import Sources, Validity, links_of_set
from waterbed.attribution.hosters.book import book_from
from waterbed.attribution.hosters.members import holder_key, holder_member
from waterbed.attribution.lookups.rdap.registrations import RegistrationIndex
from waterbed.attribution.lookups.tables.hosting import HostingTables
from waterbed.attribution.lookups.tables.ranges import Rows, build, words
from waterbed.attribution.lookups.tables.routes import read_routes
from waterbed.model.conclusions import ChainLink
from waterbed.model.errors import InputError


def _attributor(folder: Path, *registrations: object, max_age_days: float = 365.0) -> Attributor:
    path = folder / "routes.csv"
    path.write_text(ROUTES)
    return Attributor(
        routes=[(date(2026, 1, 1), read_routes(path))],
        registered=RegistrationIndex(registrations),  # type: ignore[arg-type]  # registrations
        book=book_from(BOOK),
        suffixes={},
        max_age_days=max_age_days,
    )


def _links(attributor: Attributor, *addresses: str, sources: Sources | None = None, **more: object) -> list[ChainLink]:
    made = attributor.attribute(addresses, None, DAY, more.get("known_origin"))  # type: ignore[arg-type]
    return links_of_set(attributor, made, sources or Sources([]), about="u" * 32, **more)  # type: ignore[arg-type]


def _told(links: list[ChainLink], about: str) -> dict[str, str]:
    return {one.step: one.value for one in links if one.about == about}


def _hosting(*rows: tuple[int, int, int]) -> HostingTables:
    high, low = words([0] * len(rows))
    first, last = (np.array([row[end] for row in rows], np.uint64) for end in (0, 1))
    numbers = np.array([row[2] for row in rows], np.uint64)
    v4 = Rows(first_high=high, first_low=first, last_high=high, last_low=last, number=numbers)
    none = Rows(first_high=high[:0], first_low=low[:0], last_high=high[:0], last_low=low[:0], number=numbers[:0])
    return HostingTables(
        table=build(v4, none), rows_v4=len(rows), rows_v6=0, tags={1: "hosting_provider", 2: "user_type:hosting"}
    )


def test_a_chain_leads_from_the_address_to_the_hoster(tmp_path: Path) -> None:
    """Range, origin, AS holder, both registrations with their holders, operator, upstream, rule and confidence."""
    attributor = _attributor(
        tmp_path,
        registered("192.0.2.0", "192.0.2.63", "ripe:ORG-RENT"),
        registered("192.0.2.0", "192.0.2.255", "ripe:ORG-BIG", level=1, asked="192.0.2.0"),
    )
    links = _links(attributor, "192.0.2.1")
    assert _told(links, "192.0.2.1") | {"range": ""} == {
        "range": "",
        "registration": "192.0.2.0-192.0.2.63, NET-192.0.2.0",
        "operator": "rent (Rent a Server)",
        "upstream": "big (Big Host)",
    }
    assert _told(links, "192.0.2.0-192.0.2.63")["network above"].startswith("192.0.2.0-192.0.2.255")
    assert _told(links, "192.0.2.0-192.0.2.255")["holder"].startswith("ripe:ORG-BIG")
    assert _told(links, "AS64500")["AS holder"] == "big"
    (hoster,) = [one for one in links if one.step == "hoster"]
    assert (hoster.value, hoster.rule, hoster.confidence) == ("rent (Rent a Server)", "operator", "high")


def test_what_is_doubtful_is_noted(tmp_path: Path) -> None:
    """MOAS, a stale table, no registration, a network that is not told apart from the AS's own, no route."""
    attributor = _attributor(tmp_path, registered("198.51.100.0", "198.51.100.255", "ripe:ORG-X"), max_age_days=10.0)
    links = _links(attributor, "198.51.100.1", "192.0.2.1", "8.8.8.8", sources=Sources([], max_age_days=10.0))
    assert {one.note for one in links if one.step == "origin" and one.about.startswith("198")} == {"MOAS"}
    assert all("stale" in one.note for one in links if one.step == "range")
    assert _told(links, "198.51.100.1")["operator"] == "not told apart"
    assert _told(links, "192.0.2.1")["registration"] == "not known"
    assert _told(links, "8.8.8.8")["range"] == "in no route"
    assert all("stale routes" in one.note for one in links if one.step == "hoster")


def test_a_known_origin_has_a_chain_of_its_own(tmp_path: Path) -> None:
    """Behind a proxy the reported address is explained as the others are."""
    links = _links(_attributor(tmp_path), "203.0.113.1", known_origin="192.0.2.1")
    assert _told(links, "203.0.113.1")["reverse proxy"] == "shield"
    assert _told(links, "u" * 32)["known origin"] == "192.0.2.1"
    assert "range" in _told(links, "192.0.2.1")
    assert "lies behind" in _links(_attributor(tmp_path), "203.0.113.1")[-1].note


def test_hosting_tags_are_shown(tmp_path: Path) -> None:
    """A table of uses adds what an address is used for, of its day, and decides nothing."""
    table = _hosting((0xC0000200, 0xC00002FF, 1), (0xC0000200, 0xC00002FF, 2))
    sources = Sources([], [(date(2026, 2, 1), table)])
    links = _links(_attributor(tmp_path), "192.0.2.1", "203.0.113.1", sources=sources)
    used = [(one.about, one.value, one.data_date.date()) for one in links if one.step == "used for" and one.data_date]
    assert used == [
        ("192.0.2.1", "hosting_provider", date(2026, 2, 1)),
        ("192.0.2.1", "user_type:hosting", date(2026, 2, 1)),
    ]


def _link(step: str, value: str, when: datetime = DAY) -> ChainLink:
    return ChainLink(about="a", step=step, value=value, source="s", data_date=when)


def test_links_stand_once_with_their_time() -> None:
    """Newer data that say the same are a note; what is other is a change; what comes back is a rotation."""
    lasting, hour = Validity(), timedelta(hours=1)
    days = [DAY + timedelta(days=n) for n in range(5)]
    assert lasting.take([_link("origin", "1", days[0]), _link("range", "x")], days[0], days[0] + hour) == []
    assert lasting.take([_link("origin", "1", days[1]), _link("range", "x")], days[1], days[1] + hour) == []
    assert lasting.take([_link("origin", "2", days[2]), _link("range", "x")], days[2], days[2] + hour) == ["origin"]
    assert lasting.take([_link("origin", "1", days[3]), _link("range", "x")], days[3], days[3] + hour) == []
    assert lasting.take([_link("range", "x")], days[4], days[4]) == ["origin"]
    assert (lasting.changes, lasting.returns) == (3, 1)
    assert [(one.value, one.since, one.until, one.note) for one in lasting.links()] == [
        ("1", days[0], days[3] + hour, f"the same on {days[3]:%Y-%m-%d}"),
        ("x", days[0], days[4], ""),
        ("2", days[2], days[2] + hour, ""),
    ]


@pytest.mark.parametrize("odd", ["ORG A+B", "\u202eORG", "Z" * 5000, "", "a b", "ünï", "-"])
def test_any_handle_gives_a_key_that_can_be_named(odd: str) -> None:
    """However a registry spells a handle, its key is a member that a book can claim, and another's is another."""
    key = holder_key(f"RIPE:{odd}")
    assert holder_member(key) == key == holder_key(key)
    assert "+" not in key
    assert len(key) < 80
    assert key != holder_key(f"ripe:{odd}x")


def test_a_host_name_is_no_registrant() -> None:
    """What looks like a URL or a host name behind the colon never becomes a key."""
    for text in ("http:www.example.com", "ripe:www.example.com", "mailto:a", "https:x"):
        with pytest.raises(InputError, match=r"not shown|is not a member"):
            holder_member(text)
    assert holder_member("lacnic:00.000.000/0001-91") == "lacnic:00.000.000/0001-91"
