"""Who is let in: the keys file, the command that makes keys, and the command that serves."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import sleep

import pytest
import typer
from typer.testing import CliRunner

from tests.publish.api.serving import Server
from tests.publish.study import small_study
from tests.study.rig import Run
from waterbed.cli.commands.publish import api_key, serve
from waterbed.model.errors import InputError
from waterbed.publish.api.guard import Access, add_key, checksum, network, read_access

KEY = 'name = "one"\nsha256 = "' + "0" * 64 + '"\n'
ALONE = (
    "import logging, sys, typer; from pathlib import Path; from waterbed.cli.commands.publish import serve; "
    "logging.basicConfig(); app = typer.Typer(); app.command()(serve); app(sys.argv[2:], obj=Path(sys.argv[1]))"
)


@pytest.fixture(scope="module")
def studied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a small study, whose keys are found while tests run."""
    with small_study(tmp_path_factory.mktemp("served")) as study:
        yield study.folder.path


def test_a_made_key_is_known_by_its_checksum_alone(tmp_path: Path) -> None:
    """The file holds a checksum, opens what was asked for, is the owner's alone, and a second key is added to it."""
    file = tmp_path / "keys.toml"
    made = {name: add_key(file, name, scopes) for name, scopes in {"a": ("aggregates",), "b": ("cases",)}.items()}
    text = file.read_text()
    assert not [key for key in made.values() if key in text]
    assert all(checksum(key) in text for key in made.values())
    assert file.stat().st_mode & 0o777 == 0o600
    access = read_access(file)
    assert [(key.name, key.scopes) for key in access.keys] == [("a", ("aggregates",)), ("b", ("cases",))]
    assert access.open is False
    holder = access.holder(made["b"])
    assert holder is not None
    assert holder.name == "b"
    assert access.holder(made["b"][:-1]) is access.holder("") is None
    with pytest.raises(InputError, match="named a already"):
        add_key(file, "a", ("cases",))
    assert file.read_text() == text


def test_a_key_is_added_below_what_stands_there(tmp_path: Path) -> None:
    """Comments and order of a keys file stay; one that holds its keys in a single array is written anew."""
    file = tmp_path / "keys.toml"
    for old in (
        "# who has keys: see the ledger\nopen = true # public",
        f"{KEY.replace(KEY, '')}a_minute = 7\n\n[[keys]]\n{KEY}",
    ):
        file.write_text(old)
        before = read_access(file)
        made = add_key(file, "new", ("cases",))
        assert file.read_text().startswith(old.rstrip())
        after = read_access(file)
        assert (after.open, after.a_minute, after.keys[:-1]) == (before.open, before.a_minute, before.keys)
        assert after.keys[-1] == after.holder(made)
    file.write_text('keys = [{name = "one", sha256 = "' + "0" * 64 + '"}]')
    add_key(file, "new", ("cases",))
    assert [key.name for key in read_access(file).keys] == ["one", "new"]


def test_keys_made_at_once_are_all_kept(tmp_path: Path) -> None:
    """Several processes that add to one file wait for each other."""
    file, words = tmp_path / "keys.toml", "import sys; from pathlib import Path; "
    words += "from waterbed.publish.api.guard import add_key; add_key(Path(sys.argv[1]), sys.argv[2], ())"
    made = [subprocess.Popen([sys.executable, "-c", words, str(file), f"n{at}"]) for at in range(6)]
    assert [one.wait(60) for one in made] == [0] * 6
    assert {key.name for key in read_access(file).keys} == {f"n{at}" for at in range(6)}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("keys = 3", "not a keys file"),
        (f"[[keys]]\n{KEY}scopes = ['all']", "not a keys file"),
        ("[[keys]]\nname = 'one'\nsha256 = 'a key'", "not a keys file"),
        ("a_minute = 0", "not a keys file"),
        ("opened = true", "not a keys file"),
        ("names = ['http://waterbed.example/']", "not a keys file"),
        (f"[[keys]]\n{KEY}[[keys]]\n{KEY}", "two keys of one name"),
    ],
)
def test_a_wrong_keys_file_is_refused(tmp_path: Path, text: str, told: str) -> None:
    """What is no keys file is refused in one sentence that names the page to read."""
    file = tmp_path / "keys.toml"
    file.write_text(text)
    file.chmod(0o600)
    with pytest.raises(InputError, match=told) as refused:
        read_access(file)
    assert "docs/api.md" in str(refused.value)


def test_a_keys_file_lies_apart_and_is_its_owners(tmp_path: Path) -> None:
    """A file in the study's folder, one that others may write to, and one that is not there are refused."""
    study, file = tmp_path / "study", tmp_path / "keys.toml"
    with pytest.raises(InputError, match="cannot be read"):
        read_access(file)
    file.write_text("open = true")
    file.chmod(0o660)
    with pytest.raises(InputError, match="others may write"):
        read_access(file)
    study.mkdir()
    (study / "waterbed.toml").touch()
    with pytest.raises(InputError, match="inside the folder of a study"):
        add_key(study / "keys.toml", "one", ("cases",))
    for name, scope, told in (("a b", "cases", "cannot name a key"), ("one", "all", "not a scope")):
        with pytest.raises(InputError, match=told):
            add_key(tmp_path / "new.toml", name, (scope,))
    assert not (tmp_path / "new.toml").exists()


def test_a_folder_without_a_study_may_hold_a_keys_file(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key is made where no study is named; inside one that is not named the file is refused all the same."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "waterbed.toml").touch()
    code, made, _ = run("api-key", "keys.toml", "--name", "dashboard", "--scope", "aggregates")
    assert (code, read_access(Path("keys.toml")).holder(made.strip()) is not None) == (0, True)
    code, made, said = run("api-key", "study/keys.toml", "--name", "dashboard")
    assert (code, made, "inside the folder of a study" in said) == (2, "", True)


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "unknown"),
    ],
)
def test_what_counts_as_one_asker(address: str, counted: str) -> None:
    """An IPv4 address however it is written, or the /64 of an IPv6 one."""
    assert network(address) == counted


def test_keys_are_compared_with_all(tmp_path: Path) -> None:
    """No key is known where none was given, and text beyond ASCII or broken is no key either."""
    assert Access().holder("anything") is None
    assert Access().holder("\udcff\N{SNOWMAN}") is None


def test_the_command_makes_a_key(tmp_path: Path) -> None:
    """A key is printed once, with the scopes asked for, and bad words leave no file."""
    app = typer.Typer()
    app.command()(api_key)
    file = str(tmp_path / "keys.toml")
    words = [file, "--name", "them", "--scope", "aggregates", "--scope", "cases"]
    done = CliRunner().invoke(app, words, obj=tmp_path / "study")
    assert done.exit_code == 0
    holder = read_access(Path(file)).holder(done.stdout.strip())
    assert holder is not None
    assert (holder.name, holder.scopes) == ("them", ("aggregates", "cases"))


def test_serving_to_others_needs_a_keys_file(tmp_path: Path) -> None:
    """An address that others can reach is not served without keys."""
    app = typer.Typer()
    app.command()(serve)
    refused = CliRunner().invoke(app, ["--host", "0.0.0.0"], obj=tmp_path)
    assert isinstance(refused.exception, InputError)
    assert "--keys" in str(refused.exception)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--proxy", "localhost"), "--proxy localhost: the IP address"),
        (("--proxy", "127.0.0.1:8080"), "the IP address of a proxy"),
        (("--proxy", "192.0.2.1,10.0.0.0/33"), "--proxy 10.0.0.0/33"),
        (("--proxy", "*"), "the IP address of a proxy"),
        (("--every", "nan"), "Invalid value"),
        (("--every", "inf"), "less than or equal to 86400"),
        (("--every", "1e300"), "less than or equal to 86400"),
    ],
)
def test_a_proxy_without_address_and_a_time_without_end_are_refused(
    tmp_path: Path, words: tuple[str, str], said: str
) -> None:
    """What would silently be no proxy, or a header that caches cannot read, ends the command with a sentence."""
    app = typer.Typer()
    app.command()(serve)
    refused = CliRunner().invoke(app, list(words), obj=tmp_path)
    assert said in f"{refused.exception} {refused.output}"
    assert isinstance(refused.exception, InputError) or refused.exit_code == 2


@pytest.mark.long
def test_the_command_serves_until_it_is_ended(studied: Path, tmp_path: Path) -> None:
    """It prints where it serves, answers, logs patterns and no path, tells of a taken port, and ends with Ctrl-C."""
    words = [
        sys.executable,
        "-c",
        ALONE,
        str(studied),
        "--port",
        "0",
        "--every",
        "1",
        "--proxy",
        "192.0.2.1, ::1,10.0.0.0/8",
    ]
    environment = {**os.environ, "XDG_CONFIG_HOME": str(studied.parent / "config")}
    with (tmp_path / "log").open("w") as log:
        running = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=log, text=True, env=environment)
        try:
            assert running.stdout is not None
            where = re.search(r":(\d+)/ ", running.stdout.readline())
            assert where, (tmp_path / "log").read_text()
            server = Server(port=int(where[1]))
            statuses = []
            while not statuses or (statuses[-1] == 503 and len(statuses) < 600):
                sleep(0.1)
                statuses.append(server.get("/v1").status)
            assert statuses[-1] == 200, "503 until the first edition is made, then answers"
            assert server.get("/v1/cases").status == 403
            assert server.get("/v1", Host="rebound.example").status == 421
            assert server.get("/v1/tables/flows?key=secret").status == 200
            assert json.loads(server.get("/health").content)["status"] == "ok"
            taken = [*words[:4], "--port", where[1]]
            second = subprocess.run(taken, capture_output=True, text=True, env=environment, check=False)
            assert "nothing can listen" in second.stderr
            running.send_signal(signal.SIGINT)
            assert running.wait(60) == 0
        finally:
            running.kill()
            running.wait()
    told = (tmp_path / "log").read_text()
    assert "/v1/tables/{name} 200 " in told
    assert "secret" not in told
