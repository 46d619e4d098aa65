"""Escrow, restore, reveal, forget: what they do, refuse, and put on record."""

import os
import shutil
from pathlib import Path

import pytest

from tests.store.study_folder import made, report, url
from waterbed.governance.keys import escrow, forget, restore, reveal, rotate
from waterbed.intake.csv_reports import parse_csv_reports
from waterbed.intake.reports import Defaults, report_facts
from waterbed.model.bookkeeping import Due, Forgotten, Sealed
from waterbed.model.errors import InputError, KeyProblem
from waterbed.model.facts import Report, Target
from waterbed.model.urls import canonicalize
from waterbed.store.audit import audits
from waterbed.store.folder import Folder, open_folder
from waterbed.store.leases import lease, record
from waterbed.store.vault import key_file, read_keys

WHY = "case 12"


def url_id(folder: Folder, text: str) -> str:
    """The id of a URL."""
    return folder.vault.keyed_id("url", canonicalize(text).url)


def host_id(folder: Folder, text: str) -> str:
    """The id of a URL's host."""
    return folder.vault.keyed_id("host", canonicalize(text).host)


def never() -> str:
    """No passphrase is asked for."""
    raise AssertionError


@pytest.mark.parametrize("passphrase", [None, "correct horse ü"])
def test_a_fresh_machine_with_escrow_and_folder_reads_the_study(
    passphrase: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With only the escrow file and a copy of the folder, restore puts the keys in place and everything opens."""
    folder = made(tmp_path / "s")
    report(folder, [url(n) for n in range(5)])
    before = {folder.vault.open(entry) for entry in folder.store.all(Sealed)}
    escrow(folder, tmp_path / "safe" / "k", passphrase)
    assert (tmp_path / "safe" / "k").stat().st_mode & 0o777 == 0o600
    keys = read_keys(folder.config.study, folder.path)
    folder.close()
    assert ("id_key" in (tmp_path / "safe" / "k").read_text()) == (passphrase is None)

    shutil.copytree(tmp_path / "s", tmp_path / "moved")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "fresh"))
    monkeypatch.setenv("HOME", str(tmp_path / "fresh home"))
    with pytest.raises(KeyProblem, match="restore it from escrow"):
        open_folder(tmp_path / "moved")
    ask = never if passphrase is None else lambda: str(passphrase)
    place = restore(tmp_path / "moved", tmp_path / "safe" / "k", ask)
    assert place.is_relative_to(tmp_path / "fresh")
    assert place.stat().st_mode & 0o777 == 0o600
    again = open_folder(tmp_path / "moved")
    assert {again.vault.open(entry) for entry in again.store.all(Sealed)} == before
    assert read_keys(again.config.study, again.path) == keys
    assert [entry.action for entry in audits(again)] == ["escrow", "restore"]
    again.close()
    assert restore(tmp_path / "moved", tmp_path / "safe" / "k", ask) == place  # the same keys again: nothing to do


def test_escrow_refuses_the_study_and_what_exists(tmp_path: Path) -> None:
    """Keys are not written beside what they open, nor over anything; refused tries are not on record."""
    folder = made(tmp_path / "s")
    with pytest.raises(KeyProblem, match="inside the study"):
        escrow(folder, tmp_path / "s" / "k")
    (tmp_path / "k").write_text("mine")
    with pytest.raises(KeyProblem, match="never overwritten"):
        escrow(folder, tmp_path / "k")
    assert (tmp_path / "k").read_text() == "mine"
    with pytest.raises(KeyProblem, match="passphrase is empty"):
        escrow(folder, tmp_path / "e", "")
    assert not (tmp_path / "e").exists()
    folder.close()


def test_restore_writes_nothing_before_the_store_knows_the_keys(tmp_path: Path) -> None:
    """Other studies' keys, keys from before a rotation, damaged files: one sentence, and no key file appears."""
    folder, other = made(tmp_path / "s"), made(tmp_path / "o")
    report(folder, [url(1)])
    escrow(folder, tmp_path / "old")
    escrow(other, tmp_path / "other")
    rotate(folder)
    place = key_file(folder.config.study)
    place.rename(tmp_path / "lost")
    escrowed = tmp_path / "sealed"
    escrow(other, escrowed, "right")
    (tmp_path / "text").write_text("hello")
    (tmp_path / "half").write_text(escrowed.read_text()[:-30])
    for name, says in (
        ("old", "lacks encryption key 2"),
        ("other", "lacks encryption key 2"),
        ("sealed", "passphrase does not open"),
        ("half", "not an escrow file"),
        ("text", "not an escrow file"),
        ("nowhere", "cannot be read"),
    ):
        with pytest.raises(KeyProblem, match=says):
            restore(tmp_path / "s", tmp_path / name, lambda: "wrong")
        assert not place.exists()
    rotate(other)
    escrow(other, tmp_path / "other2")
    with pytest.raises(KeyProblem, match="id key is not this study's"):
        restore(tmp_path / "s", tmp_path / "other2", never)
    (tmp_path / "mine").write_text((tmp_path / "lost").read_text())
    shutil.copy(tmp_path / "old", place)
    place.chmod(0o600)
    with pytest.raises(KeyProblem, match="never overwritten"):
        restore(tmp_path / "s", tmp_path / "mine", never)
    place.unlink()
    assert restore(tmp_path / "s", tmp_path / "mine", never) == place
    folder.close()
    other.close()


def test_an_escrow_from_amid_a_rotation_is_known_by_the_entries(tmp_path: Path) -> None:
    """Keys that pass the check but do not open every entry are refused."""
    from waterbed.store import sealed

    folder = made(tmp_path / "s")
    report(folder, [url(1)])
    keys = read_keys(folder.config.study, folder.path)
    escrow(folder, tmp_path / "old")
    both = folder.vault.__class__(keys.with_new())
    sealed.reseal(folder.store, lambda entry: both.seal(entry.kind, both.open(entry)), 2)
    key_file(folder.config.study).unlink()
    with pytest.raises(KeyProblem, match="lacks encryption key 2"):
        restore(tmp_path / "s", tmp_path / "old", never)
    folder.close()


def test_a_reveal_is_on_record_before_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """URL and host are told to who holds the keys; if the record fails, nothing is."""
    folder = made(tmp_path / "s")
    report(folder, [url(3)])
    assert reveal(folder, url_id(folder, url(3)), "court order 4") == url(3)
    assert reveal(folder, host_id(folder, url(3)).upper(), " case\n 5 ") == canonicalize(url(3)).host
    assert reveal(folder, url_id(folder, url(3))[:8], "case 6") == url(3)
    rows = [(row.action, row.subject_id, row.reason) for row in audits(folder)]
    assert rows == [
        ("reveal", url_id(folder, url(3)), "court order 4"),
        ("reveal", host_id(folder, url(3)), "case 5"),
        ("reveal", url_id(folder, url(3)), "case 6"),
    ]
    for short in (url_id(folder, url(3))[:7], "example.com"):
        with pytest.raises(InputError, match="was expected, never an address itself"):
            reveal(folder, short, WHY)
    with pytest.raises(InputError, match="no sealed entry has the id 00000000"):
        reveal(folder, "00000000", WHY)
    assert all(row.who for row in audits(folder))

    def full(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("waterbed.store.store.Store.add", full)
    with pytest.raises(OSError, match="disk full"):
        reveal(folder, url_id(folder, url(3)), WHY)
    monkeypatch.undo()
    folder.close()


@pytest.mark.parametrize(
    "reason", ["", "  \n", "see http://a.example.com/x", "about shop.example.com", "x" * 501, "\x1b"]
)
def test_a_reason_must_say_something_and_hold_no_address(reason: str, tmp_path: Path) -> None:
    """Blank, endless and telling reasons are refused for reveal and forget; nothing is on record."""
    folder = made(tmp_path / "s")
    report(folder, [url(3)])
    for action in (reveal, forget):
        with pytest.raises(InputError, match="--reason"):
            action(folder, url_id(folder, url(3)), reason)
    assert audits(folder) == []
    folder.close()


def test_unknown_ids_are_refused_without_repeating_them_if_they_are_none(tmp_path: Path) -> None:
    """An address in place of an id is not repeated; ids of sites and paths have no entry."""
    folder = made(tmp_path / "s")
    report(folder, [url(3)])
    site = folder.vault.ids(canonicalize(url(3)))["site_id"]
    for action in (reveal, forget):
        with pytest.raises(InputError, match="that is not an id") as caught:
            action(folder, url(3), WHY)
        assert "forgetme" not in str(caught.value)
        for unknown in (site, "0" * 32):
            with pytest.raises(InputError, match="no sealed entry"):
                action(folder, str(unknown), WHY)
    folder.close()


def test_forgetting_a_url_leaves_no_byte_of_it(tmp_path: Path) -> None:
    """Entry and schedule are gone from database, log and free pages; ids of facts and all other entries stay."""
    folder = made(tmp_path / "s")
    for start in range(0, 2_000, 250):
        report(folder, [url(n, host=n) for n in range(start, start + 250)])
    wanted = [url_id(folder, url(n, host=n)) for n in range(0, 2_000, 333)] + [url_id(folder, url(51, host=51))]
    shredded = folder.store.by_ids(Sealed, "entry_id", wanted)
    kept = folder.store.by_ids(Sealed, "entry_id", [url_id(folder, url(7, host=7))])
    for entry_id in wanted:
        done = forget(folder, entry_id, WHY)
        assert (done.urls, done.hosts, done.wiped) == (1, 1, True)
    assert (folder.store.count(Sealed), folder.store.count(Due)) == (4_000 - 2 * len(wanted), 2_000 - len(wanted))
    assert folder.store.count(Target) == folder.store.count(Report) == 2_000
    assert {stone.entry_id for stone in folder.store.all(Forgotten)} == set(wanted)
    assert [row.action for row in audits(folder)] == ["forget", "wipe"] * len(wanted)
    data = [path.read_bytes() for path in (tmp_path / "s").rglob("*") if path.is_file()]
    assert any(kept[0].ciphertext in bytes_ for bytes_ in data)
    for entry in shredded:
        pieces = [entry.ciphertext[at : at + 20] for at in range(0, len(entry.ciphertext) - 20, 20)]
        assert not any(piece in bytes_ for piece in pieces for bytes_ in data)
    with pytest.raises(InputError, match="was forgotten on"):
        reveal(folder, wanted[0], WHY)
    folder.close()


def test_a_forgotten_url_is_not_taken_in_again(store_url: str, tmp_path: Path) -> None:
    """It is counted and reported, by whoever it is reported, and other URLs of its host come in as ever."""
    folder = made(tmp_path / "s", store=store_url)
    report(folder, [url(1, host=1), url(2, host=1), url(3, host=3)])
    assert forget(folder, url_id(folder, url(1, host=1)), WHY).hosts == 0  # its host has another URL
    assert forget(folder, url_id(folder, url(3, host=3)), WHY).hosts == 1
    again = report(folder, [url(1, host=1), url(2, host=1), url(3, host=3), url(3, host=3), url(4, host=3)], "another")
    assert (again.imported, again.known, again.forgotten) == (2, 0, 3)
    assert folder.store.by_ids(Sealed, "entry_id", [url_id(folder, url(1, host=1))]) == []
    assert reveal(folder, host_id(folder, url(4, host=3)), WHY) == "shop3.forgetme-example.com"
    assert {due.url_id for due in folder.store.all(Due)} == {
        url_id(folder, url(2, host=1)),
        url_id(folder, url(4, host=3)),
    }
    assert folder.store.count(Report) == 5
    folder.close()


def test_a_forgotten_host_takes_all_its_urls_along(store_url: str, tmp_path: Path) -> None:
    """Reported URLs and targets of redirects on it are shredded, and later ones are not taken in."""
    folder = made(tmp_path / "s", store=store_url)
    report(folder, [url(n, host=n % 2) for n in range(6)])
    target, elsewhere = "http://shop1.forgetme-example.com/redirected", "http://other.example.com/"
    folder.store.add([folder.vault.seal("url", target), folder.vault.seal("url", elsewhere)])
    done = forget(folder, host_id(folder, url(1, host=1)), WHY)
    assert (done.urls, done.hosts, done.wiped) == (4, 1, True)
    assert {folder.vault.open(entry) for entry in folder.store.all(Sealed)} == {
        *(canonicalize(url(n, host=0)).url for n in (0, 2, 4)),
        "shop0.forgetme-example.com",
        elsewhere,
    }
    later = report(folder, [url(99, host=1), url(1, host=1), url(98, host=0)])
    assert (later.imported, later.forgotten) == (1, 2)
    again = parse_csv_reports(["url", target], "redirects")
    facts = report_facts(next(again), folder.vault, defaults=Defaults(source="r", category="c"), now=folder.clock())  # type: ignore[arg-type]  # the line is good
    due = folder.store.count(Due)
    with folder.run("recheck") as run:
        record(folder.store, run.run_id, list(facts), [])
    assert folder.store.count(Due) == due
    assert folder.store.by_ids(Sealed, "entry_id", [url_id(folder, target)]) == []
    folder.close()


def test_an_entry_that_is_no_url_any_more_does_not_keep_others(tmp_path: Path) -> None:
    """An overlong target of a redirect, sealed by an earlier version, goes with its host; others stay."""
    folder = made(tmp_path / "s")
    report(folder, [url(0, host=0), url(1, host=1)])
    theirs, elsewhere = (
        f"http://{host}/" + "%C3%BC" * 3000 for host in ("shop1.forgetme-example.com", "b.example.com")
    )
    folder.store.add([folder.vault.seal("url", theirs), folder.vault.seal("url", elsewhere)])
    assert forget(folder, host_id(folder, url(1, host=1)), WHY).urls == 2
    assert {folder.vault.open(entry) for entry in folder.store.all(Sealed)} == {
        canonicalize(url(0, host=0)).url,
        "shop0.forgetme-example.com",
        elsewhere,
    }
    assert forget(folder, folder.vault.keyed_id("url", elsewhere), WHY).urls == 1
    folder.close()


def test_postgresql_keeps_no_forgotten_row_in_its_tables(postgresql: str, tmp_path: Path) -> None:
    """After the table is written anew, the server's data files hold no byte of the entry; its own log may."""
    import psycopg

    name = f"test_{os.urandom(6).hex()}"
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        data = Path(connection.execute("SHOW data_directory").fetchone()[0])
    head, _, tail = postgresql.partition("?")
    folder = made(tmp_path / "s", store=f"{head.rpartition('/')[0]}/{name}?{tail}")
    report(folder, [url(n) for n in range(200)])
    wanted = url_id(folder, url(77))
    gone = folder.store.by_ids(Sealed, "entry_id", [wanted])[0].ciphertext[:24]

    def holding() -> list[Path]:
        with psycopg.connect(postgresql, autocommit=True) as connection:
            connection.execute("CHECKPOINT")
        return [path for path in (data / "base").rglob("*") if path.is_file() and gone in path.read_bytes()]

    assert holding()
    assert forget(folder, wanted, WHY).wiped
    assert holding() == []
    folder.close()


def test_forgetting_is_refused_while_a_run_is_alive(tmp_path: Path) -> None:
    """A URL that may be being looked at is not taken away beneath the look."""
    folder = made(tmp_path / "s")
    report(folder, [url(1)])
    with folder.run("recheck"), pytest.raises(InputError, match="a run of this study is alive"):
        forget(folder, url_id(folder, url(1)), WHY)
    assert folder.store.count(Forgotten) == 0
    assert forget(folder, url_id(folder, url(1)), WHY).urls == 1
    folder.close()


def test_a_schedule_that_vanished_does_not_stop_a_record(store_url: str, tmp_path: Path) -> None:
    """Facts are recorded and other looks move on when a leased URL's schedule is gone."""
    folder = made(tmp_path / "s", store=store_url)
    report(folder, [url(1), url(2)])
    with folder.run("recheck") as run:
        taken = lease(folder.store, run.run_id, due_by=folder.clock(), limit=2)
        with folder.store.writing() as connection:
            connection.exec_driver_sql(f"DELETE FROM due WHERE url_id = '{taken[0].url_id}'")
        assert record(folder.store, run.run_id, [], taken) == 1
    folder.close()
