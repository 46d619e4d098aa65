"""What sources have in common, beside each alone."""

import numpy as np

from tests.estimators.test_latent import world
from tests.measures.test_volume import size
from tests.model.said import said
from waterbed.model.results import FeedRow
from waterbed.questions.ranking.latent_sources import with_latent


def test_each_key_has_what_all_sources_tell_of_it():
    """Rows of one key have one trait; keys without a size have none; the remark says what each source tells."""
    counts, sizes, trait, _ = world(4)
    names = ("hotline", "feed", "list", "noise")
    rows = [
        FeedRow(key=f"k{n}", name="", source=name, place=None, hosts=int(own), removed_24h=None)
        for n, line in enumerate(counts)
        for name, own in zip(names, line, strict=True)
    ]
    frame = [size(f"k{n}", int(np.exp(own))) for n, own in enumerate(sizes) if n]
    shown, remark = with_latent(rows, frame)
    assert [row.hosts for row in shown] == [row.hosts for row in rows]
    assert {row.latent for row in shown[:4]} == {None}
    assert len({row.latent for row in shown[4:8]}) == 1
    assert np.corrcoef([row.latent for row in shown[4::4]], trait[1:])[0, 1] > 0.75
    assert "hotline 1." in said(remark) or "hotline 0.9" in said(remark)
    assert said(with_latent(rows, [])[1]).startswith("what sources have in common needs sizes")
    few, why = with_latent([row for row in rows if row.source in names[:2]], frame)
    assert ({row.latent for row in few}, said(why)) == ({None}, "what sources have in common needs at least 3 of them")
