"""People as TrackedPeople, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.messages.factory import Make
from visrftwin_ros.messages.geometry import vector, vectors_from_messages
from visrftwin_ros.messages.stamps import header


def people_message(
    make: Make,
    stamp: int,
    frame_id: str,
    bodies: Bodies,
    *,
    covariance: Float[np.ndarray, "n 4 4"] | None = None,
    existence: Float[np.ndarray, " n"] | None = None,
    seen_by: Sequence[Sequence[str]] = (),
    looks: Sequence[Float[np.ndarray, " d"]] = (),
) -> Any:
    """N people; all but the latency and what is stale.

    covariance: of x y vx vy; None: of people whose place is known. existence: None: they are there.
    seen_by: N lists of sensors, looks: N embeddings, or nothing at all.
    """
    if covariance is None:
        covariance = np.zeros((len(bodies), 4, 4))
    if existence is None:
        existence = np.ones(len(bodies))
    people = [
        make(
            "visrftwin_ros/TrackedPerson",
            id=name,
            position=vector(make, "Point", bodies.position[i]),
            velocity=vector(make, "Vector3", bodies.velocity[i]),
            covariance=covariance[i].reshape(-1).astype(np.float64),
            height=float(bodies.height[i]),
            width=float(bodies.width[i]),
            depth=float(bodies.depth[i]),
            heading=float(bodies.heading[i]),
            existence=float(existence[i]),
            seen_by=list(seen_by[i]) if seen_by else [],
            embedding=np.asarray(looks[i] if looks else (), np.float32),
            material=bodies.material[i] if bodies.material else "",
        )
        for i, name in enumerate(bodies.ids)
    ]
    return make(
        "visrftwin_ros/TrackedPeople",
        header=header(make, stamp, frame_id),
        people=people,
        latency=0.0,
        stale=False,
        age=0.0,
    )


def bodies_from_message(message: Any) -> Bodies:
    """The people of a TrackedPeople, with what is not known of them left to the caller."""
    people = message.people

    def column(name: str) -> Float[np.ndarray, " n"]:
        return np.array([getattr(person, name) for person in people], dtype=np.float64)

    return Bodies(
        ids=tuple(person.id for person in people),
        position=vectors_from_messages([person.position for person in people]),
        velocity=vectors_from_messages([person.velocity for person in people]),
        width=column("width"),
        depth=column("depth"),
        height=column("height"),
        heading=column("heading"),
        material=tuple(person.material for person in people),
    )


def covariance_from_message(message: Any) -> Float[np.ndarray, "n 4 4"]:
    """Of x y vx vy of each person of a TrackedPeople."""
    return np.array([p.covariance for p in message.people], np.float64).reshape(-1, 4, 4)
