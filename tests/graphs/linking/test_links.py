"""Links between URLs: which evidence links, how much it weighs, and what links nothing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waterbed.graphs.linking.evidence import KINDS, Home, KindRule, Link, LinkRules, Role, Sign
from waterbed.graphs.linking.links import find_links
from waterbed.model.conclusions import EvidenceKind

START = datetime(2026, 1, 5, tzinfo=UTC)
RULES = LinkRules()


def sign(url: str, kind: EvidenceKind, key: str = "k", hour: int = 0, role: Role = "") -> Sign:
    when = START + timedelta(hours=hour)
    return Sign(url_id=url, kind=kind, key=key, first=when, last=when + timedelta(hours=1), role=role)


def homes(*urls: str, others: int = 1_000) -> dict[str, Home]:
    """Each URL on a site of its own, among others that share nothing."""
    named = [*urls, *(f"other {n}" for n in range(others))]
    return {url: Home(host_id=f"host of {url}", site_id=f"site of {url}") for url in named}


def only(links: list[Link]) -> Link:
    (link,) = links
    return link


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_each_kind_links_two_urls_that_share_a_rare_key(kind: EvidenceKind) -> None:
    """Evidence of every kind makes a link in a study of a thousand sites, except the most doubtful."""
    roles: tuple[Role, Role] = ("", "")
    if kind in ("same_url", "redirect_url", "redirect_site", "fuzzy_label", "alike_name"):
        roles = "from", "to"
    links = find_links([sign("a", kind, role=roles[0]), sign("b", kind, hour=5, role=roles[1])], homes("a", "b"))
    expected = KINDS[kind].weight(2, 1_002)
    assert [(link.a, link.b) for link in links] == ([("a", "b")] if expected >= RULES.weak else [])
    for link in links:
        assert link.weight == pytest.approx(expected)
        assert link.evidence[0].b_first - link.evidence[0].a_first == timedelta(hours=5)


def test_the_weight_of_a_path_is_its_rarity() -> None:
    """A path on df hosts among N sites weighs log(N/df) less its doubt."""
    link = only(find_links([sign("a", "path"), sign("b", "path")], homes("a", "b")))
    assert link.weight == pytest.approx(log(1_002 / 2) - KINDS["path"].doubt)
    assert link.evidence[0].frequency == 2


def test_a_label_alone_is_weak_however_rare() -> None:
    """One name under two suffixes is weak evidence, and strong only beside that of another family."""
    label = [sign("a", "label"), sign("b", "label")]
    assert only(find_links(label, homes("a", "b", others=10**5))).strength == "weak"
    both = [*label, sign("a", "name_servers"), sign("b", "name_servers")]
    link = only(find_links(both, homes("a", "b")))
    assert link.strength == "strong"
    assert link.weight == pytest.approx(log(501) - KINDS["label"].doubt + RULES.agreement)


@pytest.mark.parametrize(("sharing", "strength"), [(200, "weak"), (50, "weak"), (49, "strong")])
def test_evidence_that_weighs_nothing_agrees_with_none(sharing: int, strength: str) -> None:
    """Name servers that 20% of sites share neither add to a label nor make it strong; rarer ones do both."""
    urls = [f"u{n:03}" for n in range(sharing)]
    signs = [sign(url, "name_servers", hour=n) for n, url in enumerate(urls)]
    kinds = {**KINDS, "name_servers": replace(KINDS["name_servers"], cap=None)}
    rules = replace(RULES, kinds=kinds)
    links = find_links(
        [*signs, sign("u000", "label"), sign("u001", "label")], homes(*urls, others=1_000 - sharing), rules=rules
    )
    link = only(links)
    assert (link.a, link.b, link.strength) == ("u000", "u001", strength)
    assert {one.kind for one in link.evidence} == {"label", "name_servers"}
    plain = log(500) - KINDS["label"].doubt
    assert link.weight == pytest.approx(plain + (RULES.agreement if strength == "strong" else 0.0))


def test_evidence_of_one_family_is_not_added_up() -> None:
    """Who copies a page copies its title and ETag: the best counts, the others are only told."""
    signs = [sign(url, kind) for url in "ab" for kind in ("page", "title", "etag")]
    link = only(find_links(signs, homes("a", "b")))
    assert link.weight == pytest.approx(log(501))
    assert [one.kind for one in link.evidence] == ["page", "etag", "title"]


def test_a_shared_key_on_one_site_links_nothing() -> None:
    """A certificate on two hosts of one site, or a path twice on one host, is no news."""
    one = {url: Home(host_id="h", site_id="s") for url in "ab"}
    for kind in ("certificate", "path"):
        assert find_links([sign("a", kind), sign("b", kind)], homes() | one) == []


def test_content_id_links_urls_of_one_host_too() -> None:
    """The hotline's word needs no other host."""
    one = {url: Home(host_id="h", site_id="s") for url in "ab"}
    link = only(find_links([sign("a", "content_id"), sign("b", "content_id")], one))
    assert link.kept
    assert link.strength == "strong"


def test_in_a_small_study_nothing_is_rare() -> None:
    """What two of five sites share is common there: no link."""
    assert find_links([sign("a", "page"), sign("b", "page")], homes("a", "b", others=3)) == []


def test_a_redirect_links_the_old_to_the_new_and_not_the_old_among_themselves() -> None:
    """Two URLs that lead to a third are linked with it, each as the source."""
    signs = [sign("a", "redirect_url", "c", role="from"), sign("b", "redirect_url", "c", role="from")]
    links = find_links([*signs, sign("c", "redirect_url", "c", role="to")], homes("a", "b", "c"))
    assert [(link.a, link.b, link.source) for link in links] == [("a", "c", "a"), ("b", "c", "b")]


def test_a_redirect_to_another_url_of_a_site_is_weak() -> None:
    """That a redirect leads to the site of a known URL does not say that it leads to the same content."""
    signs = [sign("a", "redirect_site", "s", role="from"), sign("c", "redirect_site", "s", role="to")]
    link = only(find_links(signs, homes("a", "c")))
    assert (link.strength, link.source) == ("weak", "a")


def test_keys_known_as_common_link_nothing() -> None:
    """The id of the path "/" can be named, and then is no evidence."""
    signs = [sign("a", "path", "root"), sign("b", "path", "root")]
    assert find_links(signs, homes("a", "b"), common={"root"}) == []


def test_one_path_on_very_many_hosts_links_nothing() -> None:
    """A path on 10^5 hosts is above its cap: no pair is even weighed."""
    urls = [f"u{n}" for n in range(100_000)]
    assert find_links([sign(url, "path") for url in urls], homes(*urls, others=10**6)) == []


def test_a_large_content_needs_few_links() -> None:
    """A key without a cap on 10,000 URLs is a chain in time, not all pairs."""
    urls = [f"u{n:05}" for n in range(10_000)]
    links = find_links([sign(url, "content_id", hour=n) for n, url in enumerate(urls)], homes(*urls, others=0))
    assert len(links) <= 2 * len(urls)
    assert {(link.a, link.b) for link in links} >= set(pairwise(urls))


def test_a_server_that_deals_out_keys_brings_few() -> None:
    """Of a thousand keys that two URLs share, a bounded number is weighed."""
    signs = [sign(url, "etag", f"k{n}") for url in "ab" for n in range(1_000)]
    assert len(only(find_links(signs, homes("a", "b"))).evidence) == RULES.most_keys


@pytest.mark.parametrize(
    "make",
    [
        lambda: LinkRules(weak=5, strong=4),
        lambda: LinkRules(weak=0),
        lambda: LinkRules(agreement=-1),
        lambda: LinkRules(common_share=0),
        lambda: LinkRules(largest=1),
        lambda: LinkRules(neighbours=0),
        lambda: KindRule(family="path", unit="host", cap=1),
        lambda: KindRule(family="path", unit="host", cap=2, kept=True),
    ],
)
def test_settings_that_mean_nothing_are_refused(make: object) -> None:
    """Thresholds in the wrong order and bounds that allow nothing raise ValueError."""
    with pytest.raises(ValueError):
        make()  # type: ignore[operator]  (each is a function of no arguments)


PLAIN: tuple[EvidenceKind, ...] = ("content_id", "path", "label", "page", "title", "certificate", "name_servers")
SIGNS = st.lists(
    st.builds(
        sign,
        st.sampled_from("abcdefghijkl"),
        st.sampled_from(PLAIN),
        st.sampled_from("xyz"),
        st.integers(0, 50),
    ),
    max_size=60,
)
"""Signs of twelve URLs with few keys: much is shared."""
ABCDE = homes(*"abcdefghijkl", others=100)


@given(SIGNS, st.randoms(use_true_random=False))
def test_the_order_of_signs_does_not_matter(signs: list[Sign], chance: object) -> None:
    """The same signs in another order give the same links."""
    shuffled = list(signs)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]  (hypothesis gives a random.Random)
    assert find_links(shuffled, ABCDE) == find_links(signs, ABCDE)


@given(SIGNS, st.integers(1, 5_000))
def test_unrelated_urls_never_remove_a_link(signs: list[Sign], more: int) -> None:
    """With URLs that share nothing added, every link stays, and every strong link stays strong."""
    before = {(link.a, link.b): link for link in find_links(signs, ABCDE)}
    after = {(link.a, link.b): link for link in find_links(signs, ABCDE | homes(others=100 + more))}
    assert before.keys() <= after.keys()
    for pair, link in before.items():
        assert after[pair].weight >= link.weight
        assert after[pair].strength == "strong" or link.strength == "weak"
