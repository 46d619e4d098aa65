"""Scores of a lab run, as a person reads them."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.graphs.displacement.test_returns import HOP
from waterbed.cli.scores import print_flows, print_hop_tallies, print_marked
from waterbed.lab.score.hop_score import KindTally


def _said(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().out.split())


def test_main_flows_leave_out_parallel_hops(capsys: pytest.CaptureFixture[str]) -> None:
    """They count what pages and `graph` count, and say how many hops there are besides."""
    hops = [HOP, HOP, replace(HOP, order="parallel")]
    conclusions = SimpleNamespace(hops=hops, hosters=[], seats={}, attributor=SimpleNamespace(name_of=lambda key: key))
    print_flows(cast(Any, conclusions))
    out = _said(capsys)
    assert "Main flows between hosters: 3 hops, 1 of them parallel and left out" in out
    assert f" 2 {HOP.from_hoster} {HOP.to_hoster}" in out


def test_two_tables_of_kinds_say_how_they_differ(capsys: pytest.CaptureFixture[str]) -> None:
    """The second goes by the kind that was measured, and the sentence below it says so."""
    print_hop_tallies({"copy": KindTally(measured=190, right=190, detectable=177, found=177)})
    assert "Kinds are as measured" in _said(capsys)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ([], "No file in demo holds content of a page or an image"),
        (["demo/a"], "1 file in demo holds content of a page or an image demo/a"),
        (["demo/a", "demo/b"], "2 files in demo hold content of a page or an image demo/a demo/b"),
    ],
)
def test_files_with_content_are_named(capsys: pytest.CaptureFixture[str], files: list[str], said: str) -> None:
    """There should be none, and the sentence says so in plain words."""
    print_marked(Path("demo"), [Path(one) for one in files])
    assert _said(capsys) == said
