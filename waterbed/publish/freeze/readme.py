"""What a package says to people."""

from collections.abc import Sequence
from typing import Final

from waterbed.publish.freeze.layout import About, access
from waterbed.store.config import Config

_WHOLE: Final = """\
Reproduce it, on any machine with Waterbed {version} (the exact versions: requirements.lock):

    waterbed reproduce PACKAGE NEWSTUDY

That verifies every file, makes a new study with keys of its own, draws all conclusions at the frozen clock, and says
which tables are equal, byte for byte, and which differ, and where first. With --store it does so on PostgreSQL.

facts/ holds what was reported and seen, under keyed ids. No URL and no host name is in it. An address and a time
together still point to a host in many cases: give facts/ to nobody whom the study's terms do not allow them.
"""
_SHARED: Final = """\
This package is for a partner: in place of the facts it has looks and episodes under other ids, by day and prefix
(shared/). Only results/shared-hosters can be worked out of these, and

    waterbed reproduce PACKAGE NEWFOLDER

does so and compares it, byte for byte. All other tables need times and addresses: they are here as they were, and
cannot be reproduced from this package.
"""


def readme(about: About, config: Config, results: Sequence[str]) -> str:
    """The text of README.txt."""
    parts = [
        f"{about.title}\n{'=' * len(about.title)}",
        f"A study frozen by Waterbed {about.version} at {about.frozen.frozen_at:%Y-%m-%d %H:%M:%S} UTC.\n"
        f"{access(config, about.kind)}. Licence: {config.citation.licence or config.publish.licence}.",
        (_WHOLE if about.kind == "facts" else _SHARED).format(version=about.version).rstrip(),
        "Verify it without Waterbed: sha256sum -c manifest-sha256.txt in the folder above this one (a bag, RFC 8493).",
        _protocol(about),
        _tables(about),
        "Results:\n" + "\n".join(f"  {name}" for name in results),
        _held(about),
        "Every column is in codebook.csv. What else the results rest on is in freeze.json.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _protocol(about: About) -> str:
    if not about.protocol:
        return "No protocol was locked: all results are exploratory."
    told = f"Protocol: SHA-256 {about.protocol[0]}, locked {len(about.protocol)} time(s)."
    if not about.deviations:
        return f"{told} Nothing deviates from it."
    return "\n".join([f"{told} Deviations from it:", *(f"  {one}" for one in about.deviations)])


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
