"""Hops by what reports tell of the content that left."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.publish.study import small_study
from waterbed.questions.hops.by import hops_by

Run = Callable[..., tuple[int, str, str]]


def test_hops_stand_at_each_kind_that_reports_tell(tmp_path: Path) -> None:
    """Kinds add up to all hops where each content has one; bounds hold the certain ones; other kinds are refused."""
    with small_study(tmp_path) as study:
        made = study.conclude()
        for kind in ("site_type", "commercial"):
            rows = hops_by(made.hops, made.facts.reports, kind, "NL")
            assert sum(row.hops for row in rows) == sum(hop.order != "parallel" for hop in made.hops) > 0
            assert all(row.left_home_least <= row.certain <= row.hops >= row.left_home_most for row in rows)
        by_category = {row.key: row.hops for row in hops_by(made.hops, made.facts.reports, "category", "NL")}
        assert set(by_category) == {"phishing", "malware"}, "what two sources call otherwise stands at both"
        with pytest.raises(ValueError, match="reports tell no asn"):
            hops_by(made.hops, made.facts.reports, "asn", "NL")


def test_the_command_prints_them(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One row a kind for people and tools; with another table or by week it is refused."""
    with small_study(tmp_path) as study:
        path = study.path
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    code, out, _ = run("-C", path, "hops", "--by", "site-type", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert (code, {row["key"] for row in rows}) == (0, {"forum", "not told"})
    assert "left home, least" in run("-C", path, "hops", "--by", "site-type")[1].replace("\n", " ")
    for more in (("--table", "labels"), ("--window", "week")):
        code, _, said = run("-C", path, "hops", "--by", "category", *more)
        assert (code, "--by counts our own hops of one window" in said) == (2, True)
