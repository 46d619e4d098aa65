"""The fold of decisions, against a naive one of each single day."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tests.attribution.hosters.deciding import change, coding
from waterbed.attribution.hosters.book import HosterBook, book_from
from waterbed.attribution.hosters.changes import check_change, well_formed
from waterbed.model.decisions import Coding, HosterChange
from waterbed.model.errors import InputError

FILE = b"""
[[hoster]]
key = "a"
name = "A"
asns = [64500, 64501]
[[hoster]]
key = "b"
name = "B"
asns = [64502]
holders = ["ripe:B"]
[[hoster.member]]
what = "AS64503"
since = 2025-01-03
until = 2025-01-06
[[hoster]]
key = "c"
name = "C"
[[hoster.member]]
what = "AS64503"
since = 2025-01-06
"""
FIRST = date(2025, 1, 1)
DAYS = [FIRST + timedelta(days=number) for number in range(9)]
ASES = range(64500, 64506)
NAMES = ("a", "b", "c", "d")
KEYS = (*NAMES, "AS64503", "AS64504", "AS64505", "ripe:B", "ripe:D")
MEMBERS = (*(f"AS{asn}" for asn in ASES), "ripe:B", "ripe:D", "10.0.0.0/8")

some_key, some_day = st.sampled_from(KEYS), st.sampled_from(DAYS)
some_members = st.lists(st.sampled_from(MEMBERS), min_size=1, max_size=3, unique=True).map(tuple)


@st.composite
def histories(draw: st.DrawFn) -> list[HosterChange]:
    """Up to nine changes, sensible or not, in the order of their decision."""
    found: list[HosterChange] = []
    for number in range(draw(st.integers(0, 9))):
        kind = draw(st.sampled_from(["merge", "merge", "split", "split", "succession", "define", "undo"]))
        if kind == "undo":
            aims = [one.change_id for one in found] or ["none"]
            found.append(change(number, kind, draw(st.sampled_from(aims))))
        elif kind == "define":
            found.append(change(number, kind, draw(st.sampled_from(NAMES)), name="N", members=draw(some_members)))
        else:
            since = draw(some_day if kind == "succession" else st.none() | some_day)
            members = draw(some_members) if kind == "split" else ()
            found.append(change(number, kind, draw(some_key), draw(some_key), since=since, members=members))
    return found


@st.composite
def codings(draw: st.DrawFn) -> list[Coding]:
    """Some codes of two coders."""
    codes = st.sampled_from(["accept", "reject", "reject", "unsure"])
    pairs = draw(st.lists(st.tuples(st.integers(0, 8), codes, codes), max_size=3, unique_by=lambda pair: pair[0]))
    return [
        coding(2 * place + second, item, coder, code)
        for place, (item, *both) in enumerate(pairs)
        for second, (coder, code) in enumerate(zip(("bob", "cas"), both, strict=True))
    ]


class Naive:
    """One day's book by the plainest means: every question walks through everything."""

    def __init__(self, day: date, changes: Sequence[HosterChange], rejected: set[str]) -> None:
        """Take the file, then each change that stands."""
        self.keys = {"a", "b", "c"}
        self.owner = {"AS64500": "a", "AS64501": "a", "AS64502": "b", "ripe:B": "b"}
        if day >= date(2025, 1, 3):
            self.owner["AS64503"] = "b" if day < date(2025, 1, 6) else "c"
        self.edges: list[tuple[str, str]] = []
        for number, one in enumerate(changes):
            holds = one.since is None or one.since.date() <= day
            if holds and one.kind != "undo" and one.change_id not in rejected and not _undone(changes, number):
                getattr(self, one.kind)(one)

    def root(self, key: str) -> str:
        """Follow the edges."""
        for below, above in self.edges:
            if below == key:
                return self.root(above)
        return key

    def company(self, what: str) -> str | None:
        """Who holds a member."""
        if what in self.owner:
            return self.root(self.owner[what])
        alone = what.startswith("AS") or what.startswith("ripe:")
        return self.root(what) if alone else None

    def exists(self, key: str) -> bool:
        """Whether a key can be spoken of."""
        return key in self.keys or (key not in NAMES and self.owner.get(key, key) == key)

    def define(self, one: HosterChange) -> None:
        """Everything of the key goes, the new members come."""
        self.keys.add(one.key)
        self.owner = {what: key for what, key in self.owner.items() if key != one.key}
        self.owner |= dict.fromkeys(one.members, one.key)

    def merge(self, one: HosterChange) -> None:
        """An edge, unless it closes a circle or is a second one."""
        key, into = one.key, one.into or ""
        second = any(below == key for below, _ in self.edges)
        if self.exists(key) and self.exists(into) and not second and self.root(into) != key:
            self.edges.append((key, into))

    succession = merge

    def split(self, one: HosterChange) -> None:
        """Members of the company leave; a merged key is cut off first."""
        key, whole = one.key, self.root(one.into or "")
        leaving = [what for what in one.members if self.company(what) == whole or self._inside(what)]
        foreign = key not in NAMES and self.owner.get(key, key) != key and key not in leaving
        if not self.exists(one.into or "") or key == whole or foreign or not leaving:
            return
        if key in NAMES:
            self.keys.add(key)
        if self.root(key) == whole:
            above = next(to for below, to in self.edges if below == key)
            self.edges = [(below, above if to == key else to) for below, to in self.edges if below != key]
            self.owner = {what: above if held == key else held for what, held in self.owner.items()}
        self.owner |= dict.fromkeys(leaving, key)

    def _inside(self, what: str) -> bool:
        return what not in self.owner and not what.startswith("AS") and self.root(what) == what


def _undone(changes: Sequence[HosterChange], number: int) -> bool:
    """Whether a later undo that stands itself takes back a change."""
    return any(
        later.kind == "undo" and later.key == changes[number].change_id and not _undone(changes, place)
        for place, later in enumerate(changes)
        if place > number
    )


def answers(book: HosterBook) -> list[object]:
    """Everything that can be asked of a book, over all days."""
    return [
        (
            [book.on(day).key_of_as(asn) for asn in ASES],
            [book.on(day).key_of_holder(holder) for holder in ("ripe:B", "ripe:D")],
            book.on(day).key_of_address("10.1.1.1"),
            [book.resolve(key, day) for key in KEYS],
            [book.on(day).unreviewed(key) for key in KEYS],
        )
        for day in DAYS
    ]


@given(histories(), codings())
def test_each_day_is_what_a_naive_fold_of_that_day_gives(changes: list[HosterChange], codes: list[Coding]) -> None:
    """Whatever was decided, sensible or not, every day's answers are those of the plain fold; reading never fails."""
    book = book_from(FILE, changes=changes, codings=codes)
    rejected = {change_id for change_id, status in book.statuses.items() if status == "rejected"}
    for day in DAYS:
        naive, today = Naive(day, changes, rejected), book.on(day)
        assert [today.key_of_as(asn) for asn in ASES] == [naive.company(f"AS{asn}") for asn in ASES]
        assert [today.resolve(key) for key in KEYS] == [naive.root(key) for key in KEYS]
        assert today.key_of_address("10.1.1.1") == naive.company("10.0.0.0/8")
        for holder in ("ripe:B", "ripe:D"):
            assert (today.key_of_holder(holder) or holder) == naive.company(holder)


@given(histories(), codings(), st.randoms(use_true_random=False))
def test_the_fold_is_deterministic(changes: list[HosterChange], codes: list[Coding], random) -> None:
    """In whatever order changes and codings are read, book and checksum are the same."""
    first = book_from(FILE, changes=changes, codings=codes)
    mixed, mixed_codes = random.sample(changes, len(changes)), random.sample(codes, len(codes))
    second = book_from(FILE, changes=mixed, codings=mixed_codes)
    assert (answers(first), first.checksum, first.lineage()) == (answers(second), second.checksum, second.lineage())


@given(histories(), codings())
def test_an_undo_of_the_last_change_restores_the_book(changes: list[HosterChange], codes: list[Coding]) -> None:
    """With the last change undone the book is the one before it, by its answers and by its checksum."""
    if not changes:
        return
    undone = [*changes, change(10, "undo", changes[-1].change_id)]
    before, after = (book_from(FILE, changes=some, codings=codes) for some in (changes[:-1], undone))
    assert (answers(before), before.checksum) == (answers(after), after.checksum)


@given(histories())
def test_what_is_let_in_always_has_an_effect(changes: list[HosterChange]) -> None:
    """A checked change does something on some day, and no later one that is let in makes it meaningless."""
    book = book_from(FILE)
    for one in changes:
        with suppress(InputError):
            book = check_change(book, well_formed(one))
        assert book.without_effect() == ()
