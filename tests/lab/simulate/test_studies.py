"""Simulated studies: drawn worlds, looks without a network, conclusions against the truth."""

import random
from datetime import timedelta
from math import inf

import pytest
from typer.testing import CliRunner

from waterbed.cli.app import app
from waterbed.lab.simulate.coverage import summarise
from waterbed.lab.simulate.draw import DAYS, MISSED, UNREPORTED, draw, true_median, true_share
from waterbed.lab.simulate.looks import Simulator
from waterbed.lab.simulate.studies import StudyResult, Trial, one_study, simulate_studies
from waterbed.lab.world.file import Removal, World
from waterbed.lab.world.reading import parse_world, read_world, scenario_path
from waterbed.lab.world.truth import simulate
from waterbed.model.errors import InputError


@pytest.fixture(scope="module")
def base() -> World:
    return read_world(scenario_path("quiet"))


def test_draws_stay_in_their_ranges(base: World) -> None:
    """Whatever is drawn lies in the stated ranges, and hosters keep their names and addresses."""
    names = {hoster.key: hoster.v4 for hoster in base.hoster}
    for seed in range(40):
        world, hard = draw(base, random.Random(seed))
        assert MISSED[0] <= hard.missed <= MISSED[1]
        assert 1 - UNREPORTED[1] <= world.movement.reported_home <= 1 - UNREPORTED[0]
        assert all(0 <= begin < end <= DAYS * 24 for begin, end in hard.outages)
        assert {hoster.key: hoster.v4 for hoster in world.hoster}.items() <= names.items()
        assert hard.equal == (len({hoster.removal for hoster in world.hoster}) == 1)
        assert (hard.blind is None) == hard.equal


def test_a_world_of_two_hosters_is_refused(base: World, small_text: str) -> None:
    """Too few plain hosters cannot be compared: the message says how many there are."""
    with pytest.raises(InputError, match="has 2 plain hosters, three are needed"):
        draw(parse_world(small_text), random.Random(1))


def test_policies_have_known_shares_and_medians() -> None:
    """Half of all removed at the median; a policy that removes less than half never reaches it."""
    whole = Removal(removes=1.0, median_hours=10.0, sigma=1.0)
    assert true_share(whole, 10.0) == pytest.approx(0.5)
    assert true_median(whole) == pytest.approx(10.0)
    assert true_median(Removal(removes=0.8, median_hours=10.0, sigma=1.0)) > 10.0
    assert true_median(Removal(removes=0.5)) == inf


def test_looks_tell_the_truth_of_their_time_or_nothing(base: World) -> None:
    """No look says up of what is away, or down of what is there; some say nothing; none comes before its report."""
    world, hard = draw(base, random.Random(5))
    truth = simulate(world)
    looked = list(Simulator(truth, hard, random.Random(6)).all())
    urls = list(dict.fromkeys(report.url for report in truth.reports))
    unknown = 0
    for one in looked:
        for look in one.sightings:
            there = truth.is_up(urls[int(one.known.url_id)], look.verdict.observed_at)
            unknown += look.verdict.state == "unknown"
            assert look.verdict.state in (("up", "unknown") if there else ("down", "unknown"))
            assert look.verdict.observed_at >= one.known.reported[0]
            assert look.verdict.observed_at < world.start + timedelta(days=DAYS)
    assert len(looked) == len(urls)
    assert unknown


def test_a_study_is_its_seed(base: World) -> None:
    """The same seed gives the same study, whoever computes it; another seed gives another one."""
    (first,) = simulate_studies(base, 1, seed=3)
    assert first == one_study((base, 3, 0))
    assert first != one_study((base, 4, 0))


def test_intervals_hold_the_truth_in_most_of_a_few_studies(base: World) -> None:
    """In a small campaign most intervals hold the policy's share, and nobody is credited with names that went."""
    found = summarise(simulate_studies(base, 8, seed=20))
    shares = {row.among: row for row in found.coverage if row.what == "removed within 24 h"}
    assert shares["all"].trials > 20
    assert shares["all"].covered > 0.85
    assert set(found.blind) <= {"no share", "a share, not first", "first, as it is"}
    medians = {row.among: row for row in found.coverage if row.what == "median"}
    assert medians["all"].covered > 0.85
    if found.credited:
        measured, true, naive = found.credited
        assert measured < naive
        assert measured == pytest.approx(true, abs=0.2)


def trial(low: float, high: float, *, what: str = "share", exact: tuple[float, float] | None = (0.0, 1.0)) -> Trial:
    return Trial(
        what=what,
        plan="constant",
        late=True,
        big=False,
        sites=20,
        role="plain",
        true=0.5,
        value=0.5,
        low=low,
        high=high,
        exact=exact,
    )


def result(*trials: Trial, size_speed: float | None = None) -> StudyResult:
    return StudyResult(trials=trials, shares=1, hosters=2, blind="none", size_speed=size_speed, naive=None, looks=10)


def test_a_summary_counts_what_holds() -> None:
    """Coverage, sides, width ratio and correlation are plain counts and means."""
    found = summarise(
        [result(trial(0.4, 0.6), trial(0.6, 0.8), size_speed=0.5), result(trial(0.1, 0.3), size_speed=-0.5)]
    )
    (row, late) = (row for row in found.coverage if row.among in ("all", "some reports late"))
    assert late.trials == 3
    assert (row.trials, row.covered, row.too_high, row.too_low) == (3, 1 / 3, 1 / 3, 1 / 3)
    assert row.width_ratio == pytest.approx(0.2)
    assert found.size_speed == (0.0, 0.5, 2)
    assert found.estimable == 0.5
    assert summarise([result(trial(0.4, 0.6, exact=None))]).coverage[0].width_ratio is None


def test_the_command_prints_the_campaign() -> None:
    """`waterbed lab simulate` prints coverage and ends well; an unknown scenario ends with one sentence."""
    done = CliRunner().invoke(app, ["lab", "simulate", "quiet", "--studies", "2", "--seed", "9"])
    assert done.exit_code == 0, done.output
    assert "removed within 24 h: 95% intervals against the truth, 2 studies" in done.output
