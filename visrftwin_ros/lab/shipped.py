"""What of the lab ships: a short recording and the detector for its pictures."""

from __future__ import annotations

from pathlib import Path

SITE = "lobby"
SITES = ("lobby", "lecture_room", "street")
"""In whose pictures the detector knows people; in no others."""
BAG = Path(__file__).parent / "bags" / "lobby_short"
WEIGHTS = Path(__file__).parent / "weights" / "lab_person_openvino_model"
