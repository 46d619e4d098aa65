"""Files that others wrote: what they may be, and how much of them is read."""

import gzip
import os
from pathlib import Path

import pytest

from tests.store.bounded.bombs import all_read
from waterbed.model.errors import InputError
from waterbed.store.bounded import limits
from waterbed.store.bounded.files import content, raw_pieces, unpacked_pieces
from waterbed.store.bounded.text import open_entries, open_lines


@pytest.mark.long
def test_no_file_takes_memory_by_what_it_stands_for(tmp_path: Path) -> None:
    """Bombs, endless lines, sparse files, deep and endless JSON: one sentence or line, 300 MiB above idle at most."""
    read = all_read(tmp_path)
    assert len(read) == 13
    assert {name: found.grown for name, found in read.items() if found.grown > 300} == {}
    kept = {name: found[1:3] for name, found in read.items() if not found.refused}
    assert kept == {"line.csv": (1, 1), "deep.jsonl": (1, 1)}
    for name, found in read.items():
        assert not found.refused or (name in found.refused and "docs/" in found.refused)


def test_a_pipe_a_device_and_a_folder_are_refused_at_once(tmp_path: Path) -> None:
    """Nothing waits for a writer that never comes, and nothing reads a device without end."""
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero"), tmp_path, tmp_path / "none"):
        with pytest.raises(InputError, match=r"cannot be read \(.*\); a reports file was expected \(docs/"):
            list(raw_pieces(path, "a reports file"))
    (tmp_path / "link").symlink_to(tmp_path / "pipe")
    with pytest.raises(InputError, match="pipe or a device"):
        content(tmp_path / "link", "a rule file", 10)


def test_a_file_that_grows_while_it_is_read_is_refused(tmp_path: Path) -> None:
    """A part of what is being written is never taken for the whole."""
    path = tmp_path / "r.csv"
    path.write_bytes(b"url\n" * 200_000)
    pieces = unpacked_pieces(path, "a reports file")
    next(pieces)
    with path.open("ab") as file:
        file.write(b"more\n")
    with pytest.raises(InputError, match="was changed while it was read"):
        list(pieces)


def test_bytes_are_bounded_whatever_a_file_says_of_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain and packed; a setting raises the bound of files of lines, and a bad one is one sentence."""
    path = tmp_path / "r"
    path.write_bytes(gzip.compress(b"x" * 5_000))
    assert sum(map(len, unpacked_pieces(path, "a table", most=5_000))) == 5_000
    with pytest.raises(InputError, match="more than 4,999 bytes"):
        list(unpacked_pieces(path, "a table", most=4_999))
    with pytest.raises(InputError, match="more than 10 bytes"):
        content(path, "a table", 10)
    monkeypatch.setenv(limits.MOST_GIB, "7")
    assert limits.most_bytes() == 7 << 30
    for bad in ("0", "-1", "many", "1001", "1" * 50):
        monkeypatch.setenv(limits.MOST_GIB, bad)
        with pytest.raises(InputError, match="from 1 to 1000 was expected"):
            limits.most_bytes()


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
def test_a_line_too_long_costs_itself_alone(tmp_path: Path, end: str, encoding: str) -> None:
    """Of any length, in any encoding and with any ending: the lines before and after are read, and counted."""
    lines = ["a", "é" * limits.MOST_LINE, "b" * 700_000, "c", "", "ਊ" * 300_000, "d"]
    path = tmp_path / "r.txt"
    mark = b"\xfe\xff" if encoding == "utf-16-be" else b""
    path.write_bytes(mark + end.join(lines).encode(encoding))
    read = [line.rstrip("\n") for line in open_lines(path, "a list")]
    assert [line for line in read if len(line) <= limits.MOST_LINE] == [lines[0], lines[1], "c", "", "d"]
    assert [len(line) > limits.MOST_LINE for line in read] == [len(line) > limits.MOST_LINE for line in lines]


def test_lines_and_rows_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of empty lines without end, and one that is held whole, end with one sentence."""
    path = tmp_path / "r.txt"
    path.write_bytes(b"\n" * 1_000)
    monkeypatch.setattr("waterbed.store.bounded.text.MOST_LINES", 999)
    with pytest.raises(InputError, match="more than 999 lines"):
        list(open_lines(path, "a list"))
    monkeypatch.undo()
    with pytest.raises(InputError, match="more than 998 lines"):
        list(open_entries(path, "a presence list", "docs/ranking.md", 998))


def test_members_of_gzip_are_read_as_one_text(tmp_path: Path) -> None:
    """Concatenated, padded with NULs, cut anywhere: the whole, or that it breaks off."""
    path = tmp_path / "r.gz"
    parts = [gzip.compress(text) for text in (b"one\n", b"", b"two\n" * 100_000)]
    path.write_bytes(parts[0] + parts[1] + bytes(100) + parts[2] + bytes(1_000))
    assert b"".join(unpacked_pieces(path, "a list")) == b"one\n" + b"two\n" * 100_000
    whole = b"".join(parts)
    for cut in (len(parts[0]) + 5, len(whole) - 9, len(whole) - 1):
        path.write_bytes(whole[:cut])
        with pytest.raises(InputError, match="breaks off"):
            list(unpacked_pieces(path, "a list"))
