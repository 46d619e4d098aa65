"""Proves that the interface answers as its document says: schemathesis makes at least 2,000 calls and finds nothing."""

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.publish.api.calls import campaign
from tests.publish.api.serving import FOR_CASES, fixed, served
from tests.publish.study import small_study
from waterbed.publish.build_publication import publication_of
from waterbed.publish.policy import publishable


def main():
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--examples", type=int, default=300, help="most made calls of each operation and phase")
    reader.add_argument("--seed", type=int, default=1)
    reader.add_argument("--least", type=int, default=2000, help="fewer calls than these prove nothing")
    asked = reader.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        with small_study(Path(folder), cases=True) as study:
            publication = publishable(publication_of(study, study.conclude()))
        with served(fixed(publication)) as running:
            called = campaign(running.url, FOR_CASES, Path(folder), examples=asked.examples, seed=asked.seed)
    print(f"{called.calls:,} calls, seed {asked.seed}: {'nothing found' if called.ok else 'findings'}")
    if not called.ok:
        print(called.told)
    return 0 if called.ok and called.calls >= asked.least else 1


if __name__ == "__main__":
    sys.exit(main())
