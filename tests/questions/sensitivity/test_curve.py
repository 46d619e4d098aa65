"""Each choice changes what it says, and nothing else; the reference is what the ranking prints."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.questions.sensitivity.rig import small_study
from waterbed.measures.keys import Kind
from waterbed.measures.ranking_tables import RankingTables
from waterbed.questions.sensitivity.curve import HOME_ABROAD, Curve, counterparts, curve_of, removed
from waterbed.questions.sensitivity.design import Spec
from waterbed.questions.sensitivity.grid import reference_of
from waterbed.questions.sensitivity.outcomes import Grouped, Value
from waterbed.questions.sensitivity.variants import Variants, confirming
from waterbed.study.conclusions import Conclusions
from waterbed.study.study import Study

HOSTERS = ("AS64500", "AS64501", "both", "front")
A, B, BOTH, FRONT = HOSTERS


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Study]:
    """The small study of the rig."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        with small_study(tmp_path_factory.mktemp("small")) as made:
            yield made


@pytest.fixture(scope="module")
def conclusions(study: Study) -> Conclusions:
    """Its conclusions as the settings say."""
    return study.conclude()


@pytest.fixture(scope="module")
def curve(study: Study, conclusions: Conclusions) -> Curve:
    """Its curve: a fraction, in which each choice is changed alone in the reference."""
    return curve_of(study, most=48, conclusions=conclusions)


def value(curve: Curve, key: str, **levels: str) -> Value:
    """The share of a hoster under the reference with some levels changed."""
    wanted = replace(curve.reference.spec, **levels)
    (found,) = [outcomes for outcomes in curve.outcomes if outcomes.spec == wanted]
    return found.values.get(removed(key), Value(estimability="nothing"))


def estimate(curve: Curve, key: str, **levels: str) -> float:
    """The number of `value`, which must be told."""
    found = value(curve, key, **levels).estimate
    assert found is not None, (key, levels)
    return found


@pytest.mark.parametrize("clock", ["reported", "first_seen", "episode_start"])
@pytest.mark.parametrize("role", ["hoster", "asn", "country"])
def test_reference_is_the_ranking_to_the_last_digit(
    study: Study, conclusions: Conclusions, clock: str, role: Kind
) -> None:
    """With the ranking's own choices every share, interval and class is that which `waterbed rank` prints."""
    spec = replace(reference_of(study), clock=clock, role=role)
    rows = RankingTables(conclusions=conclusions, kind=role, clock=spec.clock).rows  # type: ignore[arg-type]  # a ClockKind
    grouped = Grouped(study, conclusions, spec)
    assert {row.rank_class for row in rows} > {"ranked"} or role == "country"
    for row in rows:
        found = grouped.removed(row.key, spec)
        told = (found.estimate, found.low, found.high)
        shown = row.removed_24h if row.rank_class == "ranked" else None
        assert told == (shown, row.removed_24h_low, row.removed_24h_high), row.key
        assert ("ranked" if found.estimable else found.estimability) == row.rank_class


def test_where_our_views_differ_no_choice_tells_a_removal(study: Study, conclusions: Conclusions) -> None:
    """Such a hoster has no share of its own, its content is out of sight at home and abroad, and left nothing."""
    spec = reference_of(study)
    plain, hiding = Grouped(study, conclusions, spec), Grouped(study, conclusions, spec)
    assert plain.differing == {}
    hiding.differing["hoster"] = frozenset({BOTH})
    assert plain.removed(BOTH, spec).estimable
    assert hiding.removed(BOTH, spec) == Value(estimability="views differ")
    assert hiding.removed(A, spec) == plain.removed(A, spec)
    assert hiding.at("home", spec) == plain.at("home", spec)
    assert plain.at("abroad", spec).estimable
    assert (hiding.at("abroad", spec).low or 0.0) < (plain.at("abroad", spec).low or 0.0)
    assert plain.displaced != hiding.displaced


def test_grid_begins_with_the_reference(curve: Curve) -> None:
    """No combination is run twice, the reference comes first; what the data lack is left out with a reason."""
    specs = [outcomes.spec for outcomes in curve.outcomes]
    assert len(set(specs)) == len(specs) == 48 < curve.whole == 3 * 2 * 2 * 3 * 3 * 3 * 3 * 2
    assert specs[0] == Spec(
        clock="reported",
        role="hoster",
        dedup="url",
        confirmation="3 looks over 2 h",
        moved="competing",
        unknown="censored",
        first_down="bounds",
        proxy="own class",
        merges="on",
        assessment="decides",
        hoster_word="counts",
    )
    assert curve.grid.why_not["clock", "notice_delivered"] == "nothing starts such a clock"
    assert curve.grid.why_not["role", "upstream"] == "no data tell it"
    assert curve.grid.why_not["dedup", "site"] == "each site has one host"


def test_dedup_takes_the_clock_that_started_first(curve: Curve) -> None:
    """Of one host's a12 (stays) and a13 (removed), the one reported later counts no more; b, without such, stays."""
    assert estimate(curve, A, dedup="host") < estimate(curve, A)
    assert estimate(curve, B, dedup="host") == estimate(curve, B)


def test_confirmation_counts_short_absences_or_does_not(curve: Curve) -> None:
    """Back within a day, a10 and a11 were not removed, however few or many checks confirm an absence."""
    short, own, long = (
        estimate(curve, A, confirmation=level) for level in ("1 look", "3 looks over 2 h", "3 looks over 12 h")
    )
    assert short == own == long
    assert estimate(curve, B, confirmation="1 look") == estimate(curve, B)


def test_moved_counts_as_it_is_taken(curve: Curve) -> None:
    """Three of a's URLs move: as removals they raise its share, taken out they leave more to the rest."""
    competing, as_removed, censored = (
        estimate(curve, A, moved=level) for level in ("competing", "removed", "censored")
    )
    assert competing < censored < as_removed
    assert estimate(curve, BOTH, moved="removed") == estimate(curve, BOTH)


def test_unknown_is_bounded_from_both_sides(curve: Curve) -> None:
    """Nobody saw what became of a09: taken for up and for removed it bounds a's share, and no other's."""
    up, censored, as_removed = (estimate(curve, A, unknown=level) for level in ("up", "censored", "removed"))
    assert up <= censored <= as_removed
    assert up < as_removed
    assert estimate(curve, BOTH, unknown="removed") == estimate(curve, BOTH, unknown="up")


def test_proxies_stand_apart_are_left_out_or_count(curve: Curve) -> None:
    """A proxy has a share only when it counts; b loses the URL that was put behind one only when these are excluded."""
    assert value(curve, FRONT).estimate is None
    assert estimate(curve, FRONT, proxy="counted") == 1.0
    assert value(curve, FRONT, proxy="excluded").estimability == "nothing"
    assert estimate(curve, B, proxy="excluded") > estimate(curve, B)
    assert estimate(curve, B, proxy="counted") == estimate(curve, B)


def test_merges_off_splits_a_company(curve: Curve) -> None:
    """Without the book both's larger AS stands for it, which removed all; others keep their share."""
    off = next(o for o in curve.outcomes if o.spec == replace(curve.reference.spec, merges="off"))
    assert off.keys[BOTH] == "AS64502"
    assert estimate(curve, BOTH, merges="off") == 1.0
    assert 0.4 < estimate(curve, BOTH) < 0.7
    assert estimate(curve, A, merges="off") == estimate(curve, A)
    assert off.values[removed(FRONT)].estimate is None


def test_role_asks_another_for_the_same_content(curve: Curve) -> None:
    """By AS both's larger AS stands for it, as without merges."""
    assert estimate(curve, BOTH, role="asn") == 1.0
    assert estimate(curve, A, role="asn") == estimate(curve, A)


def test_home_and_abroad_are_what_lies_there(curve: Curve) -> None:
    """Home less abroad is a's share less that of all others, and its interval holds it."""
    found = curve.reference.values[HOME_ABROAD]
    assert found.estimate is not None
    assert found.low is not None
    assert found.high is not None
    assert -1 <= found.low < found.estimate < found.high <= 1


def test_variants_share_what_a_choice_does_not_change(study: Study, conclusions: Conclusions) -> None:
    """Another confirmation keeps verdicts and attributions as the same objects; only another book makes new ones."""
    reference = reference_of(study)
    variants = Variants(study, conclusions, reference)
    quick = variants.of(replace(reference, confirmation="1 look"))
    assert quick.verdicts is conclusions.verdicts
    assert quick.attributions is conclusions.attributions
    assert quick.known is conclusions.known
    assert quick.episodes != conclusions.episodes
    alone = variants.of(replace(reference, merges="off"))
    assert alone.known is conclusions.known
    assert alone.attributions != conclusions.attributions
    assert variants.of(reference) is conclusions


def test_variant_is_what_a_study_with_that_setting_concludes(study: Study, conclusions: Conclusions) -> None:
    """Episodes under another confirmation are those of a study whose settings say so."""
    level = "3 looks over 12 h"
    variants = Variants(study, conclusions, reference_of(study))
    config = confirming(study.folder.config, level)
    afresh = Conclusions(conclusions.facts, conclusions.attributor, conclusions.rules, config)
    assert variants.of(replace(reference_of(study), confirmation=level)).episodes == afresh.episodes


def test_counterpart_is_the_group_with_most_of_the_urls(conclusions: Conclusions) -> None:
    """By country a stands in NL although some of its URLs moved on."""
    assert counterparts(conclusions, conclusions, "hoster", "country", [A, B]) == {A: "NL", B: "DE"}


def test_specifications_do_not_depend_on_each_other(study: Study, conclusions: Conclusions, curve: Curve) -> None:
    """A specification gives the same numbers among others as in a curve of its own."""
    part = curve_of(study, most=20, conclusions=conclusions)
    assert part.fraction
    before = {outcomes.spec: outcomes.values for outcomes in curve.outcomes}
    shared = [outcomes for outcomes in part.outcomes if outcomes.spec in before]
    assert len(shared) > 10
    assert all(before[outcomes.spec] == outcomes.values for outcomes in shared)
