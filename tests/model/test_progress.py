"""Stages are heard from their begin to their end, whatever happens in them, and cost nothing when nobody listens."""

import ast
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import waterbed
from waterbed.model.progress import Stage, listen, stage, staged

Work = tuple[int, int | None, bool, list["Work"]]
"""Units that are done, the total if it is known, whether it fails then, and the stages within."""
WORK: Any = st.recursive(
    st.tuples(st.integers(0, 5), st.none() | st.integers(0, 5), st.booleans(), st.just([])),
    lambda within: st.tuples(st.integers(0, 5), st.none(), st.booleans(), st.lists(within, max_size=3)),
    max_leaves=8,
)


class Heard:
    """A listener that keeps what it hears."""

    def __init__(self) -> None:
        self.open: list[Stage] = []
        self.ended: list[Stage] = []

    @contextmanager
    def __call__(self, one: Stage) -> Iterator[None]:
        assert one.done == 0
        self.open.append(one)
        try:
            yield
        finally:
            self.open.remove(one)
            self.ended.append(one)


@pytest.fixture
def heard() -> Iterator[Heard]:
    """A listener, as long as a test goes on."""
    made = Heard()
    listen(made)
    yield made
    listen(None)


def _work(work: Work, done: list[tuple[int, int | None]]) -> None:
    units, total, fails, within = work
    with stage("a stage", total) as advance:
        for _ in range(units):
            advance()
        try:
            for inner in within:
                _work(inner, done)
        finally:
            done.append((units, total))
        if fails:
            raise ZeroDivisionError


@given(work=WORK)
def test_stages_nest_and_end_however_their_work_ends(work: Work) -> None:
    """Inner stages end before outer ones, with the units that were done; a failure passes through, heard or not."""
    silent: list[tuple[int, int | None]] = []
    loud: list[tuple[int, int | None]] = []
    heard, failed = Heard(), []
    for done, listener in ((silent, None), (loud, heard)):
        listen(listener)
        try:
            _work(work, done)
        except ZeroDivisionError:
            failed.append(listener)
        finally:
            listen(None)
    assert len(failed) in (0, 2)
    assert silent == loud == [(one.done, one.total) for one in heard.ended]
    assert heard.open == []


def test_stages_of_several_threads_lose_no_unit(heard: Heard) -> None:
    """Threads advance one stage, and have stages of their own."""
    with stage("all", 4_000) as every, ThreadPoolExecutor(4) as pool:

        def work() -> None:
            for _ in staged("some", iter(range(1_000)), 1_000):
                every()

        for one in [pool.submit(work) for _ in range(4)]:
            one.result()
    assert [one.done for one in heard.ended] == [1_000] * 4 + [4_000]
    assert heard.open == []


def test_items_are_done_once_the_next_one_is_asked_for(heard: Heard) -> None:
    """A loop over items counts those that are behind it, knows their number, and ends its stage when it is left."""
    for item in staged("items", "abc"):
        (open_,) = heard.open
        assert (open_.total, open_.done) == (3, "abc".index(item))
        if item == "b":
            break
    assert heard.open == []
    assert list(staged("none", [])) == []
    assert [(one.name, one.done, one.total) for one in heard.ended] == [("items", 1, 3), ("none", 0, 0)]


def test_a_forked_process_is_not_heard(heard: Heard) -> None:
    """What listens may have a thread, which a forked process lacks."""
    child = os.fork()
    if not child:
        with stage("in the child"):
            os._exit(len(heard.open))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_names_of_stages_are_words_of_the_program() -> None:
    """Each stage is named by a text in the code: no URL, host, file or other word of the data can get into a log."""
    house = Path(waterbed.__file__).parents[1]
    calls = [
        (path.relative_to(house), call)
        for room in ("waterbed", "crawler", "attribution", "graphs")
        for path in (house / room).rglob("*.py")
        if "import stage" in (text := path.read_text())
        for call in ast.walk(ast.parse(text))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in ("stage", "staged")
    ]
    assert len(calls) > 30
    assert [place for place, call in calls if not isinstance(call.args[0], ast.Constant)] == []
