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
    placed_sigma_factor: Positive = 4.0
    """How much noisier boxes count of somebody whom a ground sensor has just placed: what is wrong
    with them (a leading foot, a bag) repeats from image to image, which a filter takes for truth."""
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
    same_learned_look: Positive = 0.12
    other_learned_look: Positive = 0.40
    """The same of a network's embeddings (any that is not 72 numbers long): they bunch, so one
    person's are half-normal about 0 and two people's normal about the second, equally wide."""
    look_limit: Positive = 8.0
    """Most that appearance may add to a pair's cost: a box half behind another lies about it."""
    look_memory: Annotated[float, Field(gt=0, le=1)] = 0.1
    """Weight of a new embedding in a track's mean."""

    frame_sigma: Positive = 0.05
    """m: how far the frames of two sensors disagree; added to what a ground sensor says."""
    ground_score: Probability = 0.4
    """Score from which a ground sensor's measurement speaks for a person."""
    split_distance: Positive = 0.5
    """m: what a ground sensor sees nearer than this to a person it has just placed is part of
    them, and two tracks that no sensor has ever told apart are one person within it."""
    smallest_body: Positive = 24.0
    """px: smaller bodies are too far from a camera to be missed by it."""

    remembered: Positive = 60.0
    """s for which somebody who was lost may be recognised again."""
    newcomer_area: Positive = 400.0
    """m^2 over which a newcomer may appear anywhere: what a lost person's reach competes with."""
    top_speed: Positive = 3.0
    """m/s: nobody walks further than this from where they were lost."""
    recognised_at: Probability = 0.9
    """Probability that a newcomer is a lost person from which they get the old name."""

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
    """s: a measurement older than the state by more than this comes from a clock that jumped; one
    less old is late and is taken at its own time."""
    least_interval: Positive = 0.004
    """s: measurements of one sensor closer than this are the same one twice, or a flood."""
    longest_gap: Positive = 5.0
    """s without any image, or without one that could show somebody, after which nobody is the same
    person."""
