"""Labels that look alike: what is near, what is not, and that nothing but ids comes out."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waterbed.graphs.linking.near_labels import NearLabels, near_labels, within_one_edit

TEXT = st.text("abc1-", min_size=6, max_size=9)


def likeness(a: str, b: str) -> str | None:
    found = near_labels({"1": a, "2": b})
    return found[0].likeness if found else None


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("example-bank", "examp1e-bank", "homoglyph"),
        ("modernshop", "rnodernshop", "homoglyph"),
        ("example", "xn--exmple-4nf", "homoglyph"),  # a Cyrillic letter in place of the first a
        ("example", "xn--exmple-cua", "homoglyph"),  # an a with an accent
        ("login-help", "login-help996", "digits"),
        ("login-help12", "login-help-7", "digits"),
        ("example", "exampel", "edit"),
        ("example", "examples", "edit"),
        ("example", "exambles", None),
        ("example", "exsmple", "edit"),
        ("shop12", "shop99", None),  # four letters are too few for a stem
        ("short", "shorts", None),
        ("example", "different", None),
        ("xn--zzzzzz-", "xn--zzzzzy-", "edit"),  # no punycode: compared as it is written
    ],
)
def test_likeness(a: str, b: str, expected: str | None) -> None:
    """A pair is of the surest class that fits, or none."""
    assert likeness(a, b) == expected
    assert likeness(b, a) == expected


def test_one_label_under_two_ids_is_not_near() -> None:
    """What a browser shows alike in every letter is the exact label's business."""
    assert near_labels({"1": "example", "2": "EXAMPLE"}) == []


def test_ids_alone_come_out() -> None:
    """The result holds ids and a class, and no text of a label."""
    found = near_labels({"b": "examples", "a": "example"})
    assert found == [NearLabels("a", "b", "edit")]
    assert "example" not in repr(found)


def test_a_common_word_with_numbers_stays_linear() -> None:
    """Of 3,000 labels with one stem each is paired with few."""
    labels = {f"{n:04}": f"server-name{n}" for n in range(3_000)}
    found = near_labels(labels)
    assert len(found) < 60 * len(labels)
    assert {one.likeness for one in found} <= {"homoglyph", "digits", "edit"}


@given(st.dictionaries(st.text("0123456789", min_size=3, max_size=3), TEXT, max_size=12), st.randoms())
def test_the_order_of_labels_does_not_matter(labels: dict[str, str], chance: object) -> None:
    """The same labels in another order give the same pairs."""
    items = list(labels.items())
    chance.shuffle(items)  # type: ignore[attr-defined]  (hypothesis gives a random.Random)
    assert near_labels(dict(items)) == near_labels(labels)


@given(st.dictionaries(st.text("0123456789", min_size=3, max_size=3), TEXT, max_size=12))
def test_blocks_miss_no_pair_that_is_one_edit_apart(labels: dict[str, str]) -> None:
    """In small blocks every pair of different labels within one edit is found."""
    found = {(one.a, one.b) for one in near_labels(labels)}
    for (a, of_a), (b, of_b) in combinations(sorted(labels.items()), 2):
        if of_a != of_b and within_one_edit(of_a, of_b):
            assert (a, b) in found


@given(TEXT, TEXT)
def test_one_edit_is_symmetric(a: str, b: str) -> None:
    """The order of two labels does not matter, and a label is near itself."""
    assert within_one_edit(a, b) == within_one_edit(b, a)
    assert within_one_edit(a, a)
