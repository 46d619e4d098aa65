"""The command line: words in, tables out, exit codes 0, 1, 2 and 3."""

import logging
import os
import sys
import traceback
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from crawler.logs import no_core_dumps, quiet_crashes, redact_failures
from crawler.recheck import run_recheck
from waterbed import show
from waterbed.cli_attribute import attribute
from waterbed.cli_backup import backup, prune, restore
from waterbed.cli_code import code_app
from waterbed.cli_compliance import compliance
from waterbed.cli_displacement import displacement
from waterbed.cli_doctor import doctor, quarantine_app, rejudge
from waterbed.cli_explain import explain
from waterbed.cli_feeds import feeds
from waterbed.cli_freeze import freeze, reproduce
from waterbed.cli_graph import graph
from waterbed.cli_hops import hops
from waterbed.cli_hosters import hosters_app
from waterbed.cli_import import import_
from waterbed.cli_keys import audit, forget, key_app, reveal
from waterbed.cli_lab import demo, lab_app
from waterbed.cli_lake import lake_app
from waterbed.cli_notices import notices
from waterbed.cli_protocol import protocol_app
from waterbed.cli_rank import rank
from waterbed.cli_reconcile import reconcile
from waterbed.cli_registry import enrich
from waterbed.cli_reply import reply_app
from waterbed.cli_run import lag, run
from waterbed.cli_sensitivity import sensitivity
from waterbed.cli_serve import api_key, serve
from waterbed.cli_sheet import sheet
from waterbed.cli_sizes import sizes_app
from waterbed.cli_tables import data_app, routes_app
from waterbed.disks import disk_trouble
from waterbed.formats import Format, Formatted
from waterbed.model.errors import InputError, WaterbedError
from waterbed.others import Others
from waterbed.report import envelope
from waterbed.store.config import NETWORK, VANTAGE, Config, StoreAt
from waterbed.study import Study, create_study, open_study

OK, FINDING, USAGE, OURS = 0, 1, 2, 3

app = typer.Typer(
    help="Measures who hosts reported abuse, how fast each hoster removes it, and where it goes next.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=True,
)
app.add_typer(hosters_app, name="hosters")
app.command("import")(import_)

_errors = Console(stderr=True)


@app.callback()
def root(
    context: typer.Context,
    study: Annotated[
        Path, typer.Option("-C", "--study", envvar="WATERBED_STUDY", help="The study folder.", show_default=False)
    ] = Path(),
    verbose: Annotated[bool, typer.Option("--verbose", help="Log more; still no URL or host name.")] = False,
    vantage: Annotated[
        str, typer.Option(envvar=VANTAGE, help="Name of this machine's place, if it has its own.", show_default=False)
    ] = "",
    network: Annotated[
        str, typer.Option(envvar=NETWORK, help="Name of the network that it lies in.", show_default=False)
    ] = "",
) -> None:
    """Remember which study is meant, and where this is."""
    context.obj = study
    named = {variable: name for variable, name in ((VANTAGE, vantage), (NETWORK, network)) if name}
    os.environ.update(named)  # for what this command starts as well
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.WARNING, format="%(levelname)s %(name)s %(message)s"
    )


@contextmanager
def _study(context: typer.Context) -> Iterator[Study]:
    with open_study(context.obj) as study:
        yield study


@contextmanager
def _disks_told() -> Iterator[None]:
    """A disk that is full or read-only is no fault of the program."""
    try:
        yield
    except OSError as problem:
        told = disk_trouble(problem)
        if told is None:
            raise
        raise told from None


@contextmanager
def _written_at(path: Path) -> Iterator[None]:
    """A place that cannot be written to is the user's to mend."""
    try:
        yield
    except OSError as problem:
        raise InputError(f"{path} cannot be written ({problem.strerror}); name another place") from None


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="The new study's folder.")],
    name: Annotated[str, typer.Option(help="What the study is called.")] = "unnamed study",
    home: Annotated[str, typer.Option(help="The home jurisdiction, an ISO country code.")] = "NL",
    contact: Annotated[str, typer.Option(help="Address or page named in our user agent.")] = "",
    store: Annotated[str, typer.Option(help="sqlite, or a postgresql:// URL.")] = "sqlite",
) -> None:
    """Make a study folder: settings and an empty store; its keys lie elsewhere.

    For example: waterbed init mystudy --home NL
    """
    try:
        config = Config(study=uuid.uuid4().hex, name=name, home=home, contact=contact, store=StoreAt(url=store))
    except ValueError as problem:
        raise InputError(f"{problem}; see docs/operations.md, Settings") from None
    with create_study(folder, config) as study:
        show.created(study)


@app.command()
def recheck(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all/--due", help="Every URL now, or only what is due.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many looks.")] = None,
) -> None:
    """One pass: look at what is due, without touching content.

    For example: waterbed -C mystudy recheck --limit 1000
    """
    with _study(context) as study, show.bar() as told:
        report = run_recheck(
            study.folder, everything=everything, limit=limit, progress=lambda done, due: told("looks", done, due)
        )
    show.passed(report)
    raise typer.Exit(FINDING if report.stopped else OK)


@app.command()
def episodes(
    context: typer.Context,
    told: Annotated[bool, typer.Option("--told", help="Those that other observers tell of, instead of ours.")] = False,
    form: Formatted = Format.table,
) -> None:
    """When each URL was up, at which hoster; ends are intervals.

    For example: waterbed -C mystudy episodes --format csv
    """
    if not told:
        _rows(context, "episodes", form)
        return
    with _study(context) as study:
        rows = Others(study.conclude(), study.folder.config.testimony).episodes
        show.rows(rows, envelope(study, "told episodes"), "told_episodes", form.value)


@app.command()
def verdicts(context: typer.Context, form: Formatted = Format.table) -> None:
    """What each look is taken to mean, and by which rule.

    For example: waterbed -C mystudy verdicts --format parquet
    """
    _rows(context, "verdicts", form)


def _rows(context: typer.Context, what: str, form: Format) -> None:
    with _study(context) as study:
        conclusions = study.conclude()
        rows: Sequence[Any] = getattr(conclusions, what)
        show.rows(rows, envelope(study, what), what, form.value)


@app.command()
def publish(
    context: typer.Context,
    out: Annotated[Path, typer.Argument(help="Folder for the files.")],
    override: Annotated[str, typer.Option(help="TLP:CLEAR: why not to wait for hosters' replies; on record.")] = "",
    errata: Annotated[str, typer.Option(help="TLP:CLEAR: what this edition corrects, beside what rulings did.")] = "",
) -> None:
    """Write what may be published: tables, STIX, MISP, IntelMQ, the graph and the pages.

    For example: waterbed -C mystudy publish out
    """
    from waterbed.publishing import publish_all  # noqa: PLC0415 (no other command should pay for its libraries)

    with _study(context) as study, _written_at(out):
        show.written(publish_all(study, out, override=override, errata=errata))


for _part in (
    (hops, rank, feeds, attribute, enrich, explain, doctor, rejudge, reveal, forget, audit, demo),
    (notices, compliance, displacement, sensitivity, sheet, reconcile, graph, serve, api_key),
    (backup, restore, prune, run, lag, freeze, reproduce),
):
    for _command in _part:
        app.command()(_command)
for _name, _group in (
    ("routes", routes_app),
    ("data", data_app),
    ("quarantine", quarantine_app),
    ("key", key_app),
    ("lab", lab_app),
    ("lake", lake_app),
    ("sizes", sizes_app),
    ("protocol", protocol_app),
    ("reply", reply_app),
    ("code", code_app),
):
    app.add_typer(_group, name=_name)


def main() -> None:
    """Run the command line; every failure is one sentence and an exit code."""
    no_core_dumps()
    quiet_crashes()
    redact_failures()
    try:
        with _disks_told():
            app(standalone_mode=True)
    except InputError as problem:
        _errors.print(f"waterbed: {problem}", style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(USAGE)
    except WaterbedError as problem:
        _errors.print(f"waterbed: {problem}", style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(OURS)
    except Exception as problem:  # the last resort: name the place, never the values, which could be URLs
        frames = traceback.extract_tb(problem.__traceback__)
        where = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames[-6:]))
        text = f"waterbed {version('waterbed')} failed: {type(problem).__name__} at {where}; please report this line"
        _errors.print(text, style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(OURS)


if __name__ == "__main__":
    main()
