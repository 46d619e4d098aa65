"""The real crawler on a world whose outage ends when the event begins: what its report says, before and after release.

In each world our own network cannot be reached for two days before the event, so that all that was removed meanwhile is
found gone at once. The report must be refused with the quarantine's name; once it is released, clauses must be true.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import msgspec
from event_truth import clauses

sys.path.insert(0, str(Path(__file__).parents[1]))

from graphs.displacement.event import read_event
from waterbed.analysis.displacement import findings_of
from waterbed.analysis.event_answer import open_quarantines
from waterbed.governance.quarantines import decide
from waterbed.lab.run import run_world
from waterbed.lab.world.file import Outage, World
from waterbed.lab.world.reading import read_world, scenario_path
from waterbed.lab.world.truth import simulate
from waterbed.study.study import open_study

EVENT = scenario_path("waterbed").parent / "events" / "waterbed.toml"
HOURS = 48.0


def world_of(seed: int) -> World:
    """The demo's world by another seed, with an outage of all that ends when the event begins."""
    plain = read_world(scenario_path("waterbed"))
    begins = plain.intervention[0].day * 24.0
    outage = Outage(from_hour=begins - HOURS, to_hour=begins)
    return msgspec.structs.replace(plain, seed=seed, outage=(*plain.outage, outage))


def study_of(seed: int, folder: Path) -> dict[str, object]:
    """Measure one world; what was refused, and which clauses hold after release."""
    world = world_of(seed)
    run_world(world, folder)
    event, truth = read_event(EVENT), simulate(world)
    with open_study(folder) as study:
        conclusions = study.conclude()
        waiting = list(open_quarantines(conclusions, event, conclusions.episodes))
        before = findings_of(study, event)
        text = before.summary.text if before.summary else ""
        named = [one.quarantine_id in text for one in waiting]
        for one in waiting:
            decide(study.folder, study.conclude().quarantines, one.quarantine_id, "release", "our own network failed")
        after = findings_of(study, event)
        said = after.summary.text if after.summary else ""
        sources = tuple(world.sites.sources)
    return {
        "seed": seed,
        "quarantines": [one.kind for one in waiting],
        "named": named,
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
    for seed in options.seeds:
        if seed in {row["seed"] for row in rows}:
            continue
        with tempfile.TemporaryDirectory(prefix="waterbed-") as made:
            rows.append(study_of(seed, Path(made) / "study"))
        print(json.dumps(rows[-1]), flush=True)
        if options.results:
            with options.results.open("a") as file:
                file.write(json.dumps(rows[-1]) + "\n")
    held = [row for row in rows if row["quarantines"]]
    refused = sum(bool(row["refused"]) and all(row["named"]) for row in held)
    said = [holds for row in rows for holds in row["clauses"].values()]
    print(f"{len(rows)} worlds, {len(held)} with an open quarantine; {refused} of these refused with its name")
    print(f"after release {sum(said)} of {len(said)} clauses are true")
    return 0 if held and refused == len(held) and all(said) else 1


if __name__ == "__main__":
    sys.exit(main())
