"""What is concluded of runs and columns is what the plain definitions say of each look."""

import random
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphs.episodes import all_episodes
from graphs.hop_sources import without_alternating
from graphs.runs import Run
from tests.reference.conclude import Reference
from tests.study.random_studies import Drawn
from waterbed.store import spool
from waterbed.store.lake import rows
from waterbed.study import guarded, looks
from waterbed.study.conclusions import Conclusions


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([(500_000, 1 << 20), (40, 1 << 20), (7, 0)]))
def test_every_step_is_that_of_the_plain_definitions(seed: int, size: tuple[int, int]) -> None:
    """Verdicts, attributions, quarantines, links, episodes and hops are equal, whatever the rules can see.

    Whatever the size of blocks, in memory or on the disk.
    """
    with pytest.MonkeyPatch.context() as patched:
        for module in (looks, guarded):
            patched.setattr(module, "IN_BLOCK", size[0])
        patched.setattr(spool, "IN_MEMORY", size[1])
        patched.setattr(rows, "IN_STRETCH", size[0])
        compare(Drawn(seed).conclusions())


def compare(conclusions: Conclusions) -> None:
    """All conclusions against those of single looks."""
    plain = Reference(conclusions)
    assert conclusions.attributions == plain.attributions
    assert conclusions.quarantines == plain.quarantines
    assert conclusions.verdicts == plain.verdicts
    assert {url_id: conclusions.links.name_of(url_id) for url_id in conclusions.facts.targets} == {
        url_id: plain.links.name_of(url_id) for url_id in conclusions.facts.targets
    }
    assert conclusions.episodes == plain.episodes
    assert conclusions.hops == plain.hops


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_a_run_split_at_any_look_changes_no_conclusion(seed: int) -> None:
    """The law of runs: a run is a shorthand for its looks, wherever it ends."""
    conclusions, chance = Drawn(seed).conclusions(), random.Random(seed)
    rules = conclusions.episode_rules
    if rules is None:
        return
    pieces = {
        url_id: [piece for run in runs for piece in split(run, chance)] for url_id, runs in conclusions.runs.items()
    }
    assert list(all_episodes(conclusions.known, pieces, rules)) == conclusions.episodes
    soon = rules.soon
    assert without_alternating(conclusions.hops, pieces, soon=soon) == conclusions.hops


def split(run: Run, chance: random.Random) -> Iterator[Run]:
    """The same looks in up to as many runs."""
    first = 0
    while first < len(run.at):
        last = chance.randint(first + 1, len(run.at))
        yield replace(run, at=run.at[first:last], answer=partial(nth, run, first), answers=partial(between, run, first))
        first = last


def nth(run: Run, first: int, place: int) -> object:
    return run.answer(first + place)


def between(run: Run, first: int, begin: int, end: int) -> object:
    return run.answers(first + begin, first + end)
