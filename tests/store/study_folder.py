"""A study folder with some reports, made without the crawler."""

import os
from pathlib import Path

from waterbed.intake.batches import Batches
from waterbed.intake.csv_reports import parse_csv_reports
from waterbed.intake.importer import ImportReport, import_reports
from waterbed.intake.reports import Defaults
from waterbed.store.config import Config
from waterbed.store.folder import Folder, create_folder
from waterbed.store.machine_settings import StoreAt


def made(path: Path, *, store: str = "sqlite") -> Folder:
    """A new study folder with an empty store."""
    return create_folder(path, Config(study=os.urandom(16).hex(), store=StoreAt(url=store)))


def report(folder: Folder, urls: list[str], source: str = "hotline") -> ImportReport:
    """Import URLs, one a line."""
    lines = ["url", *(f'"{url}"' for url in urls)]
    defaults = Defaults(source=source, category="phishing")
    return import_reports(
        folder, Batches(parse_csv_reports(lines, "reports"), lambda: folder.vault, defaults), defaults
    )


def url(number: int, host: int | None = None) -> str:
    """An invented URL; long ones now and then, so that entries overflow their page."""
    at = number % 7 if host is None else host
    return f"http://shop{at}.forgetme-example.com/p{number}/{'x' * (5_000 if number % 50 == 1 else number % 90)}"
