"""Proves that the SQL text and the pure definition give the same episodes on every scenario of the lab."""

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from graphs.episodes_sql import set_episodes
from waterbed.lab.run import run_world
from waterbed.lab.world.reading import read_world, scenario_path
from waterbed.study.study import open_study

SCENARIOS = sorted(path.stem for path in scenario_path("quiet").parent.glob("*.toml"))


def agree(name: str, folder: Path) -> bool:
    """Measure one scenario; say whether both give the same episodes, row for row."""
    run_world(read_world(scenario_path(name)), folder / name, lambda *_: None)
    with open_study(folder / name) as study:
        made = study.conclude()
        rules = made.episode_rules
        place = {url_id: number for number, url_id in enumerate(made.sightings)}
        pure = sorted(made.episodes, key=lambda e: (place[e.url_id], e.known_up_at, e.last_up, e.hoster))
        equal = rules is not None and set_episodes(made.known, made.sightings, rules, folder=folder) == pure
    print(f"{name}: {len(pure):,} episodes, {'equal' if equal else 'DIFFERENT'}", flush=True)
    return equal and bool(pure)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenarios", nargs="+", default=SCENARIOS, help="all by default")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        agreed = [agree(name, Path(made)) for name in options.scenarios]
    return 0 if all(agreed) else 1


if __name__ == "__main__":
    sys.exit(main())
