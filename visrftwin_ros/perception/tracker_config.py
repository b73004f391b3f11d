"""How the people tracker is set."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Probability = Annotated[float, Field(gt=0, lt=1)]


class TrackerConfig(BaseModel):
    """Assumptions about walkers, boxes and the detector; none is fitted to a recording."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    acceleration: Positive = 0.6
    """m/s^2 over one second: white-noise acceleration density of a walker who turns and stops."""
    initial_speed: Positive = 1.3
    """m/s, standard deviation of each velocity component at birth: walking pace."""
    height: Positive = 1.72
    height_sigma: Positive = 0.10
    """m: adults' stature with shoes; what a box's height is measured against at birth."""
    height_memory: Positive = 12.0
    """s in which a track's height returns to the usual, within `height_sigma`, where boxes say
    nothing: keeps a wrong pair of place and height from explaining boxes for ever."""

    column_sigma: Positive = 0.045
    """Noise of a box's centre, share of the box's height: legs and arms swing about the body."""
    row_sigma: Positive = 0.0225
    """Noise of a box's top and bottom, share of its height."""
    pixel_sigma: Positive = 1.0
    """px, noise floor of every edge (quantisation, calibration)."""
    cut_sigma_factor: Positive = 3.0
    """How much noisier the centre of a box is when the image's edge cuts the person."""
    hidden_part: Probability = 0.08
    """Prior that a box misses the feet, or the head, behind something."""
    merged_part: Probability = 0.02
    """Prior that a box reaches beyond the feet, or the head, over somebody else."""
    gate: Probability = 0.9995
    """Share of true matches that the association gate lets through."""
    weak_gate: Probability = 0.95
    """The same for boxes under `high_score`, many of which show no person."""
    same_box_track: Positive = 1.0
    """Cost (in -2 log likelihood) taken off a pair that the detector's tracker already linked, and
    put on a pair whose box it linked to somebody else."""
    same_look: Positive = 0.025
    other_look: Positive = 0.14
    """Mean of 1 - cosine between two embeddings of one person, and of two people: what colours of
    clothes give. Both are taken as exponential."""
    look_limit: Positive = 8.0
    """Most that appearance may add to a pair's cost: a box half behind another lies about it."""
    look_memory: Annotated[float, Field(gt=0, le=1)] = 0.1
    """Weight of a new embedding in a track's mean."""

    high_score: Probability = 0.25
    """Boxes at or over this match first and start tracks (ByteTrack's first association)."""
    low_score: Probability = 0.10
    """Boxes between this and `high_score` only keep tracks (ByteTrack's second association)."""
    duplicate_overlap: Probability = 0.7
    """A box that shares this much of the smaller area with a matched one starts no track."""

    birth: Probability = 0.3
    """Existence of a track before its first box is weighed."""
    shown_at: Probability = 0.7
    hidden_below: Probability = 0.5
    lost_below: Probability = 0.05
    """Existence at which a track is shown first, no longer shown, and forgotten."""
    sure: Probability = 0.993
    """Existence saturates here, or a long life would outlast its owner."""
    evidence_time: Positive = 0.1
    """s: boxes closer in time than this see the same image content, and count in proportion."""
    cut_evidence: Probability = 0.15
    """Weight of a box that the image's edge cuts: its place is a guess, so it shows no newcomer
    before most of a second has passed."""
    unusual_score: Probability = 0.5
    """Boxes of bodies with no standing adult's height speak for a person from this score on."""
    miss_rate: Positive = 3.0
    """1/s, log-odds lost while unseen where nothing hides the person."""
    occluded_miss_rate: Positive = 0.5
    """1/s, the same while a nearer person stands before them."""
    waiting_miss_rate: Positive = 0.4
    """1/s, the same for who stood still when last seen, well inside the image: people leave it on
    foot, so they stand behind something."""
    waiting_speed: Positive = 0.4
    standing_time: Positive = 1.0
    """Somebody stands still who was slower than this (m/s), for this long (s)."""
    rest_time: Positive = 1.0
    """s in which an unseen standing person's velocity fades."""
    outside_miss_rate: Positive = 10.0
    """1/s, the same once the prediction has left the image."""

    turning_speed: Positive = 0.3
    """m/s: heading follows the velocity above this and is kept below."""
    jump_back: Positive = 1.0
    """s: an image older than the state by more than this is a replay that started again; one less
    old is late and is left out."""
    longest_gap: Positive = 5.0
    """s without any image after which nobody is the same person."""
