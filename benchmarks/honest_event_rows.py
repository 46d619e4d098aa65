"""What one version of the code says of an event in a simulated study, as plain values.

Started as a program, with the tree of that version on PYTHONPATH, it reads the names of folders from standard input and
answers each with a line of JSON. Imported, it does the same for the tree that imports it.
"""

import json
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any
from unittest.mock import patch

sys.path.append(str(Path(__file__).parent))

import msgspec
import pyarrow as pa
from honest_child import answer_lines

from waterbed.judging.rules import read_rules
from waterbed.lab.simulate.single_facts import keyed
from waterbed.model.facts import CanaryLook, ControlLook, Observation, Report, Resolution, Target
from waterbed.model.results import Answer
from waterbed.model.table import TableInfo
from waterbed.questions.intervention import shares as event_shares
from waterbed.questions.intervention.estimate import findings
from waterbed.store.config import Config
from waterbed.store.lake.kinds import facts_in, schema_of
from waterbed.study.conclusions import Conclusions
from waterbed.study.facts import Facts, Later, LaterByKey
from waterbed.study.linking import ROOT, OpenedNames

try:
    from waterbed.attribution.attribute import Attributor
    from waterbed.attribution.hosters.book import book_from
    from waterbed.attribution.lookups.tables.countries import read_countries
    from waterbed.attribution.lookups.tables.routes import read_routes
    from waterbed.graphs.displacement.event import Event
except ImportError:  # up to version 0.2.0 they lay beside the package
    from attribution.attribute import Attributor
    from attribution.hosters.book import book_from
    from attribution.lookups.tables.countries import read_countries
    from attribution.lookups.tables.routes import read_routes
    from graphs.displacement.event import Event

KINDS = (Target, Report, Observation, Resolution, ControlLook, CanaryLook)
"""The facts of a case, each kind in a file of its name."""
MORE, BEYOND, CAUSED, MOVED = "removed more", "more than controls", "by the event", "moved"
SENTENCES = (MORE, BEYOND, CAUSED, MOVED)
"""What an answer may claim: that the target removed more than before, by more than its controls, because of the event,
and that content moved."""
TESTS = {MORE: "removal, change", BEYOND: "removal, change beyond controls", CAUSED: "removal, change beyond earlier"}
"""The tests that the first three stand for, since version 0.2.0: there one sentence claimed the first two."""
LEVEL = 0.05
INFO = TableInfo(
    what="displacement", by="hoster", clock="reported", window="", method="", data_dates={}, run="r", version="0"
)


def said(folder: Path) -> dict[str, Any]:
    """What is said of the case in a folder: claims, whether it was answered, and why not."""
    case = json.loads((folder / "case.json").read_text())
    known = {name: value for name, value in case["event"].items() if name in Event.__struct_fields__}
    event = msgspec.convert(known, Event)
    # the figure takes half of the time of an answer, and no sentence rests on it
    with patch.object(event_shares, "curve_of", return_value=()):
        found = findings(concluded(folder, case), case["home"], INFO, event)
    summary = found.summary
    if summary is None:
        raise ValueError("a report on an event has a summary")
    return {
        "claims": claims(found.answers, summary.branch),
        "branch": summary.branch,
        "answered": summary.branch not in ("refused", "held back"),
        "refusals": sorted({f"{one.name}: {_reason(found, one)}" for one in found.answers if one.test and one.refusal}),
        "takedowns": found.moved.ended or 0 if found.moved else 0,
    }


def _reason(found: Any, answer: Any) -> str:
    """Why an answer has no number, in words: version 0.2.0 holds them."""
    return found.formatter.plain(answer.refusal) if hasattr(found, "formatter") else answer.refusal


def claims(answers: Sequence[Answer], branch: str) -> dict[str, bool]:
    """Which sentences an answer states."""
    by_name = {one.name: one for one in answers}
    own = {name: by_name[test] for name, test in TESTS.items() if test in by_name}
    found = {name: _shown(one) for name, one in own.items()}
    if BEYOND not in found:  # "It removed more, beyond its controls"
        found[BEYOND] = found.get(MORE, False)
    shown = {name: found.get(name, False) for name in (MORE, BEYOND, CAUSED)}
    return {
        MORE: shown[MORE],
        BEYOND: shown[MORE] and shown[BEYOND],
        CAUSED: shown[MORE] and shown[BEYOND] and shown[CAUSED],
        MOVED: branch in ("displacement", "mixed"),
    }


def _shown(answer: Answer) -> bool:
    return answer.adjusted is not None and answer.adjusted <= LEVEL and (answer.estimate or 0.0) > 0


def concluded(folder: Path, case: dict[str, Any]) -> Conclusions:
    """The conclusions of a case, from its facts on."""
    table = {cls: _read(folder, cls) for cls in KINDS}
    facts = Facts(
        targets={one.url_id: one for one in facts_in(Target, table[Target])},
        reports=facts_in(Report, table[Report]),
        looks=Later(lambda: facts_in(Observation, table[Observation])),
        resolutions=LaterByKey(lambda: {one.resolution_id: one for one in facts_in(Resolution, table[Resolution])}),
        controls=LaterByKey(lambda: {one.control_id: one for one in facts_in(ControlLook, table[ControlLook])}),
        canaries=facts_in(CanaryLook, table[CanaryLook]),
    )
    for cls in (Observation, Resolution, ControlLook):
        facts._tables[cls] = table[cls].select([field.name for field in schema_of(cls)])
    opened = OpenedNames(common=frozenset([keyed("path", ROOT)]))
    config = Config(study="virtual", home=case["home"])
    return Conclusions(facts, _attributor(folder, case), read_rules(), config, opened)


def _read(folder: Path, cls: type) -> pa.Table:
    with pa.OSFile(str(folder / f"{cls.__name__}.arrow")) as file:
        return pa.ipc.open_file(file).read_all()


def _attributor(folder: Path, case: dict[str, Any]) -> Attributor:
    book = book_from(case["hosters"].encode())
    days = [date.fromisoformat(day) for day in case["days"]]
    return Attributor(
        routes=[(day, read_routes(folder / f"routes-{day}.csv")) for day in days],
        countries=[(day, read_countries(folder / f"countries-{day}.csv")) for day in days],
        book=book,
        suffixes={keyed("suffix", suffix): suffix for suffix in book.suffixes()},
        max_age_days=31.0,
    )


if __name__ == "__main__":
    answer_lines(said)
