"""The bounds of what others wrote, in one place (docs/intake.md).

Each holds whatever the file says of itself. Two can be raised: the size of a file of lines, by `WATERBED_MOST_GIB`, as
such files are read in pieces, so that a larger one costs time and no memory; and the memory that a package, a backup or
a dated table may take, by `WATERBED_MOST_MIB`.
"""

import os
from typing import Final

from waterbed.model.errors import InputError

KIB: Final = 1 << 10
MIB: Final = 1 << 20
GIB: Final = 1 << 30

MOST_GIB: Final = "WATERBED_MOST_GIB"
"""Environment variable: the most GiB of a file of lines, packed and unpacked."""
_GIB: Final = 4
_MOST_SETTABLE_GIB: Final = 1_000

MOST_MIB: Final = "WATERBED_MOST_MIB"
"""Environment variable: the most MiB of memory that taking in a package, a backup or a dated table may take."""
_MIB: Final = 256
_MOST_SETTABLE_MIB: Final = 1_000_000

MOST_LINES: Final = 50_000_000
"""Lines of a file."""
MOST_LINE: Final = 65_536
"""Characters of a line; a longer one is rejected, and the next is read."""
MOST_RATIO: Final = 200
"""Unpacked bytes for each packed one; text packs 5 to 30 times smaller, a bomb a thousand times."""
SMALL: Final = 16 * MIB
"""Unpacked bytes that are allowed at any ratio."""
MOST_ZIP_DIRECTORY: Final = MIB
"""Bytes of the directory of a zip."""
MOST_SMALL_MEMBERS: Final = 1_000
"""Members of a gzip file that unpack to less than a KiB on average."""

MOST_JSON: Final = 4 * MIB
"""Characters of one value of JSON, such as an entry of a list; lists of entries have no length of their own."""
MOST_DEPTH: Final = 64
"""Brackets within brackets of an answer, a settings file or an entry."""
MOST_HELD: Final = 128 * MIB
"""Bytes in memory of the addresses that one MISP event or STIX bundle names."""
MOST_REJECTED: Final = 10_000
"""Rejected lines that are listed; all are counted."""
MOST_SOURCES: Final = 10_000
"""Sources, or recipients, that one file names."""
MOST_PRESENCES: Final = 500_000
"""Rows of a presence list, which is held in memory whole."""
MOST_HELD_ROWS: Final = 200_000
"""Rows of a hoster's list or a feed to replay, which are held in memory whole with their addresses."""
MOST_ADDRESSES: Final = 2_000_000
"""Rows of a table of addresses to attribute."""
MOST_ADDRESS: Final = 64
"""Characters of such an address that are read."""
MOST_CELLS: Final = 24 * MIB
"""Characters of such a file."""

MOST_ANSWER: Final = MIB
"""Bytes of a registry's answer."""
MOST_WHOIS: Final = 100_000
"""Bytes of an answer by WHOIS that are read."""
MOST_TOML: Final = MIB
"""Bytes of a file of rules, events, hosters or settings."""
MOST_SHEET: Final = 4 * MIB
"""Bytes of a sheet of codes."""
MOST_CODES: Final = 100_000
"""Rows of such a sheet."""
MOST_MANIFEST: Final = 16 * MIB
"""Bytes of a manifest: of a package, a backup or an export."""
MOST_STORE_RATIO: Final = 1_000
"""Unpacked bytes for each packed one of the store in a backup, beyond SMALL: removed rows are zeros."""
MOST_FILE: Final = 1_000 * GIB
"""Bytes of a file of which only the checksum is taken, in pieces."""
MOST_RESULTS: Final = 64 * MIB
"""Bytes of all tables of results in a package."""
MOST_ABOUT: Final = 64 * MIB
"""Bytes of the description of a dated table, which has the names in it."""
MOST_TABLE: Final = GIB
"""Bytes of a dated table."""
MOST_ASES: Final = 500_000
"""ASes that one registry gives out; all five have given out some 130,000."""

MOST_PARQUET_MEMORY: Final = 192 * MIB
"""Bytes of memory that the process which checks Parquet files may take."""
MOST_PARQUET_S: Final = 300
"""Seconds that it may take for each file."""
MOST_PARQUET_RATIO: Final = 50
"""Bytes in memory for each one in a Parquet file, beyond SMALL."""
MOST_FOOTER: Final = MIB
"""Bytes of the description of a Parquet file at its end."""
MOST_COLUMNS: Final = 200
"""Columns of a Parquet file, or of a sheet of codes."""
MOST_ID: Final = 4_096
"""Bytes of a text in an export: ids, days and lists of hosters."""
MOST_FACT: Final = MIB
"""Bytes of a text in a package's facts, which have the protocol among them."""
MOST_HOSTER: Final = 200
"""Characters of a hoster's key in an export."""
MOST_HOSTERS: Final = 100_000
"""Hosters that one export names."""


def most_bytes() -> int:
    """The most bytes of a file of lines.

    InputError for a bad setting.
    """
    return _set(MOST_GIB, _GIB, _MOST_SETTABLE_GIB) * GIB


def most_memory() -> int:
    """The most bytes of memory to take something in.

    InputError for a bad setting.
    """
    return _set(MOST_MIB, _MIB, _MOST_SETTABLE_MIB) * MIB


def _set(name: str, usual: int, most: int) -> int:
    text = os.environ.get(name) or str(usual)
    if not (text.isascii() and text.isdecimal() and 0 < int(text[:9]) <= most):
        raise InputError(
            f"{name} is {text[:20]!r}; a whole number from 1 to {most} was expected (docs/intake.md, Bounds)"
        )
    return int(text)
