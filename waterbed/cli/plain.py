"""Parses plain parameters without pydantic.

Typer reads all other parameters through pydantic.
"""

import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import typer

from waterbed.model.errors import InputError


def read_plainly(params: Iterable[Any]) -> None:
    """Let typer parse plain types without pydantic.

    Loading pydantic takes as long as loading all else that a short command needs but its database.
    """
    for param in params:
        if not isinstance(getattr(param, "get_runtime_param", None), _Plain | None):
            param.get_runtime_param = _Plain(param)


class _Plain:
    """Typer's parameter parser for plain types; delegates the rest."""

    def __init__(self, param: Any) -> None:
        self._typers = param.get_runtime_param

    def __call__(self) -> "_Plain":
        return self

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """Parse a value as typer does.

        InputError for an empty path, and for an address in place of one.
        """
        if param.type_descriptor.annotation in (Path, list[Path]):
            _refuse_empty(value, param)
            _refuse_addresses(value)
        if not param.multiple and param.nargs == 1:
            kind = param.type_descriptor.annotation
            if value is None or (isinstance(kind, type) and kind is not Path and isinstance(value, kind)):
                return value
            if kind is Path and _is_plain(param.type_descriptor.parameter_info, value):
                return Path(value)
        try:
            return self._typers().coerce(value, param=param, ctx=ctx)
        except typer.BadParameter:
            if plain := _expected(value, param):
                raise typer.BadParameter(plain, ctx=ctx, param=param) from None
            raise


def _expected(value: Any, param: Any) -> str:
    """A value that is no day or number of this parameter, and what was expected; empty for other parameters."""
    from waterbed.model.redaction import shown  # noqa: PLC0415 (help needs none of it)

    kind, about = param.type_descriptor.annotation, param.type_descriptor.parameter_info
    text = shown(str(value)) if isinstance(value, str | int | float) else "one of them"
    if kind is datetime:
        return f"{text} is not a date; one like 2026-03-01 was expected"
    if kind not in (int, float, list[float]):
        return ""
    least, most = (about.min, about.max)
    bounds = "" if least is None else f" from {least:,}"
    bounds += "" if most is None else f" to {most:,}"
    return f"{text} does not fit; {'a whole number' if kind is int else 'a number'}{bounds} was expected"


def _refuse_empty(value: Any, param: Any) -> None:
    """InputError for an empty text, which would be the folder that one is in."""
    if value == "" or (isinstance(value, list | tuple) and "" in value):
        name = param.opts[-1] if param.param_type_name == "option" else (param.metavar or param.name).upper()
        raise InputError(
            f"{name} '' is empty, as an unset variable of a shell is; a file or folder was expected; . is the folder "
            "that you are in (docs/cli.md)"
        )


def _refuse_addresses(value: Any) -> None:
    """InputError for an address, which as a place to write would be a folder named after the host."""
    if value is None:
        return
    from waterbed.model.redaction import refuse_address  # noqa: PLC0415 (help needs none of it)

    for entry in value if isinstance(value, list | tuple) else (value,):
        refuse_address(entry, "a file or folder")


def _is_plain(parameter: Any, value: Any) -> bool:
    """True for a path with no condition except being readable."""
    set_ = (
        parameter.exists,
        parameter.writable,
        parameter.resolve_path,
        parameter.allow_dash,
        parameter.path_type,
        parameter.parser,
    )
    if any(set_) or not (parameter.file_okay and parameter.dir_okay):
        return False
    return not os.path.lexists(value) or os.access(value, os.R_OK)
