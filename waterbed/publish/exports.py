"""Exports of a publication for other tools; plug-ins add others."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from waterbed.model.errors import InputError
from waterbed.model.plugins import INTERFACE, SEE, added, called, is_text
from waterbed.model.redaction import redact, shown
from waterbed.model.shell import installs
from waterbed.publish.intelmq import intelmq_events
from waterbed.publish.policy import Publication
from waterbed.publish.site.added import AddedPage
from waterbed.store.whole.replacing import published_files

_NAME: Final = re.compile("[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """Files for another tool.

    `write` makes them, by name, of what may be published; `files` says what each file or folder is, for README.txt.
    """

    write: Callable[[Publication], Mapping[str, str | bytes]]
    files: Mapping[str, str]
    interface: int = INTERFACE


def _stix(publication: Publication) -> Mapping[str, str | bytes]:
    from waterbed.publish.stix import extension_schema, stix_bundle  # noqa: PLC0415 (its library may be left out)

    return {"stix.json": stix_bundle(publication), "stix-extension.schema.json": extension_schema()}


def _misp(publication: Publication) -> Mapping[str, str | bytes]:
    from waterbed.publish.misp import misp_feed  # noqa: PLC0415 (the same)

    return {f"misp/{name}": text for name, text in misp_feed(publication).items()}


EXPORTS: Final[Mapping[str, Export]] = {
    "stix": Export(
        write=_stix,
        files={
            "stix.json": "STIX 2.1 bundle: ASes and hosters with their rows of the rankings",
            "stix-extension.schema.json": "JSON Schema of the extension that these rows are",
        },
    ),
    "misp": Export(
        write=_misp,
        files={"misp/": "MISP feed: add this folder, or where it is served, as a feed of the format MISP"},
    ),
    "intelmq": Export(
        write=lambda publication: {"intelmq.jsonl": intelmq_events(publication)},
        files={"intelmq.jsonl": "IntelMQ events, one line for each AS"},
    ),
}
"""The exports that are built in, each of every publication if its library is installed."""
_NEEDS: Final[Mapping[str, str]] = {"stix": "stix2", "misp": "pymisp"}


@cache
def built_in() -> Mapping[str, Export]:
    """The built-in exports whose library is installed."""
    return {name: one for name, one in EXPORTS.items() if name not in _NEEDS or _is_installed(_NEEDS[name])}


def _is_installed(library: str) -> bool:
    try:
        return find_spec(library) is not None
    except ModuleNotFoundError:  # whoever finds modules may refuse one
        return False


def left_out() -> Mapping[str, str]:
    """The exports that this installation lacks, with their libraries."""
    return {name: library for name, library in _NEEDS.items() if name not in built_in()}


def refuse_loss(out: Path) -> None:
    """InputError if an edition has files that we lack.

    Readers of a feed would find it gone, though nobody decided that.
    """
    for name, library in left_out().items():
        for path in published_files(out):
            if path in EXPORTS[name].files or f"{path.partition('/')[0]}/" in EXPORTS[name].files:
                raise InputError(
                    f"{out} holds {path} of the edition before, and this installation lacks {library}, which makes it; "
                    f"{installs('exports')}, or publish into another folder (docs/operations.md, Installation)"
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The plug-ins that a study's publications use, by name."""

    exports: Mapping[str, Export]
    pages: Mapping[str, AddedPage]


def chosen(names: Sequence[str]) -> Chosen:
    """Find plug-ins by the names in the settings.

    One name may stand for an export and a page. InputError for a name of neither.
    """
    if not names:
        return Chosen(exports={}, pages={})
    exports, pages = added("exports", Export, EXPORTS), added("pages", AddedPage, {})
    for name in names:
        if name not in exports and name not in pages:
            some = ", ".join(dict.fromkeys((*exports, *pages))) or "none is installed"
            raise InputError(
                f"publish.plugins in waterbed.toml names {name!r}, which no package adds as an export or a page; "
                f"known: {some} (docs/plugins.md; waterbed plugins says what is left out)"
            )
    return Chosen(
        exports={name: exports[name] for name in names if name in exports},
        pages={name: pages[name] for name in names if name in pages},
    )


def exported(publication: Publication, plugins: Mapping[str, Export]) -> Iterator[tuple[str, bytes]]:
    """Yield the files of all exports.

    Those of a plug-in lie in the folder `plugins` and begin with its name. InputError for one that fails.
    """
    for export in built_in().values():
        for name, content in export.write(publication).items():
            yield name, _bytes(content)
    yielded = set[str]()
    for plugin, export in plugins.items():
        made = called(plugin, partial(_gathered, export, publication))
        for name, content in _checked(plugin, made).items():
            path = f"plugins/{plugin}-{name}"
            if path in yielded:
                raise InputError(
                    f"the plug-in {plugin} wrote {redact(path)}, as another had; leave one out of publish.plugins, or "
                    f"ask its author for another name ({SEE})"
                )
            yielded.add(path)
            yield path, content


def described(plugins: Mapping[str, Export]) -> dict[str, str]:
    """The descriptions of plug-ins' files, by path.

    InputError for what is no text by name. URLs and host names are left out.
    """
    told = {}
    for plugin, export in plugins.items():
        files: dict[object, object] = called(plugin, partial(dict, export.files))
        for name, what in files.items():
            if not (isinstance(name, str) and isinstance(what, str) and is_text(what)):
                raise InputError(
                    f"the plug-in {plugin} has `files` with a {type(what).__name__}; texts by the files' names were "
                    f"expected ({SEE})"
                )
            told[f"plugins/{plugin}-{name}"] = redact(" ".join(what.split()))
    return told


def _gathered(export: Export, publication: Publication) -> object:
    made: object = export.write(publication)
    return dict(made) if isinstance(made, Mapping) else made


def _checked(plugin: str, made: object) -> dict[str, bytes]:
    """The files that a plug-in wrote, by name; InputError for anything else."""
    if not isinstance(made, dict):
        raise InputError(f"the plug-in {plugin} wrote a {type(made).__name__}; files by name were expected ({SEE})")
    for name, content in made.items():
        text = isinstance(content, bytes) or is_text(content)
        if not isinstance(name, str) or not _NAME.fullmatch(name) or not text:
            raise InputError(
                f"the plug-in {plugin} wrote {shown(name) if isinstance(name, str) else type(name).__name__}; a text "
                f"or bytes by a name of letters, digits, dots, - and _ were expected ({SEE})"
            )
    return {name: _bytes(content) for name, content in made.items()}


def _bytes(content: str | bytes) -> bytes:
    return content if isinstance(content, bytes) else content.encode()
