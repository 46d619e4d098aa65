"""Facts as a package has them."""

from pathlib import Path

import pytest

from tests.graphs.test_name_ends import answer
from waterbed.model.facts import DomainRegistration
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
