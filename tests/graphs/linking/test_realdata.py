"""Label hops and links of real phishing URLs, held against published counts."""

import os
import sys
from importlib import util
from pathlib import Path
from types import ModuleType

import pytest

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
