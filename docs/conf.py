"""How Sphinx builds these pages into a site: `make docs`."""

import tomllib
from pathlib import Path

project = "Waterbed"
author = "The Waterbed authors"
project_copyright = "2026, the Waterbed authors"
version = release = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]["version"]

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
root_doc = "docs/README"
source_suffix = {".md": "markdown"}
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
