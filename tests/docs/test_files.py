"""Files at the project's root that other tools read: each is valid, and says the same version."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import psycopg
import pytest
import yaml

from tests.docs.markdown import ROOT
from tests.store.study_folder import made
from waterbed.model.version import __version__

TEMPLATES = ROOT / ".github" / "ISSUE_TEMPLATE"


@pytest.mark.long
@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ("citation-file-format", ROOT / "CITATION.cff"),
        ("github-issue-config", TEMPLATES / "config.yml"),
        ("github-issue-forms", TEMPLATES / "wish.yml"),
        ("github-issue-forms", TEMPLATES / "wrong.yml"),
        ("github-workflows", ROOT / ".github" / "workflows" / "ci.yml"),
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
    assert __version__ == version


def test_a_release_has_the_changelog_s_words() -> None:
    """`make notes` prints the section of this version, or of the one that is named, and no other."""
    said = [
        subprocess.run(
            ["make", "--silent", "notes", *words], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
        for words in ([], ["V=0.1.0"])
    ]
    assert [re.findall(r"^## \[(.*?)\]", text, re.MULTILINE) for text in said] == [[__version__], ["0.1.0"]]
    assert "".join(said) in (ROOT / "CHANGELOG.md").read_text()


def test_the_workflow_runs_what_continuous_integration_runs() -> None:
    """Each job ends with `.ci/run`: by the locks on the oldest Python and the image's, and by the newest releases."""
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]
    ends = {name: [step["run"] for step in job["steps"] if "run" in step] for name, job in jobs.items()}
    assert ends == {"locked": [".ci/run"], "newest": ["make newest", ".ci/run"]}
    oldest = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"].removeprefix(">=")
    image = re.search(r"^FROM python:([\d.]+)-", (ROOT / "Containerfile").read_text(), re.MULTILINE)
    assert image is not None
    assert jobs["locked"]["strategy"]["matrix"]["python"] == [oldest, image[1]]


@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
def test_postgresql_takes_the_settings_that_the_docs_give_it(store_url: str, tmp_path: Path) -> None:
    """The statement names a table and settings that there are, and they are in force afterwards."""
    page = (ROOT / "docs" / "operations.md").read_text()
    (statement,) = re.findall(r"```sql\n(.*?)```", page, re.DOTALL)
    made(tmp_path / "study", store=store_url).close()
    with psycopg.connect(store_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(statement)
        found = connection.execute("SELECT reloptions FROM pg_class WHERE relname = 'due'").fetchone()
    assert found is not None
    assert "autovacuum_vacuum_scale_factor=0.01" in found[0]
