"""Links that are down come back later than people's next steps say."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
from jaxtyping import Float

from visrftwin_ros.beams.hand_over_plan import LinksAhead

_STAYS = 2.0
"""s, mean time for which a link that is down stays so, whatever is foreseen."""
_RISE_DB = 3.0
"""By how much a link must be foreseen to rise for it to have been down."""


def recovers_late(ahead: LinksAhead) -> LinksAhead:
    """With rises of over 3 dB held back, in each future for a time of its own (exponential, mean 2 s).

    Who stands in a link may wait there, walk along it or be joined by others, of which sampled walks know
    nothing; the mean was chosen on lab campaigns (docs/decisions.md). Fades that are foreseen stay as they are.
    """
    futures = ahead.snr_db.shape[1]
    # The (lower) median; `np.median` takes ten times as long.
    now = np.sort(ahead.snr_db[:, :, :1], axis=1)[:, (futures - 1) // 2, None]
    until = _waits(len(ahead.aps), futures)
    early = (ahead.snr_db > now + _RISE_DB) & (ahead.times < until[..., None])
    return replace(ahead, snr_db=np.where(early, now, ahead.snr_db))


@lru_cache(maxsize=32)
def _waits(links: int, futures: int) -> Float[np.ndarray, "a m"]:
    """s: the middles of equal shares of the exponential law, in an order of its own for every link, and the
    same every time."""
    shares = (np.arange(futures) + 0.5) / futures
    draw = np.random.default_rng(7)
    return np.stack([draw.permutation(-_STAYS * np.log1p(-shares)) for _ in range(links)])
