"""Harm to the named, searched in all that leaves a study: what was found not illegal, and events that are not public.

`python -m tests.publish.test_harm` prints the figures.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.leaks.names import names_of
from tests.leaks.search import Search
from tests.publish.api.serving import FOR_CASES, served
from tests.publish.study import hour, report, small_study
from tests.questions.intervention.test_estimate import EVENT
from waterbed.governance.reply import PUBLIC
from waterbed.publish.api.source import source_of
from waterbed.publish.freeze.freeze import freeze
from waterbed.publish.release import publish_all
from waterbed.publish.sharing.share import export
from waterbed.store.settings import Tlp
from waterbed.study.study import Study

CLEARED, NAMED = "hoster-zaanoever-b", "hoster-zaanoever-a"
"""Companies: every URL of the first was found to be not illegal."""
EVENTS = {
    "quietwater": "public = false",
    "stillwater": "",
    "clearwater": "public = true",
    "openwater": "public = true\npublic_source = 'the gazette of openwater'",
}
"""Event files by name, and what each says of being public; under TLP:CLEAR it needs a source that told it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a search over all that left a study found."""

    files: int
    size: int
    hits: int


def harm(folder: Path, tlp: Tlp) -> dict[str, Told]:
    """How often each company and event is named in anything that a study gives away, in any form."""
    with small_study(folder, names="Hoster-Zaanoever-{}", cases=True, tlp=tlp) as study:
        study.folder.store.add(
            report(
                f"b{number:02}",
                report_id=f"police {number}",
                source="police",
                received_at=hour(1),
                assessed_illegal=False,
            )
            for number in range(12)
        )
        (study.folder.path / "events").mkdir()
        for name, lines in EVENTS.items():
            text = EVENT.replace("public = true", lines).replace('"AS64501", ', "")
            (study.folder.path / "events" / f"{name}.toml").write_text(text)
        _all_that_leaves(study, folder / "out", "a test of what is left out" if tlp == PUBLIC else "")
    found = {}
    for label in (CLEARED, NAMED, *EVENTS):
        its = Search(names_of([f"{label}.com"])).over([folder / "out"])
        assert its.unread == []
        found[label] = Told(files=its.files, size=its.searched, hits=len(its.hits))
    return found


def _all_that_leaves(study: Study, out: Path, override: str) -> None:
    publish_all(study, out / "publish", override=override)
    (out / "serve").mkdir()
    with served(source_of(study.folder.path)) as running:
        paths = ["/v1", "/v1/cases", "/v1/tables", "/openapi.json", "/health", "/docs"]
        paths += [f"/{path.relative_to(out / 'publish').as_posix()}" for path in (out / "publish").rglob("*.html")]
        paths += [f"/v1/tables/{name}" for name in running.get("/v1", FOR_CASES).told["tables"]]
        for number, path in enumerate(paths):
            (out / "serve" / f"{number}.txt").write_bytes(running.get(path, FOR_CASES).content)
    export(study, out / "export", "pool")
    freeze(study, out / "shared", shared="pool", override=override)


@pytest.mark.long
@pytest.mark.parametrize(("tlp", "withheld"), [("green", 2), ("clear", 3)])
def test_who_may_not_be_named_is_named_nowhere(tlp: Tlp, withheld: int, tmp_path: Path) -> None:
    """A withheld event, and a company of which nothing is illegal: no byte in files, answers, exports and packages.

    Those that may be named are found by the same search.
    """
    found = harm(tmp_path, tlp)
    assert found[CLEARED].files > 200
    silent = [label for label, its in found.items() if not its.hits]
    assert silent == [CLEARED, *list(EVENTS)[:withheld]]


if __name__ == "__main__":
    for light in ("green", "clear"):
        with TemporaryDirectory() as place:
            for label_, its_ in harm(Path(place), light).items():
                said = f"TLP {light:6} {label_:20} {its_.hits:4} hits in {its_.files} files, {its_.size:,} bytes"
                sys.stdout.write(f"{said}\n")
