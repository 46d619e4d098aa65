"""No small count follows from counts of several stretches of time: against linear algebra over all sums."""

import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import combinations

import numpy as np
import pytest

from waterbed.model.window import Window
from waterbed.publish.intervals import follows

START = datetime(2026, 1, 5, tzinfo=UTC)
LEAST = 3


def day(number: int) -> datetime:
    return START + timedelta(days=number)


def window(begin: int | None, end: int | None) -> Window:
    return Window(since=None if begin is None else day(begin), until=None if end is None else day(end))


def small_counts(reports: list[tuple[datetime, str]], told: list[Window]) -> list[tuple[int, ...]]:
    """The unions of stretches about 1 to LEAST - 1 sites whose count is a sum of told ones: all of them are tried."""
    bounds = sorted({bound for one in told for bound in one.bounds})
    atoms = [Window(since=since, until=until) for since, until in zip([None, *bounds], [*bounds, None], strict=True)]
    held: dict[int, set[str]] = defaultdict(set)
    for when, site in reports:
        held[next(at for at, atom in enumerate(atoms) if atom.holds(when))].add(site)
    live = sorted(held)
    inside = [
        [
            float(
                (one.since is None or (atoms[at].since is not None and atoms[at].since >= one.since))  # type: ignore[operator]
                and (one.until is None or (atoms[at].until is not None and atoms[at].until <= one.until))  # type: ignore[operator]
            )
            for at in live
        ]
        for one in told
    ]
    rows = np.array(inside)
    rank = np.linalg.matrix_rank(rows)
    found = []
    for size in range(1, LEAST):
        for chosen in combinations(range(len(live)), size):
            asked = np.zeros(len(live))
            asked[list(chosen)] = 1
            few = len(set().union(*(held[live[at]] for at in chosen))) < LEAST
            if few and np.linalg.matrix_rank(np.vstack([rows, asked])) == rank:
                found.append(chosen)
    return found


@pytest.mark.parametrize("seed", range(60))
def test_whatever_small_count_follows_is_found(seed: int) -> None:
    """Random windows over random reports, each URL on a site of its own: nothing that algebra tells is missed."""
    rng = random.Random(seed)
    days = sorted(rng.choices(range(30), k=rng.randint(3, 20)))
    reports = [(day(at), f"s{number}") for number, at in enumerate(days)]
    told = [window(None, None)]
    for _ in range(rng.randint(1, 6)):
        begin, end = sorted(rng.sample(range(0, 31, rng.choice((1, 5, 7))), 2))
        told.append(window(begin, end))
    if small_counts(reports, told):
        assert follows(reports, told, LEAST)


@pytest.mark.parametrize(
    ("days", "told", "exposed"),
    [
        ([0, 1, 2, 10, 11, 12], [(0, 7)], False),
        ([0, 1, 2, 10], [(0, 7)], True),
        ([0, 1, 2, 10, 20, 21], [(0, 7), (14, 30)], True),
        ([0, 1, 2, 10, 11, 12, 20, 21, 22], [(0, 7), (14, 30)], False),
        ([0, 1, 2, 3, 4, 10, 11, 12], [(0, 7), (3, 14)], True),
        ([0, 1, 2, 3, 4, 10, 11, 12, 20, 21, 22], [(0, 7), (3, 14)], False),
        ([0, 1, 2, 3, 10, 11, 12, 13], [(0, 7), (0, 14), (7, 11)], True),
        ([], [(0, 7)], False),
    ],
)
def test_remainders_and_overlaps(days: list[int], told: list[tuple[int, int]], exposed: bool) -> None:
    """The rest of the study, what lies between windows, and what two that overlap differ by, if they are joined."""
    reports = [(day(at), f"s{number}") for number, at in enumerate(days)]
    assert follows(reports, [window(None, None), *(window(*one) for one in told)], LEAST) is exposed


def test_urls_of_one_site_are_one() -> None:
    """Five URLs of a site are as few as one."""
    reports = [(day(at), "s" if at < 5 else f"s{at}") for at in range(20)]
    assert follows(reports, [window(None, None), window(0, 5)], LEAST)
