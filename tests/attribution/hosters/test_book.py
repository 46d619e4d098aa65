"""The book of hosters: its file, its days, and decisions about it."""

from datetime import date
from ipaddress import ip_address

import pytest

from tests.attribution.hosters.deciding import change, coding
from waterbed.attribution.hosters.book import HosterBook, book_from
from waterbed.attribution.hosters.changes import check_change, find_change, well_formed
from waterbed.attribution.hosters.listing import change_rows, hoster_rows, taken_from_known
from waterbed.model.decisions import HosterChange
from waterbed.model.errors import InputError

FILE = b"""
[[hoster]]
key = "amazon"
name = "Amazon"
asns = [64500, 64501]
holders = ["ripe:ORG-AM1-RIPE"]
prefixes = ["10.0.0.0/8", "2001:db8::/32"]
suffixes = ["pages.example"]
country = "US"

[[hoster]]
key = "shield"
name = "Shield"
kind = "proxy"
prefixes = ["10.1.0.0/16", "10.1.2.0/24"]

[[hoster]]
key = "moving"
name = "Moving"
asns = [64510]
[[hoster.member]]
what = "AS64511"
since = 2025-04-08
until = 2025-05-01

[[hoster]]
key = "other"
name = "Other"
[[hoster.member]]
what = "as64511"
since = 2025-05-01
"""
DAY = date(2025, 4, 11)
BEFORE = date(2025, 4, 7)


def decided(*changes: HosterChange, codings: tuple = ()) -> HosterBook:
    """The book of the file with changes."""
    return book_from(FILE, changes=changes, codings=codings)


def accepted(book: HosterBook, *changes: HosterChange) -> HosterBook:
    """The book after changes that are each checked first."""
    for one in changes:
        book = check_change(book, well_formed(one))
    return book


def test_a_book_says_who_holds_what() -> None:
    """ASes, registrants, the longest range and suffixes are told; what is unclaimed stands for itself or for nobody."""
    book = decided().on(DAY)
    assert (book.key_of_as(64501), book.key_of_as(65000)) == ("amazon", "AS65000")
    assert [book.key_of_holder(h) for h in ("ripe:ORG-AM1-RIPE", "RIPE:org-am1-ripe", "arin:X")] == ["amazon"] * 2 + [
        None
    ]
    addresses = ("10.9.9.9", "10.1.9.9", "10.1.2.3", "::ffff:10.1.2.3", b"\x0a\x01\x02\x03", ip_address("2001:db8::1"))
    assert [book.key_of_address(a) for a in addresses] == ["amazon", "shield", "shield", "shield", "shield", "amazon"]
    assert [book.key_of_address(a) for a in ("192.0.2.1", "2001:db9::1", "no address", b"123")] == [None] * 4
    assert (book.key_of_suffix("pages.example"), book.key_of_suffix("example")) == ("amazon", None)
    assert (book.kind("shield"), book.kind("AS65000"), book.name("amazon"), book.name("AS65000")) == (
        "proxy",
        "hoster",
        "Amazon",
        None,
    )
    assert (book.country("amazon"), book.country("shield"), book.country("none")) == ("US", None, None)


def test_nothing_is_matched_by_name() -> None:
    """An AS and a registrant called nearly as a hoster of the book stay apart from it."""
    file = b'[[hoster]]\nkey = "amazon"\nname = "Amazon"\nasns = [64500]\n[[hoster]]\nkey = "x"\nname = "AMAZONET"\n'
    book = book_from(file + b"asns = [64501]\n").on(DAY)
    assert [book.key_of_as(asn) for asn in (64500, 64501, 64999)] == ["amazon", "x", "AS64999"]
    assert [book.key_of_holder(f"ripe:{handle}") for handle in ("AMAZONET", "AMAZON", "amazon")] == [None] * 3


def test_members_hold_from_a_day_until_another() -> None:
    """`since` is the first day with a member, `until` the first without; the days between share one object."""
    book = decided()
    days = {date(2025, 4, 7): "AS64511", date(2025, 4, 8): "moving", date(2025, 4, 30): "moving"}
    days |= {date(2025, 5, 1): "other", date.min: "AS64511", date.max: "other"}
    assert {day: book.on(day).key_of_as(64511) for day in days} == days
    assert book.on(date(2025, 4, 8)) is book.on(date(2025, 4, 30))
    assert book.on(date(2025, 4, 7)) is not book.on(date(2025, 4, 8))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('holders = ["ORG-AB1"]', "ripe:ORG-AB1-RIPE"),
        ('holders = ["suffix:x.example"]', "is not a member"),
        ('prefixes = ["192.0.2.1/24"]', "192.0.2.0/24"),
        ('prefixes = ["0.0.0.0/0"]', "every address"),
        ('prefixes = ["192.0.2.0/24", "192.0.2.0/24"]', "claimed twice"),
        ('[[hoster.member]]\nwhat = "AS1"\nsince = 2025-05-01\nuntil = 2025-05-01', "ends before it begins"),
        ('[[hoster.member]]\nwhat = "nonsense"', "is not a member"),
        ('[[hoster.member]]\nwhat = "AS1"\nsince = "soon"', "since"),
        ('asns = [1]\n[[hoster.member]]\nwhat = "AS1"\nuntil = 2025-05-01', "AS1 is claimed twice"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused(text: str, says: str) -> None:
    """Each fault is one sentence that names the value and the page."""
    with pytest.raises(InputError, match=r"docs/hosters\.md") as caught:
        book_from(f'[[hoster]]\nkey = "a"\nname = "A"\n{text}\n'.encode())
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_merge_holds_always_or_from_its_day() -> None:
    """The members of the merged hoster are the other's from the first day on, and merges are followed."""
    book = accepted(
        decided(),
        change(1, "merge", "moving", "amazon", since=date(2025, 4, 10)),
        change(2, "merge", "AS65000", "moving"),
        change(3, "merge", "amazon", "other"),
    )
    assert [book.on(day).key_of_as(64510) for day in (date(2025, 4, 9), DAY)] == ["moving", "other"]
    assert [book.on(day).key_of_as(65000) for day in (date(2025, 4, 9), DAY)] == ["moving", "other"]
    assert [book.resolve("moving", day) for day in (date(2025, 4, 9), DAY)] == ["moving", "other"]
    assert book.lineage() == ()


def test_a_split_takes_members_and_ends_a_merge() -> None:
    """What is named leaves, ranges inside too; a hoster that had been merged leaves with what is named alone."""
    book = accepted(
        decided(),
        change(1, "split", "cloud", "amazon", members=("as64501", "10.5.0.0/16", "ripe:ORG-X"), since=DAY),
    )
    assert [book.on(day).key_of_as(64501) for day in (BEFORE, DAY)] == ["amazon", "cloud"]
    assert [book.on(day).key_of_address("10.5.1.1") for day in (BEFORE, DAY)] == ["amazon", "cloud"]
    assert [book.on(day).key_of_holder("ripe:ORG-X") for day in (BEFORE, DAY)] == [None, "cloud"]
    assert (book.on(DAY).name("cloud"), book.on(DAY).key_of_as(64500)) == ("cloud", "amazon")
    merged = accepted(
        decided(),
        change(1, "merge", "amazon", "moving"),
        change(2, "merge", "other", "amazon"),
        change(3, "split", "amazon", "moving", members=("AS64500",), since=DAY),
    )
    assert [merged.on(day).key_of_as(64500) for day in (BEFORE, DAY)] == ["moving", "amazon"]
    assert merged.on(DAY).key_of_as(64501) == "moving"
    assert merged.resolve("other", DAY) == "moving"


def test_a_succession_is_a_merge_with_lineage() -> None:
    """Everything of the old hoster is the new one's from that day on, and the book tells so."""
    since = date(2025, 4, 10)
    book = accepted(
        decided(), change(1, "merge", "other", "amazon"), change(2, "succession", "moving", "other", since=since)
    )
    assert [book.on(day).key_of_as(64510) for day in (BEFORE, DAY)] == ["moving", "amazon"]
    assert book.lineage() == (("moving", "amazon", since),)
    alone = accepted(decided(), change(1, "succession", "AS65000", "AS65001", since=since))
    assert [alone.on(day).key_of_as(65000) for day in (BEFORE, DAY)] == ["AS65000", "AS65001"]
    assert alone.on(DAY).members("AS65001") == ("AS65000", "AS65001")


def test_a_definition_replaces_what_a_hoster_was() -> None:
    """Name, seat, kind and members are the new ones; members it no longer names are free."""
    new = change(1, "define", "amazon", name="Amazon 2", entity="proxy", members=("AS64500", "suffix:new.example"))
    book = accepted(decided(), new).on(DAY)
    assert (book.name("amazon"), book.kind("amazon"), book.country("amazon")) == ("Amazon 2", "proxy", None)
    assert (book.key_of_as(64500), book.key_of_as(64501)) == ("amazon", "AS64501")
    assert (book.key_of_suffix("new.example"), book.key_of_suffix("pages.example")) == ("amazon", None)
    assert accepted(decided(), new).suffixes() == {"new.example", "pages.example"}


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (change(9, "merge", "amazon", "amazon"), "given twice"),
        (change(9, "merge", "amazon", None), "two hosters"),
        (change(9, "merge", "nobody", "amazon"), "nobody is not a hoster"),
        (change(9, "merge", "amazon", "nobody"), "nobody is not a hoster"),
        (change(9, "merge", "Amazon!", "moving"), "is not a hoster's key"),
        (change(9, "merge", "other", "shield"), "one company already (shield)"),
        (change(9, "merge", "shield", "other"), "one company already (shield)"),
        (change(9, "merge", "other", "moving", since=DAY), "other is part of shield already"),
        (change(9, "merge", "AS64500", "shield"), "AS64500 is not a hoster"),
        (change(9, "merge", "AS64511", "shield"), "AS64511 is held by"),
        (change(9, "succession", "moving", "amazon"), "--since"),
        (change(9, "succession", "moving", "amazon", since=date(1970, 1, 1)), "before 1980"),
        (change(9, "split", "new", "amazon"), "--members"),
        (change(9, "split", "new", "amazon", members=("AS64510",)), "AS64510 is not held by amazon"),
        (change(9, "split", "new", "amazon", members=("AS65000",)), "AS65000 is not held by amazon"),
        (change(9, "split", "new", "amazon", members=("nonsense",)), "is not a member"),
        (change(9, "split", "shield", "other", members=("10.1.2.0/24",)), "can leave shield"),
        (change(9, "define", "new", name="New", members=("AS64500",)), "AS64500 is held by amazon"),
        (change(9, "define", "New", name="New"), "lower-case"),
        (change(9, "define", "new", name="a\x1b[1m"), "control characters"),
        (change(9, "define", "new", name="A", country="nl"), "ISO code"),
        (change(9, "undo", "change0099"), "is not a change of this book"),
        (change(9, "undo", "change0002"), "undone already"),
    ],
)
def test_what_contradicts_the_book_is_refused(wrong: HosterChange, says: str) -> None:
    """Cycles, unknown hosters, foreign members and second owners: one sentence each, and the book stays as it is."""
    book = accepted(
        decided(),
        change(1, "merge", "other", "shield"),
        change(2, "merge", "AS65001", "amazon"),
        change(3, "undo", "change0002"),
    )
    with pytest.raises(InputError, match=r"docs/hosters\.md") as caught:
        accepted(book, wrong)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_undo_takes_back_a_change_and_can_be_taken_back() -> None:
    """What rests on a change is undone before it; an undo of an undo lets the change hold again."""
    first, second = change(1, "split", "cloud", "amazon", members=("AS64501",)), change(2, "merge", "cloud", "moving")
    book = accepted(decided(), first, second)
    with pytest.raises(InputError, match=r"change0002 .* undo it first"):
        accepted(book, change(3, "undo", "change0001"))
    gone = accepted(book, change(3, "undo", "change0002"), change(4, "undo", "change0001"))
    assert gone.on(DAY).key_of_as(64501) == "amazon"
    assert gone.checksum == decided().checksum
    back = accepted(gone, change(5, "undo", "change0004"))
    assert (back.on(DAY).key_of_as(64501), back.checksum) == ("cloud", decided(first).checksum)
    assert [row.status for row in change_rows(back)] == ["unreviewed", "undone", "in force", "undone", "in force"]


def test_a_change_is_found_by_how_its_id_begins() -> None:
    """Six characters do if they are one change's only."""
    changes = [change(11, "merge", "a", "b"), change(12, "merge", "a", "b")]
    assert find_change(changes, "change0011") is changes[0]
    for text in ("change", "chang", "change00"):
        with pytest.raises(InputError):
            find_change(changes, text)
    with pytest.raises(InputError, match="is not a change of this book"):
        find_change(changes, "http://a.example/\x1b")


def test_unreviewed_changes_hold_and_are_marked() -> None:
    """A hoster is marked until two have agreed, on the days of the change only; a rejected change does not hold."""
    merge = change(1, "merge", "moving", "amazon", since=DAY)
    book = decided(merge)
    assert [book.on(day).unreviewed("amazon") for day in (BEFORE, DAY)] == [False, True]
    one = coding(1, 1, "bob", "accept")
    for second, holds, marked in (("accept", True, False), ("reject", True, True), ("unsure", True, True)):
        book = decided(merge, codings=(one, coding(2, 1, "cas", second)))
        assert book.on(DAY).key_of_as(64510) == ("amazon" if holds else "moving")
        assert book.on(DAY).unreviewed("amazon") is marked
    rejected = decided(merge, codings=(coding(1, 1, "bob", "reject"), coding(2, 1, "cas", "reject")))
    assert (rejected.on(DAY).key_of_as(64510), rejected.on(DAY).unreviewed("amazon")) == ("moving", False)
    split = decided(change(1, "split", "new", "amazon", members=("AS64500",))).on(DAY)
    assert [split.unreviewed(key) for key in ("new", "amazon", "moving")] == [True, True, False]


def test_the_checksum_names_the_state_of_the_book() -> None:
    """File, known list, changes in force and their codings each make another checksum."""
    merge = change(1, "merge", "moving", "amazon")
    books = [
        decided(),
        book_from(FILE + b"\n"),
        book_from(FILE, with_known=True),
        decided(merge),
        decided(change(1, "merge", "moving", "amazon", since=DAY)),
        decided(merge, codings=(coding(1, 1, "bob", "accept"), coding(2, 1, "cas", "accept"))),
    ]
    assert len({book.checksum for book in books}) == len(books)
    assert all(len(book.checksum) == 64 for book in books)


def test_rows_show_the_book_of_a_day() -> None:
    """A hoster is shown with what it holds, or with the company it is part of; so is an AS that took over another."""
    book = accepted(decided(), change(1, "merge", "moving", "amazon"), change(2, "merge", "AS65000", "AS65001"))
    rows = {row.key: row for row in hoster_rows(book, DAY)}
    assert rows["amazon"].members[:4] == ("AS64500", "AS64501", "AS64510", "AS64511")
    assert (rows["moving"].members, rows["moving"].part_of, rows["amazon"].unreviewed) == ((), "amazon", True)
    assert rows["AS65001"].members == ("AS65000", "AS65001")
    assert [row.key for row in hoster_rows(book, DAY, "AS65000")] == ["AS65000"]
    assert hoster_rows(book, DAY, "nobody") == []


def test_the_study_s_own_file_wins_over_the_known_list() -> None:
    """A known AS or suffix that the file gives to another hoster is that one's, and is told."""
    own = b'[[hoster]]\nkey = "mine"\nname = "Mine"\nasns = [13335]\n[[hoster]]\nkey = "fastly"\nname = "F"\n'
    book = book_from(own, with_known=True)
    assert (book.on(DAY).key_of_as(13335), book.on(DAY).key_of_as(54113)) == ("mine", "AS54113")
    told = taken_from_known(book, DAY)
    assert ("AS13335", "cloudflare", "mine") in told
    assert ("AS54113", "fastly", "nobody") in told
    assert len(told) == 2
    assert book_from(own).on(DAY).key_of_suffix("pages.dev") is None
