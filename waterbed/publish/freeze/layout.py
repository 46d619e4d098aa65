"""Layout of a package, and the file that describes it."""

import hashlib
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from packaging.requirements import Requirement

from waterbed.measures.durations import SEED as OF_MEDIANS
from waterbed.measures.notices.tables import SEED as OF_COMPLIANCE
from waterbed.measures.ranking_tables import SEED as OF_STANDINGS
from waterbed.model.errors import InputError
from waterbed.publish.freeze.bag import DATA
from waterbed.store.bounded.files import content as bounded
from waterbed.store.bounded.limits import MOST_MANIFEST
from waterbed.store.config import Config
from waterbed.store.frozen import Frozen
from waterbed.study.metadata import CAVEATS

FORM: Final = 1
"""The version of the package format that this version writes."""
ABOUT: Final = "freeze.json"
SETTINGS: Final = "settings.toml"
FACTS: Final = "facts"
TABLES: Final = "tables"
RESULTS: Final = "results"
RULES: Final = "rules"
SHARED: Final = "shared"
EDITIONS: Final = "editions.json"
"""What editions had told when a study was frozen: its results tell nothing of them."""
DOCS: Final = "docs/freeze.md"

Kind = Literal["facts", "shared"]

_RULES: Final[Mapping[str, tuple[str, str]]] = {
    "outcomes.toml": ("waterbed.judging", "rules.toml"),
    "attribution.toml": ("waterbed.attribution", "rules.toml"),
    "known-hosters.toml": ("waterbed.attribution.hosters", "known_hosters.toml"),
    "infrastructure.toml": ("waterbed.attribution.lookups.dns", "infrastructure.toml"),
    "platforms.txt": ("waterbed.model", "platforms.txt"),
}
_WITHOUT_NAMES: Final = ("outcomes.toml", "attribution.toml")
"""Rule sets without host names, which packages include; the others are identified by checksum."""


class DatedTable(msgspec.Struct, frozen=True, kw_only=True):
    """A dated table on which conclusions rest."""

    folder: Annotated[str, "name of its folder"]
    kind: Annotated[str, "routes, places, organisations, hosting, domains, covariates, relations or siblings"]
    day: Annotated[str, "the day whose state it gives"]
    sha256: Annotated[str, "checksum of the file that it was imported from"]
    licence: Annotated[str | None, "as the study has it"]
    inside: Annotated[bool, "whether the package holds it in compact form"]


class About(msgspec.Struct, frozen=True, kw_only=True):
    """Description of a package, and its inputs besides facts."""

    form: int
    kind: Annotated[Kind, "facts: everything; shared: what a partner may have"]
    title: str
    version: Annotated[str, "version of Waterbed"]
    python: str
    machine: Annotated[str, "kind of processor: last digits of numbers may depend on it"]
    libraries: Annotated[dict[str, str], "libraries that numbers go through, to their versions"]
    seeds: Annotated[dict[str, int], "constants of this version"]
    rules: Annotated[dict[str, str], "rule sets and lists of this version, to SHA-256"]
    protocol: Annotated[tuple[str, ...], "SHA-256 of each locked protocol, the first lock first; none: no protocol"]
    deviations: Annotated[tuple[str, ...], "what was done otherwise than the protocol says"]
    rows: Annotated[dict[str, int], "rows of each table of facts"]
    tables: tuple[DatedTable, ...]
    held_back: Annotated[dict[str, str], "tables that the study does not publish, to SHA-256"]
    frozen: Frozen


def read_about(package: Path) -> About:
    """Read a package's description; InputError for an unknown format."""
    path = package / DATA / ABOUT
    content = bounded(path, "the description of a package", MOST_MANIFEST, DOCS)
    try:
        form = msgspec.json.decode(content, type=_Form).form
        if form == FORM:
            return _within(msgspec.json.decode(content, type=About))
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise InputError(f"{path} does not describe a package; expected one of waterbed freeze ({DOCS})") from None
    raise InputError(
        f"{path} has format {form}, and this version reads format {FORM}: install a newer version ({DOCS})"
    )


def _within(about: About) -> About:
    """The same; ValueError if a table's folder lies elsewhere."""
    for table in about.tables:
        if table.folder in ("", ".", "..") or "/" in table.folder or "\0" in table.folder:
            raise ValueError(table.folder)
    return about


class _Form(msgspec.Struct):
    form: int


def rule_sets() -> dict[str, bytes]:
    """Rule sets and lists of this version."""
    return {name: (files(room) / file).read_bytes() for name, (room, file) in _RULES.items()}


def rules_inside() -> dict[str, bytes]:
    """Rule sets that packages include."""
    return {name: content for name, content in rule_sets().items() if name in _WITHOUT_NAMES}


def here() -> dict[str, object]:
    """The part of `About` that this installation determines."""
    return {
        "version": version("waterbed"),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "libraries": {name: version(name) for name in ("numpy", "scipy", "networkx", "pyarrow", "publicsuffixlist")},
        "seeds": {"standings": OF_STANDINGS, "medians": OF_MEDIANS, "compliance": OF_COMPLIANCE},
        "rules": {name: hashlib.sha256(content).hexdigest() for name, content in rule_sets().items()},
    }


def other_than(about: About) -> list[str]:
    """Differences between this installation and the package's, one sentence each."""
    differences = []
    for what, ours in here().items():
        theirs = getattr(about, what)
        if not isinstance(ours, dict):
            differences += [f"{what}: {theirs} there, {ours} here"] if ours != theirs else []
            continue
        names = sorted(name for name in {*ours, *theirs} if ours.get(name) != theirs.get(name))
        differences += [
            f"{what}, {name}: {_short(theirs.get(name))} there, {_short(ours.get(name))} here" for name in names
        ]
    return differences


def _short(value: object) -> str:
    return str(value)[:12]


def access(config: Config, kind: Kind) -> str:
    """Access terms of a package.

    Facts hold ids and addresses, so they are public only where the policy allows both; rows for a partner tell what the
    tables hide, so they are only where it allows cases.
    """
    policy = config.publish
    if policy.tlp in ("clear", "green") and not (policy.cases and (policy.addresses or kind == "shared")):
        held = "facts hold ids, addresses and times" if kind == "facts" else "partner's rows tell of single URLs"
        return f"TLP:AMBER: the {held}, which the study does not publish; restricted access"
    return f"TLP:{policy.tlp.upper()}"


def installed() -> str:
    """Installed distributions with exact versions, as a requirements file."""
    found, todo = dict[str, str](), [Requirement("waterbed")]
    seen = set[str]()
    while todo:
        asked = todo.pop()
        name = asked.name.lower().replace("_", "-").replace(".", "-")
        wanted = f"{name}{sorted(asked.extras)}"
        if wanted in seen:
            continue
        seen.add(wanted)
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
        for needed in map(Requirement, requires(name) or ()):
            extras = ("", *asked.extras)
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in extras):
                todo.append(needed)
    return "".join(f"{name}=={number}\n" for name, number in sorted(found.items()))


_WHOLE: Final = """\
Reproduce it, on any machine with Waterbed {version} (the exact versions: requirements.lock):

    waterbed reproduce PACKAGE NEWSTUDY

That verifies every file, makes a new study with keys of its own, draws all conclusions at the frozen clock, and says
which tables are equal, byte for byte, and which differ, and where first. With --store it does so on PostgreSQL.

facts/ holds what was reported and seen, under keyed ids. No URL and no host name is in it. An address and a time
together still point to a host in many cases: give facts/ to nobody whom the study's terms do not allow them.
"""
_SHARED: Final = """\
This package is for a partner: in place of the facts it has checks and episodes under other ids, by day and prefix
(shared/). Only results/shared-hosters can be worked out of these, and

    waterbed reproduce PACKAGE NEWFOLDER

does so and compares it, byte for byte. All other tables need times and addresses: they are here as they were, and
cannot be reproduced from this package.
"""


def readme(about: About, config: Config, results: Sequence[str]) -> str:
    """The text of README.txt."""
    parts = [
        f"{about.title}\n{'=' * len(about.title)}",
        f"{CAVEATS[about.frozen.world]}." if about.frozen.world != "measured" else "",
        f"A study frozen by Waterbed {about.version} at {about.frozen.frozen_at:%Y-%m-%d %H:%M:%S} UTC.\n"
        f"{access(config, about.kind)}. Licence: {config.citation.licence or config.publish.licence}.",
        (_WHOLE if about.kind == "facts" else _SHARED).format(version=about.version).rstrip(),
        "Verify it without Waterbed: sha256sum -c manifest-sha256.txt in the folder above this one (a bag, RFC 8493).",
        _protocol(about),
        _tables(about),
        "Results:\n" + "\n".join(f"  {name}" for name in results),
        _held(about),
        "Every column is in codebook.csv. freeze.json lists all else that the results rest on.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _protocol(about: About) -> str:
    if not about.protocol:
        return "No protocol was locked: all results are exploratory."
    locks = f"Protocol: SHA-256 {about.protocol[0]}, locked {len(about.protocol)} time(s)."
    if not about.deviations:
        return f"{locks} The results do not deviate from it."
    return "\n".join([f"{locks} Deviations from it:", *(f"  {one}" for one in about.deviations)])


def _tables(about: About) -> str:
    if not about.tables:
        return ""
    lines = [
        f"  {one.kind} of {one.day}, {one.licence or 'licence not named'}, SHA-256 {one.sha256}"
        f"{'' if one.inside else ' (not in this package)'}"
        for one in about.tables
    ]
    more = (
        ""
        if all(one.inside for one in about.tables)
        else ("\nThose that are not here are found by checksum: waterbed reproduce PACKAGE NEWSTUDY --tables FOLDER")
    )
    return "\n".join(["Dated tables:", *lines]) + more


def _held(about: About) -> str:
    names = sorted({name.rpartition(".")[0] for name in about.held_back})
    if not names:
        return ""
    return f"Held back by the study's policy, compared by checksum alone: {', '.join(names)}."
