"""Facts as a package has them."""

from pathlib import Path

import pytest

from tests.graphs.test_external import word
from tests.graphs.test_name_ends import answer
from tests.study.facts import report
from waterbed.model.facts import DomainRegistration, ExternalObservation, Report
from waterbed.publish.freeze.package_facts import frozen_facts, read_facts, write_facts
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
