"""What a study writes is its owner's alone, whatever the umask; what is published can be read by all."""

import os
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from scrapy import Spider

from tests.publish.study import small_study
from waterbed.crawler.addon import new_crawler
from waterbed.intake.csv_table import default_word
from waterbed.model.errors import InputError
from waterbed.service.doctor_storage import privacy_findings

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def _careless() -> Iterator[None]:
    """A user whose new files anybody may read and write."""
    before = os.umask(0)
    yield
    os.umask(before)


def shown(folder: Path) -> list[str]:
    """What somebody else could read."""
    paths = (folder, *folder.rglob("*"))
    return sorted(str(path.relative_to(folder)) for path in paths if path.stat().st_mode & 0o077)


def test_a_study_is_its_owners_alone(run: Run, tmp_path: Path) -> None:
    """Folder and files of a new study, what is imported, and a backup are for nobody else."""
    (tmp_path / "feed.csv").write_text("url\nhttp://a.example/\n")
    (tmp_path / "routes.csv").write_text("1.0.0.0,1.0.0.255,13335,A\n")
    study = tmp_path / "study"
    assert run("init", study)[0] == 0
    assert run("-C", study, "import", tmp_path / "feed.csv")[0] == 0
    assert run("-C", study, "tables", "add", tmp_path / "routes.csv", "--date", "2026-01-01")[0] == 0
    assert run("-C", study, "backup", tmp_path / "backups")[0] == 0
    assert [shown(study), shown(tmp_path / "backups")] == [[], []]
    assert run("restore", tmp_path / "backups", tmp_path / "again")[0] == 0
    assert shown(tmp_path / "again") == []


def test_a_watch_names_no_address_and_sends_no_escape(run: Run, tmp_path: Path) -> None:
    """Names of files come from whoever drops them, and a supervisor keeps what a watch prints."""
    study, coming = tmp_path / "study", tmp_path / "in"
    assert run("init", study)[0] == 0
    coming.mkdir()
    (coming / "secret-host.com.csv").write_text("url\nhttp://a.example/\n")
    (coming / "other-secret.org.csv").write_text("x")
    (coming / "u\x1b[2J\nall is well.csv").write_text("url\nhttp://b.example/\n")
    watched = ("import", "--watch", coming, "--every", "0.1", "--rounds", "4", "--source", "hotline")
    code, out, err = run("-C", study, *watched)
    assert (code, out.count("1 report imported")) == (1, 2), err
    assert not any(word in out + err for word in ("secret", "\x1b", "\nall is well"))


def test_what_is_published_can_be_read_by_all(run: Run, tmp_path: Path) -> None:
    """A web server that is another user can serve a publication, even of an owner with a strict umask."""
    os.umask(0o077)
    with small_study(tmp_path) as study:
        assert run("-C", study.folder.path, "publish", tmp_path / "out")[0] == 0
    paths = [tmp_path / "out", *(tmp_path / "out").rglob("*")]
    assert len(paths) > 20
    assert {path.stat().st_mode & 0o777 for path in paths if path.is_dir()} == {0o755}
    assert {path.stat().st_mode & 0o777 for path in paths if path.is_file()} == {0o644}


def test_doctor_tells_of_an_open_folder(tmp_path: Path) -> None:
    """A folder made by an earlier version, which others can read, is a warning that says how to close it."""
    with small_study(tmp_path) as study:
        folder = study.folder.path
        assert [one.severity for one in privacy_findings(study)] == ["note"]
        folder.chmod(0o755)
        (found,) = privacy_findings(study)
    assert (found.severity, found.advice) == ("warning", f"chmod -R go= {folder}")


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("hotline.csv", "hotline"),
        ("feed.csv.gz", "feed"),
        ("feed.zip", "feed"),
        ("reports.2026-01-05.csv", "reports"),
        ("my reports (new).txt", "my reports -new"),
    ],
)
def test_a_files_name_names_its_source(name: str, source: str) -> None:
    """Without --source, the file's name up to its first dot does."""
    assert default_word("source", name) == source


@pytest.mark.parametrize("name", ["bad.example.com.csv", "shop.co.uk", "https:__bad.nl_x.txt", "list-of-bad.nl.csv.gz"])
def test_no_source_is_made_from_a_host_name(name: str) -> None:
    """A file whose name holds a host name needs --source, and the refusal does not repeat the name."""
    with pytest.raises(InputError) as refused:
        default_word("source", name)
    assert "--source" in str(refused.value)
    assert not any(part in str(refused.value) for part in ("bad", "shop"))


def test_no_library_writes_secrets_of_tls_sessions(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that lets libraries write them to a file is forgotten, by commands and by Scrapy."""
    for begin in (lambda: run("--version"), lambda: new_crawler(Spider)):
        monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "secrets"))
        begin()
        assert ssl.create_default_context().keylog_filename is None
