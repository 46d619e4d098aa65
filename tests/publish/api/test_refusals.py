"""What a refused request is told: what is allowed, and what would help."""

import pytest

from tests.publish.api.serving import FOR_CASES, FOR_GROUPS, Server, fixed, served
from waterbed.publish.api.app import Wanted
from waterbed.publish.api.guard import Access
from waterbed.publish.policy import Publication


@pytest.mark.parametrize("path", ["/v1/cases", "/v1/cases/hops", "/v1/cases/nothing"])
def test_a_server_without_keys_says_that_it_gives_no_cases(publication: Publication, path: str) -> None:
    """Where no key can exist none is asked for: whatever is sent gets 403 and the option that makes keys count."""
    with served(fixed(publication), Access(open=True, a_minute=1000)) as running:
        for key in (None, "anything"):
            got = running.get(path, key)
            assert (got.status, got.headers.get("www-authenticate")) == (403, None)
            assert "start it with --keys" in got.told["detail"]
        assert running.get("/v1/tables/flows").status == 200


@pytest.mark.parametrize(
    "query", ["limit=2&limit=3", "limit=2&limit=2", "limit=0", "rows=3", "offset=1000000001", "key="]
)
def test_a_refused_query_is_told_what_is_allowed(server: Server, query: str) -> None:
    """A parameter given twice, unknown or out of range is refused with the names and bounds of those that there are."""
    for path, key in (
        ("/v1/tables/flows", FOR_GROUPS),
        ("/v1/rankings/asn", FOR_GROUPS),
        ("/v1/cases/hops", FOR_CASES),
    ):
        got = server.get(f"{path}?{query}", key)
        assert got.status == 422
        for name, part in Wanted.model_json_schema()["properties"].items():
            bounds = {"key": "1 to 200 characters"}.get(name) or f"{part['minimum']:,} to {part['maximum']:,}"
            assert f"{name} ({bounds})" in got.told["detail"]
