"""The command line's root: global options, overview, lazy commands, errors."""

import logging
import os
import sys
import traceback
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from importlib import import_module
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup
from typer.main import get_group

from waterbed import __version__
from waterbed.cli.commands import COMMANDS
from waterbed.cli.former import as_now
from waterbed.cli.plain import read_plainly
from waterbed.model.errors import InputError, WaterbedError
from waterbed.shown.question import Command, Question

os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")  # its own reserves a gigabyte, which a memory limit counts

_STUDY, _VANTAGE, _NETWORK = "WATERBED_STUDY", "WATERBED_VANTAGE", "WATERBED_NETWORK"
_LOGGING = ("run", "serve")
"""Commands that go on until a signal and keep a log, which shows what they do."""


class _Loaded(MutableMapping[str, Any]):
    """Commands by name, each imported on first use."""

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            self._made[name] = _made(name)
        return self._made[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._made[name] = command

    def __delitem__(self, name: str) -> None:
        del self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)

    def __contains__(self, name: object) -> bool:
        return name in COMMANDS


def _made(name: str) -> Any:
    """Import a command and prepare it."""
    module, _, attribute = (COMMANDS.get(name) or _added(name)).target.partition(":")
    target = getattr(import_module(module), attribute)
    around = typer.Typer(add_completion=False)
    if isinstance(target, typer.Typer):
        around.add_typer(target, name=name)
    else:
        around.command(name)(target)
    prepared = get_group(around).commands[name]
    for subcommand in (prepared, *getattr(prepared, "commands", {}).values()):
        read_plainly(subcommand.get_params(typer.Context(subcommand)))
    return prepared


def _added(name: str) -> Command:
    """Find the command of a plug-in; KeyError if there is none. They are looked for only where no other is meant."""
    from waterbed.model.plugins import added  # noqa: PLC0415 (slow to load, and seldom asked for)
    from waterbed.questions import BUILT_IN  # noqa: PLC0415 (the same)

    commands = {
        key: command
        for question in added("questions", Question, BUILT_IN).values()
        for key, command in question.commands.items()
    }
    return commands[name]


class _Root(TyperGroup):
    """A group that imports a command when it is called."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.commands = _Loaded()

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Without a command show the study's status.

        Where there is no study, the overview; the exit code is then that of misuse.
        """
        if not args and not ctx.resilient_parsing:
            from waterbed.store.own_files import SETTINGS, holds_study, no_study  # noqa: PLC0415 (help needs none of it)

            study = Path(os.environ.get(_STUDY, ""))
            if not (study / SETTINGS).is_file():
                typer.echo(ctx.get_help())
                if _STUDY in os.environ or holds_study(study):
                    from waterbed.shown.output import complain  # noqa: PLC0415 (the same)

                    complain(no_study(study))
                raise typer.Exit(2)
        read_plainly(self.get_params(ctx))
        if not ctx.resilient_parsing and not self.make_parser(ctx).parse_args(args=list(args))[1]:
            args = [*args, "status"]
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Invoke a command; Ctrl-C ends it with one sentence.

        A command says in the exception what is left of its work.
        """
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as stop:
            from waterbed.shown.output import complain  # noqa: PLC0415 (help needs no console)

            complain("; ".join(["stopped", *map(str, stop.args)]))
            raise
        except typer.Abort as stop:
            if isinstance(stop.__context__, KeyboardInterrupt):  # at a question, whose line it ends
                from waterbed.shown.output import complain  # noqa: PLC0415 (the same)

                typer.echo(err=True)
                complain("stopped")
            raise

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Resolve a command, accepting the previous version's spellings."""
        return super().resolve_command(ctx, as_now(args))

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the overview from the table of commands alone.

        Commands stand in groups, in the order of the table.
        """
        self.format_usage(ctx, formatter)
        self.format_help_text(ctx, formatter)
        for group, commands in groupby(COMMANDS.items(), lambda item: item[1].group):
            with formatter.section(_bold(group)):
                formatter.write_dl([(f"{name:13}", entry.help) for name, entry in commands], col_spacing=1)
        params = [param.get_help_record(ctx) for param in self.get_params(ctx)]
        with formatter.section(_bold("Options before the command")):
            formatter.write_dl([record for record in params if record])
        formatter.write("\n`waterbed COMMAND --help` says what a command takes.\n")
        formatter.write("`waterbed docs PAGE` prints a page that a message names, as docs/cli.md.\n")


def _bold(text: str) -> str:
    return typer.style(text, bold=True) if sys.stdout.isatty() and "NO_COLOR" not in os.environ else text


app = typer.Typer(
    cls=_Root,
    help="Measures who hosts reported abuse, how fast each hoster removes it, and where it goes next.",
    pretty_exceptions_enable=False,
    add_completion=True,
    context_settings={"max_content_width": 100},
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"waterbed {__version__}")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    study: Annotated[
        Path, typer.Option("-C", "--study", envvar=_STUDY, help="The study folder.", show_default=False)
    ] = Path(),
    verbose: Annotated[bool, typer.Option("--verbose", help="Log more; still no URL or host name.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print only results and errors.")] = False,
    vantage: Annotated[
        str, typer.Option(envvar=_VANTAGE, help="Name of this machine's place, if it has its own.", show_default=False)
    ] = "",
    network: Annotated[
        str, typer.Option(envvar=_NETWORK, help="Name of the network that it lies in.", show_default=False)
    ] = "",
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version, and end.")
    ] = False,
) -> None:
    """Set global options and find the study and place."""
    _guard()
    previous_mask = os.umask(0o077)  # what a command writes is its owner's alone; `publish` opens what it releases
    context.call_on_close(lambda: os.umask(previous_mask))
    context.obj = study
    named = {variable: name for variable, name in ((_VANTAGE, vantage), (_NETWORK, network)) if name}
    os.environ.update(named)  # for what this command starts as well
    from waterbed.shown.output import be_quiet  # noqa: PLC0415 (help needs no console)

    be_quiet(quiet)
    if not quiet and context.invoked_subcommand not in _LOGGING:
        from waterbed.cli.progress import show  # noqa: PLC0415 (the same)

        context.call_on_close(show())
    if context.invoked_subcommand != "doctor":  # it has a finding for each
        _name_unfinished(study)
    context.call_on_close(lambda: be_quiet(False))  # nothing of it is left to the next command of this process
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.WARNING, format="%(levelname)s %(name)s %(message)s"
    )


def _name_unfinished(study: Path) -> None:
    """Name each publication of the study that a kill left half."""
    if not (study / "unfinished").is_dir():
        return
    from waterbed.model.shell import command  # noqa: PLC0415 (the same)
    from waterbed.shown.output import complain  # noqa: PLC0415 (there is none, nearly always)
    from waterbed.store.whole.replacing import PUBLISH, state_of  # noqa: PLC0415 (the same)
    from waterbed.store.whole.unfinished import unfinished  # noqa: PLC0415 (the same)

    for entry in unfinished(study):
        if entry.what == PUBLISH and state_of(Path(entry.place)) == "half":
            again = command("publish", entry.place, study=study)
            complain(f"the publication in {entry.place} is half replaced; {again} finishes it")


def _guard() -> None:
    """Guard the process: its logs and crashes tell no URL."""
    from waterbed.crawler.logs import guard_process  # noqa: PLC0415 (help needs none of it)

    guard_process()


@contextmanager
def _disks_told() -> Iterator[None]:
    """InputError for a full or read-only disk."""
    try:
        yield
    except OSError as problem:
        from waterbed.store.integrity import disk_trouble  # noqa: PLC0415 (help needs none of it)

        error = disk_trouble(problem)
        if error is None:
            raise
        raise error from None


def run() -> None:
    """Run a command; failures become one sentence and exit code."""
    try:
        with _disks_told():
            status = app(standalone_mode=False)
    except typer.Abort as problem:
        if isinstance(problem.__context__, KeyboardInterrupt):
            sys.exit(130)
        _end("stopped: no answer was given", ours=False)
    except typer.TyperException as problem:
        _wrong_words(problem)
    except InputError as problem:
        _end(str(problem), ours=False)
    except ModuleNotFoundError as problem:
        extra = _extra_of(problem.name or "")
        if extra is None:
            _unexpected(problem)
        from waterbed.model.shell import installs  # noqa: PLC0415 (help needs none of it)

        called = _called()
        needs = f"waterbed {called} needs {problem.name}, which this installation leaves out"
        added = installs("analysis,serve" if called == "serve" else extra)  # what is served is worked out, too
        other = ', or set service.listen = "" in waterbed.toml for none of its health page' if called == "run" else ""
        _end(f"{needs}; {added} (docs/operations.md, Installation){other}", ours=False)
    except WaterbedError as problem:
        _end(str(problem), ours=True)
    except Exception as problem:  # the last resort: name the place, never the values, which could be URLs
        _unexpected(problem)
    else:
        sys.exit(status if isinstance(status, int) else 0)


def _wrong_words(problem: typer.TyperException) -> NoReturn:
    """End with what is wrong with the words of a command, in one sentence."""
    from waterbed.model.redaction import redact  # noqa: PLC0415 (the same)
    from waterbed.shown.output import USAGE  # noqa: PLC0415 (help needs no console)

    if type(problem).__name__ == "NoArgsIsHelpError":  # it has shown the help
        sys.exit(USAGE)
    context: typer.Context | None = getattr(problem, "ctx", None)
    text = problem.format_message() if hasattr(problem, "format_message") else str(problem)
    text = " ".join(text.split()).replace("Value error, ", "").rstrip(".?")
    where = f"; see {context.command_path if context else _asked()} --help"
    option = text.removeprefix("No such option: ").split(" ")[0]
    if context is not None and context.parent is not None:
        for parameter in context.find_root().command.params:
            if option in parameter.opts:
                _, _, command = context.command_path.partition(" ")
                value = "" if getattr(parameter, "is_flag", False) else " ..."
                text = f"No such option: {option}"  # without what else there is
                where = f": it stands before the command, as in waterbed {option}{value} {command}"
    redacted = redact(text)
    bracket = ")" if text.endswith(")") and not redacted.endswith(")") else ""  # an address takes what stands behind it
    _end(f"{redacted}{bracket}{where}", ours=False)


def _unexpected(problem: Exception) -> NoReturn:
    frames = traceback.extract_tb(problem.__traceback__)
    where = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames[-6:]))
    _end(
        f"{__version__} failed: {type(problem).__name__} at {where}; please report this line",
        ours=True,
        who="waterbed ",
    )


_EXTRAS = {
    "analysis": "duckdb geoip2 ipwhois jinja2 maxminddb networkx numpy pyarrow scipy",
    "exports": "pymisp stix2",
    "serve": "fastapi limits starlette uvicorn",
    "postgresql": "psycopg",
    "spark": "py4j pyspark",
}
"""Modules that come with an extra alone."""


def _extra_of(module: str) -> str | None:
    """The extra that brings a module, None if none does."""
    root = module.partition(".")[0]
    return next((extra for extra, modules in _EXTRAS.items() if root in modules.split()), None)


def _called() -> str:
    """The command that was called, without its words."""
    root = get_group(app)
    arguments = root.make_parser(typer.Context(root)).parse_args(args=sys.argv[1:])[1]
    return as_now(arguments)[0] if arguments else "status"


def _asked() -> str:
    """The command whose words were wrong, as it is asked for help."""
    try:
        return f"waterbed {_called()}"
    except typer.TyperException:  # they stand before it
        return "waterbed"


def _end(problem: str, *, ours: bool, who: str = "waterbed: ") -> NoReturn:
    from waterbed.shown.output import OURS, USAGE, complain  # noqa: PLC0415 (help needs no console)

    complain(problem, who)
    sys.exit(OURS if ours else USAGE)
