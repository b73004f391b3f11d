import numpy as np
import pytest

from visrftwin_ros.beams.rates_802_11ad import (
    PHY_RATE,
    REQUIRED_SNR_DB,
    SENSITIVITY_DBM,
    mcs_of_snr,
    noise_dbm,
    phy_rate,
    throughput,
)
from visrftwin_ros.site.model import Radio


def test_noise_in_2_16_ghz_with_10_db_noise_figure() -> None:
    assert noise_dbm(Radio()) == pytest.approx(-70.66, abs=0.01)


def test_the_defaults_reproduce_the_standards_sensitivities_of_mcs_1_to_9() -> None:
    # The standard's receiver sees the noise of its 1.76 GHz chip rate; our 2.16 GHz (the paper's
    # noise model) is 0.9 dB more cautious throughout.
    chips = Radio(bandwidth=1.76e9)
    predicted = noise_dbm(chips) + REQUIRED_SNR_DB + chips.implementation_loss_db
    assert np.abs(predicted - SENSITIVITY_DBM)[1:10].max() <= 0.9
    assert noise_dbm(Radio()) - noise_dbm(chips) == pytest.approx(0.89, abs=0.01)


def test_mcs_5_is_never_chosen_and_rate_never_falls_with_snr() -> None:
    snr = np.linspace(-20, 30, 5001)
    mcs = mcs_of_snr(snr, 5.0)
    assert set(mcs) == set(range(-1, 13)) - {5}
    assert (np.diff(phy_rate(mcs)) >= 0).all()


@pytest.mark.parametrize(
    ("snr", "mcs"), [(12.8, 12), (12.79, 11), (3.7, 6), (3.5, 4), (-11.3, -1), (-11.2, 0)]
)
def test_thresholds_are_the_one_percent_column(snr: float, mcs: int) -> None:
    assert mcs_of_snr(snr + 5.0, 5.0) == mcs


def test_no_signal_is_no_link() -> None:
    mcs = mcs_of_snr(np.array([-np.inf, np.nan]), 5.0)
    assert mcs.tolist() == [-1, -1]
    assert throughput(mcs).tolist() == [0, 0]
    assert 0 < throughput(np.array([12], np.int8))[0] < PHY_RATE[12] == 4620e6
