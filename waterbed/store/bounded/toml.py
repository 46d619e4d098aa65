"""TOML that others wrote: rules, events, hosters, settings."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, Literal, TypeVar, get_args, get_origin, overload

import msgspec

from waterbed.model.redaction import meant, shown
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
def decode(data: bytes | str, *, type: type[T], first: Callable[[Any], Any] | None = None) -> T: ...
def decode(data: bytes | str, *, type: Any = dict, first: Callable[[Any], Any] | None = None) -> Any:
    """The value of a text in TOML.

    `first` changes what was read before its type is looked at.

    msgspec.DecodeError for whatever is wrong with it: no TOML, not UTF-8, nested too deeply, a number of thousands of
    digits, or not of the type.
    """
    try:
        text = (data if isinstance(data, str) else data.decode()).removeprefix("\ufeff")  # some editors begin so
        if _LONG_KEY.search(_TEXT.sub(lambda found: "text" if found["text"] else "", text)):
            raise msgspec.DecodeError(f"a key has more than {_MOST_PARTS} parts")
        if first:
            return msgspec.convert(first(msgspec.toml.decode(text)), type)
        return msgspec.toml.decode(text, type=type)
    except msgspec.DecodeError as problem:
        raise msgspec.DecodeError(_plainly(str(problem), text, type)) from None
    except UnicodeDecodeError:
        raise msgspec.DecodeError("it is not UTF-8") from None
    except RecursionError:
        raise msgspec.DecodeError("it is nested too deeply") from None
    except (ValueError, OverflowError):
        raise msgspec.DecodeError("it holds a number or time out of range") from None


_TWICE: Final = re.compile(r"Cannot (?:declare|mutate immutable namespace) \((.*?),?\)(?: twice)?")
_PLACE: Final = re.compile(r" - at (?:`key` in )?`\$\.?(.*)`$")
_PART: Final = re.compile(r"([^.\[\]]+)|\[(\d+|\.\.\.)\]")
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(.*?)`(?: - at `\$\.?(.*)`)?")


def _plainly(problem: str, text: str, root: Any) -> str:
    """Put a parser's message in plain words.

    A key is named with its line, if only one has it, and with a known key that is like it.
    """
    twice = _TWICE.match(problem)
    if twice:
        name = ".".join(part.strip(" '\"") for part in twice[1].split(","))
        return f"the table {shown(name)} stands twice{problem[twice.end() :]}"
    unknown = _UNKNOWN.fullmatch(problem)
    if not unknown:
        return _misspelt(problem, text) if _MISSPELT.search(problem) else _expecting(problem, text, root)
    name, within = unknown[1], re.sub(r"\[.*?\]", "", unknown[2] or "")
    begins = re.compile(rf"""[ \t]*(?:\[[^\]\n]*\b)?["']?{re.escape(name)}["']?[ \t]*[=.\]]""")
    lines = [number for number, line in enumerate(text.splitlines(), 1) if begins.match(line)]
    at = f" (at line {lines[0]})" if len(lines) == 1 else ""
    return f"unknown field {shown(name)}{f' of {within}' if within else ''}{at}{meant(name, _fields(root, within))}"


_MISSPELT: Final = re.compile(r"\(at (?:line (\d+), column \d+|end of document)\)$")
_TABLE: Final = re.compile(r"[ \t]*(\[\[?)([^\[\]]+)\]")
_KEY: Final = re.compile(r"[ \t]*([A-Za-z0-9_.-]+)[ \t]*=")
_TRUTHS: Final = frozenset(("True", "False", "yes", "no", "Yes", "No", "on", "off"))
_DATE: Final = re.compile(r"\d{4}-[\dTZtz :.+-]*")
_FORMS: Final = {
    re.compile(r"[-+]?\d{1,9},\d{1,9}"): "number; a point was expected, as in 0.5",
    re.compile(r"\d{1,4}[./]\d{1,2}[./]\d{1,4}"): "date; one like 2026-03-15 was expected",
}
"""Values as people write them elsewhere, and what is wrong with them here."""


def _misspelt(problem: str, text: str) -> str:
    """A message on what is no TOML, with the key that stands twice or what is wrong with a value."""
    lines = _TEXT.sub(lambda found: f"''{chr(10) * found[0].count(chr(10))}", text).splitlines()
    if problem.startswith("Cannot overwrite a value"):
        table, seen = "", dict[str, int]()
        for number, line in enumerate(lines, 1):
            if begun := _TABLE.match(line):
                table = f"{begun[2].strip()}{f'[{number}]' if begun[1] == '[[' else ''}."
            elif found := _KEY.match(line):
                name = f"{table}{found[1]}"
                if name in seen:
                    return f"{shown(name)} stands twice (at lines {seen[name]} and {number})"
                seen[name] = number
    where = _MISSPELT.search(problem)
    line = lines[int(where[1]) - 1] if where and where[1] and int(where[1]) <= len(lines) else ""
    key = _KEY.match(line)
    value = line[key.end() :].strip() if key else ""
    if _DATE.fullmatch(value):
        return f"{problem}: {value[:40]} is no date or time; one like 2026-03-15 was expected"
    if value in _TRUTHS:
        return f"{problem}: {value} is none of true and false, which are written small"
    for form, said in _FORMS.items():
        if form.fullmatch(value):
            return f"{problem}: {value} is no {said}"
    if value[:1] not in {"", *"'[{"} and problem.startswith(("Invalid value", "Expected newline")):
        return f'{problem}: a text needs quotes, as in {key[1] if key else "name"} = "..."'
    return problem


_KINDS: Final = {
    "float": "a number",
    "int": "a whole number",
    "str": "a text in quotes",
    "bool": "true or false",
    "array": "a list in [ ]",
    "object": "a table",
    "datetime": "a date or time, such as 2026-03-15,",
}
_EXPECTED: Final = re.compile(r"Expected `(\w+)(?: \| null)?`([^,`]*)(?:, got `\w+`)?")
_ENUM: Final = re.compile(r"Invalid enum value '(.*)' - at ", re.DOTALL)
_BOUNDS: Final = {">=": "from", "<=": "up to", ">": "above", "<": "below"}
_LONGEST_SHOWN: Final = 40


def _said(problem: str, name: str, value: Any) -> str:
    """A setting's value, and what was expected, in plain words."""
    found = _EXPECTED.fullmatch(problem)
    kind = "datetime" if "RFC3339" in problem else found[1] if found else ""
    if kind not in _KINDS:
        return ""
    told = {bool: str(value).lower(), str: shown(value) if isinstance(value, str) else ""}.get(type(value), f"{value}")
    held = f" {told}" if isinstance(value, str | int | float) and len(told) <= _LONGEST_SHOWN else ""
    bare = " without quotes" if isinstance(value, str) and kind not in {"array", "object"} else ""
    bounds = re.sub(r"[<>]=?", lambda sign: _BOUNDS[sign[0]], found[2] if found else "")
    return f"{name}{held}: {_KINDS[kind]}{bare}{bounds} was expected"


def _expecting(problem: str, text: str, root: Any) -> str:
    """A parser's message on a value, with the number that it is or the words that were expected.

    A long text is not repeated, and no host name.
    """
    place = _PLACE.search(problem)
    if not place:
        return problem
    value: Any = msgspec.toml.decode(text)
    for name, number in _PART.findall(place[1]):
        if name:
            fields = msgspec.structs.fields(root) if _is_struct(root) else ()
            root = next((one.type for one in fields if one.encode_name == name), None)
            value = value.get(name) if isinstance(value, dict) else None
        else:
            root = next((one for one in get_args(root) if one is not Ellipsis), None) if number.isdigit() else None
            value = value[int(number)] if number.isdigit() and isinstance(value, list) else None
        root = next((one for one in (root, *get_args(root)) if _is_struct(one)), root)
    words = list(_words(root))
    if words and (found := _ENUM.match(problem)):
        told = ", ".join(f'"{word}"' if any("," in one for one in words) else word for word in words)
        return f"{place[1]} {shown(found[1])}: one of {told} was expected"
    if "key in" not in place[0] and (plain := _said(problem[: place.start()], place[1], value)):
        return plain
    return f"{problem}, not {value}" if isinstance(value, int | float) else problem


def _words(kind: Any) -> Iterator[str]:
    """The words that a type allows."""
    if get_origin(kind) is Literal:
        yield from map(str, get_args(kind))
    else:
        for one in get_args(kind):
            yield from _words(one)


def _fields(root: Any, within: str) -> list[str]:
    """Names of the fields of a type, or of what lies in it."""
    for name in filter(None, within.split(".")):
        own = {one.encode_name: one.type for one in msgspec.structs.fields(root)} if _is_struct(root) else {}
        root = next((one for one in (own.get(name), *get_args(own.get(name))) if _is_struct(one)), None)
    return [one.encode_name for one in msgspec.structs.fields(root)] if _is_struct(root) else []


def _is_struct(one: Any) -> bool:
    return isinstance(one, type) and issubclass(one, msgspec.Struct)
