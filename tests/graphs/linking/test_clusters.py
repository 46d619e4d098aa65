"""Clusters of URLs: how far links reach, what is cut, and why two URLs are together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.graphs.linking.test_links import ABCDE, SIGNS, homes, sign
from waterbed.graphs.linking.clusters import cluster, site_clusters
from waterbed.graphs.linking.evidence import Link, LinkRules, Sign
from waterbed.graphs.linking.links import find_links

SMALL = LinkRules(largest=4)


def pages(*groups: str) -> list[Sign]:
    """URLs that share a page, group by group; a URL may be in several."""
    return [sign(url, "page", group) for group in groups for url in group]


def test_linked_urls_are_one_cluster() -> None:
    """Links reach from URL to URL; what no link touches is in no cluster."""
    found = cluster(find_links(pages("ab", "bc", "de"), homes(*"abcdef")))
    assert [one.url_ids for one in found.all] == [("a", "b", "c"), ("d", "e")]
    assert [one.name for one in found.all] == ["a", "d"]
    assert found.of("f") is None
    assert found.name_of("f") == "f"
    assert found.name_of("c") == "a"


def test_a_bridge_that_is_weaker_is_cut() -> None:
    """Two groups of three by page, joined by a title, stay two where four is the most."""
    signs = [*pages("abc", "xyz"), sign("c", "title", "t"), sign("x", "title", "t")]
    links = find_links(signs, homes(*"abcxyz"))
    assert len(cluster(links).all) == 1
    cut = cluster(links, SMALL)
    assert [one.url_ids for one in cut.all] == [("a", "b", "c"), ("x", "y", "z")]
    assert [(link.a, link.b) for link in cut.cut] == [("c", "x")]


def test_what_the_hotline_says_is_never_cut() -> None:
    """A content id on six URLs is one cluster, marked as oversize."""
    (found,) = cluster(find_links([sign(url, "content_id") for url in "abcdef"], homes(*"abcdef")), SMALL).all
    assert found.oversize
    assert len(found.url_ids) == 6


def test_only_strong_links_may_be_asked_for() -> None:
    """A weak link joins clusters of weak links alone."""
    signs = [*pages("ab"), sign("b", "label", "l"), sign("c", "label", "l")]
    links = find_links(signs, homes(*"abc"))
    (weak,) = cluster(links).all
    (strong,) = cluster(links, least="strong").all
    assert (weak.url_ids, weak.strength) == (("a", "b", "c"), "weak")
    assert (strong.url_ids, strong.strength) == (("a", "b"), "strong")


def test_each_cluster_can_be_explained() -> None:
    """Between two URLs of a cluster there is a way of links, each with its evidence."""
    found = cluster(find_links(pages("ab", "bc", "cd", "xy"), homes(*"abcdxy")))
    way = found.explain("a", "d")
    assert way is not None
    assert [(link.a, link.b, link.evidence[0].key) for link in way] == [
        ("a", "b", "ab"),
        ("b", "c", "bc"),
        ("c", "d", "cd"),
    ]
    assert [(link.a, link.b) for link in found.explain("d", "b") or []] == [("c", "d"), ("b", "c")]
    assert found.explain("a", "a") == []
    assert found.explain("a", "x") is None
    assert found.explain("a", "nobody") is None


def links_of(signs: list[Sign]) -> list[Link]:
    return find_links(signs, ABCDE)


@given(SIGNS, st.randoms(use_true_random=False))
def test_the_order_of_links_does_not_matter(signs: list[Sign], chance: object) -> None:
    """The same links in another order give the same clusters and cuts."""
    links = links_of(signs)
    shuffled = list(links)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]  (hypothesis gives a random.Random)
    one, other = cluster(links, SMALL), cluster(shuffled, SMALL)
    assert one.all == other.all
    assert one.cut == other.cut


@given(SIGNS)
def test_no_cluster_is_larger_than_allowed_unless_marked(signs: list[Sign]) -> None:
    """Only links that are never cut make a cluster oversize, and each explanation leads where it should."""
    links = links_of(signs)
    found = cluster(links, SMALL)
    for one in found.all:
        assert one.oversize == (len(one.url_ids) > 4)
        for url in one.url_ids:
            way = found.explain(one.name, url)
            assert way is not None
            at = one.name
            for link in way:
                at = link.b if at == link.a else link.a
            assert at == url
            assert all(link.weight >= one.weakest for link in way)
    if not any(link.kept for link in links):
        assert not any(one.oversize for one in found.all)


@given(SIGNS, st.integers(1, 2_000))
def test_unrelated_urls_never_part_a_cluster(signs: list[Sign], more: int) -> None:
    """URLs that share nothing leave together what was together."""
    after = cluster(find_links(signs, ABCDE | homes(others=100 + more)))
    for one in cluster(links_of(signs)).all:
        assert len({after.name_of(url) for url in one.url_ids}) == 1


def test_a_cluster_without_bound_is_refused() -> None:
    """A largest size of one allows no cluster at all."""
    with pytest.raises(ValueError, match="largest"):
        LinkRules(largest=1)


@given(SIGNS)
def test_the_weakest_link_is_the_least_sure_one_of_the_way(signs: list[Sign]) -> None:
    """Between any two URLs it is the link of the explained way that was taken in last."""
    found = cluster(find_links(signs, homes(*ABCDE)))
    for a in ABCDE:
        for b in ABCDE:
            way = found.explain(a, b)
            assert found.weakest(a, b) == (max(way, key=lambda link: link.rank) if way else None)


def test_a_cluster_knows_who_redirects_to_whom() -> None:
    """The URL that redirects is told by the one it leads to, not the reverse."""
    signs = [sign("a", "redirect_url", "b", role="from"), sign("b", "redirect_url", "b", role="to")]
    found = cluster(find_links(signs, homes(*"ab")))
    assert [url for url, _ in found.redirecting_to("b")] == ["a"]
    assert found.redirecting_to("a") == []


def test_sites_that_share_content_are_one_cluster() -> None:
    """Content ids join sites, by way of others too; all other sites are alone."""
    sites = {"u1": "s1", "u2": "s2", "u3": "s3", "u4": "s4", "u5": "s1"}
    clusters = site_clusters(sites, [("u1", "x"), ("u2", "x"), ("u2", "y"), ("u3", "y"), ("gone", "y")])
    assert clusters["s1"] == clusters["s2"] == clusters["s3"] != clusters["s4"]
    assert set(clusters) == {"s1", "s2", "s3", "s4"}
