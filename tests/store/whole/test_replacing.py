"""An edition in a folder is whole or named at every kill and error, and files of users are never touched."""

import os
import shutil
import signal
from collections.abc import Callable
from errno import EIO, ENOSPC
from functools import partial
from pathlib import Path

import pytest

from tests.campaigns import campaign, classes
from tests.faults import Call, Strike, struck
from tests.store.whole.editions import MINE, edition, held, listed, remains, replace, replacing
from waterbed.model.errors import InputError
from waterbed.store.whole.files import locked
from waterbed.store.whole.replacing import JOURNAL, SUMS, replace_files, state_of
from waterbed.store.whole.unfinished import unfinished

CASES, NEXT = edition("a", cases=True), edition("b", cases=True, hosters="bc")
STRICT = edition("c", cases=False)


@pytest.mark.long
@pytest.mark.parametrize(
    ("before", "then", "errors"),
    [(CASES, NEXT, (EIO, ENOSPC)), (CASES, STRICT, (EIO,)), ({}, CASES, ())],
    ids=["update", "withhold", "first"],
)
def test_each_kind_of_strike_leaves_an_edition_whole_or_named(
    before: dict[str, bytes], then: dict[str, bytes], errors: tuple[int, ...]
) -> None:
    """After a kill or error at each call site: whole or named; the next one is whole, and leaves nothing withheld."""
    found = campaign(partial(replacing, before, then, STRICT), chosen=classes, errors=errors)
    assert not found.complaints, found
    assert found.kills > 20
    assert found.errors >= 2 * len(errors) * found.kills


def test_a_campaign_finds_what_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a journal of what is ours, kills are found after which withheld files would stay."""
    monkeypatch.setattr("waterbed.store.whole.replacing._entries", lambda _: [])
    found = campaign(partial(replacing, CASES, NEXT, STRICT), chosen=classes, errors=())
    assert [said for said in found.complaints if "named by nobody" in said]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A folder with an edition and a user's files in it."""
    (tmp_path / "study").mkdir()
    put(tmp_path / "out", CASES)
    for name, content in MINE.items():
        (tmp_path / "out" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "out" / name).write_bytes(content)
    return tmp_path / "out"


def put(out: Path, contents: dict[str, bytes]) -> None:
    """Replace the edition in a folder."""
    replace(out, contents, out.parent / "study")


def killed(out: Path, contents: dict[str, bytes], at: Callable[[str, str], bool]) -> None:
    """Kill a replacement at the first call for which that is true: of what is called, and the file's name."""
    number = next(call.number for call in calls_of(out, contents) if at(call.what, Path(call.path).name))
    assert struck(partial(put, out, contents), [out], Strike(number)).code is None


def calls_of(out: Path, contents: dict[str, bytes]) -> list[Call]:
    """The calls of a replacement, of which a copy is made for that."""
    copy = out.parent / "copy" / "out"
    shutil.copytree(out, copy)
    (copy.parent / "study").mkdir()
    found = struck(partial(put, copy, contents), [copy]).calls
    shutil.rmtree(copy.parent)
    return found


def test_two_kills_in_a_row_and_then_a_stricter_policy_leave_nothing_withheld(out: Path) -> None:
    """What the first and the second one brought is known as ours, though no SHA256SUMS ever listed it."""
    killed(out, edition("b", cases=True, hosters="xy"), lambda what, name: (what, name) == ("rename", "7.new"))
    killed(out, edition("d", cases=True, hosters="z"), lambda what, name: (what, name) == ("rename", "6.new"))
    assert state_of(out) == "half"
    put(out, STRICT)
    assert held(out) == {**STRICT, SUMS: listed(STRICT), **MINE}
    assert state_of(out) is None


@pytest.mark.parametrize("name", ["ranking.csv", "hops.csv", "hosters/c.html", SUMS])
def test_a_file_that_no_edition_left_like_that_is_refused_before_anything_changes(out: Path, name: str) -> None:
    """Whether it would be replaced, removed, or come new; so is a list of checksums that is somebody else's."""
    (out / name).write_bytes(b"mine\n")
    before = held(out)
    with pytest.raises(InputError, match=f"{name.rpartition('/')[2]}.*nothing was changed"):
        put(out, edition("b", cases=False, hosters="abc"))
    assert held(out) == before
    assert remains(out) == []


def test_a_list_of_checksums_of_somebody_elses_files_removes_none_of_them(tmp_path: Path) -> None:
    """A folder of downloads with a SHA256SUMS of its own is no edition."""
    (tmp_path / "study").mkdir()
    (tmp_path / "out").mkdir()
    theirs = {"debian.iso": b"an image", SUMS: listed({"debian.iso": b"an image"})}
    for name, content in theirs.items():
        (tmp_path / "out" / name).write_bytes(content)
    with pytest.raises(InputError, match=SUMS):
        put(tmp_path / "out", CASES)
    assert held(tmp_path / "out") == theirs


def test_a_list_of_checksums_to_which_somebody_added_removes_nothing_of_theirs(out: Path) -> None:
    """A user's file that a user's line names is not taken for ours."""
    with (out / SUMS).open("ab") as sums:
        sums.write(listed({"notes.csv": MINE["notes.csv"]}))
    before = held(out)
    with pytest.raises(InputError, match=SUMS):
        put(out, STRICT)
    assert held(out) == before


@pytest.mark.parametrize("kind", ["a link", "a folder", "a pipe", "a linked folder", "a file for a folder"])
def test_links_folders_and_pipes_in_the_way_are_refused(out: Path, kind: str) -> None:
    """Nothing is written through a link, and nothing that is no plain file is replaced, not even one of equal bytes."""
    target, name = out.parent / "elsewhere", "ranking.csv" if "folder" not in kind[3:] else "hosters"
    (out / "ranking.csv").rename(target)
    if kind == "a link":
        (out / name).symlink_to(target)
    elif kind == "a folder":
        (out / "ranking.csv").mkdir()
    elif kind == "a pipe":
        os.mkfifo(out / name)
    else:
        (out / "hosters").rename(out.parent / "pages")
        if kind == "a linked folder":
            (out / "hosters").symlink_to(out.parent / "pages")
        else:
            (out / "hosters").write_bytes(b"mine")
    before = held(out) | held(out.parent)
    with pytest.raises(InputError, match="nothing was changed"):
        put(out, NEXT)
    assert held(out) | held(out.parent) == before


def test_a_link_to_the_folder_is_followed_and_stays(out: Path) -> None:
    """The edition comes where the link leads to, also where it leads from one medium to another."""
    (out.parent / "www").symlink_to(out)
    put(out.parent / "www", NEXT)
    assert held(out) == {**NEXT, SUMS: listed(NEXT), **MINE}
    assert (out.parent / "www").is_symlink()
    (out.parent / "nowhere").symlink_to(out.parent / "unplugged")
    with pytest.raises(InputError, match="cannot be written"):
        put(out.parent / "nowhere", NEXT)
    assert not (out.parent / "unplugged").exists()


def test_a_read_only_file_of_an_edition_is_replaced_and_a_reader_keeps_the_old_one(out: Path) -> None:
    """Its mode is no reason to leave it; who has it open, as a server, reads it to its end; other links keep it."""
    (out / "hops.csv").chmod(0o444)
    (out / "ranking.csv").chmod(0o444)
    os.link(out / "hops.csv", out / "kept.csv")
    with (out / "ranking.csv").open("rb") as served:
        put(out, STRICT)
        assert served.read() == CASES["ranking.csv"]
    assert held(out) == {**STRICT, SUMS: listed(STRICT), **MINE, "kept.csv": CASES["hops.csv"]}
    assert (out / "ranking.csv").stat().st_mode & 0o777 == 0o644


def test_of_two_at_once_the_second_says_so(out: Path) -> None:
    """While one holds the journal, another changes nothing; once the first is dead, it goes on."""
    handle = locked(out / JOURNAL, os.O_RDWR | os.O_CREAT)
    before = held(out)
    with pytest.raises(InputError, match="another publication"):
        put(out, NEXT)
    assert held(out) == before
    os.close(handle)
    put(out, NEXT)
    assert remains(out) == []


def test_a_policy_that_changed_meanwhile_stops_it_before_anything_changes(out: Path) -> None:
    """What is asked under the lock, just before the first change, can still refuse."""

    def refuse() -> None:
        raise InputError("the policy is another one by now")

    before = held(out)
    with pytest.raises(InputError, match="the policy"):
        replace_files(out, NEXT, marks=("index.html",), study=out.parent / "study", ready=refuse)
    assert held(out) == before
    assert unfinished(out.parent / "study") == []


def test_a_folder_that_vanishes_is_one_sentence_and_named_until_it_is_back(out: Path) -> None:
    """Publishing into a medium that is pulled out meanwhile ends in order, and the study remembers it."""
    away = out.parent / "away"

    with pytest.raises(InputError, match="cannot be written"):
        replace_files(
            out, NEXT, marks=("index.html",), study=out.parent / "study", ready=lambda: out.rename(away) and None
        )
    [left] = unfinished(out.parent / "study")
    assert left.place == str(out)
    away.rename(out)
    put(out, STRICT)
    assert unfinished(out.parent / "study") == []


def test_an_interrupt_is_undone(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C in the middle of the renames leaves what was published before."""
    plain, renamed = Path.replace, []

    def interrupted(self: Path, target: Path) -> Path:
        renamed.append(target)
        if len(renamed) == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return plain(self, target)

    before = held(out)
    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        put(out, {**CASES, **dict.fromkeys(list(NEXT)[:4], b"new\n")})
    monkeypatch.undo()
    assert held(out) == before
    assert remains(out) == []
