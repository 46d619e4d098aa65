"""The catalogue of public sources, and getting one with its package client."""

import io
import os
import stat
import sys
import tarfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.study.rig import Run
from waterbed.cli.main import main
from waterbed.model.errors import InputError
from waterbed.study.dated_tables import READERS
from waterbed.study.sources import Source, TableFile, catalogue, checked_version, fetch, source_of

TABLE = b"192.0.2.0,192.0.2.255,64500,Example\n"
SOURCE = Source(
    id="example",
    what="an example",
    kinds=("routes",),
    forms=("csv",),
    licence="CC0-1.0",
    checked=date(2026, 11, 25),
    day="in the version",
    day_in=r"\.(\d{4})(\d{2})(\d{2})\d{2}$",
    client="npm",
    package="@example/asn",
    version="2.3.2025041118",
    files=(TableFile(name="asn.csv", kind="routes"),),
)

Client = Callable[[str, str], None]


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Client:
    """Put a package client of our own first on the path: a shell script."""
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    monkeypatch.setenv("PATH", f"{bin_}{os.pathsep}{os.environ['PATH']}")

    def script(name: str, text: str) -> None:
        path = bin_ / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    return script


def _package(path: Path, members: dict[str, bytes], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]  # a mode of tarfile's
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
        link = tarfile.TarInfo("package/link/asn.csv")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        tar.addfile(link)
    return path


def test_npm_gets_a_version_by_name(client: Client, tmp_path: Path) -> None:
    """The client is asked for name and version, runs no script of the package, and the table comes out."""
    ready = _package(tmp_path / "ready.tgz", {"package/../../asn.csv": TABLE, "package/asn-num.csv": b"no"})
    client("npm", f'printf "%s\\n" "$@" > {tmp_path}/asked; cp {ready} "$5/example-asn.tgz"')
    (one,) = fetch(SOURCE, tmp_path / "out")
    assert (one.path, one.kind, one.day) == (tmp_path / "out" / "asn.csv", "routes", date(2025, 4, 11))
    assert one.path.read_bytes() == TABLE
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["asn.csv"]
    asked = (tmp_path / "asked").read_text().splitlines()
    assert asked[:3] == ["pack", "--silent", "--ignore-scripts"]
    assert asked[-2:] == ["--", "@example/asn@2.3.2025041118"]


def test_a_client_gets_no_secret_of_ours(client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys and the store's password stay out of its environment; what it needs itself is there."""
    monkeypatch.setenv("WATERBED_KEYS", "0f0f")
    monkeypatch.setenv("WATERBED_STORE", "postgresql://u:0f0f@localhost/x")
    monkeypatch.setenv("HTTPS_PROXY", "127.0.0.1:9")
    ready = _package(tmp_path / "ready.tgz", {"package/asn.csv": TABLE})
    client("npm", f'env > {tmp_path}/given; cp {ready} "$5/example-asn.tgz"')
    fetch(SOURCE, tmp_path / "out")
    given = (tmp_path / "given").read_text()
    assert ("WATERBED" in given, "0f0f" in given, "HTTPS_PROXY=127.0.0.1:9" in given) == (False, False, True)


def test_apt_gets_a_package_and_its_files(client: Client, tmp_path: Path) -> None:
    """A Debian package is downloaded, not installed; its files are taken by name."""
    ready = _package(tmp_path / "ready.tar", {"./usr/share/example/asn.csv": TABLE}, "w")
    client("apt-get", f'printf "%s\\n" "$@" > {tmp_path}/asked; touch example_1_all.deb')
    client("dpkg-deb", f"cat {ready}")
    source = msgspec.structs.replace(SOURCE, client="apt", package="example-data", version=None)
    (one,) = fetch(source, tmp_path / "out", "1.2-3+deb13u1")
    assert one.path.read_bytes() == TABLE
    assert (tmp_path / "asked").read_text().splitlines() == ["-q", "download", "example-data=1.2-3+deb13u1"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("echo secret >&2; exit 7", "npm could not get @example/asn@2.3.2025041118 (exit code 7)"),
        ("exit 0", "left 0 packages"),
        ('echo no archive > "$5/example.tgz"', "example.tgz is a damaged package"),
        ('cp {empty} "$5/example.tgz"', "example.tgz does not hold asn.csv"),
    ],
)
def test_what_fails_is_one_sentence(client: Client, tmp_path: Path, text: str, says: str) -> None:
    """A client that fails, or a package without the table, leaves no file behind."""
    client("npm", text.replace("{empty}", str(_package(tmp_path / "empty.tgz", {"package/other": b""}))))
    with pytest.raises(InputError, match=r"docs/tables\.md") as caught:
        fetch(SOURCE, tmp_path / "out")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_missing_client_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the client on the machine the sentence says which to install."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="npm is not on this machine; install it"):
        fetch(SOURCE, tmp_path / "out")


@pytest.mark.parametrize(
    "version", ["", "latest", "-g", "--x", "1 2", "1;ls", "1$(ls)", "^1.0", "1/../..", "1\n2", "@1"]
)
def test_a_version_is_never_an_option(version: str) -> None:
    """Tags, ranges, options and shell words are refused before any client starts."""
    with pytest.raises(InputError, match="is not plain"):
        checked_version(version)


@given(st.text(max_size=20))
def test_an_accepted_version_holds_plain_characters_alone(version: str) -> None:
    """Whatever is accepted begins with a digit and has no space, quote, slash or sign of the shell."""
    try:
        checked_version(version)
    except InputError:
        return
    assert version[0].isdigit()
    assert version.isascii()
    assert not set(version) & set(" \t\n'\"\\/$`;&|<>(){}[]*?!#=,@%^")


def test_the_catalogue_is_sound() -> None:
    """Ids are unique, kinds are those that can be added, and each source says how to get it and of when it is."""
    ids = [source.id for source in catalogue()]
    assert len(ids) == len(set(ids)) >= 15
    assert {"ip-location-asn", "debian-pyasn", "caida-pfx2as", "caida-as2org", "rir-delegated", "geolite2-asn"} <= {
        *ids
    }
    assert {kind for source in catalogue() for kind in source.kinds} >= {"relations", "siblings", "covariates"}
    for source in catalogue():
        assert set(source.kinds) <= set(READERS), source.id
        assert {file.kind for file in source.files} <= set(source.kinds), source.id
        assert source.licence, source.id
        assert source.day, source.id
        assert "://" not in "".join((source.what, source.how, source.note, source.day)), source.id
        if source.day_in and source.version:
            assert source.day_of(source.version), source.id
    assert source_of("ip-location-asn").day_of("2.3.2025040218") == date(2025, 4, 2)
    assert source_of("debian-pyasn").day_of("ipasn_20140513.dat.gz") == date(2014, 5, 13)
    with pytest.raises(ValueError, match="neither client nor how"):
        msgspec.convert({**msgspec.to_builtins(SOURCE), "client": None}, Source)
    with pytest.raises(ValueError, match="names no package of npm"):
        msgspec.convert({**msgspec.to_builtins(SOURCE), "package": "--global"}, Source)


def test_the_commands_say_how_to_go_on(
    client: Client, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`data fetch` prints the `tables add` lines; what needs a person, or is unknown, is one sentence."""

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["waterbed", "data", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            main()
        said = capsys.readouterr()
        return int(end.value.code or 0), said.out, said.err

    ready = _package(tmp_path / "ready.tgz", {"package/asn-ipv4.csv": TABLE, "package/asn-ipv6.csv": b""})
    client("npm", f'cp {ready} "$5/example.tgz"')
    code, out, _ = run("fetch", "ip-location-asn", "--out", tmp_path / "out", "--version", "2.3.2025041118")
    assert code == 0
    assert f"waterbed tables add {tmp_path}/out/asn-ipv4.csv --date 2025-04-11 --kind routes --licence" in out
    assert run("fetch", "ip-location-asn")[0] == 2
    code, _, err = run("fetch", "geolite2-asn", "--out", tmp_path / "out2")
    assert (code, "register with MaxMind" in err) == (2, True)
    code, _, err = run("fetch", "nonsense\x1b[2J", "--out", tmp_path / "out2")
    assert (code, "\x1b" in err, "waterbed data list" in err) == (2, False, True)
    code, out, _ = run("list")
    assert (code, out.count("licence  ")) == (0, len(catalogue()))
    code, out, _ = run("list", "--format", "csv")
    assert (code, len(out.splitlines())) == (0, len(catalogue()) + 1)


def test_a_fetched_source_is_added_to_the_study(client: Client, tmp_path: Path, run: Run) -> None:
    """`data fetch --add` does what `status` proposes it for; the printed commands name the study as it was named."""
    ready = _package(tmp_path / "ready.tgz", {"package/asn-ipv4.csv": TABLE, "package/asn-ipv6.csv": TABLE})
    client("npm", f'cp {ready} "$5/example.tgz"')
    study = tmp_path / "s"
    run("init", study)
    code, out, _ = run("-C", study, "data", "fetch", "ip-location-asn", "--out", tmp_path / "out")
    assert (code, out.count(f"waterbed -C {study} tables add {tmp_path}/out/asn-ipv")) == (0, 2)
    assert "no table of routes" in run("-C", study, "status")[1]
    code, out, err = run("-C", study, "data", "fetch", "ip-location-asn", "--add")
    assert (code, out.count("added   routes of ")) == (0, 2), err
    assert "no table of routes" not in run("-C", study, "status")[1]
