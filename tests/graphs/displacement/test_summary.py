"""The answer in sentences: each branch, what it may say, and what it must leave unsaid."""

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from benchmarks.event_truth import CLAIMS
from waterbed.estimators.detection import Bounds
from waterbed.graphs.displacement.answers import TypedAnswer
from waterbed.graphs.displacement.known import Known, Moved, Removed
from waterbed.graphs.displacement.summary import UNPUBLISHED, Branch, summary
from waterbed.model.formatter import OWN
from waterbed.model.message import Kind, Message, Refusal
from waterbed.model.spelling import NOTHING, p_value

BEFORE, AFTER = Removed(n=120, share=0.06, low=0.02, high=0.11), Removed(n=91, share=0.99, low=0.972, high=1.0)
STEADY = (Removed(n=300, share=0.43, low=0.38, high=0.49), Removed(n=280, share=0.43, low=0.36, high=0.5))


def because(reason: str, kind: Kind = "other") -> Refusal:
    """A refusal with a reason."""
    return Refusal(Message.of(reason), kind)


HELD = because("held back, as it describes fewer than 3 sites", "suppressed")
HELD_OF_CONTROLS = because("of the controls: held back, as it describes few", "suppressed")


def made(name: str, estimate: float | None, adjusted: float | None, **other: Any) -> TypedAnswer:
    """An answer with a test in the sequence."""
    return TypedAnswer(
        question="?",
        name=name,
        estimator="",
        reading="all",
        n=91,
        n_of="contents",
        estimate=estimate,
        p=adjusted,
        smallest_p=0.001,
        adjusted=adjusted,
        **other,
    )


def known(**changes: Any) -> Known:
    """A hoster that removed more after the event, whose content moved."""
    plain: dict[str, Any] = {
        "name": "Moerashost",
        "target": (BEFORE, AFTER),
        "controls": STEADY,
        "fall": made("removal, change", 0.93, 0.0004),
        "beyond": made("removal, change beyond controls", 0.93, 0.0005),
        "earlier": made("removal, change beyond earlier", 0.85, 0.003),
        "stretch": timedelta(days=14),
        "stretches": 4,
        "largest": 0.08,
        "primary": made("excess reappearance", 0.3, 0.003),
        "spread": None,
        "moved": Moved(
            ended=91,
            surely=42,
            horizon_h=336.0,
            low=0.4,
            high=0.72,
            more_low=0.12,
            more_high=0.41,
            own=(0.394, 0.141),
        ),
        "abroad": Bounds(low=0.2, high=0.55),
        "stands_out": replace(made("mean change", -0.5, None), p=0.2, smallest_p=0.2),
    }
    return Known(**{**plain, **changes})


COUNTED: dict[str, Any] = {"beyond": None, "earlier": None}
"""Where what is counted tells that the target fell, and not its share removed."""


@dataclass(frozen=True)
class Told:
    """A summary as text."""

    branch: Branch
    sentences: tuple[str, ...]
    changes: tuple[str, ...]

    @property
    def text(self) -> str:
        return " ".join(self.sentences)


def told(**changes: Any) -> Told:
    found = summary(known(**changes))
    sentences, explained = (tuple(map(OWN.text, some)) for some in (found.sentences, found.changes))
    assert OWN.text(found.text) == " ".join(sentences)
    parted = " ".join(map(OWN.text, (*found.short, *found.further)))
    assert sorted(parted.split()) == sorted(" ".join(sentences).split())  # a page has all of it, in two places
    return Told(branch=found.branch, sentences=sentences, changes=explained)


def test_the_campaign_of_events_finds_each_claim() -> None:
    """What it compares with the truth is what reports say: a claim in other words would go unseen."""
    assert [claim.pattern for claim in CLAIMS if not claim.search(told().text)] == []


def test_a_displacement_is_said_with_all_its_numbers() -> None:
    """Five paragraphs: removal before and after beside controls, the tests, what moved and where, the cause."""
    assert told() == Told(
        branch="displacement",
        sentences=(
            "After the event Moerashost removed 99% (97 to 100%) of 91 reports within 24 hours, before "
            "it 6% (2 to 11%) of 120; controls without the event 43% (36 to 50%) after it, 43% (38 to 49%) before. "
            "Together these intervals hold with 95% confidence.",
            "It removed more than before (p below 0.001: chance alone would do so once in 1,000). Its share rose by "
            "more than that of its controls (p below 0.001). Before the event they lay 37 points apart: one cause may "
            "change such shares by unlike amounts. So large a change did not come between its 4 stretches of 14 days "
            "before the event (8 points at most; p = 0.003).",
            "At least 42 of the 91 items that went offline there reappeared elsewhere within 14 days, some perhaps by "
            "chance. Assuming reporters find as much as declared, 40 to 72% moved. Of what moved, 20 to 55% went "
            "abroad.",
            "Content moved: its items reappeared elsewhere more often than like items left up, than before the event, "
            "and than afterwards (12 to 41 more of every 100 than of like items left up, unreported arrivals not "
            "counted; p = 0.003). Among what was reported, 39% of these items reappeared elsewhere within 14 days, "
            "and 14% of its own items of that age before the event.",
            "Whether its new content changed with the event cannot be estimated: 19 spans as long as that after the "
            "event are needed, and 4 can be had.",
        ),
        changes=(),
    )


def test_the_controls_change_is_said_as_theirs() -> None:
    """Controls that slowed down make no rise of the target; what they did is said of them."""
    slower = (Removed(n=300, share=0.43, low=0.38, high=0.49), Removed(n=280, share=0.1, low=0.06, high=0.16))
    found = told(
        target=(BEFORE, replace(BEFORE, n=91)),
        controls=slower,
        fall=made("removal, change", 0.01, 0.6),
        beyond=made("removal, change beyond controls", 0.34, 0.6),
        earlier=made("removal, change beyond earlier", -0.1, 0.6),
    )
    assert found.branch == "no change"
    assert (
        "It is not shown that it removed more than before (p = 0.6). Its controls removed less than before."
        in found.text
    )
    assert "rose by more" not in found.text
    faster = told(controls=slower[::-1])
    assert "Its controls removed more than before." in faster.text
    assert "Its controls" not in told().text


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"beyond": made("removal, change beyond controls", 0.1, 0.3)},
            "It is not shown that its share rose by more than that of its controls (p = 0.3).",
        ),
        (
            {"beyond": made("removal, change beyond controls", None, None, refusal=because("few"))},
            "Whether its share rose by more than that of its controls cannot be estimated: few.",
        ),
        (
            {"earlier": made("removal, change beyond earlier", 0.1, 0.3)},
            "It is not shown that this change is larger than those between its 4 stretches of 14 days before the event "
            "(8 points at most; p = 0.3): a trend or a season of its own may explain it.",
        ),
    ],
)
def test_a_rise_that_others_share_or_that_came_before_is_none_of_the_event(changes: dict[str, Any], says: str) -> None:
    """It removed more, and no displacement is spoken of."""
    found = told(**changes)
    assert "It removed more than before" in found.text
    assert says in found.text
    assert "Without all of this shown, no displacement is spoken of." in found.text
    assert found.branch in ("removal only", "refused")
    assert not re.search(r"\bmoved|abroad|reappeared", found.text)


def test_stretches_that_cannot_be_had_are_said_and_stop_nothing() -> None:
    """A study that began shortly before the event tells of no earlier change, and says so."""
    found = told(earlier=made("removal, change beyond earlier", None, None, refusal=because("too short")))
    assert "Whether so large a change came before cannot be estimated: too short." in found.text
    assert found.branch == "displacement"


def test_another_mix_after_the_event_is_said() -> None:
    """What is tested is the share at the mix before; both are said."""
    found = told(same_mix=Removed(n=91, share=0.31, low=0.2, high=0.44))
    assert "at the mix of categories and sources before, it would be 31% (20 to 44%) after; controls" in found.text
    assert "It removed more than before, at the same mix of categories and sources (p below" in found.text


@pytest.mark.parametrize(
    ("changes", "branch", "says", "never"),
    [
        (
            {"primary": made("excess reappearance", 0.02, 0.4)},
            "removal only",
            "not shown that content moved",
            "Content moved",
        ),
        (
            {"fall": made("removal, change", 0.02, 0.6), "primary": made("excess reappearance", 0.3, 0.6)},
            "no change",
            "no displacement is spoken of",
            "Content moved",
        ),
        (
            {"fall": made("removal, change", -0.2, 1.0), "primary": made("excess reappearance", 0.3, 1.0)},
            "no change",
            "It is not shown that it removed more",
            "Content moved",
        ),
        (
            {"fall": made("mean change", -0.8, 0.003), **COUNTED},
            "displacement",
            "The amount of its new content was less than expected from its controls (p = 0.003",
            "removed more",
        ),
        (
            {"fall": made("mean change", 0.8, 1.0), "outcome": "arrivals", **COUNTED},
            "no change",
            "It is not shown that the amount of its arrivals was less than expected from its controls",
            "Content moved",
        ),
        (
            {"primary": made("mean change, blocks", -0.5, 0.02)},
            "removal only",
            "Its new content, beyond its controls', changed (p = 0.02).",
            "Content moved",
        ),
        (
            {"primary": made("abroad, difference", 0.2, 0.03)},
            "displacement",
            "The part that went abroad, beyond its controls', changed (p = 0.03).",
            "left up",
        ),
        (
            {"primary": made("removal, change, buffer", None, None, refusal=because("no buffer"))},
            "refused",
            "Whether the share that its buffer removed, beyond its controls', changed cannot be estimated: no buffer.",
            "left up",
        ),
        (
            {"spread": made("removal, change, buffer", 0.2, 0.01)},
            "mixed",
            "the benefit spread",
            "not shown that content moved",
        ),
        (
            {
                "primary": made("excess reappearance", -0.2, 0.03),
                "spread": made("removal, change, buffer", 0.2, 0.04),
            },
            "diffusion",
            "the benefit spread",
            "Content moved",
        ),
        (
            {"primary": made("excess reappearance", -0.2, 0.003)},
            "removal only",
            "It is not shown that content moved: that its items reappeared elsewhere more often",
            "Content moved",
        ),
        (
            {"outcome": "takedowns"},
            "displacement",
            "Whether its ends of content changed with the event cannot be estimated",
            "takedown",
        ),
        (
            {"primary": made("excess reappearance", None, None, refusal=because("3 clusters where 10 are needed"))},
            "refused",
            "cannot be estimated: 3 clusters where 10 are needed",
            "Content moved",
        ),
        (
            {
                "target": (
                    Removed(n=3, why=because("fewer than 10 sites")),
                    Removed(n=4, why=because("fewer than 10 sites")),
                ),
                "fall": made("removal, change", None, None, refusal=because("fewer than 10 sites")),
            },
            "refused",
            "How much Moerashost removed within 24 hours cannot be estimated: fewer than 10 sites",
            "Content moved",
        ),
        (
            {"interim": datetime(2026, 5, 1, tzinfo=UTC)},
            "refused",
            "interim, without a test: the report is read on 1 May 2026",
            "p = 0",
        ),
        (
            {"fall": made("removal, change", None, None, refusal=HELD)},
            "held back",
            "is not disclosed here: held back, as it describes fewer than 3 sites. The answer is held back (disclosure "
            "control), which does not mean that it is negative",
            "no displacement is spoken of",
        ),
        (
            {"fall": made("removal, change", None, None, refusal=HELD_OF_CONTROLS)},
            "held back",
            "does not mean that it is negative",
            "no displacement is spoken of",
        ),
        (
            {"primary": made("excess reappearance", None, None, refusal=HELD)},
            "held back",
            "This is held back (disclosure control), which does not mean that it is negative.",
            "not shown that content moved",
        ),
        ({"stopped": (UNPUBLISHED,)}, "held back", "does not mean that it is negative", "removed"),
        (
            {"stopped": (Message.of("No answer can be given yet."), Message.of("Looks are in quarantine 3f6c."))},
            "refused",
            "No answer can be given yet. Looks are in quarantine",
            "removed",
        ),
    ],
)
def test_each_branch_says_what_was_shown_and_no_more(
    changes: dict[str, Any], branch: Branch, says: str, never: str
) -> None:
    """No displacement without a fall and a rejecting test; what is refused or interim is said to be so."""
    found = told(**changes)
    assert found.branch == branch
    assert says in found.text
    assert never not in found.text
    assert 1 <= len(found.sentences) <= 5


def test_shares_without_interval_are_said_to_be_of_these_reports() -> None:
    """Where the calendar is too short for how a hoster works, only what happened is said, in so many words."""
    short = (replace(BEFORE, low=None, high=None), replace(AFTER, low=None, high=None))
    refused = made("removal, change", None, None, refusal=because("reports span fewer than 7 days"))
    text = told(target=short, fall=refused, moved=Moved(ended=0, surely=0, horizon_h=48.0)).text
    assert "99% (of these reports alone) of 91 reports" in text
    alone = told(target=short, controls=(Removed(n=0, why=because("none")),) * 2, fall=refused).text
    assert alone.startswith(
        "Of these reports alone, after the event Moerashost removed 99% of 91 reports within 24 hours"
    )
    assert "cannot be estimated: reports span fewer than 7 days" in text
    assert "No item that went offline there" in told(moved=Moved(ended=0, surely=0, horizon_h=48.0)).text


def test_a_share_that_is_held_back_is_said_to_be() -> None:
    """A reader is told of no number of reports, and why."""
    held = Removed(n=0, why=HELD)
    assert (
        "before it an unknown part (held back, as it describes fewer than 3 sites);" in told(target=(held, AFTER)).text
    )


def test_a_held_back_answer_is_the_same_whatever_it_hides() -> None:
    """A hidden fall is spoken of in the same words whether content moved, did not, or spread its benefit."""
    fall = made("removal, change", None, None, refusal=HELD)
    found = {
        told(fall=fall, primary=made("excess reappearance", estimate, 1.0), spread=spread, moved=moved)
        for estimate in (-0.4, 0.0, 0.9)
        for spread in (None, made("removal, change, buffer", 0.2, 1.0))
        for moved in (known().moved, Moved(ended=91, surely=0, horizon_h=336.0, low=0.0, high=0.1))
    }
    assert len(found) == 1


@pytest.mark.parametrize(
    ("low", "high", "says"),
    [
        (0.126, 0.404, "12 to 41 more"),
        (-0.004, 0.4, "1 fewer to 40 more"),
        (0.0, 0.4, "0 to 40 more"),
        (0.1, 0.1, "10 more"),
    ],
)
def test_an_excess_is_said_per_hundred(low: float, high: float, says: str) -> None:
    """Both ends are rounded outwards; a negative one says how many fewer."""
    moved = Moved(ended=91, surely=42, horizon_h=336.0, more_low=low, more_high=high)
    assert (
        f"({says} of every 100 than of like items left up, unreported arrivals not counted; p ="
        in told(moved=moved).text
    )


@pytest.mark.parametrize(
    ("moved", "says"),
    [
        (Moved(ended=1, surely=1, horizon_h=1.0, low=0.1, high=1.0), "The 1 item that went offline there reappeared"),
        (
            Moved(ended=40, surely=0, horizon_h=48.0, low=0.0, high=0.2),
            "Of the 40 items that went offline there none surely reappeared elsewhere within 48 hours.",
        ),
        (
            Moved(ended=40, surely=40, horizon_h=72.0, low=1.0, high=1.0),
            "no useful maximum can be given. Of what moved, 20 to 55% went abroad.",
        ),
        (
            Moved(ended=40, surely=None, horizon_h=72.0, why=because("w")),
            "An undisclosed part of the 40 items that went offline there reappeared elsewhere",
        ),
    ],
)
def test_one_none_and_all_are_said_as_such(moved: Moved, says: str) -> None:
    """Sentences fit the number that they say."""
    assert says in told(moved=moved).text


def test_what_is_not_shown_to_have_moved_has_no_lower_bound() -> None:
    """Where no excess is shown only the most that can have moved is said, and nothing of abroad."""
    moved = Moved(ended=91, surely=0, horizon_h=336.0, low=0.0, high=0.163)
    text = told(primary=made("excess reappearance", 0.02, 0.4), moved=moved).text
    assert "Assuming reporters find as much as declared, at most 17% moved." in text
    assert "abroad" not in text


def test_numbers_are_rounded_outwards() -> None:
    """No interval is said narrower than it is, and no p smaller."""
    wide = Removed(n=50, share=0.5, low=0.4001, high=0.6099)
    text = told(target=(wide, wide), fall=made("removal, change", 0.1, 0.0491)).text
    assert "40 to 61%" in text
    assert "p = 0.05: chance alone would do so 50 times in 1,000)" in text


def test_the_cause_is_told_among_enough_dates() -> None:
    """With 19 other spans of time or more it is said if the change is unusual, which claims nothing."""
    many = replace(made("mean change", -0.5, None), p=0.05, smallest_p=0.05)
    assert (
        "Compared with its controls, its new content changed as much or more in 0 of 19 spans of equal length "
        "(p = 0.05)." in told(stands_out=many).text
    )
    for p in (0.1, 0.55, 1.0):
        text = told(stands_out=replace(many, p=p)).text
        assert f"No unusual change in the amount of its new content was found (p = {p:g})." in text
    assert "Compared with" not in told(stands_out=None).text


@pytest.mark.parametrize(
    "fall",
    [
        made("removal, change", 0.02, 0.6),
        made("removal, change", -0.2, 0.01),
        made("removal, change", None, None, refusal=because("reports span fewer than 7 days")),
    ],
)
@pytest.mark.parametrize("primary", [made("excess reappearance", 0.3, 0.001), None])
def test_nothing_is_said_to_move_from_what_is_not_shown_to_have_fallen(
    fall: TypedAnswer, primary: TypedAnswer | None
) -> None:
    """Neither bounds nor shares abroad nor a refused primary speak of it; one sentence says why."""
    refused = made("excess reappearance", None, None, refusal=because("3 clusters where 10 are needed"))
    text = told(fall=fall, primary=primary or refused).text
    assert "no displacement is spoken of" in text
    assert not re.search(r"\bmoved|abroad|elsewhere|reappeared", text)


def test_the_number_of_events_is_told_with_what_it_asks_of_a_p() -> None:
    """One event alone is not counted; of three a p above a third of 5% shows nothing."""
    assert "event files" not in told().text
    assert "With 3 event files on this study, a p above 0.0166 shows nothing." in told(events=3).sentences[-1]
    assert len(told(events=12).sentences) <= 5


def test_what_would_change_the_answer_is_said_in_plain_words() -> None:
    """The bias of the weaker reading, the drift, and the rank among places of its size; rounded down."""
    sense = {
        "bias": [made("b", 2.67, None), made("b", 1.99, None)],
        "drift": made("d", 1.49, None),
        "places": replace(made("p", -0.5, None), p=0.05, smallest_p=0.05),
    }
    one, two, three = told(**sense).changes
    assert "made an end 1.9 times as likely" in one
    assert two.startswith("A drift of its own 1.4 times as large as its largest earlier change")
    assert three == (
        "Of 20 places, each by its size, the target is number 1 by how much its appearances changed (p = 0.05)."
    )
    weak = told(bias=[made("b", 1.0, None)], drift=made("d", 0.01, None)).changes
    assert weak[0].startswith("A second, harder test, among matched items of one site each, has a result of its own")
    assert "a slight unmeasured difference would explain it. The result of the first test stands" in weak[0]
    assert "much smaller than its earlier changes" in weak[1]


def test_what_explains_an_excess_is_said_where_it_is_claimed() -> None:
    """Without a fall, without an excess, or where a reading has no number, nothing is said of a hidden bias."""
    strong = [made("b", 2.0, None)]
    for changes in (
        {"fall": made("removal, change", 0.02, 0.6)},
        {"primary": made("excess reappearance", 0.3, 0.2)},
        {"bias": [*strong, made("b", None, None, refusal=because("few"))]},
        {"stopped": (Message.of("No answer can be given yet."),)},
        {"interim": datetime(2026, 5, 1, tzinfo=UTC)},
    ):
        assert told(**{"bias": strong, **changes}).changes == ()
    assert told(drift=made("d", 0.0, None), places=made("p", None, None, refusal=because("few"))).changes == ()


@pytest.mark.parametrize(("p", "times"), [(0.00648, 7), (0.0501, 51), (0.069, 69)])
def test_a_p_is_the_same_in_sentences_and_tables(p: float, times: int) -> None:
    """Rounded up to thousandths, and as often in 1,000 as it says."""
    shown = p_value(p)
    assert float(shown) == times / 1000
    if p <= 0.05:
        said = told(fall=made("removal, change", 0.93, p)).sentences[1]
        assert f"(p = {shown}: chance alone would do so {times} times in 1,000)" in said
    assert (p_value(0.0004), p_value(None), p_value(1.0)) == ("<0.001", NOTHING, "1")


def test_intervals_of_sentences_are_told_from_those_of_tables() -> None:
    """The first paragraph says that all of them hold together; without an interval it says nothing."""
    together = "Together these intervals hold with 95% confidence."
    assert told().sentences[0].endswith(together)
    bare = (Removed(n=120, share=0.06), Removed(n=91, share=0.99))
    moved = Moved(ended=91, surely=42, horizon_h=336.0)
    assert "intervals" not in told(target=bare, controls=bare, moved=moved, abroad=None).text
    assert together in told(target=bare, controls=bare).sentences[0]


def test_so_few_places_that_none_can_stand_out_are_said() -> None:
    """With the p of the first of them, which is the least that the target could have."""
    places = replace(made("places", 1.0, None), p=0.8, smallest_p=0.2)
    assert (
        told(places=places)
        .changes[-1]
        .endswith(
            "is number 4 by how much its appearances changed (p = 0.8; with so few places even the first has p = 0.2, "
            "above 0.05)."
        )
    )
    many = replace(places, p=0.2, smallest_p=0.04)
    assert told(places=many).changes[-1].endswith("changed (p = 0.2).")
