"""A real S3 server on loopback for lakes."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
S3 = ROOT / ".venv-s3" / "bin" / "python"


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The location of an empty bucket on a real S3 server, and its keys in the environment."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "lake")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a secret of the test")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    assert S3.exists(), "the S3 server has an environment of its own: make .venv-s3/installed"
    command = [S3, ROOT / "tests" / "s3" / "serve.py", "lakes"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin
        assert server.stdout
        port = int(server.stdout.readline())
        yield f"s3://lakes/mine?endpoint_override=127.0.0.1:{port}&scheme=http&region=us-east-1"
        server.stdin.close()
