"""Double coding of changes: who may code what, what settles, how far coders agree."""

from dataclasses import fields

import pytest

from tests.attribution.hosters.deciding import START, change, coding
from waterbed.attribution.hosters.book import book_from
from waterbed.attribution.hosters.evidence import queue_for
from waterbed.attribution.hosters.review import check_coding, status_of, statuses, waiting_for
from waterbed.governance.agreement import of_changes
from waterbed.model.errors import InputError
from waterbed.model.registrations import Registration

MERGE = change(1, "merge", "a", "b", who="ann")


@pytest.mark.parametrize(
    ("codes", "status"),
    [
        ([], "unreviewed"),
        ([("bob", "accept")], "unreviewed"),
        ([("bob", "accept"), ("bob", "accept")], "unreviewed"),
        ([("ann", "accept"), ("bob", "accept")], "unreviewed"),
        ([("bob", "accept"), ("cas", "accept")], "accepted"),
        ([("bob", "reject"), ("cas", "reject")], "rejected"),
        ([("bob", "accept"), ("cas", "reject")], "disputed"),
        ([("bob", "accept"), ("cas", "unsure")], "disputed"),
        ([("bob", "unsure"), ("cas", "unsure")], "disputed"),
        ([("bob", "accept"), ("cas", "reject"), ("dee", "accept", True)], "accepted"),
        ([("bob", "accept"), ("cas", "reject"), ("dee", "reject", True)], "rejected"),
        ([("bob", "accept"), ("cas", "reject"), ("dee", "reject")], "disputed"),
        ([("bob", "accept"), ("cas", "reject"), ("bob", "accept", True)], "disputed"),
        ([("bob", "accept"), ("cas", "reject"), ("ann", "accept", True)], "disputed"),
        ([("bob", "accept"), ("cas", "accept"), ("dee", "reject", True)], "accepted"),
    ],
)
def test_two_who_agree_settle_and_a_third_settles_a_dispute(codes, status) -> None:
    """Only two people who did not propose it count, and only a third one can settle."""
    given = [coding(n, 1, who, code, adjudicates=bool(rest)) for n, (who, code, *rest) in enumerate(codes)]
    assert status_of(MERGE, given) == status
    assert statuses([MERGE, change(2, "define", "c", name="C")], given) == {MERGE.change_id: status}


def test_a_coder_sees_only_what_is_left_to_that_coder() -> None:
    """Neither one's own proposals nor what one has coded nor what two have settled; a dispute waits for a third."""
    changes = [
        MERGE,
        change(2, "split", "a", "b", who="bob"),
        change(3, "define", "c", name="C"),
        change(4, "succession", "a", "b"),
        change(5, "merge", "c", "b"),
    ]
    codes = [
        coding(1, 1, "bob", "accept"),
        coding(2, 4, "bob", "accept"),
        coding(3, 4, "cas", "accept"),
        coding(4, 5, "bob", "accept"),
        coding(5, 5, "cas", "reject"),
    ]
    seen = {who: [(c.change_id[-1], s) for c, s in waiting_for(who, changes, codes)] for who in ("ann", "bob", "cas")}
    assert seen == {"ann": [("2", False)], "bob": [], "cas": [("1", False), ("2", False)]}
    assert [(c.change_id[-1], s) for c, s in waiting_for("dee", changes, codes)] == [
        ("1", False),
        ("2", False),
        ("5", True),
    ]


@pytest.mark.parametrize(
    ("coder", "code", "adjudicates", "before", "says"),
    [
        ("bob", "maybe", False, [], "not a code"),
        ("ann", "accept", False, [], "ann proposed"),
        ("ann", "accept", True, [("bob", "accept"), ("cas", "reject")], "ann proposed"),
        ("bob", "accept", False, [("bob", "reject")], "already"),
        ("dee", "accept", False, [("bob", "accept"), ("cas", "accept")], "it is settled"),
        ("dee", "accept", False, [("bob", "accept"), ("cas", "reject")], "--adjudicate"),
        ("dee", "accept", True, [("bob", "accept")], "not disputed"),
        ("dee", "unsure", True, [("bob", "accept"), ("cas", "reject")], "not unsure"),
        ("cas", "accept", True, [("bob", "accept"), ("cas", "reject")], "already"),
    ],
)
def test_who_may_not_code_is_told_why(coder, code, adjudicates, before, says) -> None:
    """The proposer, a coder for the second time, a third coder, a settler without a dispute: one sentence each."""
    given = [coding(n, 1, who, before_code) for n, (who, before_code) in enumerate(before)]
    with pytest.raises(InputError, match=r"docs/hosters\.md") as caught:
        check_coding(MERGE, coder, code, adjudicates=adjudicates, codings=given)
    assert says in str(caught.value)
    with pytest.raises(InputError, match="only merge, split, succession"):
        check_coding(change(1, "define", "c", name="C"), "dee", "accept", adjudicates=False, codings=[])


def test_agreement_counts_the_two_coders_of_each_change() -> None:
    """Settling votes are left out, and so is what one person has coded only."""
    changes = [change(n, "merge", "a", "b") for n in range(5)]
    codes = [
        *(coding(2 * n, n, "bob", code) for n, code in enumerate(["accept", "accept", "reject", "reject", "accept"])),
        *(coding(2 * n + 1, n, "cas", code) for n, code in enumerate(["accept", "reject", "reject", "reject"])),
        coding(20, 1, "dee", "reject", adjudicates=True),
    ]
    found = of_changes(changes, codes)
    assert (found.items, found.agreed, found.share) == (4, 3, 0.75)
    assert found.kappa == pytest.approx(0.5)
    assert of_changes([], []).share is None


def registration(**given: object) -> Registration:
    """An answer of a registry, as of an AS unless said otherwise."""
    values = dict.fromkeys(field.name for field in fields(Registration)) | {
        "registration_id": "r",
        "asked": "AS64500",
        "kind": "as",
        "level": 0,
        "status": "ok",
        "first": "64500",
        "last": "64500",
        "holder": "ripe:ORG-A",
        "holder_name": "A\x1b[31m B.V.",
        "country": "NL",
        "source": "rdap",
        "fetched_at": START,
    }
    return Registration(**(values | given))  # type: ignore[arg-type]  # tests name the fields


def test_the_queue_shows_evidence_and_no_opinion() -> None:
    """Members of both sides without the change, what registries say of them, no control characters, nobody's code."""
    file = b'[[hoster]]\nkey="a"\nname="A"\nasns=[64500]\n[[hoster]]\nkey="b"\nname="B"\nprefixes=["10.0.0.0/8"]\n'
    book = book_from(file, changes=[MERGE], codings=[coding(1, 1, "bob", "reject")])
    said = [
        registration(),
        registration(asked="AS65000"),
        registration(status="not_found"),
        registration(kind="network", first="10.0.0.0", last="10.0.0.255", holder="ripe:ORG-B", holder_name=None),
        registration(kind="network", first="192.0.2.0", last="192.0.2.255", holder="ripe:ORG-B"),
    ]
    (item,) = queue_for("cas", book, said, {"AS64500": "A\x07Net"}.__getitem__)
    assert (item.key_members, item.into_members) == (("AS64500 (ANet)",), ("10.0.0.0/8",))
    assert item.registered == (
        "AS64500 ripe:ORG-A A[31m B.V. NL 2026-01-01",
        "10.0.0.0-10.0.0.255 ripe:ORG-B NL 2026-01-01",
    )
    assert (item.task, item.kind, item.since) == ("code", "merge", None)
    assert "reject" not in repr(item)
    assert queue_for("bob", book, said, str) == []
