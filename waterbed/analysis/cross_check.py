"""A study's origins beside what Team Cymru says of them."""

import asyncio
from dataclasses import dataclass
from datetime import UTC
from typing import Annotated

from attribution.lookups.dns.cymru import ask_cymru
from waterbed.model.errors import InputError
from waterbed.model.public_addresses import refusal
from waterbed.store.lake.registered import known_addresses
from waterbed.study.study import Study


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One address: our origins beside Team Cymru's."""

    address: Annotated[str, "the address"]
    ours: Annotated[tuple[int, ...], "origin ASes by the study's table of today"]
    theirs: Annotated[tuple[int, ...], "origin ASes that Team Cymru says"]
    verdict: Annotated[str, "same, other, or why there is nothing to compare with"]


def compare(study: Study, *, limit: int | None = None) -> list[Compared]:
    """Each address's origins beside Team Cymru's; nothing is recorded. InputError unless the settings allow it."""
    folder = study.folder
    if not folder.config.registry.cymru:
        raise InputError(
            "registry.cymru is false, so Team Cymru is not asked; set it to true if they may learn the study's "
            "addresses (docs/registrations.md)"
        )
    addresses = sorted(address for address in known_addresses(folder) if refusal(address) is None)[:limit]
    resolver = folder.lab.resolver if folder.lab else folder.config.names.resolver
    theirs = asyncio.run(ask_cymru(addresses, resolver, folder.config.names.timeout_s))
    ours = study.attribute_table(addresses, folder.clock().astimezone(UTC).date())[0]
    rows = []
    for address, mine in zip(addresses, ours, strict=True):
        said = theirs[address]
        verdict = said.problem or ("same" if set(mine) == set(said.origins) else "other")
        rows.append(Compared(address=address, ours=tuple(mine), theirs=said.origins, verdict=verdict))
    return rows
