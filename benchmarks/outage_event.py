"""The real crawler on a world whose outage ends when the event begins: what its report says, before and after release.

Our own network fails for two days before the event, or the target answers 404 to us alone for twelve hours. Where that
opened a quarantine, the report must be refused with its name; once it is decided, the clauses must be true.
"""

import argparse
import json
import sys
import tempfile
from itertools import product
from pathlib import Path

import msgspec
from event_truth import clauses

sys.path.insert(0, str(Path(__file__).parents[1]))

from waterbed.governance.quarantines import decide
from waterbed.graphs.displacement.event import read_event
from waterbed.lab.run import run_world
from waterbed.lab.world.file import Outage, World
from waterbed.lab.world.reading import read_world, scenario_path
from waterbed.lab.world.truth import simulate
from waterbed.questions.intervention.answer import open_quarantines
from waterbed.questions.intervention.estimate import findings_of
from waterbed.study.study import open_study

EVENT = scenario_path("waterbed").parent / "events" / "waterbed.toml"
KINDS = ("own", "target")
ROUNDS = 5
"""Of decisions: a cycle that was held hides what comes after it."""


def world_of(seed: int, kind: str) -> World:
    """The demo's world by another seed, with an outage that ends when the event begins."""
    plain = msgspec.structs.replace(read_world(scenario_path("waterbed")), seed=seed)
    begins = plain.intervention[0].day * 24.0
    if kind == "own":
        outage = Outage(from_hour=begins - 48.0, to_hour=begins)
        return msgspec.structs.replace(plain, outage=(*plain.outage, outage))
    hides = {"blind_to": ("first",), "blind_from_hour": begins - 12.0, "blind_to_hour": begins, "blind_how": "404"}
    hosters = [
        msgspec.structs.replace(one, **hides) if one.key == plain.intervention[0].hoster else one
        for one in plain.hoster
    ]
    return msgspec.structs.replace(plain, hoster=tuple(hosters))


def study_of(seed: int, kind: str, folder: Path) -> dict[str, object]:
    """Measure one world; what was refused, and which clauses hold after release."""
    world = world_of(seed, kind)
    run_world(world, folder)
    event, truth = read_event(EVENT), simulate(world)
    with open_study(folder) as study:
        conclusions = study.conclude()
        waiting = list(open_quarantines(conclusions, event, conclusions.episodes))
        before = findings_of(study, event)
        text = before.formatter.text(before.summary.text) if before.summary else ""
        named = [one.quarantine_id in text for one in waiting]
        rounds = 0
        while (left := list(open_quarantines(study.conclude(), event, study.conclude().episodes))) and rounds < ROUNDS:
            rounds += 1
            for one in left:
                decide(study.folder, study.conclude().quarantines, one.quarantine_id, "void", "our view failed")
        after = findings_of(study, event)
        said = after.formatter.text(after.summary.text) if after.summary else ""
        sources = tuple(world.sites.sources)
    return {
        "seed": seed,
        "kind": kind,
        "quarantines": [one.kind for one in waiting],
        "named": named,
        "rounds": rounds,
        "refused": "No answer can be given" in text,
        "text": said,
        "clauses": clauses(said, truth, event, sources),
    }


def main() -> int:
    """Run the worlds; one line of JSON for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(19901, 19911)))
    parser.add_argument(
        "--results", type=Path, help="a file of lines, to which studies are added; those in it are kept"
    )
    options = parser.parse_args()
    rows = [json.loads(line) for line in options.results.read_text().splitlines()] if (
        options.results and options.results.exists()
    ) else []  # fmt: skip
    done = {(row["seed"], row["kind"]) for row in rows}
    for seed, kind in product(options.seeds, KINDS):
        if (seed, kind) in done:
            continue
        with tempfile.TemporaryDirectory(prefix="waterbed-") as made:
            rows.append(study_of(seed, kind, Path(made) / "study"))
        print(json.dumps(rows[-1]), flush=True)
        if options.results:
            with options.results.open("a") as file:
                file.write(json.dumps(rows[-1]) + "\n")
    held = [row for row in rows if row["quarantines"]]
    refused = sum(bool(row["refused"]) and all(row["named"]) for row in held)
    said = [holds for row in rows for holds in row["clauses"].values()]
    print(f"{len(rows)} worlds, {len(held)} with an open quarantine; {refused} of these refused with its name")
    print(f"after the decision {sum(said)} of {len(said)} clauses are true")
    return 0 if held and refused == len(held) and all(said) else 1


if __name__ == "__main__":
    sys.exit(main())
