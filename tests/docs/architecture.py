"""The parts of docs/architecture.md that are made from the code: `python -m tests.docs.architecture` writes them."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "docs" / "architecture.md"
WORKSHOPS: Final = ("attribution", "crawler", "graphs")


def layers() -> list[str]:
    """The lines of the import contract, highest first."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = settings["tool"]["importlinter"]["contracts"]
    return list(next(one["layers"] for one in contracts if one["type"] == "layers"))


def rooms() -> Iterator[tuple[str, str]]:
    """Each folder of modules, lowest room first, with the one sentence of its package."""
    named = [room for line in reversed(layers()) for room in line.split(" | ")]
    for room in named:
        place = (ROOT / room.replace(".", "/")).resolve()  # three packages are links to folders beside `waterbed`
        for package in sorted(place.rglob("__init__.py")):
            if "migrations" not in package.parts:
                text = ast.get_docstring(ast.parse(package.read_text())) or ""
                yield package.parent.relative_to(ROOT).as_posix(), text.partition("\n")[0]


def parts() -> dict[str, str]:
    """The made parts by name."""
    listed = "\n".join(f"- `{folder}/`: {sentence}" for folder, sentence in rooms())
    return {
        "rooms": listed,
        "layers": "```\n" + "\n".join(layers()) + "\n```",
    }


def whole(text: str) -> str:
    """The page with its made parts as they are now."""
    for name, made in parts().items():
        begin, end = f"<!-- made: {name} -->\n", "\n<!-- end -->"
        head, _, rest = text.partition(begin)
        text = head + begin + made + end + rest.partition(end)[2]
    return text


if __name__ == "__main__":
    PAGE.write_text(whole(PAGE.read_text()))
