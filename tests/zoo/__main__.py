"""Plays the zoo once in each profile and writes `docs/hostile-servers.md`."""

import os
import sys
import tempfile
from pathlib import Path

from tests.zoo.page import PAGE, came_out, is_sure, page
from tests.zoo.rig import PROFILES, Played, play
from tests.zoo.servers import Zoo
from waterbed.model.facts import Profile

_TIMES = 4
"""How often a look is made again at most."""


def settled(zoo: Zoo, profile: Profile, folder: Path) -> Played:
    """One pass; looks that a busy machine may have kept waiting are made again, the few by themselves."""
    played, before = play(zoo, profile, folder), None
    for number in range(_TIMES):
        again = [name for name, seen in played.seen.items() if not is_sure(seen)]
        if again == before:
            break
        place, before = folder / f"{profile}-{number}", again
        place.mkdir()
        with Zoo(again) as few:
            played.seen.update(play(few, profile, place).seen)
    return played


def main() -> int:
    """Play, and write unless a behaviour did not come to its verdict."""
    with tempfile.TemporaryDirectory() as folder, Zoo() as zoo:
        os.environ["XDG_CONFIG_HOME"] = folder
        played = {profile: settled(zoo, profile, Path(folder)) for profile in PROFILES}
    names = [behaviour.name for behaviour in zoo.played]
    odd = [n for n in names if not all(n in each.seen and came_out(each.seen[n]) for each in played.values())]
    if odd:
        print(f"{PAGE.name} is not written: not as tests/zoo/expected.py says came out {', '.join(odd)}")
        return 1
    PAGE.write_text(page(played))
    looks = sum(len(each.seen) for each in played.values())
    print(f"{PAGE.name}: {len(zoo.played)} behaviours, {looks} looks")
    return 0


if __name__ == "__main__":
    sys.exit(main())
