"""What IEEE 802.11ad single-carrier links carry at a given signal-to-noise ratio."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from visrftwin_ros.site.model import Radio

PHY_RATE = np.array(
    [27.5, 385, 770, 962.5, 1155, 1251.25, 1540, 1925, 2310, 2502.5, 3080, 3850, 4620]
) * 1e6  # fmt: skip
"""bit/s of MCS 0 (control) to 12."""

REQUIRED_SNR_DB = np.array([-11.2, -1.6, 0.4, 2.0, 3.4, 4.4, 3.6, 4.8, 6.4, 7.4, 9.4, 11.2, 12.8])
"""For 1 % packet errors at 4096 bytes. MCS 5 needs more than the faster MCS 6: never chosen."""

SENSITIVITY_DBM = np.array([-78, -68, -66, -65, -64, -62, -63, -62, -61, -59, -55, -54, -53.0])
"""The standard's own receiver sensitivities, for comparison."""

NO_LINK = -1
_CHOSEN = np.array([NO_LINK, 0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12], np.int8)
"""The fastest where so many of `_CHOSEN_SNR_DB` are met."""
_CHOSEN_SNR_DB = REQUIRED_SNR_DB[_CHOSEN[1:]]
MAC_EFFICIENCY = 0.7
"""Share of the PHY rate left after preambles, acknowledgements and beacon intervals.

Our estimate for aggregated frames; the paper scales by an efficiency that it does not print.
"""


def noise_dbm(radio: Radio) -> float:
    """-174 dBm/Hz over the channel's bandwidth, plus the noise figure (paper, section 6.8).

    A single-carrier receiver filters to its 1.76 GHz chip rate and would see 0.9 dB less.
    """
    return float(-174 + 10 * np.log10(radio.bandwidth) + radio.noise_figure_db)


def mcs_of_snr(snr_db: ArrayLike, implementation_loss_db: float) -> NDArray[np.int8]:
    """The fastest MCS whose requirement the SNR meets after the loss; -1 where none is (or nan)."""
    effective = np.asarray(snr_db, float) - implementation_loss_db
    met = np.searchsorted(
        _CHOSEN_SNR_DB, np.where(np.isnan(effective), -np.inf, effective), "right"
    )
    return np.asarray(_CHOSEN[met])


def phy_rate(mcs: NDArray[np.int8]) -> NDArray[np.float64]:
    """bit/s on the air; 0 for no link."""
    return np.where(mcs >= 0, PHY_RATE[np.maximum(mcs, 0)], 0.0)


def throughput(mcs: NDArray[np.int8]) -> NDArray[np.float64]:
    """bit/s above the MAC; 0 for no link."""
    return phy_rate(mcs) * MAC_EFFICIENCY
