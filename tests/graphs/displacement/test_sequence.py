"""The sequence of tests: a claim needs all tests before it, and all err together in 5% of reports."""

from datetime import timedelta

import numpy as np
import pytest

from tests.graphs.displacement.movements import day, event
from waterbed.graphs.displacement.answers import INTERIM, TypedAnswer, claimed
from waterbed.graphs.displacement.event import Event
from waterbed.graphs.displacement.sequence import BESIDE, BEYOND, EARLIER, FALL, fell, in_sequence
from waterbed.model.message import Message, Refusal

SECOND = ("removal, change, buffer", "mean change, blocks", "abroad, difference")


def made(name: str, p: float | None, estimate: float = 1.0, reading: str = "all", refusal: bool = False) -> TypedAnswer:
    return TypedAnswer(
        question="?",
        name=name,
        estimator="",
        reading=reading,  # type: ignore[arg-type]
        n=50,
        n_of="contents",
        estimate=None if refusal else estimate,
        p=None if refusal else p,
        smallest_p=0.001,
        refusal=Refusal(Message.of("refused")) if refusal else None,
    )


def adjusted(answers: list[TypedAnswer], wanted: Event | None = None) -> dict[str, float | None]:
    chosen = wanted or event()
    return {one.name: one.adjusted for one in in_sequence(answers, chosen, chosen.window[1])}


def primary(p: float, *others: float) -> list[TypedAnswer]:
    """Excess reappearance over controls, over its own past, and over later."""
    least = [*others, p, p][: len(BESIDE)]
    return [made("excess reappearance", p), *(made(name, one) for name, one in zip(BESIDE, least, strict=True))]


def whole(fall: float, moved: float, *seconds: float) -> list[TypedAnswer]:
    return [
        made(FALL, fall),
        made(BEYOND, fall),
        *primary(moved),
        *(made(name, p) for name, p in zip(SECOND, seconds, strict=True)),
    ]


def test_each_test_needs_those_before_it() -> None:
    """The primary's p is at least the fall's, secondaries' at least the primary's, and Holm's among themselves."""
    found = adjusted(whole(0.001, 0.02, 0.01, 0.03, 0.004))
    assert found == {
        FALL: 0.001,
        BEYOND: 0.001,
        "excess reappearance": 0.02,
        **dict.fromkeys(BESIDE, 0.02),
        "removal, change, buffer": pytest.approx(0.02),
        "mean change, blocks": pytest.approx(0.03),
        "abroad, difference": pytest.approx(0.02),
    }
    assert set(adjusted(whole(0.2, 0.001, 0.001, 0.001, 0.001)).values()) == {0.2}


def test_a_refusal_counts_as_one_and_readings_as_their_largest() -> None:
    """What cannot be tested rejects nothing behind it; a test in two readings must reject in both."""
    first = [made(FALL, 0.001), made(BEYOND, 0.001)]
    answers = [
        *first,
        *primary(0.01),
        made("excess reappearance", 0.04, reading="not parallel"),
    ]
    assert adjusted(answers)["excess reappearance"] == 0.04
    refused = [made(FALL, None, refusal=True), made(BEYOND, 0.001), *primary(0.001)]
    found = adjusted(refused)
    assert found[FALL] is None
    assert {one for name, one in found.items() if name != FALL} == {1.0}
    assert adjusted([*first, made("excess reappearance", 0.01)])["excess reappearance"] == 1.0


@pytest.mark.parametrize("weak", [0, 1])
def test_content_moved_more_than_its_own_past_and_than_later(weak: int) -> None:
    """Excess over controls alone shows no move: it must exceed the target's own past and the time that follows."""
    ps = [0.001, 0.001]
    ps[weak] = 0.3
    found = adjusted([made(FALL, 0.001), made(BEYOND, 0.001), *primary(0.001, *ps)])
    assert found["excess reappearance"] == 0.3


def test_a_rise_is_beyond_controls_and_earlier_changes_before_a_move_is_asked_about() -> None:
    """Each is a sentence of its own, and needs those before it; earlier stretches that cannot be had are left out."""
    end = event().window[1]
    for beyond, earlier, shown in ((0.001, 0.01, True), (0.3, 0.001, False), (0.001, 0.3, False)):
        answers = in_sequence(
            [made(FALL, 0.001), made(BEYOND, beyond), made(EARLIER, earlier), *primary(0.001)], event(), end
        )
        found = {one.name: one.adjusted for one in answers}
        assert found[FALL] == 0.001
        assert (found["excess reappearance"] <= 0.05) == shown == fell(answers, event())
    short = [made(FALL, 0.001), made(BEYOND, 0.001), made(EARLIER, None, refusal=True), *primary(0.001)]
    found = adjusted(short)
    assert (found["excess reappearance"], found.get(EARLIER)) == (0.001, None)


def test_a_rise_that_is_only_the_controls_fall_is_none() -> None:
    """Controls slowed down and the target did not change: no sentence says that it removed more."""
    answers = in_sequence([made(FALL, 0.6), made(BEYOND, 0.0001), *primary(0.001)], event(), event().window[1])
    assert {one.name: one.adjusted for one in answers}[BEYOND] == 0.6
    assert not fell(answers, event())


def test_nothing_is_displaced_from_what_did_not_fall() -> None:
    """A target that removed less than before, or appeared more often, stops the sequence."""
    rest = [made(BEYOND, 0.001), *primary(0.001)]
    assert adjusted([made(FALL, 0.001, estimate=-0.5), *rest])["excess reappearance"] == 1.0
    wanted = event(fall="mean change")
    rises = [made("mean change", 0.01, estimate=0.7), *primary(0.001)]
    assert adjusted(rises, wanted)["excess reappearance"] == 1.0


def test_read_dates_share_the_error_and_earlier_outputs_test_nothing() -> None:
    """Two declared read dates double each p; before the first one there is no p, and the note says interim."""
    end = event().window[1]
    wanted = event(read=(end + timedelta(days=7), end + timedelta(days=21)))
    answers = whole(0.001, 0.02, 0.01, 0.03, 0.004)
    late = {one.name: one.adjusted for one in in_sequence(answers, wanted, end + timedelta(days=8))}
    assert late[FALL] == 0.002
    assert late["excess reappearance"] == 0.04
    early = in_sequence(answers, wanted, end)
    assert {(one.p, one.adjusted, one.test, one.note) for one in early} == {(None, None, "", INTERIM)}
    assert {claimed(one, sequence=True).may for one in early} == {
        "nothing yet: this is interim, and the report is read on its read date"
    }
    with pytest.raises(ValueError, match=r"lies before the periods after the event end, .*: change read, or date \("):
        event(read=(day(161),))


def test_only_tests_of_the_sequence_may_be_claimed() -> None:
    """Another p, however small, is a description; a test that does not reject shows nothing."""
    (described,) = in_sequence([made("WDD", 0.0001)], event(), event().window[1])
    assert claimed(described, sequence=True).may.startswith("as a description")
    shown, not_shown = (
        claimed(in_sequence([made(FALL, p)], event(), event().window[1])[0], sequence=True) for p in (0.01, 0.2)
    )
    assert "rose by so much" in shown.may
    assert "nothing rejects" in not_shown.may


def test_false_claims_are_made_in_at_most_5_percent_of_reports() -> None:
    """Under all nulls, with tests that depend on each other: the share of 4,000 reports with any claim."""
    rng = np.random.default_rng(19)
    shared = rng.random(4_000)
    wrong = 0
    for number in range(4_000):
        own = rng.random(5)
        ps = [float(shared[number] if rng.random() < 0.5 else one) for one in own]
        wrong += any(p is not None and p <= 0.05 for p in adjusted(whole(*ps)).values())
    assert wrong / 4_000 < 0.05 + 3 * (0.05 * 0.95 / 4_000) ** 0.5
