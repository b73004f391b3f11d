"""Many twins at a glance, from what their nodes say on /diagnostics: a few kB a second each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from visrftwin_ros.operations.node_table import EXECUTABLES, ONLY_LOOK

LOST_AFTER = 4.0
"""s of silence after which a node, or its host, counts as lost: each speaks once a second."""
LEVELS = ("ok", "warn", "error", "stale")
"""Of diagnostic_msgs/DiagnosticStatus."""
OF_A_TWIN = "beam_selector"
"""There is one of it in every twin, in the twin's own namespace."""


@dataclass(frozen=True)
class TwinState:
    """One twin. name: its namespace, `/` for the root. nodes: that speak. lost: that have stopped.
    people, links: as the predictor and the selector last said, '' where they did not. complaints: of
    nodes that speak, worst first."""

    name: str
    nodes: int
    lost: tuple[str, ...]
    people: str
    links: str
    complaints: tuple[str, ...]

    @property
    def well(self) -> bool:
        return not self.lost and not self.complaints

    def line(self) -> str:
        """The whole state in one line."""
        told = [f"{self.name}: {self.nodes} nodes", f"{self.people or 'no'} people"]
        told += [self.links] if self.links else []
        told += [f"lost {', '.join(self.lost)}"] if self.lost else []
        if self.complaints:
            more = len(self.complaints) - 1
            told.append(self.complaints[0] + (f" (and {more} more)" if more else ""))
        return "; ".join(told) if not self.well else f"{'; '.join(told)}; well"


@dataclass
class Fleet:
    """statuses: (level, message, values) by node and subject. heard_at: s, of every node."""

    statuses: dict[tuple[str, str], tuple[int, str, dict[str, str]]] = field(default_factory=dict)
    heard_at: dict[str, float] = field(default_factory=dict)

    def hear(
        self, status_name: str, level: int, message: str, values: dict[str, str], now: float
    ) -> None:
        """One status of a DiagnosticArray; those that are of no node of a twin are left out."""
        node, _, subject = status_name.partition(": ")
        if subject and node.rpartition("/")[2] in EXECUTABLES:
            self.statuses[node, subject] = level, message, values
            self.heard_at[node] = now

    def states(self, now: float) -> list[TwinState]:
        """Of every twin that was ever heard, by name."""
        roots = sorted(n.rpartition("/")[0] for n in self.heard_at if _kind(n) == OF_A_TWIN)
        return [self._state(root, roots, now) for root in roots]

    def _state(self, root: str, roots: Sequence[str], now: float) -> TwinState:
        own = [node for node in sorted(self.heard_at) if _root_of(node, roots) == root]
        lost = [node for node in own if now - self.heard_at[node] > LOST_AFTER]
        speaking = set(own) - set(lost)
        complaints = sorted(
            (
                (level, f"{node} {subject}: {message}")
                for (node, subject), (level, message, _) in self.statuses.items()
                if node in speaking and level and _kind(node) not in ONLY_LOOK
            ),
            key=lambda told: (-(told[0] == 2), told),  # errors first
        )
        at = f"{root}/" if root else ""
        predictor = self.statuses.get((f"{at}channel_predictor", "people"), (0, "", {}))
        selector = self.statuses.get((f"{at}{OF_A_TWIN}", "links"), (0, "", {}))
        return TwinState(
            name=f"/{root}",
            nodes=len(speaking),
            lost=tuple(lost),
            people=predictor[2].get("people", ""),
            links=selector[1] if selector[0] == 0 else "",
            complaints=tuple(f"{LEVELS[level % 4]} {text}" for level, text in complaints),
        )


def _kind(node: str) -> str:
    return node.rpartition("/")[2]


def _root_of(node: str, roots: Sequence[str]) -> str | None:
    """The twin that a node is of: the longest root above it."""
    above = [root for root in roots if not root or node.startswith(f"{root}/")]
    return max(above, key=len, default=None)
