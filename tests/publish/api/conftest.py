"""What a small study publishes, and a server that gives it to those with a key."""

from collections.abc import Iterator

import pytest

from tests.publish.api.serving import Server, fixed, served
from tests.publish.study import small_study
from waterbed.publish.build_publication import publication_of
from waterbed.publish.policy import Publication, publishable


@pytest.fixture(scope="module")
def publication(tmp_path_factory: pytest.TempPathFactory) -> Publication:
    """What a small study with leave for cases publishes."""
    with small_study(tmp_path_factory.mktemp("served"), cases=True) as study:
        return publishable(publication_of(study, study.conclude()))


@pytest.fixture(scope="module")
def server(publication: Publication) -> Iterator[Server]:
    """A server that wants keys; tests only read."""
    with served(fixed(publication)) as running:
        yield running
