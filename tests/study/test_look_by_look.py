"""What is concluded of runs and columns is what the plain definitions say of each look."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.reference.conclude import Reference
from tests.reference.features import features_of
from tests.study.random_studies import Drawn
from waterbed.graphs.episodes import all_episodes
from waterbed.graphs.hop_sources import without_alternating
from waterbed.graphs.runs import Run
from waterbed.model.conclusions import Attribution, Verdict
from waterbed.model.facts import Observation
from waterbed.store import spool
from waterbed.store.lake import rows
from waterbed.store.lake.kinds import schema_of
from waterbed.store.lake.rows import table_of
from waterbed.study import guarded, look_reader, look_tables
from waterbed.study.conclusions import Conclusions
from waterbed.study.formats import arrow_schema, as_arrow
from waterbed.study.look_tables import LOOK, attribution_tables, flat_lists, observation_tables, verdict_tables


@pytest.mark.long
@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([(500_000, 1 << 20), (40, 1 << 20), (7, 0)]))
def test_every_step_is_that_of_the_plain_definitions(seed: int, size: tuple[int, int]) -> None:
    """Verdicts, attributions, quarantines, links, episodes and hops are equal, whatever the rules can see.

    Whatever the size of blocks, in memory or on the disk.
    """
    with in_blocks(*size):
        compare(Drawn(seed).conclusions())


@contextmanager
def in_blocks(looks_: int, in_memory: int) -> Iterator[None]:
    """Blocks and stretches of so many looks, and so many bytes in memory."""
    with pytest.MonkeyPatch.context() as patched:
        for module, name in (
            (look_reader, "IN_BLOCK"),
            (guarded, "IN_BLOCK"),
            (look_tables, "_AT_ONCE"),
            (rows, "IN_STRETCH"),
        ):
            patched.setattr(module, name, looks_)
        patched.setattr(spool, "IN_MEMORY", in_memory)
        yield


def compare(conclusions: Conclusions) -> None:
    """All conclusions against those of single looks."""
    plain = Reference(conclusions)
    assert conclusions.attributions == plain.attributions
    assert conclusions.quarantines == plain.quarantines
    assert conclusions.verdicts == plain.verdicts
    seen = conclusions.facts.looks
    tables = {name: pa.concat_tables([empty, *its]) for name, (empty, its) in tables_of(conclusions).items()}
    assert tables["verdicts"].equals(as_arrow(Verdict, plain.verdicts))
    assert tables["observations"].equals(table_of(Observation, seen))
    assert flat_lists(tables["observations"]).equals(as_arrow(Observation, seen))
    answered = [(look, found) for look, found in zip(seen, plain.attributions, strict=True) if found]
    assert (
        tables["attributions"].select(LOOK).equals(as_arrow(Observation, [look for look, _ in answered]).select(LOOK))
    )
    assert tables["attributions"].drop(LOOK).equals(as_arrow(Attribution, [found for _, found in answered]))
    features = features_of(
        conclusions.facts, conclusions.config, conclusions.rules, [one.observation_id for one in seen]
    )
    assert conclusions.features(features) == features
    assert {url_id: conclusions.links.name_of(url_id) for url_id in conclusions.facts.targets} == {
        url_id: plain.links.name_of(url_id) for url_id in conclusions.facts.targets
    }
    assert conclusions.episodes == plain.episodes
    assert conclusions.hops == plain.hops


def tables_of(conclusions: Conclusions) -> dict[str, tuple[pa.Table, Iterator[pa.Table]]]:
    """The same as Arrow tables, with one without rows."""
    verdicts, attributions = arrow_schema(Verdict), arrow_schema(Attribution)
    beside = [arrow_schema(Observation).field(name) for name in LOOK]
    observations = schema_of(Observation)
    return {
        "verdicts": (verdicts.empty_table(), verdict_tables(conclusions.judged)),
        "attributions": (pa.schema([*beside, *attributions]).empty_table(), attribution_tables(conclusions.judged)),
        "observations": (
            observations.empty_table(),
            observation_tables(conclusions.facts, conclusions.looks, observations.names),
        ),
    }


@pytest.mark.long
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
    told = conclusions.name_ends.told(list(all_episodes(conclusions.known, pieces, rules)))
    assert told == conclusions.episodes
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
