"""Births bound arrivals where they are hard, and order nothing where they are soft."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tests.graphs.test_hops import SEATS, START, hour, stay
from tests.study.facts import target
from waterbed.graphs.births import Births, births_of
from waterbed.graphs.hops import HopContext, find_hops
from waterbed.graphs.network.graph import edge_attributes
from waterbed.model.conclusions import Episode, Hop
from waterbed.model.facts import Birth, BirthKind
from waterbed.questions.explain.link import hop_link

TARGETS = {
    "u": target("u", site_id="old", host_id="old host"),
    "v": target("v", site_id="new", host_id="new host"),
    "w": target("w", site_id="new", host_id="another host"),
}


def birth(name: str, n: float, kind: BirthKind = "creation") -> Birth:
    return Birth(
        birth_id=f"{name} {n} {kind}",
        name_id=name,
        kind=kind,
        born_at=hour(n),
        data_date=START,
        source="zone",
        licence=None,
        received_at=START,
    )


def on(site: str, episode: Episode) -> Episode:
    return replace(episode, site_id=site)


LOST = on("old", stay("A", 0, 5, 6))
COPY = on("new", stay("B", 20, 30, url="v"))


def hops(*births: Birth, episodes: tuple[Episode, ...] = (LOST, COPY), platform: bool = False) -> list[Hop]:
    """The hops of a lost URL and a copy, seen 14 hours later under a new name."""
    targets = {key: replace(one, suffix_id="p" if platform else None) for key, one in TARGETS.items()}
    return find_hops(episodes, HopContext(home="NL", seats=SEATS, births=births_of(births, targets, episodes)))


def test_a_name_created_after_the_loss_makes_a_copy_sequential() -> None:
    """The content could not be there before; the bound and what it rests on are in the hop."""
    (hop,) = hops(birth("new", 6))
    assert (hop.order, hop.arrived_after, hop.arrival_evidence) == ("sequential", hour(6), ("creation",))
    assert edge_attributes(hop)["arrival_evidence"] == "creation"
    assert hop_link(hop, "v").note.endswith("; arrival by creation")
    (zone,) = hops(birth("new", 2), birth("new", 7, "zone"))
    assert (zone.order, zone.arrived_after, zone.arrival_evidence) == ("sequential", hour(7), ("zone",))


def test_a_name_created_before_the_loss_was_known_leaves_the_order_open() -> None:
    """It may have stood beside the original."""
    (hop,) = hops(birth("new", 5.5))
    assert (hop.order, hop.arrived_after) == ("unknown", hour(5.5))


def test_an_old_name_says_nothing_of_its_content() -> None:
    """Born more than thirty days before the content was known anywhere, it was compromised, or bought."""
    (old,) = hops(birth("new", -24 * 31))
    assert (old.order, old.arrived_after, old.arrival_evidence) == ("unknown", None, ())
    (young,) = hops(birth("new", -24 * 29))
    assert (young.order, young.arrived_after) == ("unknown", hour(-24 * 29))


def test_a_certificate_is_evidence_and_no_order() -> None:
    """First logged after or before the loss, between the two neither; of its own host alone."""
    for logged, said in ((8, ("certificate_after",)), (5.5, ()), (3, ("certificate_before",))):
        (hop,) = hops(birth("new host", logged, "certificate"), birth("another host", 1, "certificate"))
        assert (hop.order, hop.arrived_after, hop.arrival_evidence) == ("unknown", None, said)
    (both,) = hops(birth("new host", 9, "certificate"), birth("new host", 4, "certificate"))
    assert both.arrival_evidence == ("certificate_before",)


def test_a_served_certificate_is_evidence_alike() -> None:
    """The earlier of the one logged and the one served counts, for URLs that there are."""
    logged = [birth("new host", 8, "certificate")]
    found = births_of(logged, TARGETS, (), served={"v": hour(4), "u": hour(-9), "gone": hour(1)})
    assert found.certified == {"v": hour(4), "u": hour(-9)}
    assert births_of((), TARGETS, (), served={}) == Births()


def test_names_of_platforms_have_no_birth() -> None:
    """The platform's domain and certificate were there before the customer."""
    (hop,) = hops(birth("new", 8), birth("new host", 8, "certificate"), platform=True)
    assert (hop.order, hop.arrived_after, hop.arrival_evidence) == ("unknown", None, ())


def test_a_birth_after_content_was_seen_says_nothing_of_it() -> None:
    """A later registration of the name is of another owner; the one before it still bounds."""
    (hop,) = hops(birth("new", 7), birth("new", 40))
    assert (hop.order, hop.arrived_after) == ("sequential", hour(7))


def test_a_registration_that_changed_under_the_content_is_not_believed() -> None:
    """A page of the site was up on both sides of it, so that others may have been there before, too."""
    up = on("new", stay("B", 1, 12, url="w", content="other"))
    (hop,) = hops(birth("new", 8), episodes=(LOST, COPY, up))
    assert (hop.order, hop.arrived_after) == ("unknown", None)
    gone = on("new", stay("B", 1, 7, 7.5, url="w", content="other"))
    assert hops(birth("new", 8), episodes=(LOST, COPY, gone))[0].order == "sequential"


def test_a_check_that_is_later_than_the_birth_stays_the_bound() -> None:
    """Of two lower bounds the later one counts."""
    back = on("old", stay("B", 20, 30, absent=19))
    (hop,) = hops(birth("old", 7), episodes=(LOST, back))
    assert (hop.arrived_after, hop.arrival_evidence, hop.evidence) == (hour(19), (), ("same_url",))


@given(st.lists(st.tuples(st.sampled_from(["old", "new"]), st.integers(-50, 50)), max_size=8))
def test_births_only_narrow_arrivals(drawn: list[tuple[str, int]]) -> None:
    """No episode but for its bound is changed, no bound is at or after its first sight, none becomes earlier."""
    episodes = (LOST, COPY, on("old", stay("C", 12, 20, absent=10)))
    found = births_of([birth(name, n) for name, n in drawn], TARGETS, episodes).bounded(episodes)
    for before, after in zip(episodes, found, strict=True):
        assert replace(after, absent_at=before.absent_at) == before
        if after.absent_at is not None:
            assert after.absent_at < after.known_up_at
        assert before.absent_at is None or (after.absent_at is not None and after.absent_at >= before.absent_at)
    assert Births().bounded(episodes) is episodes
