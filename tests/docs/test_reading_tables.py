"""The page on reading the tables elsewhere: what its Python reads of files as they are published."""

from pathlib import Path

import pandas as pd
import pytest

from tests.docs.markdown import page
from waterbed.questions.intervention.page import Line
from waterbed.study.formats import as_csv

COUNTRIES = "key,name,sites,removed_24h\r\nNA,NA,4,\r\nNL,NL,5,0.5\r\n"


def test_the_pages_python_reads_namibia_and_an_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key `NA` stays a key, an empty cell is missing, and an event's word is found by its name."""
    names = ["name", "sites", "removed_24h", "removed_24h_low", "removed_24h_high"]
    (tmp_path / "first/out").mkdir(parents=True)
    pd.DataFrame({name: [1] for name in names}).to_parquet(tmp_path / "first/out/ranking-hoster.parquet")
    (tmp_path / "first/out/ranking-country.csv").write_text(COUNTRIES)
    (tmp_path / "event/out/interventions").mkdir(parents=True)
    said = as_csv(Line, [Line(name="Branch", text="held back"), Line(name="Sentence 1", text="It is held back.")])
    (tmp_path / "event/out/interventions/traaghost-2026-03-15-sentences.csv").write_text(said)
    monkeypatch.chdir(tmp_path)
    found: dict[str, object] = {}
    for block in page("reading-tables.md").split("```python\n")[1:]:
        exec(block.partition("```")[0], found)
    countries = found["countries"]
    assert isinstance(countries, pd.DataFrame)
    assert list(countries["key"]) == ["NA", "NL"]
    assert countries["removed_24h"].isna().tolist() == [True, False]
    assert found["branch"] == "held back"


def test_the_pages_r_reads_namibia() -> None:
    """Each file that R reads as CSV is read with the option that leaves the key `NA` a key."""
    calls = [line for line in page("reading-tables.md").splitlines() if "read.csv(" in line]
    assert calls
    assert all('na.strings = ""' in line for line in calls)
