"""A bar on standard error for work that tells how far it is."""

from __future__ import annotations

from collections.abc import Callable


def progress_bar(step: str, unit: str) -> Callable[[int, int], None]:
    """To be called with what is done and all there is; closes itself at the end."""
    from tqdm import tqdm

    bar = tqdm(desc=step, unit=unit, disable=None)

    def progress(done: int, total: int) -> None:
        bar.total = total
        bar.update(done - bar.n)
        if done == total:
            bar.close()

    return progress
