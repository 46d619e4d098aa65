"""Settings described: unit and words, commented TOML, JSON Schema."""

import re
import textwrap
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final, NamedTuple, get_type_hints

import msgspec

from waterbed.store.config import Config

SCHEMA: Final = "waterbed.schema.json"
"""Name of the JSON Schema's file beside the settings."""
_HEAD: Final = """\
#:schema ./{schema}
# The settings of this study, each below its [unit] and what it means (docs/operations.md, Settings).
# A key that is unknown or of the wrong type is refused.
"""
_LINK: Final = re.compile(r"\[([^]]*)\]\(([^)]*)\)")
_WIDTH: Final = 118


class Described(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A setting's meaning."""

    words: str
    """In Markdown, with links as pages in docs/ have them."""
    unit: str = ""

    @property
    def plain(self) -> str:
        """Unit in brackets and words, without Markdown."""
        words = _LINK.sub(lambda link: _link(link[1], link[2]), self.words).replace("`", "")
        return f"[{self.unit}] {words}" if self.unit else words


class Setting(NamedTuple):
    """One key of the settings."""

    name: str
    """With the tables that it lies in, as names.resolver."""
    default: Any
    """None where the key is left out; msgspec.NODEFAULT where it is required."""


@cache
def described() -> Mapping[str, Described]:
    """Every setting by its whole name, in order."""
    text = files("waterbed.store").joinpath("described.toml").read_text(encoding="utf-8")
    return msgspec.toml.decode(text, type=dict[str, Described])


def settings_of(cls: type[msgspec.Struct] = Config, prefix: str = "") -> Iterator[Setting]:
    """Each key of a settings class with its default."""
    for field in msgspec.structs.fields(cls):
        name, inner = f"{prefix}{field.encode_name}", _table(cls, field.name)
        if inner:
            yield from settings_of(inner, f"{name}.")
        elif field.required:
            yield Setting(name, msgspec.NODEFAULT)
        else:
            factory = field.default_factory
            yield Setting(name, field.default if factory is msgspec.NODEFAULT else factory())


def spelled(value: Any) -> str:
    """A value as TOML writes it on one line."""
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{_key(key)} = {spelled(item)}' for key, item in value.items())} }}"
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(spelled, value))}]"
    return msgspec.toml.encode({"x": value}).decode().removeprefix("x = ").removesuffix("\n")


def commented(config: Config) -> bytes:
    """The settings as TOML, each below what it means."""
    return (_HEAD.format(schema=SCHEMA) + "".join(_block(config, ""))).encode()


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema of waterbed.toml, which editors use."""
    whole = msgspec.json.schema(Config)
    _describe(Config, "", whole["$defs"])
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "waterbed.toml", **whole}


@cache
def _table(cls: type[msgspec.Struct], field: str) -> type[msgspec.Struct] | None:
    """The class of a field that is a table, or a list of tables."""
    hint = get_type_hints(cls)[field]
    found = (one for one in (hint, *getattr(hint, "__args__", ())) if isinstance(one, type))
    return next((one for one in found if issubclass(one, msgspec.Struct)), None)


def _block(struct: msgspec.Struct, prefix: str) -> Iterator[str]:
    """Plain keys first, as TOML demands, then tables."""
    tables = []
    for field in msgspec.structs.fields(struct):
        name, value = f"{prefix}{field.encode_name}", getattr(struct, field.name)
        if inner := _table(type(struct), field.name):
            tables.append((name, value, inner))
            continue
        yield _comment(name)
        yield f"# {field.encode_name} = \n" if value is None else f"{field.encode_name} = {spelled(value)}\n"
    for name, value, inner in tables:
        if not isinstance(value, tuple):
            yield f"\n[{name}]\n"
            yield from _block(value, f"{name}.")
        elif value:
            for one in value:
                yield f"\n[[{name}]]\n"
                yield from _block(one, f"{name}.")
        else:
            yield f"\n# None yet; each is a table of its own:\n# [[{name}]]\n"
            for key in settings_of(inner, f"{name}."):
                yield _comment(key.name)
                given = "" if key.default in (None, msgspec.NODEFAULT) else spelled(key.default)
                yield f"# {key.name.rpartition('.')[2]} = {given}\n"


@cache
def _comment(name: str) -> str:
    lines = textwrap.wrap(described()[name].plain, _WIDTH, break_long_words=False)
    return "\n" + "".join(f"# {line}\n" for line in lines)


def _link(text: str, target: str) -> str:
    page = target if target.endswith(".md") else target.partition("#")[0]
    where = f"docs/{page or 'operations.md'}"
    return where if text.endswith(".md") else f"{text} ({where})"


def _key(key: str) -> str:
    return key if re.fullmatch("[A-Za-z0-9_-]+", key) else spelled(key)


def _describe(cls: type[msgspec.Struct], prefix: str, known: dict[str, Any]) -> None:
    """Put the words of each setting into the schema of its class."""
    told = known[cls.__name__]["properties"]
    for field in msgspec.structs.fields(cls):
        name = f"{prefix}{field.encode_name}"
        if inner := _table(cls, field.name):
            _describe(inner, f"{name}.", known)
        else:
            told[field.encode_name]["description"] = described()[name].plain
