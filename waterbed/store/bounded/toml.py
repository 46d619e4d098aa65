"""TOML that others wrote: rules, events, hosters, settings."""

import re
from pathlib import Path
from typing import Any, Final, TypeVar, overload

import msgspec

from waterbed.store.bounded.files import content
from waterbed.store.bounded.limits import MOST_TOML

T = TypeVar("T")

_TEXT: Final = re.compile(
    r"""(?P<text>\"{3}(?:[^\\]|\\.)*?\"{3}|'{3}.*?'{3}|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+')|#[^\n]*+""", re.DOTALL
)
_MOST_PARTS: Final = 6
_LONG_KEY: Final = re.compile(rf"(?<![A-Za-z0-9_-])(?:[A-Za-z0-9_-]++[ \t]*+\.[ \t]*+){{{_MOST_PARTS}}}")
"""A key of too many parts: the parser takes memory by their number, and time by its square."""


def toml_bytes(path: Path, what: str, see: str, most: int = MOST_TOML) -> bytes:
    """Return the bytes of a file in TOML.

    InputError if it cannot be read or is too large.

    `what` was expected; `see` is the page on it.
    """
    return content(path, what, most, see)


@overload
def decode(data: bytes | str) -> dict[str, Any]: ...
@overload
def decode(data: bytes | str, *, type: type[T]) -> T: ...
def decode(data: bytes | str, *, type: Any = dict) -> Any:
    """The value of a text in TOML.

    msgspec.DecodeError for whatever is wrong with it: no TOML, not UTF-8, nested too deeply, a number of thousands of
    digits, or not of the type.
    """
    try:
        text = data if isinstance(data, str) else data.decode()
        if _LONG_KEY.search(_TEXT.sub(lambda found: "text" if found["text"] else "", text)):
            raise msgspec.DecodeError(f"a key has more than {_MOST_PARTS} parts")
        return msgspec.toml.decode(text, type=type)
    except msgspec.DecodeError:
        raise
    except UnicodeDecodeError:
        raise msgspec.DecodeError("it is not UTF-8") from None
    except RecursionError:
        raise msgspec.DecodeError("it is nested too deeply") from None
    except (ValueError, OverflowError):
        raise msgspec.DecodeError("it holds a number or time out of range") from None
