"""Every scenario of the lab: conclusions from columns equal those of the plain definitions, look by look."""

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.reference.conclude import Reference
from waterbed.lab.run import run_world
from waterbed.lab.world.reading import read_world, scenario_path
from waterbed.study.study import open_study

SCENARIOS = sorted(path.stem for path in scenario_path("quiet").parent.glob("*.toml"))
STEPS = ("verdicts", "attributions", "quarantines", "episodes", "hops")


def agree(name: str, folder: Path) -> bool:
    """Measure one scenario; say which steps differ."""
    run_world(read_world(scenario_path(name)), folder / name)
    with open_study(folder / name) as study:
        made = study.conclude()
        plain = Reference(made)
        differ = [step for step in STEPS if getattr(made, step) != getattr(plain, step)]
        print(f"{name}: {len(made.looks):,} looks, {len(made.episodes):,} episodes, {differ or 'equal'}", flush=True)
        return not differ and bool(made.episodes)


def main() -> int:
    """Compare all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenarios", nargs="+", default=SCENARIOS, help="all by default")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        agreed = [agree(name, Path(made)) for name in options.scenarios]
    return 0 if all(agreed) else 1


if __name__ == "__main__":
    sys.exit(main())
