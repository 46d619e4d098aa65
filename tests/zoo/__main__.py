"""Plays the zoo once in each profile and writes `docs/hostile-servers.md`."""

import os
import tempfile
from pathlib import Path

from tests.zoo.page import PAGE, page
from tests.zoo.rig import PROFILES, play
from tests.zoo.servers import Zoo


def main() -> None:
    """Play and write."""
    with tempfile.TemporaryDirectory() as folder, Zoo() as zoo:
        os.environ["XDG_CONFIG_HOME"] = folder
        played = {profile: play(zoo, profile, Path(folder)) for profile in PROFILES}
    PAGE.write_text(page(played))
    looks = sum(len(each.seen) for each in played.values())
    seconds = sum(each.seconds for each in played.values())
    print(f"{PAGE.name}: {len(zoo.played)} behaviours, {looks} looks, {seconds:.1f} s")


if __name__ == "__main__":
    main()
