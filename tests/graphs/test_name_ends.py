"""Why names ended, by what their registries say around the end."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.graphs.hop_makers import stay
from waterbed.attribution.lookups.rdap.domain_index import DomainIndex
from waterbed.graphs.displacement.takedowns import TAKEDOWNS
from waterbed.graphs.name_ends import NameEnds
from waterbed.measures.takedown import CAUSES
from waterbed.model.actors import ACTED, ACTORS
from waterbed.model.conclusions import NAME_ENDS, EndCause
from waterbed.model.registrations import DomainRegistration

END = datetime(2026, 6, 1, 12, tzinfo=UTC)
"""The first look without the name; the last one with it was two hours before."""
LAST = END - timedelta(hours=2)
CREATED = datetime(2024, 9, 1, tzinfo=UTC)
FAR, NEAR, PAST = END + timedelta(days=92), END + timedelta(days=5), END - timedelta(days=20)


def answer(hours: float, *states: str, status: str = "ok", expires: datetime | None = FAR, **changes: Any) -> Any:
    """A registry's answer so many hours after the end."""
    gone = status != "ok"
    return DomainRegistration(
        **{
            "answer_id": f"{hours}",
            "site_id": "s",
            "tld": "com",
            "status": status,
            "reason": None,
            "registry": "rdap.example",
            "registrar": None if gone else "iana:1",
            "registrar_name": None,
            "created_on": None if gone else CREATED,
            "expires_on": None if gone else expires,
            "states": states,
            "etag": None,
            "fetched_at": END + timedelta(hours=hours),
            **changes,
        }
    )


def ends(*facts: DomainRegistration) -> NameEnds:
    """Answers, as the settings have it by default."""
    return NameEnds(answers=DomainIndex(facts).answers)


GONE = {"status": "not_found"}


@pytest.mark.parametrize(
    ("facts", "cause"),
    [
        ([], "name"),
        ([answer(1, "active")], "name"),
        ([answer(1, "inactive")], "name"),
        ([answer(1, "client hold")], "registrar_hold"),
        ([answer(1, "server hold")], "registry_hold"),
        ([answer(1, "client hold", expires=None)], "registrar_hold"),
        ([answer(1, "client hold", "server hold")], "name"),
        ([answer(1, "client hold", expires=NEAR)], "expired"),
        ([answer(1, "server hold", expires=PAST)], "expired"),
        ([answer(1, "client hold", expires=END + timedelta(days=12))], "registrar_hold"),
        ([answer(1, "client hold", expires=END - timedelta(days=48))], "registrar_hold"),
        # registries renew by themselves at the expiry, and take it back when the registrar deletes
        ([answer(1, "auto renew period", "client hold", expires=PAST + timedelta(days=365))], "expired"),
        ([answer(-500, expires=PAST), answer(1, "client hold", expires=PAST + timedelta(days=365))], "expired"),
        ([answer(1, "active", expires=PAST)], "expired"),
        ([answer(1, "active", expires=NEAR)], "name"),
        ([answer(1, "active", expires=PAST - timedelta(days=60))], "name"),
        ([answer(1, "redemption period")], "deleted"),
        ([answer(1, "pending delete", "client hold")], "deleted"),
        ([answer(1, "redemption period", expires=PAST)], "expired"),
        ([answer(1, "redemption period", expires=None)], "name"),
        ([answer(-500), answer(1, **GONE)], "deleted"),
        ([answer(-500, expires=PAST), answer(1, **GONE)], "expired"),
        ([answer(-500, expires=None), answer(1, **GONE)], "name"),
        ([answer(1, **GONE)], "name"),
        # registered anew by somebody: the former registration is gone
        ([answer(-500), answer(1, "active", created_on=END, expires_on=END + timedelta(days=365))], "deleted"),
        ([answer(-500, expires=PAST), answer(1, "active", created_on=END)], "expired"),
        # nothing was told after the end: the hold came later, and ended nothing
        ([answer(1, "active"), answer(25, "client hold")], "name"),
        # before the end was seen nothing was told yet
        ([answer(-1, "active"), answer(25, "client hold")], "registrar_hold"),
        # the first that tells decides
        ([answer(1, "server hold"), answer(25, "redemption period")], "registry_hold"),
        # too late to tell of this end
        ([answer(200, "client hold")], "name"),
        # it was held already while its content was up
        ([answer(-60, "client hold"), answer(1, "client hold")], "name"),
        # unless the look before met a resolver's cache
        ([answer(-20, "client hold"), answer(1, "client hold")], "registrar_hold"),
        # before the last look up alone
        ([answer(-3, "client hold")], "name"),
        # nobody answered
        ([answer(1, status="refused"), answer(2, "client hold")], "registrar_hold"),
        ([answer(1, status="limited")], "name"),
    ],
)
def test_the_registry_tells_who_acted(facts: list[DomainRegistration], cause: str) -> None:
    """By who set the hold, unless the expiry is near; what nobody tells stays the end of a name."""
    assert ends(*facts).cause("s", LAST, END) == cause


def test_only_ends_of_names_are_refined_and_always_anew() -> None:
    """Other causes and running episodes stay; a cause refined before is worked out again from all answers."""
    facts = ends(answer(1, "client hold"))
    name = replace(stay("H", 0, 1), site_id="s", last_up=LAST, first_down=END, cause="name")
    (held,) = facts.told([name])
    assert held == replace(name, cause="registrar_hold")
    assert ends(answer(1, "server hold")).told([held]) == [replace(name, cause="registry_hold")]
    assert ends(answer(1, "active")).told([held]) == [name]
    for other in ("removed", "seized", "moved", None):
        assert facts.told([replace(name, cause=other)]) == [replace(name, cause=other)]
    running = replace(name, first_down=None, cause=None)
    assert facts.told([running]) == [running]
    assert facts.told([replace(name, site_id="t")]) == [replace(name, site_id="t")]


def test_a_platform_that_takes_back_its_name_has_removed() -> None:
    """The hoster whose suffix it is at the end, and no other; whatever a registry says of the platform's domain."""
    name = replace(stay("H", 0, 1), site_id="s", last_up=LAST, first_down=END, cause="name")
    asked: list[tuple[str, str, datetime]] = []

    def gives(hoster: str, url_id: str, when: datetime) -> bool:
        asked.append((hoster, url_id, when))
        return (hoster, url_id) == ("H", "u")

    own = replace(ends(answer(1, "client hold")), gives=gives)
    other, elsewhere = replace(name, hoster="other"), replace(name, url_id="v")
    seized = replace(name, cause="seized")
    told = own.told([name, other, elsewhere, seized])
    assert [one.cause for one in told] == ["removed", "registrar_hold", "registrar_hold", "seized"]
    assert asked == [("H", "u", END), ("other", "u", END), ("H", "v", END)]


@given(
    st.lists(
        st.tuples(
            st.integers(-900, 300),
            st.sets(st.sampled_from(["client hold", "server hold", "redemption period", "auto renew period"])),
            st.sampled_from(["ok", "not_found", "limited"]),
            st.sampled_from([None, FAR, NEAR, PAST]),
        ),
        max_size=5,
    )
)
def test_the_order_in_which_answers_come_to_us_changes_nothing(drawn: list[Any]) -> None:
    """Answers recorded late give the same cause, and each is an end of a name."""
    facts = [
        answer(hours, *sorted(states), status=status, expires=expires, answer_id=str(number))
        for number, (hours, states, status, expires) in enumerate(drawn)
    ]
    cause = ends(*facts).cause("s", LAST, END)
    assert cause in NAME_ENDS
    assert ends(*reversed(facts)).cause("s", LAST, END) == cause


def test_each_cause_has_one_actor() -> None:
    """One table says who acted; every end of a clock is in it, and ends of names are takedowns."""
    assert set(ACTED) == set(get_args(EndCause))
    assert set(ACTED.values()) == set(ACTORS)
    assert set(CAUSES) <= set(ACTED)
    assert set(NAME_ENDS) <= set(TAKEDOWNS)
