"""Words of a command line that are right as they stand: pydantic, by which typer reads all others, is not loaded."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def read_plainly(params: Iterable[Any]) -> None:
    """Let parameters of commands take texts, plain paths and their own defaults as they are.

    Loading pydantic takes as long as loading all else that a short command needs but its database.
    """
    for param in params:
        if not isinstance(getattr(param, "get_runtime_param", None), _Plain | None):
            param.get_runtime_param = _Plain(param)


class _Plain:
    """What typer asks to read a parameter's words, and gives only the rest of them on to typer's own."""

    def __init__(self, param: Any) -> None:
        self._typers = param.get_runtime_param

    def __call__(self) -> "_Plain":
        return self

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """Read a value as typer does."""
        if not param.multiple and param.nargs == 1:
            kind = param.type_descriptor.annotation
            if value is None or (isinstance(kind, type) and kind is not Path and isinstance(value, kind)):
                return value
            if kind is Path and _is_plain(param.type_descriptor.parameter_info, value):
                return Path(value)
        return self._typers().coerce(value, param=param, ctx=ctx)


def _is_plain(told: Any, value: Any) -> bool:
    """A path on which no condition is set but that what is there can be read."""
    set_ = (told.exists, told.writable, told.resolve_path, told.allow_dash, told.path_type, told.parser)
    if any(set_) or not (told.file_okay and told.dir_okay):
        return False
    return not os.path.lexists(value) or os.access(value, os.R_OK)
