"""The list of known proxies and platforms that comes along."""

import tomllib
from datetime import date

from publicsuffixlist import PublicSuffixList

from waterbed.attribution.hosters.book import book_from
from waterbed.attribution.hosters.files import KNOWN, known_definitions
from waterbed.model.urls import platform_suffix

LIST = tomllib.loads(KNOWN.read_text())


def test_every_entry_names_its_sources() -> None:
    """Each hoster was compared with a source that is listed, on a day."""
    listed = {source["id"]: source for source in LIST["source"]}
    assert all(isinstance(source["checked"], date) and source["said"] for source in listed.values())
    used = {name for hoster in LIST["hoster"] for name in hoster["source"]}
    assert used == set(listed)
    assert all(hoster["source"] for hoster in LIST["hoster"])


def test_every_suffix_can_be_met() -> None:
    """A name below each suffix gets that suffix with its ids, from the public list or from our own."""
    public, icann = PublicSuffixList(), PublicSuffixList(only_icann=True)
    for definition in known_definitions():
        for suffix in (m.what.removeprefix("suffix:") for m in definition.members if m.what.startswith("suffix:")):
            assert platform_suffix(f"customer.{suffix}") == suffix
            private = public.publicsuffix(f"x.{suffix}") == suffix != icann.publicsuffix(f"x.{suffix}")
            own = next(hoster for hoster in LIST["hoster"] if hoster["key"] == definition.key)["source"]
            assert ("psl" in own) if private else bool({"vendor", "psl-former"} & set(own)), suffix


def test_the_list_tells_proxies_from_platforms() -> None:
    """Cloudflare's network is a proxy and its Pages are a platform; rented machines are in no entry."""
    book = book_from(b"", with_known=True).on(date(2026, 1, 1))
    assert book.kind(book.key_of_as(13335)) == "proxy"
    assert book.kind(book.key_of_suffix("pages.dev") or "") == "platform"
    assert book.key_of_as(13335) != book.key_of_suffix("pages.dev")
    assert [book.key_of_as(asn) for asn in (16509, 15169, 63949)] == ["AS16509", "AS15169", "AS63949"]
