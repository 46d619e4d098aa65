"""Facts as a package has them."""

from dataclasses import replace
from pathlib import Path
from time import process_time

import pytest

from tests.graphs.test_external import word
from tests.graphs.test_name_ends import answer
from tests.study.facts import report, target
from waterbed.model.errors import InputError
from waterbed.model.facts import ExternalObservation, Report
from waterbed.model.redaction import hosts_in
from waterbed.model.registrations import DomainRegistration
from waterbed.model.urls import registrable_domain
from waterbed.publish.freeze.package_facts import frozen_facts, read_facts, refuse_named, write_facts
from waterbed.store.config import Config
from waterbed.store.folder import create_folder


def test_a_domain_s_answers_are_frozen_without_etag(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever may ask the registry could otherwise try names until one is unchanged; all else comes back."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    folder = create_folder(tmp_path / "study", Config(study="f" * 32))
    held = answer(1, "client hold", etag='"1"')
    folder.store.add([held])
    rows = write_facts(folder, frozen_facts(folder), tmp_path / "package")
    (found,) = [one for batch in read_facts(tmp_path / "package", rows, DomainRegistration) for one in batch]
    assert found == answer(1, "client hold")
    folder.close()


def test_a_stored_scope_of_an_address_is_not_frozen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An older version stored whatever stood behind the mark, a host name too."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    folder = create_folder(tmp_path / "study", Config(study="f" * 32))
    scoped = "2a00:1450::1%victim.example.com"
    folder.store.add([report("u1", origin_address=scoped), report("u2", origin_address="28.0.0.1")])
    folder.store.add([word(0, 1, address=scoped)])
    frozen = frozen_facts(folder)
    assert [one.origin_address for one in frozen[Report]] == [None, "28.0.0.1"]
    assert [one.address for one in frozen[ExternalObservation]] == [None]
    folder.close()


REPORTED = ("verderbt-laden.de", "www.xn--bcher-schmuggel-zvb.de", "203.0.113.77", "2001:db8::77", "parcel.pages.dev")
NAMES_ONE = (
    *(
        "verderbt-laden.de",
        "VERDERBT-LADEN.DE.",
        "mail.verderbt-laden.de",
        "see.verderbt-laden.de.log",
        "a@verderbt-laden.de",
    ),
    *(
        "verderbt-laden[.]de",
        "verderbt-laden(dot)de",
        "verderbt-laden [dot] de",
        "verderbt-laden dot de",
        "verderbt-laden{.}de",
    ),
    *("hxxps://verderbt-laden[.]de/a/b", "h**p://verderbt-laden.de", "hxxp[://]verderbt-laden[.]de:8080/"),
    *("_verderbt-laden.de_", "**verderbt-laden.de**", "seen_verderbt-laden.de_twice", "\u898bverderbt-laden.de\u898b"),
    *("https%3A%2F%2Fverderbt-laden.de", "https%253A%252F%252Fverderbt%252Dladen%252Ede", "verderbt-laden\uff0ede"),
    *(
        "https://www.b\u00fccher-schmuggel.de/x",
        "b\u00fccher-schmuggel.de",
        "bu\u0308cher-schmuggel.de",
        r"b\u00FCcher-schmuggel.de",
    ),
    *("b%C3%BCcher-schmuggel.de", "B\u00dcCHER-SCHMUGGEL.DE", "xn--bcher-schmuggel-zvb.de", "verderbt-\u00adladen.de"),
    *("http://203.0.113.77/secret", "(http://203.0.113.77).", "hxxp://203[.]0[.]113[.]77:8080", "203.0.113.77/secret"),
    *("http%3a%2f%2f203.0.113.77", "http://3405803853/", "ftp://u:p@203.0.113.77", "http://[2001:DB8::77]/x"),
    *("https://parcel.pages.dev/", "parcel[.]pages[.]dev"),
)
NAMES_NONE = (
    *(
        "another-shop.de",
        "verderbt-laden.example",
        "verderbt-laden",
        "1.2.3",
        "version 203.0",
        "pages.dev",
        "hoster.toml",
    ),
    *("203.0.113.77", "203.0.113.0/24 of 203.0.113.77", "2001:db8::77", "http://203.0.113.78/", "", "..", "_._", "%"),
)


def test_a_host_of_the_study_is_known_however_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Defanged, encoded, in other letters or between underscores it stops a freeze; a bare address does not."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    folder = create_folder(tmp_path / "study", Config(study="f" * 32))
    vault = folder.vault
    targets = [
        replace(
            target(f"u{number}"),
            host_id=vault.keyed_id("host", host),
            site_id=vault.keyed_id("site", registrable_domain(host)),
        )
        for number, host in enumerate(REPORTED)
    ]

    def said(text: str) -> str:
        try:
            refuse_named({"a text": f"first\nseen at {text}"}, vault, targets, {"pages.dev"})
        except InputError as problem:
            return str(problem)
        return ""

    assert not [text for text in NAMES_ONE if "a text, line 2, names a host of the study" not in said(text)]
    assert not [text for text in NAMES_NONE if said(text)]
    folder.close()


@pytest.mark.parametrize(
    "text", ["a" * 200_000, "a-" * 100_000, "a." * 100_000, "xn--" + "a" * 200_000 + ".de", "%25" * 70_000]
)
def test_a_long_text_costs_little(text: str) -> None:
    """A line of a megabyte without a name is read in no more than a moment."""
    began = process_time()
    set(hosts_in(text))
    assert process_time() - began < 5
