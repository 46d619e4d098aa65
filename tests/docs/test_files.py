"""Files at the project's root that other tools read: each is valid, and says the same version."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.docs.markdown import ROOT

TEMPLATES = ROOT / ".github" / "ISSUE_TEMPLATE"


@pytest.mark.long
@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ("citation-file-format", ROOT / "CITATION.cff"),
        ("github-issue-config", TEMPLATES / "config.yml"),
        ("github-issue-forms", TEMPLATES / "wish.yml"),
        ("github-issue-forms", TEMPLATES / "wrong.yml"),
        ("compose-spec", ROOT / "docs" / "examples" / "compose.yaml"),
    ],
)
def test_a_file_is_what_its_readers_expect(schema: str, path: Path) -> None:
    """Each is valid by the schema of the tool that reads it."""
    words = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", path]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_image_s_file_is_clean() -> None:
    """Hadolint has nothing to say of the Containerfile."""
    done = subprocess.run(
        [Path(sys.executable).parent / "hadolint", ROOT / "Containerfile"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_all_say_one_version() -> None:
    """Citation, metadata and the package have the same version."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert re.search(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)[1] == version  # type: ignore[index]
    assert json.loads((ROOT / "codemeta.json").read_text())["version"] == version
