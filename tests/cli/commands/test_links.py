"""`waterbed links`: files of link checks, tried and refused."""

import csv
import io
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.store.study_folder import made
from waterbed.store.audit import audits
from waterbed.store.folder import open_folder

Run = Callable[..., tuple[int, str, str]]
CASES = Path(__file__).parents[2] / "crawler" / "probe" / "link_check_cases"
URL = "https://pictures.example/a1b2/secret.jpg"


def test_a_file_is_tried_against_honest_and_lying_servers(run: Run, tmp_path: Path) -> None:
    """The examples, as they are printed, conclude nothing false; without a known file they call nothing missing."""
    code, text, _ = run("links", "example")
    (tmp_path / "checks.toml").write_text(text)
    assert code == 0
    code, out, _ = run("links", "test", tmp_path / "checks.toml", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 0
    assert {row["result"] for row in rows if row["server"].startswith("honest")} == {"right"}
    assert {row["result"] for row in rows if not row["server"].startswith("honest")} == {"unknown"}
    (tmp_path / "checks.toml").write_text("\n".join(x for x in text.splitlines() if not x.startswith("known")))
    code, out, _ = run("links", "test", tmp_path / "checks.toml", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert (code, {row["missing"] for row in rows}) == (0, {"unknown"})
    assert {row["why"] for row in rows if row["server"].startswith("honest")} == {"name a known file"}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["limit-too-high.toml"], "body_limit 65537"),
        (["get.toml"], "example"),
        (["get.toml", "--urls", "known.csv"], "--urls and --consent go together"),
        (["get.toml", "--urls", "known.csv", "--consent", "somebody"], "--consent 'somebody'"),
        (["get.toml", "--urls", "broken.csv", "--consent", "The board, 2026-01-05"], "line 1, 3: there,URL"),
        (["absent.toml"], "absent.toml"),
    ],
)
def test_what_cannot_be_tried_is_one_sentence(
    words: list[str], says: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The value, what was expected and where to look, exit code 2; no URL is repeated."""
    (tmp_path / "known.csv").write_text(f"there,{URL}\n")
    (tmp_path / "broken.csv").write_text(f"up,{URL}\n\nthere {URL}\n")
    monkeypatch.chdir(tmp_path)
    code, out, err = run("links", "test", CASES / words[0], *words[1:])
    assert (code, out) == (2, "")
    assert says in err
    assert "link-checks.md" in err
    assert "secret" not in err


def test_real_hosters_are_asked_with_consent_on_record(run: Run, tmp_path: Path) -> None:
    """Who allowed it is on record before anything is asked; the table names lines, and no URL."""
    made(tmp_path / "study").close()
    settings = tmp_path / "study" / "waterbed.toml"
    settings.write_text(
        settings.read_text().replace("127.0.0.1:53", "127.0.0.1:1").replace("timeout_s = 5.0", "timeout_s = 0.1")
    )
    (tmp_path / "known.csv").write_text(f"there,{URL}\nmissing,https://other.example/x\n")
    words = ("--urls", tmp_path / "known.csv", "--consent", "The board, 2026-01-05", "--format", "csv")
    code, out, err = run("-C", tmp_path / "study", "links", "test", CASES / "get.toml", *words)
    rows = [(row["line"], row["check"], row["concluded"]) for row in csv.DictReader(io.StringIO(out))]
    assert (code, rows) == (0, [("1", "pictures", "unknown"), ("2", "", "unknown")]), err
    assert "secret" not in out + err
    with closing(open_folder(tmp_path / "study")) as folder:
        assert [entry.action for entry in audits(folder)][-2:] == ["authorise", "try"]
