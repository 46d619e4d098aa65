"""Where a reported address leads: the web, Tor, a chat, a live stream, a gateway to IPFS."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waterbed.model.mediums import ipfs_content, medium_of
from waterbed.model.urls import canonicalize

V0, V1 = (
    "QmbWqxBEKC3P8tqsKc98xmWNzrzDtRLMiMPL8wBuTGsMnR",
    "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi",
)
"""One identifier in both versions, as the documentation of IPFS has it."""
LIVE = ("live", "webcam")


@pytest.mark.parametrize(
    ("url", "site_type", "medium"),
    [
        ("http://abcdefgh.onion/x", None, "tor"),
        ("http://www.abcdefgh.ONION./x", "live", "tor"),
        ("http://site.i2p/", None, "tor"),
        ("http://onion.example.com/", None, "web"),
        ("http://abcdefgh.onion.example/", None, "web"),
        ("https://t.me/+abc", None, "chat"),
        ("https://www.discord.gg/abc", None, "chat"),
        ("https://discord.com/invite/abc", None, "chat"),
        ("https://discord.com/channels/1/2", None, "web"),
        ("https://t.me/", None, "web"),
        ("https://not-t.me/abc", None, "web"),
        ("https://example.com/room", "Webcam", "live"),
        ("https://example.com/room", "forum", "web"),
        (f"https://gateway.example/ipfs/{V0}/a.jpg", None, "ipfs"),
        ("https://gateway.example/ipfs/readme.txt", None, "web"),
    ],
)
def test_the_address_and_the_kind_of_site_tell_the_medium(url: str, site_type: str | None, medium: str) -> None:
    """Hidden services by their names, chats by their invitations, live streams by what the reporter calls them."""
    assert medium_of(canonicalize(url), site_type, LIVE) == medium


def test_content_behind_gateways_is_the_same_whatever_the_gateway() -> None:
    """Both forms of gateways and both versions of the identifier name one content; the path below it belongs to it."""
    alike = (
        f"https://ipfs.io/ipfs/{V0}/a/b.jpg",
        f"https://gateway.example/ipfs/{V1}/a/b.jpg?download=1",
        f"https://{V1}.ipfs.dweb.link/a/b.jpg",
    )
    assert {ipfs_content(canonicalize(url)) for url in alike} == {f"{V1}/a/b.jpg"}
    assert ipfs_content(canonicalize(f"https://ipfs.io/ipfs/{V1}/a/c.jpg")) != f"{V1}/a/b.jpg"


@given(st.text("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", min_size=44, max_size=44))
def test_what_only_looks_like_an_identifier_breaks_nothing(rest: str) -> None:
    """Any text of the right letters gives an identifier of version 1, or none."""
    found = ipfs_content(canonicalize(f"https://ipfs.io/ipfs/Qm{rest}"))
    assert found is None or (found.startswith("bafybei") and len(found) == len(V1))
