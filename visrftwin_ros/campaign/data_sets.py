"""Which bags nothing may be fitted on: the lab keeps some to judge by.

Of a place that judges, the first drive is scored. Further ones are what a user would sound there, to
calibrate that very place by; no method is made or tuned on them either.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from visrftwin_ros.campaign.snapshot import Campaign
from visrftwin_ros.errors import TwinError

JUDGE = "judge"
SOUNDINGS = "soundings"
"""Of further drives in a place that judges."""
NO_SET = "none"


def set_of_drive(place: str, drive: int) -> str:
    """The set of a campaign, of its place's."""
    return SOUNDINGS if place == JUDGE and drive else place


def set_of(facts: Mapping[str, Any]) -> str:
    """fit, choose or judge, as the campaign's facts say; none where they say nothing."""
    return str(facts.get("set", NO_SET))


def refuse_judge(bag: Path, campaign: Campaign) -> None:
    """TwinError where `bag` is kept to judge by: nothing may be fitted or chosen on it."""
    if set_of(campaign.facts) == JUDGE:
        raise TwinError(
            f"{bag} is of the judge set (seed {campaign.facts.get('seed')}): fit on bags of the sets "
            "fit or choose, of seeds as in visrftwin_ros/lab/sets.yaml"
        )
