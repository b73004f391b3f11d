"""Which network looks at materials, as a user names it, and what it needs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from visrftwin_ros.errors import TwinError
from visrftwin_ros.vision.embedders import DinoV2, EfficientNetLite, Embedder, OpenClip
from visrftwin_ros.vision.material_heads import Head, TextMatch, load_head

PACKAGED, OPEN_CLIP, DINOV2, NONE = "packaged", "open_clip", "dinov2", "none"
_TAKES = {
    PACKAGED: ((), ("head",)),
    OPEN_CLIP: (("model", "weights"), ()),
    DINOV2: (("weights", "head"), ()),
    NONE: ((), ()),
}
"""By embedder: what must and what may be given besides."""
READERS = tuple(_TAKES)


@dataclass(frozen=True)
class ReaderChoice:
    """kind: of READERS. model: as open_clip names it. weights: file of the network's. head: file of a trained
    linear head.

    Raises TwinError on what is of no use to that embedder, and where something is missing that it needs.
    """

    kind: str = PACKAGED
    model: str = ""
    weights: str = ""
    head: str = ""

    def __post_init__(self) -> None:
        if self.kind not in _TAKES:
            raise TwinError(f"embedder {self.kind!r}: expected one of {', '.join(READERS)}")
        needed, allowed = _TAKES[self.kind]
        given = [name for name in ("model", "weights", "head") if getattr(self, name)]
        useless = [name for name in given if name not in (*needed, *allowed)]
        takes = ", ".join((*needed, *allowed)) or "nothing"
        if useless:
            raise TwinError(
                f"embedder {self.kind}: it takes {takes} besides, and {', '.join(useless)} would be ignored"
            )
        missing = [name for name in needed if name not in given]
        if missing:
            raise TwinError(f"embedder {self.kind}: it needs {', '.join(missing)} as well")

    @property
    def looks(self) -> bool:
        """Whether anything is to look at pictures."""
        return self.kind != NONE

    def load(self) -> tuple[Embedder, Head] | None:
        """The network and what reads its numbers; None where nobody is to look.

        Raises TwinError where weights or head cannot be read or are of another network.
        """
        if not self.looks:
            return None
        if self.kind == OPEN_CLIP:
            clip = OpenClip(self.model, self.weights)
            return clip, TextMatch(clip)
        embedder: Embedder = DinoV2(self.weights) if self.kind == DINOV2 else EfficientNetLite()
        return embedder, load_head(Path(self.head) if self.head else None, embedder.name)
