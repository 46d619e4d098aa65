"""Test vectors of others: addresses, international names and public suffixes.

Those of the web platform's tests lie in the folder that WATERBED_REALDATA names; those of the Public Suffix List come
with its package.
"""

import json
import os
import re
from collections import Counter
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from waterbed.model.errors import BadUrl
from waterbed.model.urls import CanonicalUrl, canonicalize, registrable_domain

FOLDER = Path(os.environ.get("WATERBED_REALDATA", ".")) / "url-vectors"
RELATIVE = "address lacks an http:// or https:// scheme"
OVERLONG = "address has an empty or overlong host name"


def vectors(name: str) -> list[dict[str, Any]]:
    """The vectors of a file, without its comments."""
    return [one for one in json.loads((FOLDER / name).read_text()) if isinstance(one, dict)]


def read(text: str) -> CanonicalUrl | str:
    """The canonical address, or why there is none."""
    try:
        return canonicalize(text)
    except BadUrl as problem:
        return str(problem)


def host_of(host: str) -> str:
    """A host as we spell it: without brackets and trailing dots."""
    return host.rstrip(".").strip("[]")


@pytest.mark.realdata
def test_addresses_are_read_as_the_standard_reads_them() -> None:
    """Nothing that it refuses is accepted, every host is its own, and the few that we refuse have these reasons."""
    tried = [one for one in vectors("urltestdata.json") if one.get("failure") or one["protocol"] in ("http:", "https:")]
    refused: Counter[str] = Counter()
    for one in tried:
        found = read(one["input"])
        if isinstance(found, str):
            whole = not one.get("failure") and one.get("base") is None
            refused.update([found] if whole else [])
            continue
        assert not one.get("failure"), one
        assert found.host == host_of(one["hostname"]), one
    assert len(tried) > 400
    assert dict(refused) == {
        RELATIVE: 13,
        "address contains a NUL character": 5,
        OVERLONG: 2,
        "address whose canonical spelling would be read as another address": 1,
    }


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["toascii.json", "IdnaTestV2.json"])
def test_international_names_become_those_of_the_standard(name: str) -> None:
    """No name is another's; refused are those that it refuses, and those too long or with an empty label."""
    same = 0
    for one in vectors(name):
        found, wanted = read(f"https://{one['input']}/"), one["output"]
        if isinstance(found, str):
            labels = (wanted or "").rstrip(".").split(".")
            fits = min(map(len, labels)) > 0 and max(map(len, labels)) <= 63 and len(".".join(labels)) <= 253
            assert wanted is None or found == OVERLONG or not fits, one
            continue
        assert wanted is not None, one
        assert found.host == host_of(wanted), one
        same += 1
    assert same > 50


@pytest.mark.realdata
def test_names_too_long_for_the_dns_are_refused() -> None:
    """Those with trailing dots, which are dropped, are read as those without."""
    tried = [one for one in vectors("verifydnslength_tests.json") if not one["input"].rstrip("/").endswith(".")]
    assert len(tried) > 5
    for one in tried:
        assert isinstance(read(one["input"]), str) == one["failure"], one


def test_registrable_domains_are_those_of_the_public_suffix_list() -> None:
    """The list's own vectors; where it says that there is none, the name stays as it is."""
    text = (files("publicsuffixlist") / "test_psl.txt").read_text(encoding="utf-8")
    pairs = re.findall(r"^checkPublicSuffix\('([^'.][^']*)', (?:'([^']+)'|null)\);", text, re.MULTILINE)
    assert len(pairs) > 60
    for name, wanted in pairs:
        host = canonicalize(f"https://{name}/").host
        assert registrable_domain(host) == (canonicalize(f"https://{wanted}/").host if wanted else host), name
