"""The command line, called as the shell would, as the tests of studies have it."""

from tests.study.conftest import run

__all__ = ["run"]
