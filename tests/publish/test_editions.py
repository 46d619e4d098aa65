"""Editions know of each other: those made at once, and what one withheld, which the next does not tell."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.publish.study import small_study
from tests.study.facts import _looks, report, resolution, target
from waterbed.model.errors import InputError
from waterbed.publish import release
from waterbed.publish.api import source
from waterbed.publish.edition import editions
from waterbed.publish.release import publish_all
from waterbed.study.study import Study


def grow(study: Study, number: int) -> None:
    """Another site is reported at the first hoster."""
    url, address = f"new{number}", f"28.0.200.{number}"
    study.folder.store.add([target(url), resolution(url, address), report(url), *_looks(url, "uuuu", address)])


def between(once: Callable[[], Any], real: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, before whose first call something happens."""
    left = [once]

    def called(*words: Any) -> Any:
        if left:
            left.pop()()
        return real(*words)

    return called


def test_an_edition_that_another_overtakes_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two publications made at once the later one is refused, and knows of the other when repeated."""
    with small_study(tmp_path) as study:

        def other() -> None:
            grow(study, 1)
            publish_all(study, tmp_path / "b")

        monkeypatch.setattr(release, "tables_of", between(other, release.tables_of))
        with pytest.raises(InputError, match="start again"):
            publish_all(study, tmp_path / "a")
        assert [path.name for path in (tmp_path / "a").iterdir()] == []
        assert len(editions(study.folder)) == 1
        publish_all(study, tmp_path / "a")
        assert (tmp_path / "a" / "index.html").is_file()


def test_a_server_that_another_edition_overtakes_draws_its_answers_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A publication while answers are made: they are made once more, of what the study holds by then."""
    drawn = []
    with small_study(tmp_path) as study:

        def other() -> None:
            grow(study, 1)
            publish_all(study, tmp_path / "out")

        real = between(other, source.tables_of)
        monkeypatch.setattr(source, "tables_of", lambda *words: drawn.append(1) or real(*words))
        served = source.read(study.folder.path)
        assert len(drawn) == 2
        assert len(editions(study.folder)) == 2
        own = json.loads((tmp_path / "out" / "ranking-hoster.json").read_text())["rows"]
        assert [row.urls for row in served.publication.table("ranking-hoster").rows] == [row["urls"] for row in own]
