"""Who ended content's stay, and rankings of who acts on names."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.graphs.test_name_ends import END, answer
from waterbed.attribution.lookups.rdap.domain_index import DomainIndex
from waterbed.measures.actors import EVERYTHING, OF_NAMES, actor_shares
from waterbed.measures.clocks import clocks_of_groups
from waterbed.measures.constancy import Part
from waterbed.measures.registered import credited, keys_of_episode, keys_of_site
from waterbed.measures.removal import removal, removals
from waterbed.measures.removal_curves import hourly
from waterbed.measures.takedown import CAUSES as ENDS
from waterbed.measures.takedown import Clock, clocks, never_seen, outcomes
from waterbed.model.actors import ACTED, ACTORS
from waterbed.questions.fact_sheet.sheet import cause_shares

from .episodes import episode, hours
from .sent_notices import notice, told_of

CAUSES = ("removed", "registrar_hold", "registry_hold", "expired", "deleted", "seized", "moved", "name")


def test_actors_compete_and_their_shares_add_up() -> None:
    """Each clock is ended by one actor: causes of one are put together, and all shares make one."""
    ended = [(cause, number) for cause in CAUSES for number in range(12)]
    group = clocks([episode(n, 3, 5, cause) for n, (cause, _) in enumerate(ended)])
    rows = actor_shares({EVERYTHING: Part(group, [])}, {}, until=hours(2000), within_h=(24.0,))
    shares = {row.actor: row.share for row in rows}
    assert tuple(shares) == ACTORS
    expected = {actor: sum(ACTED[cause] == actor for cause in CAUSES) / len(CAUSES) for actor in ACTORS}
    assert shares == pytest.approx(expected)
    assert {row.actor: row.ended for row in rows} == {actor: round(96 * share) for actor, share in expected.items()}


def test_shares_by_cause_say_whose_act_each_is() -> None:
    """Causes that only registries tell stand beside the others where one was told, and not as noughts elsewhere."""
    plain = clocks([episode(n, 3, 5, "removed") for n in range(12)])
    held = clocks([episode(20 + n, 3, 5, "registrar_hold") for n in range(12)])
    for group, more in ((plain, set()), ([*plain, *held], {"registrar_hold"})):
        rows = list(cause_shares(group, removals(group, (24.0,), until=hours(2000)), until=hours(2000)))
        assert {row.cause for row in rows} == {"removed", "moved", "name", "network", "seized", "lost"} | more
        assert all(row.actor == ACTED[row.cause] for row in rows)


def test_few_sites_and_withheld_keys_have_no_share() -> None:
    """Counts stay, numbers that one site would decide are left out; the whole comes first."""
    few = clocks([episode(n, 3, 5, "registrar_hold") for n in range(9)])
    many = clocks([episode(n, 3, 5, "registrar_hold") for n in range(12)])
    groups = {"few": Part(few, []), "many": Part(many, []), EVERYTHING: Part(few, [])}
    rows = actor_shares(groups, {}, until=hours(2000), withheld={"many"})
    assert [row.key for row in rows[:: 2 * len(ACTORS)]] == [EVERYTHING, "many", "few"]
    assert {row.share for row in rows} == {None}
    assert {row.ended for row in rows if row.actor == "registrar"} == {9, 12}
    unasked = actor_shares(
        {"many": groups["many"]}, {}, until=hours(2000), within_h=(24.0,), unasked={"many": OF_NAMES}
    )
    assert {row.actor: row.share for row in unasked if row.share is None} == dict.fromkeys(OF_NAMES)


@pytest.mark.parametrize(
    "hidden", [[], [never_seen(f"s{n}", hours(0)) for n in range(20, 28)]], ids=["known", "hidden"]
)
@pytest.mark.parametrize("seen", [12, 0])
def test_no_actor_has_a_share_beside_one_that_the_ranking_withholds(hidden: list[Clock], seen: int) -> None:
    """Many clocks out of sight, or first found down, withhold the shares of all actors, of all keys together too."""
    group = clocks([episode(n, 3, 5, "registrar_hold", first_up=hours(0) if n < seen else None) for n in range(12)])
    rows = actor_shares({EVERYTHING: Part(group, hidden)}, {}, until=hours(2000), within_h=(24.0,))
    found = removal(group, until=hours(2000), hidden=hidden)
    assert found.withheld == bool(hidden or not seen)
    assert {row.share is None for row in rows} == {found.withheld}
    assert found.withheld == (hourly(group, range(len(ENDS)), 24, {24.0: found}) is None)
    assert {row.actor: row.ended for row in rows if row.ended} == {"registrar": 12}


def test_a_registrar_is_ranked_by_its_holds() -> None:
    """Holds stand for removals, a hoster's removal competes, and a proxy in front hinders nobody."""
    held, gone = episode(1, 3, 5, "registrar_hold", proxy=True), episode(2, 3, 5, "removed")
    by_registry = episode(3, 3, 5, "registry_hold")
    assert [one.cause for one in credited([held, gone, by_registry], "registrar")] == [
        "removed",
        "registrar_hold",
        "registry_hold",
    ]
    assert [one.cause for one in credited([held, gone, by_registry], "tld")] == [
        "registrar_hold",
        "registry_hold",
        "removed",
    ]
    assert len(clocks(credited([held], "registrar"))) == 1
    (lost,) = clocks(credited([episode(4, 3, 5, "lost")], "registrar"))
    assert list(outcomes([lost], 24.0, until=hours(2000))) == [(lost, False, False)], "its name stood"
    flapped = replace(gone, flap_last_up=hours(1), flap_first_down=hours(2))
    assert credited([flapped], "tld")[0].flap_first_down is None


def test_a_notice_to_a_registrar_starts_its_clocks_alone() -> None:
    """Hosters' clocks run from notices to them; a registrar's from those that reached it as registrar."""
    held = episode(1, 3, 5, "registrar_hold")
    to_hoster = notice(1, 1)
    to_registrar = notice(1, 2, recipient="iana:1", addressed="indirect", role="registrar")
    context = told_of(to_hoster, to_registrar, since={"u1": hours(0)})
    groups = {"iana:1": credited([held], "registrar"), "iana:2": credited([held], "registrar")}
    found = clocks_of_groups(groups, context, hosters=False, clock="notice_delivered", registrars=True)
    assert [(one.notice_id, one.cause, one.indirect_h) for one in found["iana:1"]] == [
        (to_registrar.notice_id, "removed", ())
    ]
    assert found["iana:2"] == []
    (hosters,) = clocks_of_groups({"acme": [held]}, context, hosters=True, clock="notice_delivered")["acme"]
    assert (hosters.notice_id, hosters.cause, hosters.indirect_h) == (to_hoster.notice_id, "registrar_hold", (1.0,))


def test_a_domain_counts_for_the_registrar_of_its_time() -> None:
    """Each episode by the registrar when it was last up; sites of which nobody was asked are told apart."""
    index = DomainIndex(
        [
            answer(-100, site_id="a", registrar="iana:1", registrar_name="One B.V."),
            answer(50, site_id="a", registrar="iana:2"),
            answer(0, site_id="b", status="refused", registrar=None, tld="nl"),
        ]
    )
    early, late = (
        replace(episode(1, 3, 5, "removed"), site_id="a", last_up=END + timedelta(hours=when)) for when in (0, 60)
    )
    assert [keys_of_episode(index, "registrar", one) for one in (early, late)] == [("iana:1",), ("iana:2",)]
    assert keys_of_site(index, "registrar", "a") == ("iana:1", "iana:2")
    assert [keys_of_site(index, "tld", site) for site in "abc"] == [("com",), ("nl",), ("not told",)]
    assert keys_of_site(index, "registrar", "b") == ("not told",)
    assert (index.name_of("iana:1"), index.name_of("iana:2")) == ("One B.V.", "iana:2")
