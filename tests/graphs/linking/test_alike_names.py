"""Names of one brand, found by their letters; only ids come out."""

import os
import random
from pathlib import Path

import pytest

from tests.study.facts import target
from waterbed.graphs.linking.alike_names import LEAST_LABELS, MODELS, alike_names, compared, letters_of
from waterbed.graphs.linking.evidence import KINDS
from waterbed.graphs.linking.near_labels import NearLabels
from waterbed.graphs.linking.signs import signs_of

ROOT = Path(__file__).parents[3]
_RNG = random.Random(8)
FILLER = [
    "".join(_RNG.choices("abcdefghijklmnopqrstuvwxyz", k=8)) + tail for tail in ("comics", "press") for _ in range(20)
]
BRAND = {"b1": "zephyrtales2", "b2": "zephyr-tales", "b3": "zephyrtalesnew", "b4": "thezephyrtales"}


def labels(**more: str) -> dict[str, str]:
    """Labels of a study by id, with a trade's word at the end of many."""
    return {f"l{n}": text for n, text in enumerate(FILLER)} | more


def found(population: str, texts: dict[str, str], **how: float) -> list[NearLabels]:
    """Pairs by one population's weights."""
    return alike_names(texts, MODELS[population], **{"least": 0.5, **how})  # type: ignore[index,arg-type]


def test_names_of_a_brand_are_linked_and_words_of_a_trade_are_not() -> None:
    """Digits, separators and affixes do not part a brand; a word that many have links nobody."""
    pairs = found("brands", labels(**BRAND))
    assert {(one.a, one.b): one.likeness for one in pairs} == {
        **{("b1", "b2"): "letters", ("b1", "b3"): "affix", ("b2", "b3"): "affix"},
        **{("b1", "b4"): "affix", ("b2", "b4"): "affix"},
    }


def test_a_name_that_begins_alike_is_surer_than_one_that_ends_alike() -> None:
    """Of as many letters in common and as much likeness, a word put behind says more for a brand than one before."""
    by_pair = {(one.pair.a, one.pair.b): one for one in compared(labels(**BRAND))}
    behind, before = by_pair["b1", "b3"], by_pair["b1", "b4"]
    assert behind.likeness == pytest.approx(before.likeness)
    assert behind.letters == before.letters
    assert (behind.begin, before.begin) == (1.0, 0.0)
    surer, less = (MODELS["brands"].probability(one) for one in (behind, before))
    assert surer > less > 0.5
    assert MODELS["brands"].probability(before, odds=-1.0) < 0.5


def test_kits_are_never_linked_by_names_alone() -> None:
    """By the weights of kits even the same letters are not enough; a prior may say otherwise."""
    assert found("kits", labels(**BRAND)) == []
    assert found("kits", labels(**BRAND), odds=20.0)
    assert found("brands", labels(**BRAND), odds=-20.0) == []


def test_the_order_of_labels_makes_no_difference() -> None:
    """The same pairs whatever comes first."""
    texts = list(labels(**BRAND).items())
    random.Random(3).shuffle(texts)
    assert found("brands", dict(texts)) == found("brands", labels(**BRAND))


def test_few_names_tell_nothing() -> None:
    """Where it cannot be known what is rare, nothing is linked; nor are names of few letters."""
    few = dict(list(labels(**BRAND).items())[-(LEAST_LABELS - 1) :])
    assert found("brands", few) == []
    assert found("brands", labels(a="ab1", b="ab2", c="123456", d="12345")) == []


def test_work_grows_with_the_number_of_labels() -> None:
    """Many labels of two texts, or of one beginning, are chained and not compared each with each."""
    many = {f"m{n}": f"{('zephyrtales', 'thezephyrtales')[n % 2]}{n}" for n in range(2_000)}
    assert len(list(compared(labels(**many)))) < 3 * len(many)
    begin = {f"m{n}": f"secure{''.join(_RNG.choices('abc', k=10))}" for n in range(2_000)}
    assert len(list(compared(labels(**begin)))) < 60 * len(begin)


def test_no_pair_is_compared_twice() -> None:
    """Labels that begin and end alike come once, whichever block is too large."""
    texts = labels(
        **{f"m{n}": f"zeph{word}ales" for n, word in enumerate(["abc", "abd", "acd", "bcd", *map(str, range(9))])}
    )
    pairs = [one.pair for one in compared(texts, largest_block=2)]
    assert len(pairs) == len(set(pairs)) > 0


def test_letters_are_those_a_browser_shows() -> None:
    """Punycode is decoded, case and marks between letters are dropped."""
    assert letters_of("Zephyr-9_Tales") == "zephyrtales"
    assert letters_of("xn--" + "zéphyr".encode("punycode").decode()) == "zéphyr"


def test_a_pair_is_a_sign_of_its_own_kind() -> None:
    """Names of a brand are evidence that is strong alone, and its key says how they are alike."""
    targets = {one: target(one, label_id=label) for one, label in (("u", "l"), ("v", "m"))}
    signs = signs_of(targets, [], [], answered={}, near=[NearLabels("l", "m", "affix")])
    own = {(one.url_id, one.key, one.role) for one in signs if one.kind == "alike_name"}
    assert own == {("u", "affix l m", "from"), ("v", "affix l m", "to")}
    assert (KINDS["alike_name"].alone, KINDS["alike_name"].family) == ("strong", "name")


@pytest.mark.realdata
def test_names_learned_on_one_half_link_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of brands nine of ten pairs are right and six of ten found, in the median of 80 halves; kits hardly link."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import links
    import names

    folder = Path(os.environ["WATERBED_REALDATA"])
    precision, recall = names.told("brands", links.read_moves(folder / "site-moves-2024-2026.csv"), MODELS["brands"])
    assert precision >= 0.9
    assert recall >= 0.6
    kits = links.read_kits(folder / "phishing-kits-2017-2022.csv.gz")
    assert names.told("kits", kits, MODELS["kits"]) == (0.0, 0.0)
