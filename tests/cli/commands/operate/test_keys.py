"""The commands for those who hold the keys, as the shell sees them."""

import csv
import io
import json
from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from tests.store.study_folder import made, report, url
from waterbed.cli.commands.operate.keys import audit, forget, key_app, reveal
from waterbed.model.bookkeeping import Sealed
from waterbed.model.errors import InputError
from waterbed.store.folder import Folder, open_folder
from waterbed.store.vault import key_file

app = typer.Typer()
app.add_typer(key_app, name="key")
for command in (reveal, forget, audit):
    app.command()(command)


@app.callback()
def root(context: typer.Context, study: Annotated[Path, typer.Option("-C")]) -> None:
    """The commands alone, hooked in as the command line does it."""
    context.obj = study


def run(study: Path, *words: object, typed: str | None = None) -> tuple[int, str, str]:
    """Run a command: (exit code, stdout, stderr); `typed` is entered where it asks for a passphrase."""
    done = CliRunner().invoke(app, ["-C", *map(str, (study, *words))], input=typed)
    if isinstance(done.exception, InputError):
        return 2, done.stdout, f"{done.exception}\n"
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout, done.stderr


def ids(folder: Folder, kind: str) -> list[str]:
    """The ids of all entries of a kind."""
    return sorted(entry.entry_id for entry in folder.store.all(Sealed) if entry.kind == kind)


def test_the_life_of_a_key_on_the_command_line(tmp_path: Path) -> None:
    """Rotate, escrow, lose, restore, reveal, forget, audit: each says what it did, and an address only where asked."""
    folder = made(tmp_path / "s")
    report(folder, [url(n) for n in range(3)])
    study = folder.path
    first = ids(folder, "url")[0]
    text = folder.vault.open(folder.store.by_ids(Sealed, "entry_id", [first])[0])

    code, out, err = run(study, "key", "rotate")
    assert (code, "6 entries encrypted with key 2" in out, err) == (0, True, "")
    assert run(study, "key", "escrow", tmp_path / "safe")[0] == 0
    assert run(study, "key", "escrow", tmp_path / "safe")[0] == 2
    code, out, err = run(study, "key", "escrow", tmp_path / "sealed", "--passphrase", typed="pass\npass\n")
    assert (code, "keys written to" in out) == (0, True), err
    key_file(folder.config.study).unlink()
    assert run(study, "reveal", first, "--reason", "case 1")[0] == 2
    code, _, err = run(study, "key", "restore", tmp_path / "sealed", typed="wrong\n")
    assert (code, "passphrase does not open" in err) == (2, True)
    code, out, _ = run(study, "key", "restore", tmp_path / "sealed", typed="pass\n")
    assert (code, str(key_file(folder.config.study)) in out) == (0, True)

    assert run(study, "reveal", first, "--reason", "case 1")[:2] == (0, f"{text}\n")
    code, out, err = run(study, "reveal", first, "--reason", " ")
    assert (code, out, "--reason" in err) == (2, "", True)
    assert run(study, "reveal", first)[:2] == (2, "")
    code, out, err = run(study, "reveal", text, "--reason", "case 1")
    assert (code, out, "forgetme" in err) == (2, "", False)
    code, out, _ = run(study, "forget", first, "--reason", "court order")
    assert (code, "forgotten: 1 URL," in out) == (0, True)
    assert run(study, "forget", first, "--reason", "again")[0] == 2
    assert run(study, "reveal", "0" * 32, "--reason", "x")[0] == 2

    assert "court order" in run(study, "audit")[1]
    rows = list(csv.DictReader(io.StringIO(run(study, "audit", "--format", "csv")[1])))
    done = ["rotate", "escrow", "escrow", "restore", "reveal", "forget", "wipe"]
    assert [row["action"] for row in rows] == done
    told = json.loads(run(study, "audit", "--format", "json")[1])
    assert [row["action"] for row in told["rows"]] == done
    assert "forgetme" not in json.dumps(told)
    folder.close()


def test_a_command_without_rights_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With keys from the environment, or while a run is alive, rotation ends with exit code 2."""
    folder = made(tmp_path / "s")
    with folder.run("recheck"):
        code, out, err = run(folder.path, "key", "rotate")
    assert (code, out, err.count("\n"), "a run of this study is alive" in err) == (2, "", 1, True)
    monkeypatch.setenv("WATERBED_KEYS", key_file(folder.config.study).read_text())
    code, out, err = run(folder.path, "key", "rotate")
    assert (code, out, err.count("\n"), "WATERBED_KEY_FILE" in err) == (2, "", 1, True)
    folder.close()
    open_folder(tmp_path / "s").close()
