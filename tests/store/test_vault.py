"""The vault and its keys."""

from dataclasses import replace
from pathlib import Path

import pytest

from waterbed.model.errors import KeyProblem
from waterbed.model.urls import canonicalize
from waterbed.store.config import Config
from waterbed.store.folder import create_folder, open_folder
from waterbed.store.vault import Keys, Vault, read_keys, write_keys

URL = "http://some.example.com/path?q"


def test_what_is_sealed_comes_back() -> None:
    """A URL is sealed without a trace of it and opened again."""
    vault = Vault(Keys.new())
    sealed = vault.seal("url", URL)
    assert vault.open(sealed) == URL
    assert b"example" not in sealed.ciphertext
    assert sealed.entry_id == vault.ids(canonicalize(URL))["url_id"]


def test_a_sealed_text_tells_its_length_and_no_more() -> None:
    """The ciphertext is 16 bytes longer than the text, as docs/ethics.md says."""
    vault = Vault(Keys.new())
    for text in ("a", URL, "http://\N{LATIN SMALL LETTER E WITH ACUTE}.example/", "x" * 70_000):
        assert len(vault.seal("url", text).ciphertext) == len(text.encode()) + 16
        assert vault.seal("url", text).ciphertext == vault.seal("url", text).ciphertext


def test_ids_depend_on_key_and_kind() -> None:
    """The same text has other ids in another study and of another kind."""
    one, two = Vault(Keys.new()), Vault(Keys.new())
    ids = {one.keyed_id("url", URL), one.keyed_id("host", URL), two.keyed_id("url", URL)}
    assert len(ids) == 3


def test_a_sealed_text_cannot_be_moved_to_another_id() -> None:
    """Ciphertext is bound to its id and kind."""
    vault = Vault(Keys.new())
    sealed = vault.seal("url", URL)
    for moved in (replace(sealed, entry_id="0" * 32), replace(sealed, kind="host"), replace(sealed, key_number=2)):
        with pytest.raises(KeyProblem):
            vault.open(moved)


def test_wrong_keys_are_known_at_once() -> None:
    """Another study's keys fail the stored check, the id key and the encryption key each."""
    keys, other = Keys.new(), Keys.new()
    check = Vault(keys).check()
    Vault(keys).verify(check)
    with pytest.raises(KeyProblem, match="id key"):
        Vault(other).verify(check)
    with pytest.raises(KeyProblem, match="do not open"):
        Vault(Keys(id_key=keys.id_key, encryption=other.encryption)).verify(check)


def test_keys_survive_their_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key file is readable by its owner alone and gives the same keys again."""
    path, study = tmp_path / "keys" / "k", tmp_path / "study"
    keys = Keys.new()
    write_keys(path, keys, study)
    assert path.stat().st_mode & 0o777 == 0o600
    monkeypatch.setenv("WATERBED_KEY_FILE", str(path))
    assert read_keys("any", study) == keys
    with pytest.raises(KeyProblem, match="never overwritten"):
        write_keys(path, Keys.new(), study)


def test_keys_may_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The text of a key file in $WATERBED_KEYS serves instead of the file."""
    keys = Keys.new()
    monkeypatch.setenv("WATERBED_KEYS", keys.to_toml())
    assert read_keys("any", tmp_path) == keys


def test_keys_inside_the_study_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither writing nor reading accepts a key file in the folder it protects."""
    inside = tmp_path / "study" / "keys"
    with pytest.raises(KeyProblem, match="inside the study"):
        write_keys(inside, Keys.new(), tmp_path / "study")
    monkeypatch.setenv("WATERBED_KEY_FILE", str(inside))
    with pytest.raises(KeyProblem, match="inside the study"):
        read_keys("any", tmp_path / "study")


@pytest.mark.parametrize("text", ["", "id_key = 5", "hello", 'id_key = "AAAA"\n[encryption]\n1 = "AAAA"\n', "\x00"])
def test_what_is_no_key_file_is_named(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken key file is one clear sentence."""
    path = tmp_path / "k"
    path.write_text(text)
    path.chmod(0o600)
    monkeypatch.setenv("WATERBED_KEY_FILE", str(path))
    with pytest.raises(KeyProblem):
        read_keys("any", tmp_path / "study")


def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loose permissions are named, with the way to mend them."""
    path = tmp_path / "k"
    path.write_text(Keys.new().to_toml())
    path.chmod(0o644)
    monkeypatch.setenv("WATERBED_KEY_FILE", str(path))
    with pytest.raises(KeyProblem, match="chmod 600"):
        read_keys("any", tmp_path / "study")


def test_keys_do_not_show_themselves() -> None:
    """The repr of keys says nothing of them."""
    keys = Keys.new()
    assert keys.to_toml().split('"')[1] not in repr(keys)


def test_a_study_that_other_keys_do_not_open_leaves_no_file_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refused study holds its database no longer: its write-ahead log is gone at once, not when Python tidies up."""
    create_folder(tmp_path / "s", Config(study="s" * 32)).close()
    monkeypatch.setenv("WATERBED_KEYS", Keys.new().to_toml())
    with pytest.raises(KeyProblem) as refused:
        open_folder(tmp_path / "s")
    assert refused.traceback  # what failed is still at hand, and with it all that it held
    assert [path.name for path in (tmp_path / "s").glob("waterbed.db-*")] == []
