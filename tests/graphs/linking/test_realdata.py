"""Label hops and links of real phishing URLs, held against published counts."""

import os
import sys
from collections import defaultdict
from datetime import datetime
from importlib import util
from pathlib import Path
from types import ModuleType

import pytest

from tests.study.facts import target
from waterbed.graphs.episodes import UrlHistory
from waterbed.graphs.label_hops import label_spells, label_table

pytestmark = pytest.mark.realdata

SCRIPT = Path(__file__).parents[3] / "benchmarks" / "links.py"


@pytest.fixture(scope="module")
def links() -> ModuleType:
    """The benchmark as a module: it reads the data."""
    spec = util.spec_from_file_location("benchmark_links", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_label_hops_of_phishtank(links: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    """1,190 labels are on several suffixes; a step that first sight calls sequential is of unknown order."""
    folder = Path(os.environ["WATERBED_REALDATA"])
    counts = links.labels_table(list(links.read_phishtank(folder)), links.read_dumps(folder))
    name = "cohort, registries' suffixes"
    assert counts[f"{name}: several"] == 1_190
    assert counts[f"{name}: labels"] == 52_456
    assert counts[f"{name}: sequential"] == 0
    assert counts[f"{name}: unknown"] == counts[f"{name}: first seen"] == 698
    assert counts[f"{name}: parallel"] == 1_096
    assert "http" not in capsys.readouterr().out


def test_label_hops_of_phishtank_as_plain_reports(links: ModuleType) -> None:
    """Reports alone show no hop, and leave 2,592 of 2,942 steps open: the bounds are nought and these."""
    times: dict[str, list[datetime]] = defaultdict(list)
    targets, site = {}, {}
    for phish in links.read_phishtank(Path(os.environ["WATERBED_REALDATA"])):
        times[phish.url_id].append(phish.submitted)
        site[phish.url_id] = phish.site_id
        targets[phish.url_id] = target(phish.url_id, site_id=phish.site_id, label_id=phish.label_id)
    known = [
        UrlHistory(
            url_id=url_id, content_id=url_id, site_id=site[url_id], known_up_at=min(own), reported=tuple(sorted(own))
        )
        for url_id, own in times.items()
    ]
    rows = label_table(label_spells([], targets, known))
    found = [sum(getattr(row, name) for row in rows) for name in ("steps", "unknown", "hops_least", "hops_most")]
    assert found == [2_942, 2_592, 0, 2_592]


def test_names_tell_of_brands_and_not_of_kits(links: ModuleType) -> None:
    """On halves that were held back, an exact label is right of brands more often than of kits, beyond errors."""
    folder, found = Path(os.environ["WATERBED_REALDATA"]), {}
    for name, rows in (
        ("brands", links.read_moves(folder / "site-moves-2024-2026.csv")),
        ("kits", links.read_kits(folder / "phishing-kits-2017-2022.csv.gz")),
    ):
        tuning, held = links.halves(rows)
        assert not set(tuning.host.values()) & set(held.host.values())
        found[name] = links.precision_recall(links.linked(held, "exact label", 4, 10), held)
    (brands, error), (recall, recall_error) = found["brands"]
    (kits, kits_error), _ = found["kits"]
    assert brands - kits > 3 * (error**2 + kits_error**2) ** 0.5
    assert (round(brands, 3), round(recall, 3)) == (0.991, 0.262)
    assert 0 < recall_error < 0.1


def test_the_halves_of_the_kits_share_nothing(links: ModuleType) -> None:
    """No domain and no kit is in both halves, so that what is tuned on one says nothing of the other."""
    rows = links.read_kits(Path(os.environ["WATERBED_REALDATA"]) / "phishing-kits-2017-2022.csv.gz")
    tuning, held = links.halves(rows)
    assert not tuning.host.keys() & held.host.keys()
    assert len(tuning.host) + len(held.host) == len({domain for domain, _ in rows})
    assert (len(tuning.true), len(held.true)) == (474, 510)


def test_same_label_is_weaker_than_same_content(links: ModuleType) -> None:
    """Few pairs of one label share a kit: why a label alone never makes a strong link."""
    rows = links.read_kits(Path(os.environ["WATERBED_REALDATA"]) / "phishing-kits-2017-2022.csv.gz")
    _, held = links.halves(rows)
    found = links.linked(held, "exact label", 6, 30)
    assert found
    assert len(found & held.true) < len(found) / 2
