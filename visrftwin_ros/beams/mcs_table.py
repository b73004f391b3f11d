"""What links carry at a given signal-to-noise ratio: tables of modulation and coding schemes."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int, Int8
from numpy.typing import ArrayLike, NDArray

from visrftwin_ros.errors import TwinError
from visrftwin_ros.site.loading import config_path
from visrftwin_ros.site.model import Radio

NO_LINK = -1
_COLUMNS = ("mcs", "phy_rate", "throughput", "required_snr_db")
_HIGHEST_MCS = 100
_FASTEST = 1e12
"""bit/s."""


@dataclass(frozen=True)
class McsTable:
    """N schemes. mcs: their numbers. phy_rate: bit/s on the air. throughput: bit/s above the MAC.
    required_snr_db: without the receiver's implementation loss."""

    mcs: Int[np.ndarray, " n"]
    phy_rate: Float[np.ndarray, " n"]
    throughput: Float[np.ndarray, " n"]
    required_snr_db: Float[np.ndarray, " n"]

    @property
    def top(self) -> float:
        """bit/s above the MAC of the fastest."""
        return float(self.throughput.max())

    @cached_property
    def chosen(self) -> tuple[Float[np.ndarray, " k"], Int8[np.ndarray, " k1"]]:
        """SNRs from which another one is the fastest, ascending, and the numbers: NO_LINK, then that
        of each. One that needs more than a faster one is never chosen."""
        order = np.lexsort((-self.throughput, self.required_snr_db))
        fastest = np.maximum.accumulate(np.concatenate([[0.0], self.throughput[order]]))
        kept = order[self.throughput[order] > fastest[:-1]]
        numbers = np.concatenate([[NO_LINK], self.mcs[kept]]).astype(np.int8)
        return self.required_snr_db[kept], numbers

    def of_number(
        self, values: Float[np.ndarray, " n"], mcs: NDArray[np.int8]
    ) -> NDArray[np.float64]:
        """Those of these schemes; 0 for NO_LINK."""
        by_number = np.zeros(_HIGHEST_MCS + 2)
        by_number[self.mcs] = values
        return np.asarray(by_number[mcs])


@lru_cache(maxsize=16)
def mcs_table(name: str) -> McsTable:
    """The table of that name in `config/radios`, or of that path where it ends in `.csv`.

    Raises TwinError where there is none, or one that says what cannot be.
    """
    file = Path(name) if name.endswith(".csv") else config_path(f"radios/{name}.csv")
    try:
        lines = [line for line in file.read_text().splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise TwinError(f"MCS table {file}: {error}") from error
    rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    if not rows or tuple(rows[0]) != _COLUMNS:
        raise TwinError(f"MCS table {file}: expected rows under the head {','.join(_COLUMNS)}")
    try:
        values = np.array([[float(row[column]) for column in _COLUMNS] for row in rows])
    except (TypeError, ValueError) as error:
        raise TwinError(f"MCS table {file}: a value that is no number: {error}") from error
    mcs, rate, throughput, snr = values.T
    if not np.isfinite(values).all() or (mcs != np.round(mcs)).any() or len(set(mcs)) < len(mcs):
        raise TwinError(f"MCS table {file}: expected finite numbers, and each whole `mcs` once")
    if mcs.min() < 0 or mcs.max() > _HIGHEST_MCS:
        raise TwinError(
            f"MCS table {file}: `mcs` from {mcs.min():g} to {mcs.max():g}, not 0 to 100"
        )
    if not ((throughput > 0) & (throughput <= rate) & (rate <= _FASTEST)).all():
        raise TwinError(
            f"MCS table {file}: expected bit/s, 0 < throughput <= phy_rate <= {_FASTEST:g}"
        )
    return McsTable(mcs.astype(int), rate, throughput, snr)


def noise_dbm(radio: Radio) -> float:
    """-174 dBm/Hz over the channel's bandwidth, plus the noise figure (paper, section 6.8).

    A single-carrier receiver filters to its 1.76 GHz chip rate and would see 0.9 dB less.
    """
    return float(-174 + 10 * np.log10(radio.bandwidth) + radio.noise_figure_db)


def mcs_of_snr(snr_db: ArrayLike, radio: Radio) -> NDArray[np.int8]:
    """The fastest MCS whose requirement the SNR meets after the loss; -1 where none is (or nan)."""
    needed, numbers = mcs_table(radio.mcs_table).chosen
    effective = np.asarray(snr_db, float) - radio.implementation_loss_db
    met = np.searchsorted(needed, np.where(np.isnan(effective), -np.inf, effective), "right")
    return np.asarray(numbers[met])


def phy_rate(mcs: NDArray[np.int8], radio: Radio) -> NDArray[np.float64]:
    """bit/s on the air; 0 for no link."""
    table = mcs_table(radio.mcs_table)
    return table.of_number(table.phy_rate, mcs)


def throughput(mcs: NDArray[np.int8], radio: Radio) -> NDArray[np.float64]:
    """bit/s above the MAC; 0 for no link."""
    table = mcs_table(radio.mcs_table)
    return table.of_number(table.throughput, mcs)
