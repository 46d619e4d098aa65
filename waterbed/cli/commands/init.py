"""The `init` command: a new study."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from waterbed.cli.output import note, say
from waterbed.model.errors import InputError

if TYPE_CHECKING:
    from waterbed.store.folder import Folder


def init(
    folder: Annotated[Path, typer.Argument(help="The new study's folder.")],
    name: Annotated[str, typer.Option(help="Name of the study.")] = "unnamed study",
    home: Annotated[str, typer.Option(help="The home jurisdiction, an ISO country code.")] = "NL",
    contact: Annotated[str, typer.Option(help="Address or page named in our user agent.")] = "",
    store: Annotated[str, typer.Option(help="sqlite, or a postgresql:// URL.")] = "sqlite",
) -> None:
    """Create a study folder: settings and an empty store.

    Its keys lie elsewhere.

    For example: waterbed init mystudy --home NL
    """
    from waterbed.model.paces import RARE_SHARE
    from waterbed.store.config import Config
    from waterbed.store.folder import create_folder
    from waterbed.store.settings import Schedule, StoreAt

    try:
        config = Config(
            study=uuid.uuid4().hex,
            name=name,
            home=home,
            contact=contact,
            store=StoreAt(url=store),
            schedule=Schedule(rare_share=RARE_SHARE),
        )
    except ValueError as problem:
        raise InputError(f"{problem}; see docs/operations.md, Settings") from None
    made = create_folder(folder, config, None)
    try:
        _created(made)
    finally:
        made.close()


def _created(made: Folder) -> None:
    """Print the places of a study and keys, and advice."""
    from waterbed.store.vault import KEYS_ENVIRONMENT, key_file

    given = os.environ.get(KEYS_ENVIRONMENT)
    say(f"study   {made.path}")
    say(f"keys    {f'${KEYS_ENVIRONMENT} (no file)' if given else key_file(made.config.study)}")
    note("Keep a copy of the keys somewhere safe and apart. Without them no URL of this", broken=True)
    note("study can be read again; whoever holds them can read them all (docs/operations.md).", broken=True)
    if not made.config.canary.targets:
        note("No canary is configured yet ([canary] targets in waterbed.toml): until then", broken=True)
        note("nothing is called down.", broken=True)
