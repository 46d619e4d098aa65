"""Whether a text names a host of the study: by keyed ids, so that no name is opened."""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from waterbed.model.errors import InputError
from waterbed.model.facts import Target
from waterbed.model.urls import is_address, registrable_domain
from waterbed.store.vault import Vault

_NAME: Final = re.compile(r"(?<![\w.-])[\w-]+(?:\.[\w-]+)+")


def refuse_named(texts: Mapping[str, str], vault: Vault, targets: Iterable[Target], platforms: Collection[str]) -> None:
    """Refuse texts of people that name a host, or a registrable domain, of the study's URLs.

    The suffixes of `platforms` may be named. InputError says which text does, and in which line.
    """
    hosts, sites = set[str](), set[str]()
    for target in targets:
        hosts.add(target.host_id)
        sites.add(target.site_id)
    for what, text in texts.items():
        for number, line in enumerate(text.splitlines(), 1):
            names = {name.lower() for name in _NAME.findall(line)} - set(platforms)
            if any(_is_ours(name, vault, hosts, sites) for name in names):
                raise InputError(
                    f"{what}, line {number}, names a host of the study; leave it out and freeze again (docs/freeze.md)"
                )


def _is_ours(name: str, vault: Vault, hosts: set[str], sites: set[str]) -> bool:
    if is_address(name):
        return False
    parts = name.split(".")  # a file's ending, or a path's, may stand behind a name
    starts = [".".join(parts[:end]) for end in range(2, len(parts) + 1)]
    return any(
        vault.keyed_id("host", one) in hosts or vault.keyed_id("site", registrable_domain(one)) in sites
        for one in starts
    )
