"""Looks at the canary, from every vantage."""

import asyncio
import secrets
from collections.abc import Sequence
from datetime import datetime

from waterbed.crawler.net.vantage import Vantage
from waterbed.crawler.probe.prober import Prober
from waterbed.model.facts import CanaryLook
from waterbed.model.urls import canonicalize


async def canary_looks(
    prober: Prober, targets: Sequence[str], run_id: str, when: datetime, *, resolved: bool = True
) -> list[CanaryLook]:
    """Look at the targets from each of the prober's vantages.

    The first one's look comes first. Unless our own resolver answered, none is asked or reached.
    """

    async def one(vantage: Vantage) -> CanaryLook:
        checks = [prober.reaches(canonicalize(target), vantage) for target in targets if resolved]
        return CanaryLook(
            canary_id=secrets.token_hex(16),
            run_id=run_id,
            vantage=vantage.name,
            observed_at=when,
            targets=len(targets),
            reached=sum(await asyncio.gather(*checks)),
        )

    return list(await asyncio.gather(*(one(vantage) for vantage in prober.vantages)))
