"""Translates the previous version's options; no help shows them."""

from collections.abc import Iterator, Mapping
from typing import Final

from waterbed.model.errors import InputError

COMMANDS: Final[Mapping[str, str]] = {"routes": "tables", "feeds": "sources", "sheet": "fact-sheet"}
"""Commands that have another name now."""

TABLES: Final[Mapping[str, Mapping[str, str]]] = {
    "rank": {"--volume": "volume", "--places": "places", "--feeds": "sources"},
    "graph": {"--measures": "measures", "--weeks": "weeks"},
    "hops": {"--labels": "labels", "--near": "near-labels", "--told": "external"},
    "episodes": {"--told": "external"},
    "enrich": {"--compare": "origins"},
    "hosters show": {"--changes": "changes"},
}
"""By command: flags that chose a table, and the value of --table that does so now."""

OPTIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "compliance": {"--show": "--table"},
    "attribute": {"--date": "--as-of"},
    "explain": {"--date": "--as-of"},
    "rank": {"--date": "--as-of"},
    "sizes": {"--date": "--as-of"},
    "hosters show": {"--on": "--as-of"},
}
"""By command: options that have another name now."""

VALUES: Final[Mapping[str, Mapping[tuple[str, str], str]]] = {
    "graph": {("--by", "as"): "asn"},
    "rank": {("--table", "feeds"): "sources"},
}
"""By command: values that are spelled otherwise now."""

_BOTH = ("labels", "near-labels")
"""What `hops --labels --near` chose: the second alone says it now."""


def as_now(arguments: list[str]) -> list[str]:
    """A command line in today's spelling; InputError for two tables."""
    arguments = [COMMANDS.get(arguments[0], arguments[0]), *arguments[1:]]
    command = " ".join(arguments[:2]) if arguments[0] == "hosters" else arguments[0]
    start = len(command.split())
    if command == "sizes" and "add" in arguments:  # its own --date does not mean as of
        return arguments
    if sum(word == "--table" or word.startswith("--table=") for word in arguments) > 1:
        raise InputError("--table is given more than once: name one of them (docs/cli.md)")
    tables = [TABLES[command][word] for word in arguments if word in TABLES.get(command, {})]
    if len(tables) > 1 and tuple(tables) not in (_BOTH, _BOTH[::-1]):
        raise InputError(
            f"{' and '.join(tables)} are {len(tables)} tables: name one of them with --table (docs/cli.md)"
        )
    chosen = ["--table", "near-labels" if len(tables) > 1 else tables[0]] if tables else []
    return [*arguments[:start], *_renamed(command, arguments[start:]), *chosen]


def _renamed(command: str, arguments: list[str]) -> Iterator[str]:
    names, values = OPTIONS.get(command, {}), VALUES.get(command, {})
    previous = ""
    for word in arguments:
        if word in TABLES.get(command, {}):
            continue
        name, separator, value = word.partition("=")
        value = values.get(
            (name if separator else previous, value if separator else word), value if separator else word
        )
        yield f"{names.get(name, name)}={value}" if separator else names.get(value, value)
        previous = word
