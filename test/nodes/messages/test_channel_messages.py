"""Channels go out with numbers, or with the reason why there are none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from visrftwin_ros.nodes.messages.channel_messages import NO_PATH, OVER_BODIES, ChannelMessages
from visrftwin_ros.propagation.paths.link_metrics import no_sums
from visrftwin_ros.site.model import Radio
from visrftwin_ros.twin.channel_state import ChannelState


def test_a_link_over_people_alone_says_so_instead_of_a_loss_of_what_was_never_there() -> None:
    some = np.array([0.0, 1e-11, 1e-11])
    sums = replace(no_sums(3), power=some, scattered=some, phasor=some.astype(complex))
    sums = replace(sums, free=np.array([0.0, 0.0, 4e-11]), straight=np.full(3, 5.0))
    state = ChannelState(
        stamp_ns=1, links=(("a", "r"), ("b", "r"), ("c", "r")), metrics=sums.metrics(0.005),
        retraced=np.zeros(3, bool), fault=("", "", ""), paths_age=np.zeros(3), retraced_paths=0,
        dropped=(), compute_time=0.0, frequency=60e9, groups=(), over_bodies=None,
    )  # fmt: skip
    none, over, both = ChannelMessages("world", Radio(), 8).channels(state, False, 0.0).channels
    assert none.reason == NO_PATH and np.isnan([none.path_loss_db, none.shadow_loss_db]).all()
    assert over.reason == OVER_BODIES and np.isnan(over.shadow_loss_db)
    assert np.isclose(over.path_loss_db, 110.0) and over.rms_delay_spread == 0.0
    assert both.reason == "" and np.isclose(both.shadow_loss_db, 6.0206)
