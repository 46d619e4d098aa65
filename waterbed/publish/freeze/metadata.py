"""Metadata for catalogues and archives: RO-Crate 1.2, DataCite 4.5."""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Final

from waterbed.model.codec import columns, public_name
from waterbed.model.table import TableInfo
from waterbed.publish.freeze.layout import FACTS, RESULTS, RULES, SHARED, TABLES, DatedTable
from waterbed.publish.freeze.units import units
from waterbed.store.config import Config
from waterbed.store.settings import Creator

CRATE: Final = "ro-crate-metadata.json"
DATACITE: Final = "datacite.json"
_PROFILE: Final = "https://w3id.org/ro/crate/1.2"
_ORCID: Final = "https://orcid.org/"
_DOI: Final = "https://doi.org/"
_SPDX: Final = "https://spdx.org/licenses/"
_IDENTIFIER: Final = re.compile(r"[A-Za-z][A-Za-z0-9.+]*-[-A-Za-z0-9.+]+")
"""Pattern of SPDX identifiers."""
_MEDIA: Final[Mapping[str, str]] = {
    ".csv": "text/csv",
    ".json": "application/json",
    ".toml": "application/toml",
    ".txt": "text/plain",
    ".parquet": "application/vnd.apache.parquet",
    ".npy": "application/octet-stream",
}
_FOLDERS: Final[Mapping[str, str]] = {
    FACTS: "what was reported and seen, under keyed ids; one Parquet file for each kind",
    SHARED: "checks and episodes as a partner may have them: other ids, days, prefixes",
    TABLES: "dated tables of routes, countries and organisations, in compact form",
    RESULTS: "all tables that the study publishes, as CSV and JSON",
    RULES: "the rules by which outcomes of checks and hosters are decided",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cited:
    """The citation of a package."""

    config: Config
    made_on: Annotated[date, "day on which it was frozen"]
    collected: Annotated[tuple[str, str] | None, "days of the first and the last check"]
    version: Annotated[str, "version of Waterbed"]
    access: Annotated[str, "who may have it, in words"]

    @property
    def title(self) -> str:
        """Title of the study."""
        return self.config.citation.title or self.config.name

    @property
    def description(self) -> str:
        """Description of the package, in a sentence or more."""
        return self.config.citation.description or (
            f"Facts, settings, rules and results of the study {self.title!r}, frozen by Waterbed {self.version}: the "
            "results can be drawn anew from the facts and compared byte for byte."
        )

    @property
    def publisher(self) -> str:
        """The publisher."""
        return self.config.publish.publisher or self.config.name

    @property
    def creators(self) -> tuple[Creator, ...]:
        """The creators; the publisher if none are named."""
        return self.config.citation.creators or (Creator(name=self.publisher, kind="organisation"),)

    @property
    def licence(self) -> str:
        """SPDX identifier of its licence."""
        return self.config.citation.licence or self.config.publish.licence


def crate(cited: Cited, payload: Path, sums: Mapping[str, str], tables: Sequence[DatedTable]) -> bytes:
    """Describe the package as an RO-Crate.

    Every file has its type, size and SHA-256; `sums` has them by path in the payload.
    Each dated table has the licence that the study names for it.
    """
    folders: dict[str, list[str]] = {}
    for name in sorted(sums):
        folders.setdefault(name.partition("/")[0] if "/" in name else "", []).append(name)
    top = folders.pop("", [])
    root = _root(cited, [*top, *(f"{name}/" for name in folders)])
    made: list[dict[str, Any]] = [
        {
            "@id": CRATE,
            "@type": "CreativeWork",
            "about": {"@id": "./"},
            "conformsTo": {"@id": _PROFILE},
            "name": "metadata of this package",
        },
        root,
        *_people(cited),
        _licence(cited.licence),
        *_identifier(cited.config.citation.doi),
        {"@id": "#waterbed", "@type": "CreativeWork", "name": "Waterbed", "version": cited.version},
        {
            "@id": "#freeze",
            "@type": "CreateAction",
            "name": "waterbed freeze",
            "instrument": {"@id": "#waterbed"},
            "agent": {"@id": _publisher_id(cited)},
            "result": {"@id": "./"},
            "endTime": cited.made_on.isoformat(),
        },
    ]
    for folder, names in folders.items():
        about = _FOLDERS.get(folder, folder)
        inner = [f"{folder}/{table.folder}/" for table in tables] if folder == TABLES else names
        made.append({"@id": f"{folder}/", "@type": "Dataset", "name": folder, "description": about} | _parts(inner))
        if folder == TABLES:
            made += _dated(tables, names)
    made += [_file(payload, name, sums[name]) for name in sorted(sums)]
    return _spelled({"@context": f"{_PROFILE}/context", "@graph": list({one["@id"]: one for one in made}.values())})


def _root(cited: Cited, parts: Iterable[str]) -> dict[str, Any]:
    asked = cited.config.citation
    authors = [{"@id": _person_id(one, number)} for number, one in enumerate(cited.creators, 1)]
    root: dict[str, Any] = {
        "@id": "./",
        "@type": "Dataset",
        "name": cited.title,
        "description": cited.description,
        "datePublished": cited.made_on.isoformat(),
        "version": asked.version,
        "license": {"@id": _licence_id(cited.licence)},
        "conditionsOfAccess": cited.access,
        "author": authors if len(authors) > 1 else authors[0],
        "publisher": {"@id": _publisher_id(cited)},
        "mentions": {"@id": "#freeze"},
    }
    if asked.keywords:
        root["keywords"] = ", ".join(asked.keywords)
    if cited.collected:
        root["temporalCoverage"] = "/".join(cited.collected)
    if asked.doi:
        root |= {"identifier": {"@id": f"{_DOI}{asked.doi}"}, "cite-as": f"{_DOI}{asked.doi}"}
    return root | _parts(parts)


def _identifier(doi: str) -> Iterable[dict[str, Any]]:
    if doi:
        kind = "https://registry.identifiers.org/registry/doi"
        place = f"{_DOI}{doi}"
        value = {"propertyID": kind, "value": f"doi:{doi}", "url": place}
        yield {"@id": place, "@type": "PropertyValue", "name": "DOI"} | value


def _parts(names: Iterable[str]) -> dict[str, Any]:
    found = [{"@id": name} for name in names]
    return {"hasPart": found if len(found) != 1 else found[0]} if found else {}


def _people(cited: Cited) -> Iterable[dict[str, Any]]:
    made: dict[str, dict[str, Any]] = {}
    for number, one in enumerate(cited.creators, 1):
        kind = "Person" if one.kind == "person" else "Organization"
        found: dict[str, Any] = {"@id": _person_id(one, number), "@type": kind, "name": one.name}
        if one.affiliation:
            place = f"#affiliation-{number}"
            made[place] = {"@id": place, "@type": "Organization", "name": one.affiliation}
            found["affiliation"] = {"@id": place}
        made[found["@id"]] = found
    place = _publisher_id(cited)
    made.setdefault(place, {"@id": place, "@type": "Organization", "name": cited.publisher})
    return made.values()


def _person_id(one: Creator, number: int) -> str:
    return f"{_ORCID}{one.orcid}" if one.orcid else f"#creator-{number}"


def _publisher_id(cited: Cited) -> str:
    for number, one in enumerate(cited.creators, 1):
        if one.kind == "organisation" and one.name == cited.publisher:
            return _person_id(one, number)
    return "#publisher"


def _licence_id(licence: str, place: str = "#licence") -> str:
    own = licence.startswith("LicenseRef-") or not _IDENTIFIER.fullmatch(licence)
    return place if own else f"{_SPDX}{licence}"


def _licence(licence: str, place: str = "#licence") -> dict[str, Any]:
    about = "terms, by their SPDX identifier" if _IDENTIFIER.fullmatch(licence) else "terms, as the study names them"
    return {"@id": _licence_id(licence, place), "@type": "CreativeWork", "name": licence, "description": about}


def _dated(tables: Sequence[DatedTable], names: Sequence[str]) -> Iterable[dict[str, Any]]:
    """Each dated table as a separately licensed data set."""
    for number, table in enumerate(tables, 1):
        place = f"{TABLES}/{table.folder}/"
        description = f"{table.kind} of {table.day}, made from a file with SHA-256 {table.sha256}"
        found: dict[str, Any] = {"@id": place, "@type": "Dataset", "name": table.folder, "description": description}
        if table.licence:
            terms = _licence(table.licence, f"#licence-of-table-{number}")
            found["license"] = {"@id": terms["@id"]}
            yield terms
        yield found | _parts(name for name in names if name.startswith(place))


def _file(payload: Path, name: str, sha256: str) -> dict[str, Any]:
    return {
        "@id": name,
        "@type": "File",
        "name": PurePosixPath(name).name,
        "description": _DESCRIPTIONS.get(name) or f"part of {name.partition('/')[0]}: see codebook.csv",
        "encodingFormat": _MEDIA.get(PurePosixPath(name).suffix, "application/octet-stream"),
        "contentSize": str((payload / name).stat().st_size),
        "sha256": sha256,
    }


_DESCRIPTIONS: Final[Mapping[str, str]] = {
    "README.txt": "what this package is, and how it is verified and reproduced",
    "freeze.json": "versions, seeds, rule sets, clock, counts: what the results rest on beside the facts",
    "codebook.csv": "every column of every table: type, unit, meaning",
    "settings.toml": "the study's settings, without machines, keys and addresses",
    "study.toml": "the study's protocol as it was when the study was frozen",
    "hosters.toml": "the study's hosters",
    "requirements.lock": "the exact versions of everything that was installed for Waterbed",
    DATACITE: "metadata for a DOI, DataCite 4.5",
}


def datacite(cited: Cited) -> bytes:
    """Metadata by DataCite's schema 4.5, ready for a DOI."""
    asked = cited.config.citation
    made: dict[str, Any] = {
        "schemaVersion": "http://datacite.org/schema/kernel-4",
        "types": {"resourceTypeGeneral": "Dataset", "resourceType": "Frozen study"},
        "creators": [_creator(one) for one in cited.creators],
        "titles": [{"title": cited.title}],
        "publisher": {"name": cited.publisher},
        "publicationYear": str(cited.made_on.year),
        "language": "en",
        "version": asked.version,
        "descriptions": [{"description": cited.description, "descriptionType": "Abstract"}],
        "dates": [{"date": cited.made_on.isoformat(), "dateType": "Created"}],
        "formats": ["application/vnd.apache.parquet", "text/csv", "application/json"],
        "rightsList": [_rights(cited), {"rights": cited.access}],
    }
    if cited.collected:
        made["dates"].append({"date": "/".join(cited.collected), "dateType": "Collected"})
    if asked.keywords:
        made["subjects"] = [{"subject": word} for word in dict.fromkeys(asked.keywords)]
    if asked.doi:
        made["doi"] = asked.doi
    return _spelled(made)


def _creator(one: Creator) -> dict[str, Any]:
    made: dict[str, Any] = {"name": one.name, "nameType": "Personal" if one.kind == "person" else "Organizational"}
    if one.kind == "person" and ", " in one.name:
        made["familyName"], made["givenName"] = one.name.split(", ", 1)
    if one.orcid:
        made["nameIdentifiers"] = [
            {"nameIdentifier": f"{_ORCID}{one.orcid}", "nameIdentifierScheme": "ORCID", "schemeUri": _ORCID}
        ]
    if one.affiliation:
        made["affiliation"] = [{"name": one.affiliation}]
    return made


def _rights(cited: Cited) -> dict[str, str]:
    if cited.licence.startswith("LicenseRef-"):
        return {"rights": cited.licence}
    return {
        "rights": cited.licence,
        "rightsIdentifier": cited.licence,
        "rightsIdentifierScheme": "SPDX",
        "schemeUri": _SPDX,
        "rightsUri": f"{_SPDX}{cited.licence}.html",
    }


def _spelled(whole: Mapping[str, Any]) -> bytes:
    return (json.dumps(whole, indent=1, ensure_ascii=False) + "\n").encode()


_TYPES: Final[Mapping[type, str]] = {
    str: "text",
    int: "integer",
    float: "number",
    bool: "boolean",
    datetime: "time",
    tuple: "list",
}
HEADER: Final = ("file", "column", "type", "unit", "null", "meaning")


def codebook(tables: Mapping[str, type]) -> str:
    """Column descriptions as CSV; `tables` maps files to dataclasses.

    The columns are file, column, type, unit, whether it may be null, and meaning.
    A JSON file of results has an envelope beside its rows; its fields stand last, once for all.
    """
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(HEADER)
    for file, cls in tables.items():
        table.writerows(_rows(file, cls, public=file.startswith("results/")))
    table.writerows(_rows("results/*.json, beside its rows", TableInfo, public=False))
    return out.getvalue()


def _rows(file: str, cls: type, *, public: bool) -> Iterator[tuple[str, ...]]:
    found = columns(cls)
    of_each = units((name, kind) for name, (kind, _, _) in found.items())
    for unit, (name, (kind, nullable, meaning)) in zip(of_each, found.items(), strict=True):
        shown = public_name(cls, name) if public else name
        yield file, shown, _TYPES.get(kind, "object"), unit, "yes" if nullable else "no", meaning
