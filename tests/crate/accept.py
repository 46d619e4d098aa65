"""Validates a package with programs of others: prints a JSON object of what each has against it.

Runs in an environment of its own. Usage: accept.py PACKAGE CONTEXT, where CONTEXT is a copy of the vocabulary that
RO-Crates name by address: nothing is fetched.
"""

import io
import json
import sys
import tempfile
from pathlib import Path

import bagit  # type: ignore[import-not-found]  # they live in an environment of their own
import requests
from datacite import schema45  # type: ignore[import-not-found]
from rdflib.plugins.sparql import processor  # type: ignore[import-not-found]
from requests_cache import CachedSession  # type: ignore[import-not-found]
from rocrate_validator.models import Severity, ValidationSettings  # type: ignore[import-not-found]
from rocrate_validator.services import validate  # type: ignore[import-not-found]
from urllib3 import HTTPResponse

CONTEXT = "https://w3id.org/ro/crate/1.2/context"


def cached(place: str, content: bytes) -> str:
    """A cache of web pages in which the vocabulary is already."""
    session = CachedSession(place, backend="sqlite", expire_after=-1)
    found = requests.Response()
    found.status_code, found.url, found._content = 200, CONTEXT, content
    found.headers["Content-Type"] = "application/ld+json"
    found.raw = HTTPResponse(io.BytesIO(content), headers=dict(found.headers), status=200, request_url=CONTEXT)
    found.request = requests.Request("GET", CONTEXT).prepare()
    session.cache.save_response(found)
    session.close()
    return place


def parsed_once() -> None:
    """Let a query of the profile be parsed once, not for each node that it is asked about."""
    parse, translate, made = processor.parseQuery, processor.translateQuery, {}

    def translated(text: str, base: str | None = None, names: dict[str, object] | None = None) -> object:
        key = (text, base, tuple(sorted((names or {}).items())))
        if key not in made:
            made[key] = translate(parse(text), base, names)
        return made[key]

    processor.parseQuery, processor.translateQuery = str, translated


def of_bag(package: Path) -> list[str]:
    """What the Library of Congress's program has against the bag."""
    try:
        bagit.Bag(str(package)).validate()
    except bagit.BagError as problem:
        return [str(problem)]
    return []


def of_crate(package: Path, context: Path) -> list[str]:
    """What the RO-Crate validator has against the crate, recommendations too."""
    with tempfile.TemporaryDirectory() as place:
        settings = ValidationSettings(
            rocrate_uri=str(package),
            profile_identifier="ro-crate-1.2",
            requirement_severity=Severity.RECOMMENDED,
            cache_path=cached(f"{place}/cache", context.read_bytes()),
            offline=True,
        )
        result = validate(settings)
        return [f"{issue.severity.name} {issue.check.identifier}: {issue.message}" for issue in result.get_issues()]


def of_datacite(package: Path) -> list[str]:
    """What DataCite's JSON schema 4.5 has against the metadata for a DOI."""
    content = json.loads((package / "data" / "datacite.json").read_text(encoding="utf-8"))
    return [f"{list(error.path)}: {error.message}" for error in schema45.validator.iter_errors(content)]


if __name__ == "__main__":
    parsed_once()
    where, vocabulary = Path(sys.argv[1]), Path(sys.argv[2])
    found = {"bag": of_bag(where), "crate": of_crate(where, vocabulary), "datacite": of_datacite(where)}
    sys.stdout.write(json.dumps(found) + "\n")
