"""The `links` commands: hosters' own link checks, tried."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from waterbed.shown.options import Format, Formatted
from waterbed.shown.output import FINDING, OK, note, print_cells, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from waterbed.crawler.probe.link_checks import LinkCheck

links_app = typer.Typer(help="Hosters' own link checks: whether a file exists.", no_args_is_help=True)


@links_app.command("example")
def links_example() -> None:
    """Print examples, all disabled, as a file to edit.

    For example: waterbed links example > link-checks.toml
    """
    from waterbed.crawler.probe.link_checks import shipped_text

    say(shipped_text().rstrip("\n"))


@links_app.command("test")
def links_test(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file of link checks (docs/link-checks.md).")],
    urls: Annotated[
        Path | None,
        typer.Option(help="Ask the real hosters about these: lines there,URL or missing,URL.", show_default=False),
    ] = None,
    consent: Annotated[
        str | None,
        typer.Option(help="With --urls: who allowed it, and when; kept on record.", show_default=False),
    ] = None,
    form: Formatted = Format.table,
) -> None:
    """Try link checks; exit code 1 after a false conclusion.

    Each is asked of servers on loopback that answer as the real ones do, and of others that lie. The table says what a
    pass would conclude of a file that is there and of one that is missing. Nothing leaves this machine, except with
    --urls.

    For example: waterbed links test link-checks.toml
    """
    from waterbed.crawler.probe.link_checks import SEE, link_checks_in
    from waterbed.model.errors import InputError

    checks = link_checks_in(file)
    if not checks:
        raise InputError(f"{file}: a [[link_check]] was expected ({SEE})")
    if (urls is None) != (consent is None):
        raise InputError(f"--urls and --consent go together: real hosters are asked by leave alone ({SEE})")
    if urls is not None and consent is not None:
        raise typer.Exit(_at_hosts(context, checks, urls, consent, form))
    raise typer.Exit(_in_lab(checks, form))


def _in_lab(checks: Sequence[LinkCheck], form: Format) -> int:
    from waterbed.lab.link_trial import try_in_lab

    rows = try_in_lab(checks)
    names = ("check", "server", "there", "missing", "result", "bytes", "why")
    print_cells(names, [tuple(getattr(row, name) for name in names) for row in rows], form)
    unseen = sorted({row.check for row in rows if row.why})
    if unseen and form is Format.table:
        note(f"{', '.join(unseen)} can call nothing missing, unless known names a file of yours that is there.")
    return FINDING if any(row.result == "wrong" for row in rows) else OK


def _at_hosts(context: typer.Context, checks: Sequence[LinkCheck], urls: Path, consent: str, form: Format) -> int:
    import asyncio
    from contextlib import closing

    from waterbed.crawler.probe.link_checks import SEE, authorisation_mistake
    from waterbed.crawler.probe.link_trial import fitting, known_files, try_at_hosts
    from waterbed.crawler.recheck.authorised import record_authorisations, record_trial
    from waterbed.model.errors import InputError
    from waterbed.store.folder import open_folder

    if mistake := authorisation_mistake(consent):
        raise InputError(f"--consent {mistake} ({SEE})")
    files = known_files(urls)
    used = list(fitting(checks, files))
    for check in used:
        if not check.enabled:
            raise InputError(f"link check {check.name}: enabled = true was expected, to ask the real hoster ({SEE})")
    with closing(open_folder(context.obj)) as folder:
        record_authorisations(folder, used)
        record_trial(folder, used, len(files), consent)
        rows = asyncio.run(try_at_hosts(folder, used, files))
    names = ("line", "check", "expected", "concluded", "result", "status", "failure")
    print_cells(names, [tuple(getattr(row, name) for name in names) for row in rows], form)
    return FINDING if any(row.result == "wrong" for row in rows) else OK
