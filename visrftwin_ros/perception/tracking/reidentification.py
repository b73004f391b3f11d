"""Those who were lost, and the newcomers in whom they are recognised.

Position first, appearance second: where a walker can have got to since, against a newcomer who may
appear anywhere; then how like the embeddings are. Without an embedding nobody is recognised.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.special import logit

from visrftwin_ros.perception.tracking.look_distance import Look, look_log_ratio
from visrftwin_ros.perception.tracking.tracker_config import TrackerConfig

MOST_REMEMBERED = 500
STRIDE = 0.5
"""m: how far off somebody is found again who was lost just now."""


@dataclass(frozen=True)
class LostPerson:
    """Who was lost: name, stamp [ns], position (2,) m, velocity (2,) m/s, variance of the position
    a coordinate [m^2], embedding."""

    name: str
    stamp_ns: int
    position: Float[np.ndarray, " 2"]
    velocity: Float[np.ndarray, " 2"]
    variance: float
    look: Look


class LostPeople:
    """The people who left or were lost sight of, for as long as the configuration remembers."""

    def __init__(self, config: TrackerConfig) -> None:
        self._config = config
        self._people: dict[str, LostPerson] = {}

    def __len__(self) -> int:
        return len(self._people)

    def remember(self, person: LostPerson) -> None:
        """Somebody was lost; without an embedding they cannot be known again."""
        if not len(person.look):
            return
        self._people.pop(person.name, None)
        self._people[person.name] = person
        if len(self._people) > MOST_REMEMBERED:
            del self._people[next(iter(self._people))]

    def forget(self, name: str) -> None:
        """This name is in use."""
        self._people.pop(name, None)

    def recognised(
        self,
        stamp_ns: int,
        position: Float[np.ndarray, " 2"],
        look: Look,
        unseen: list[LostPerson],
    ) -> str:
        """The name of the lost person, among the remembered and the `unseen`, who this is, or ''.

        They must be likelier than a stranger, and than all other lost people together.
        """
        for name, person in list(self._people.items()):
            if (stamp_ns - person.stamp_ns) * 1e-9 > self._config.remembered:
                del self._people[name]
        lost = [*self._people.values(), *unseen]
        if not len(look) or not lost:
            return ""
        odds = np.array([self._log_odds(p, stamp_ns, position, look) for p in lost])
        best = int(np.argmax(odds))
        others = np.logaddexp.reduce([0.0, *np.delete(odds, best)])
        return lost[best].name if odds[best] - others > logit(self._config.recognised_at) else ""

    def _log_odds(
        self,
        person: LostPerson,
        stamp_ns: int,
        position: Float[np.ndarray, " 2"],
        look: Look,
    ) -> float:
        """Log odds of this lost person against a stranger."""
        config = self._config
        seconds = max((stamp_ns - person.stamp_ns) * 1e-9, 0.0)
        if person.look.shape != look.shape:
            return -np.inf
        farthest = config.top_speed * seconds + 3.0 * np.sqrt(STRIDE**2 + person.variance)
        if np.hypot(*(position - person.position)) > farthest:
            return -np.inf
        # Walks on for a while, then anywhere at walking pace.
        ahead = config.rest_time * (1 - np.exp(-seconds / config.rest_time))
        off = position - person.position - person.velocity * ahead
        variance = (STRIDE + config.initial_speed * seconds) ** 2 + person.variance
        reach = -(off @ off) / (2 * variance) - np.log(2 * np.pi * variance)
        apart = np.clip(1.0 - person.look @ look, 0.0, 2.0)
        likeness = look_log_ratio(np.asarray(apart), len(look), config)
        return float(reach + np.log(config.newcomer_area) + likeness)
