"""Whether our own resolver answers at all: without it nothing should be leased."""

from attribution.lookups.dns.resolver import Resolver
from waterbed.store.config import Names

_ALWAYS_THERE = "com"
"""Its name servers are asked for: every resolver knows them, and the question tells nothing."""


async def answers(server: str, names: Names) -> bool:
    """Ask a resolver, past everything that is remembered, for what it always knows; any answer counts."""
    resolver = Resolver(server, timeout_s=names.timeout_s, tries=names.tries, in_flight=1)
    try:
        return await resolver.name_servers(_ALWAYS_THERE) is not None
    finally:
        await resolver.close()
