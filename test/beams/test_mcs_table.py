from pathlib import Path

import numpy as np
import pytest
import yaml

from visrftwin_ros.beams.mcs_table import mcs_of_snr, mcs_table, noise_dbm, phy_rate, throughput
from visrftwin_ros.errors import TwinError
from visrftwin_ros.site.loading import find_site_file, load_site
from visrftwin_ros.site.model import Radio

SHIPPED = ("ieee80211ad_sc", "ieee80211ad_ofdm", "ieee80211ay_sc", "nr_fr2_400mhz")
SC_SENSITIVITY_DBM = np.array([-78, -68, -66, -65, -64, -62, -63, -62, -61, -59, -55, -54, -53.0])
"""IEEE Std 802.11-2020, of MCS 0 to 12."""
HEAD = "mcs,phy_rate,throughput,required_snr_db\n"


def test_noise_in_2_16_ghz_with_10_db_noise_figure() -> None:
    assert noise_dbm(Radio()) == pytest.approx(-70.66, abs=0.01)


def test_the_defaults_reproduce_the_standards_sensitivities_of_mcs_1_to_9() -> None:
    # The standard's receiver sees the noise of its 1.76 GHz chip rate; our 2.16 GHz (the paper's
    # noise model) is 0.9 dB more cautious throughout.
    chips = Radio(bandwidth=1.76e9)
    needed = mcs_table(chips.mcs_table).required_snr_db
    predicted = noise_dbm(chips) + needed + chips.implementation_loss_db
    assert np.abs(predicted - SC_SENSITIVITY_DBM)[1:10].max() <= 0.9
    assert noise_dbm(Radio()) - noise_dbm(chips) == pytest.approx(0.89, abs=0.01)


@pytest.mark.parametrize("name", SHIPPED)
def test_the_rate_never_falls_with_snr_and_the_fastest_is_reached(name: str) -> None:
    radio = Radio(mcs_table=name)
    mcs = mcs_of_snr(np.linspace(-20, 60, 8001), radio)
    assert (np.diff(phy_rate(mcs, radio)) >= 0).all()
    assert mcs[0] == -1 and mcs[-1] == mcs_table(name).mcs[-1]
    assert throughput(mcs[-1:], radio)[0] == mcs_table(name).top


def test_mcs_5_is_never_chosen() -> None:
    mcs = mcs_of_snr(np.linspace(-20, 30, 5001), Radio())
    assert set(mcs) == set(range(-1, 13)) - {5}


@pytest.mark.parametrize(
    ("snr", "mcs"), [(12.8, 12), (12.79, 11), (3.7, 6), (3.5, 4), (-11.3, -1), (-11.2, 0)]
)
def test_thresholds_are_the_one_percent_column(snr: float, mcs: int) -> None:
    assert mcs_of_snr(snr + 5.0, Radio()) == mcs


def test_no_signal_is_no_link() -> None:
    mcs = mcs_of_snr(np.array([-np.inf, np.nan]), Radio())
    assert mcs.tolist() == [-1, -1]
    assert throughput(mcs, Radio()).tolist() == [0, 0]
    top = np.array([12], np.int8)
    assert 0 < throughput(top, Radio())[0] < phy_rate(top, Radio())[0] == 4620e6


def test_ofdm_rates_are_those_of_its_symbols() -> None:
    # 336 data subcarriers a symbol of 0.2424 us; SQPSK carries each bit twice.
    bits = np.array([1, 1, 2, 2, 2, 4, 4, 4, 4, 6, 6, 6])
    code = np.array(
        [1 / 2, 5 / 8, 1 / 2, 5 / 8, 3 / 4, 1 / 2, 5 / 8, 3 / 4, 13 / 16, 5 / 8, 3 / 4, 13 / 16]
    )
    rate = 336 * bits * code / (640 / 2.64e9)
    np.testing.assert_allclose(mcs_table("ieee80211ad_ofdm").phy_rate, rate, rtol=1e-3)


AY_RATES = (1 / 2, 5 / 8, 3 / 4, 13 / 16, 7 / 8)
"""Code rates of BPSK, QPSK, 16-QAM and 64-QAM in turn, MCS 2 to 21; MCS 1 is MCS 2 sent twice."""


def bit_capacity(levels: int, snr: float) -> float:
    """Bits a real dimension of Gray-coded amplitudes, demapped bit by bit (Caire et al. 1998, equation 15)."""
    amplitude = np.arange(1.0 - levels, levels, 2.0)
    amplitude /= np.sqrt((amplitude**2).mean())
    node, weight = np.polynomial.hermite.hermgauss(60)
    received = amplitude[:, None] + np.sqrt(2 / snr) * node
    likely = np.exp(-0.5 * snr * (received[..., None] - amplitude) ** 2)
    number = np.arange(levels)
    total = 0.0
    for bit in range(int(np.log2(levels))):
        sent = (number ^ number >> 1) >> bit & 1
        same = (likely * (sent[:, None] == sent)[:, None]).sum(axis=2)
        told = np.log2(same / likely.sum(axis=2)) @ weight / np.sqrt(np.pi)
        total += 1 + float(told.mean())
    return total


def test_ay_rates_are_448_symbols_in_512_chips() -> None:
    bits = np.repeat([1, 2, 4, 6], len(AY_RATES))
    rate = 1.76e9 * 448 / 512 * bits * np.tile(AY_RATES, 4)
    np.testing.assert_allclose(mcs_table("ieee80211ay_sc").phy_rate, [rate[0] / 2, *rate])


def test_ay_needs_what_capacity_does_and_ads_gap() -> None:
    needed = mcs_table("ieee80211ay_sc").required_snr_db[1:].reshape(4, -1)
    for row, (levels, dimensions, gap) in zip(
        needed, [(2, 1, 3.1), (2, 2, 3.1), (4, 2, 3.5), (8, 2, 3.5)], strict=True
    ):
        for snr_db, code in zip(row, AY_RATES, strict=True):
            snr = 10 ** ((snr_db - gap) / 10) * 2 / dimensions
            # 802.11ad's own 16-QAM of rate 1/2 and 5/8 is 0.6 dB farther from it.
            enough = bit_capacity(levels, snr) / (np.log2(levels) * code)
            assert enough == pytest.approx(1.0, abs=0.08)


def test_ay_is_ad_where_they_share_a_scheme() -> None:
    ad, ay = mcs_table("ieee80211ad_sc"), mcs_table("ieee80211ay_sc")
    shared = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 7, 7: 8, 8: 9, 9: 10, 10: 12, 11: 13, 12: 14}
    for number, other in shared.items():
        assert ad.phy_rate[ad.mcs == number] == ay.phy_rate[ay.mcs == other]
        assert ad.required_snr_db[ad.mcs == number] == ay.required_snr_db[ay.mcs == other]


def test_fr2_rates_are_those_of_its_resource_blocks() -> None:
    table = mcs_table("nr_fr2_400mhz")
    # TS 38.214: 0.2344 bit/s/Hz of MCS 0, 5.5547 of MCS 28; 14 symbols in 125 us, 18 % overhead.
    blocks = 264 * 12 * 14 / 125e-6 * 0.82
    np.testing.assert_allclose(
        table.phy_rate[[0, 28]], [0.2344 * blocks, 5.5547 * blocks], rtol=1e-3
    )
    # TR 38.803 ends its bound at 30 dB, where 0.6 of it is 5.98 bit/s/Hz.
    assert 20 < table.required_snr_db[28] < 30


def test_a_sites_own_measured_table_is_used(tmp_path: Path) -> None:
    (tmp_path / "ours.csv").write_text(f"# measured\n{HEAD}3,1e9,9e8,7.5\n1,5e8,4e8,2\n")
    content = yaml.safe_load(find_site_file("pets_campus").read_text())
    content["radio"] = {"mcs_table": "ours.csv", "implementation_loss_db": 0.0}
    (tmp_path / "site.yaml").write_text(yaml.safe_dump(content))
    radio = load_site(str(tmp_path)).radio
    assert mcs_of_snr([1.9, 2.0, 7.4, 7.5], radio).tolist() == [-1, 1, 1, 3]
    assert throughput(np.array([3], np.int8), radio)[0] == 9e8
    content["radio"]["mcs_table"] = "theirs.csv"
    (tmp_path / "site.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(TwinError, match=r"radio.mcs_table names .*theirs.csv, which is no file"):
        load_site(str(tmp_path))
    content["radio"]["mcs_table"] = "wimax"
    (tmp_path / "site.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(TwinError, match=r"radios/wimax\.csv"):
        load_site(str(tmp_path))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected rows under the head"),
        ("mcs,rate\n1,2\n", "expected rows under the head mcs,phy_rate"),
        (HEAD + "1,fast,1,1\n", "no number"),
        (HEAD + "1,2e9\n", "no number"),
        (HEAD + "1,1e9,1e9,nan\n", "finite numbers"),
        (HEAD + "1,1e9,1e9,1\n1,2e9,2e9,2\n", "each whole `mcs` once"),
        (HEAD + "101,1e9,1e9,1\n", "not 0 to 100"),
        (HEAD + "1,1e9,2e9,1\n", "throughput <= phy_rate"),
        (HEAD + "1,1e15,1e9,1\n", "phy_rate <= 1e"),
    ],
)
def test_a_table_that_cannot_be_is_refused(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "table.csv"
    file.write_text(text)
    with pytest.raises(TwinError, match=said):
        mcs_table(str(file))
