"""Ids of the frozen study, kept by a reproduced study."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from waterbed.model.errors import InputError
from waterbed.store.bounded.files import content
from waterbed.store.bounded.limits import MOST_MANIFEST

FROZEN: Final = "frozen.json"
"""Name of the file in the folder of a reproduced study."""


World = Literal["measured", "simulated", "replay"]
"""What a study measured: the Internet, an invented one, or servers that stand in for a real feed's hosts."""


class Frozen(msgspec.Struct, frozen=True, kw_only=True):
    """Keyed ids and clock of the frozen study, for conclusions."""

    frozen_at: Annotated[datetime, "the study's clock when it was frozen: it stands still since"]
    common: Annotated[tuple[str, ...], "ids that mean nothing when URLs are linked"]
    suffixes: Annotated[dict[str, str], "keyed id of each platform's suffix that occurs, to the suffix"]
    near: Annotated[
        tuple[tuple[str, str, str], ...] | None, "pairs of ids of labels that look alike, and how; null: not asked for"
    ]
    world: Annotated[World, "what the study measured"] = "measured"
    package: Annotated[str, "SHA-256 that names the package; empty in the package itself"] = ""


def read_frozen(path: Path) -> Frozen | None:
    """Read the file of a reproduced study, None without one.

    InputError if it is damaged.
    """
    if not path.exists():
        return None
    try:
        return msgspec.json.decode(content(path, "the file of a reproduced study", MOST_MANIFEST), type=Frozen)
    except (InputError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise InputError(f"{path} cannot be read; reproduce the package into a new folder (docs/freeze.md)") from None
