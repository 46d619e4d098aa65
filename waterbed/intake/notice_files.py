"""Which form a file of notices has, and how each is read."""

from collections.abc import Iterator
from datetime import UTC, tzinfo
from functools import partial
from pathlib import Path
from typing import Final

from waterbed.intake.csv_notices import NoticeLine, read_csv_notices
from waterbed.intake.csv_table import Rejected
from waterbed.intake.scart_notices import parse_scart_notices
from waterbed.intake.text_files import opened_lines
from waterbed.model.errors import InputError
from waterbed.store.vault import Vault

NOTICE_FORMS: Final = ("csv", "scart")


def read_notices(path: Path, form: str, vault: Vault, zone: tzinfo | None = None) -> Iterator[NoticeLine | Rejected]:
    """Read a file of notices in the form named; InputError if there is no such form, or the file does not have it."""
    if form not in NOTICE_FORMS:
        raise InputError(
            f"--format {form!r} is not known; one of {', '.join(NOTICE_FORMS)} was expected (docs/notices.md)"
        )
    if form == "csv":
        if zone:
            raise InputError("--zone is about SCART's times; name --format scart, or leave it out (docs/notices.md)")
        return read_csv_notices(path)
    lines = opened_lines(path, "a file of notices")
    return parse_scart_notices(lines, str(path), partial(vault.keyed_id, "owner"), zone or UTC)
