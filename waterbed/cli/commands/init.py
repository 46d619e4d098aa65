"""The `init` and `status` commands: begin a study, go on."""

from __future__ import annotations

import os
import sys
import uuid
from contextlib import closing, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from stat import S_IMODE
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from waterbed.model.errors import InputError, WaterbedError
from waterbed.model.shell import command
from waterbed.model.spelling import counted
from waterbed.shown.options import Format, Formatted, to_write
from waterbed.shown.output import FINDING, OK, OURS, complain, console, for_tools, note, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from waterbed.service.status import Standing
    from waterbed.store.config import Config
    from waterbed.store.folder import Folder


_TABLES = ("ip-location-asn", "ip-location-country")
"""Sources of routes and places that `--fetch` takes in."""


_TRIES = 3
"""Times that a question is asked before a useless answer ends the command."""


@dataclass(slots=True)
class _Answers:
    """What a new study is given."""

    name: str
    home: str
    contact: str
    resolver: str
    canary: list[str]
    fetch: bool


def init(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="The new study's folder.", callback=to_write)],
    name: Annotated[str, typer.Option(help="Name of the study.")] = "unnamed study",
    home: Annotated[str, typer.Option(help="The home jurisdiction, an ISO country code.")] = "NL",
    contact: Annotated[str, typer.Option(help="Address or page named in our user agent.")] = "",
    store: Annotated[str, typer.Option(help="sqlite, or a postgresql:// URL.")] = "sqlite",
    resolver: Annotated[str, typer.Option(help="Address and port of the recursive resolver.")] = "127.0.0.1:53",
    canary: Annotated[
        list[str] | None,
        typer.Option(metavar="URL", help="A well-known page to check our own network by.", show_default=False),
    ] = None,
    fetch: Annotated[bool, typer.Option("--fetch", help="Fetch and add tables of routes and places (npm).")] = False,
    units: Annotated[
        Path | None,
        typer.Option(help="Write systemd units that keep the study going here.", callback=to_write, show_default=False),
    ] = None,
) -> None:
    """Create a study folder: settings and an empty store.

    Its keys lie elsewhere. On a terminal it asks for what no option says.

    For example: waterbed init mystudy --home NL
    """
    from waterbed.service.systemd import room_for_units, write_units
    from waterbed.store.folder import PRIVATE, create_folder, refuse_taken
    from waterbed.store.vault import key_file

    mode = PRIVATE
    with suppress(OSError):  # which is told when the folder is made
        refuse_taken(folder)  # before the first question
        mode = S_IMODE(folder.stat().st_mode)
    answers = _Answers(name, home, contact, resolver, canary or [], fetch)
    _config(answers, store)  # options are refused before the first question
    if sys.stdin and sys.stdin.isatty() and not context.find_root().params["quiet"]:
        _ask(answers, context)
    config = _config(answers, store)
    places: dict[str, Any] = {"study": folder, "keys": key_file(config.study), "config": config}
    with room_for_units(units, **places) if units else nullcontext():
        created = create_folder(folder, config, None)
    try:
        with closing(created):
            _created(created)
        if mode != PRIVATE:
            say(f"mode    {PRIVATE:o}, {mode:o} before: only you can look into a study's folder")
        code = _fetch(folder) if answers.fetch else OK
        if units:
            for path in write_units(units, **places):
                say(f"wrote {path}")
        _next_step(folder)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"the study is made; {command('status', study=folder)} says how it goes on") from None
    raise typer.Exit(code)


def _config(given: _Answers, store: str) -> Config:
    """The settings of a new study; InputError for what is of no use there."""
    from waterbed.model.paces import RARE_SHARE
    from waterbed.store.bounds import not_a_contact, not_public
    from waterbed.store.config import Config
    from waterbed.store.machine_settings import StoreAt
    from waterbed.store.settings import Canary, Names, Schedule

    try:
        config = Config(
            study=uuid.uuid4().hex,
            name=given.name,
            home=given.home,
            contact=given.contact,
            store=StoreAt(url=store),
            schedule=Schedule(rare_share=RARE_SHARE),
            names=Names(resolver=given.resolver),
            canary=Canary(targets=tuple(given.canary)),
        )
        if given.contact.strip() and (fault := not_a_contact(given.contact)):
            raise ValueError(f"contact {fault}")
        if not given.name.strip():
            raise ValueError(f"name {given.name!r} is empty; a word for the study was expected, as in its publications")
        if fault := not_public(given.canary):
            raise ValueError(f"{fault}; a well-known page like https://example.org/ was expected")
    except ValueError as problem:
        raise InputError(f"{problem} (docs/operations.md, Settings)") from None
    return config


def _ask(given: _Answers, context: typer.Context) -> None:
    """Ask for each setting that no option gave, and again for what is of no use."""

    def open_(option: str) -> bool:
        source = context.get_parameter_source(option)
        return source is None or source.name != "COMMANDLINE"

    def answer(option: str, question: str, default: str, read: Callable[[str], object] = str) -> None:
        for remaining in reversed(range(_TRIES if open_(option) else 0)):
            setattr(given, option, read(typer.prompt(question, default=default)))
            try:
                _config(given, context.params["store"])
                return
            except InputError as problem:
                if not remaining:
                    raise
                complain(problem)

    answer("name", "Name of the study", given.name)
    answer("home", "Home country, ISO code", given.home, lambda text: text.strip().upper())
    answer("contact", "Contact that our user agent names: mail address or page", "")
    answer("resolver", "Recursive resolver, address:port", given.resolver)
    answer("canary", "Well-known pages to check our own network by, separated by spaces", "", str.split)
    if open_("fetch"):
        given.fetch = typer.confirm("Fetch public tables of routes and places now (needs npm)?", default=False)


def _fetch(folder: Path) -> int:
    """Fetch tables of routes and places, and add them to the study; return the exit code."""
    from waterbed.cli.commands.tables import print_added
    from waterbed.study.sources import add_source, source_of
    from waterbed.study.study import open_study

    with open_study(folder) as study, TemporaryDirectory(prefix="waterbed-") as work:
        for number, name in enumerate(_TABLES):
            try:
                print_added(add_source(study, source_of(name), Path(work)))
            except WaterbedError as problem:
                later = (
                    command("data", "fetch", source_name, "--add", study=folder) for source_name in _TABLES[number:]
                )
                complain(f"{problem}; the study is made, and its tables can be fetched later: {'; '.join(later)}")
                return FINDING if isinstance(problem, InputError) else OURS
    return OK


def _next_step(folder: Path) -> None:
    """Print what stands in the way, and the next command."""
    from waterbed.service.status import standing
    from waterbed.study.study import open_study

    with open_study(folder) as study:
        state = standing(study)
    _stands(state, folder)


def _created(made: Folder) -> None:
    """Print the places of a study and keys, and advice."""
    from waterbed.store.vault import KEYS_ENVIRONMENT, key_file

    key_setting = os.environ.get(KEYS_ENVIRONMENT)
    say(f"study   {made.path}")
    say(f"keys    {f'${KEYS_ENVIRONMENT} (no file)' if key_setting else key_file(made.config.study)}")
    note("Keep a copy of the keys somewhere safe and apart. Without them no URL of this", broken=True)
    note("study can be read again; whoever holds them can read them all (docs/operations.md).", broken=True)
    note("waterbed docs operations prints that page, and so on for each that a message names.", broken=True)


_PHASES = {
    "empty": "no report yet",
    "reported": "reported, never checked",
    "measuring": "being measured",
    "measured": "measured",
    "reproduced": "reproduced from a frozen package",
}


def status(context: typer.Context, form: Formatted = Format.table) -> None:
    """Show where the study stands, and what to do next.

    The resolver is asked live. Without any command, in a study's folder, this is what is shown.

    For example: waterbed -C mystudy status
    """
    from waterbed.service.status import Standing, standing
    from waterbed.study.study import open_study

    with open_study(context.obj) as study:
        state = standing(study)
        if form is not Format.table:
            from waterbed.study.metadata import table_info

            for_tools(Standing, [state], table_info(study, "status", by="study"), form)
            return
    _stands(state, context.obj)


def _stands(found: Standing, study: Path) -> None:
    console.print(f"{found.name}: {_PHASES[found.phase]}", style="bold")
    passed = "no pass yet"
    if found.last_pass_at:
        unended = "its end is not in the package" if found.phase == "reproduced" else "going on, or killed"
        passed = f"last pass {found.last_pass_at:%Y-%m-%d %H:%M}, {found.last_pass_end or unended}"
    due = counted(found.due, "check")
    say(f"{counted(found.reports, 'report')}; {due} due, {found.overdue:,} of them overdue; {passed}")
    for block in found.blocks:
        console.print(f"- {block}")
    if found.ranking_at and found.phase == "measuring":
        note(
            f"A first ranking can mean something from {found.ranking_at:%Y-%m-%d %H:%M} on: reports must span a week "
            "and be followed for a day, and a hoster needs ten sites.",
            broken=True,
        )
    elif found.phase == "measuring":
        note(
            "When a first ranking can mean something is not known yet: every report was older than a day at the first "
            "check, and nobody saw what was removed within that day. It needs reports that come while checks run.",
            broken=True,
        )
    pasted = command(*found.next.split()[1:], study=study)
    console.print(f"Next: {pasted}", style="bold", soft_wrap=True)
    console.print(f"  {found.why}")
