"""The table of settings in docs/operations.md, made of the settings: `python -m tests.docs.settings` writes it."""

from pathlib import Path
from typing import Final

import msgspec

from waterbed.store.described import described, settings_of, spelled

PAGE: Final = Path(__file__).parents[2] / "docs" / "operations.md"
_HEAD: Final = "| key | default | meaning |\n| --- | --- | --- |\n"


def settings_page(text: str) -> str:
    """The page with its table as it is now."""
    before, _, rest = text.partition(_HEAD)
    return before + _HEAD + "".join(_rows()) + rest[rest.index("\n\n") + 1 :]


def _rows() -> list[str]:
    found = []
    for name, default in settings_of():
        told = described()[name]
        given = "required" if default is msgspec.NODEFAULT else "none" if default is None else f"`{spelled(default)}`"
        found.append(f"| `{name}` | {f'{given} {told.unit}'.strip()} | {told.words} |\n")
    return found


if __name__ == "__main__":
    PAGE.write_text(settings_page(PAGE.read_text()))
