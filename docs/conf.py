"""How Sphinx builds these pages into a site: `make docs`."""

import json
import tomllib
from pathlib import Path
from typing import Any

from myst_parser.parsers.sphinx_ import MystParser

project = "Waterbed"
author = "The Waterbed authors"
project_copyright = "2026, the Waterbed authors"
version = release = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]["version"]

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
root_doc = "docs/README"
source_suffix = {".md": "markdown", ".ipynb": "ipynb"}
include_patterns = ["*.md", "docs/**", "benchmarks/*.md", "examples/**"]
exclude_patterns = ["**/*.j2", "**/*.py"]
html_extra_path = ["start"]
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence", "deflist"]
suppress_warnings = ["misc.highlighting_failure"]

html_theme = "pydata_sphinx_theme"
html_title = f"Waterbed {version}"
html_show_sourcelink = False
html_copy_source = False
html_use_opensearch = ""
html_theme_options = {
    "navigation_with_keys": False,
    "show_prev_next": True,
    "use_edit_page_button": False,
    "show_nav_level": 1,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}


class NotebookParser(MystParser):
    """Reads a notebook as Markdown: its text, its code, and what is stored as printed."""

    supported = ("ipynb",)

    def parse(self, inputstring: str, document: Any) -> None:
        """Parse a notebook's JSON."""
        book = json.loads(inputstring)
        language = book["metadata"]["language_info"]["name"].lower()
        super().parse("\n\n".join(part for cell in book["cells"] for part in _parts(cell, language)), document)


def _parts(cell: dict[str, Any], language: str) -> list[str]:
    text = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        return [text]
    printed = "".join("".join(output["text"]) for output in cell["outputs"])
    return [f"```{language}\n{text}\n```", *([f"```text\n{printed}```"] if printed else [])]


def setup(app: Any) -> None:
    """Add the reader of notebooks."""
    app.add_source_parser(NotebookParser)
