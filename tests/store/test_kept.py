"""What is kept of conclusions is current, whole, or made anew."""

from pathlib import Path

import pytest

from waterbed.store.kept import FOLDER, Kept
from waterbed.store.vault import Keys, Vault

VAULT = Vault(Keys.new())


class Makes:
    """Counts how often a value was made."""

    def __init__(self, value: object) -> None:
        self.value, self.times = value, 0

    def __call__(self) -> object:
        self.times += 1
        return self.value


def test_a_value_is_made_once_for_each_digest(tmp_path: Path) -> None:
    """Two commands on the same facts share a value; new facts make it anew."""
    make = Makes([("a", 1)])
    for digest, times in (("aa", 1), ("aa", 1), ("bb", 2), ("aa", 3)):
        kept = Kept(tmp_path, lambda digest=digest: digest * 32, VAULT)
        assert kept.of("x", list[tuple[str, int]], make) == [("a", 1)]
        assert make.times == times
        assert [(one.name, one.current) for one in kept.files()] == [("x", True)]
    assert not Kept(tmp_path, lambda: "cc" * 32, VAULT).files()[0].current


@pytest.mark.parametrize("kept_bytes", [0, 10, 40, 64, 69])
def test_a_damaged_file_is_made_anew(tmp_path: Path, kept_bytes: int) -> None:
    """A file that a power cut shortened or changed is never believed."""
    make = Makes("value")
    Kept(tmp_path, lambda: "aa" * 32, VAULT).of("x", str, make)
    path = tmp_path / FOLDER / "x"
    whole = path.read_bytes()
    for damaged in (whole[:kept_bytes], whole[:kept_bytes] + b"?" + whole[kept_bytes + 1 :]):
        path.write_bytes(damaged)
        before = make.times
        assert Kept(tmp_path, lambda: "aa" * 32, VAULT).of("x", str, make) == "value"
        assert make.times == before + 1
        assert path.read_bytes() == whole


def test_what_was_made_while_facts_came_is_not_kept(tmp_path: Path) -> None:
    """A digest that changes between reading and writing keeps nothing."""
    digests = iter(["aa" * 32, "bb" * 32])
    assert Kept(tmp_path, lambda: next(digests), VAULT).of("x", int, lambda: 1) == 1
    assert not (tmp_path / FOLDER).exists()


def test_a_folder_that_cannot_be_written_keeps_nothing(tmp_path: Path) -> None:
    """The value is made all the same."""
    (tmp_path / FOLDER).write_text("in the way")
    assert Kept(tmp_path, lambda: "aa" * 32, VAULT).of("x", int, lambda: 1) == 1


def test_dropped_values_are_gone(tmp_path: Path) -> None:
    """Nothing is left, and nobody else can read what is there before."""
    kept = Kept(tmp_path, lambda: "aa" * 32, VAULT)
    kept.of("x", int, lambda: 1)
    assert (tmp_path / FOLDER).stat().st_mode & 0o777 == 0o700
    assert (tmp_path / FOLDER / "x").stat().st_mode & 0o777 == 0o600
    kept.drop()
    assert kept.files() == []
