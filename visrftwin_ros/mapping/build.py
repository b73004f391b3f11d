"""From a scan and pictures to a site: what `visrftwin map` and the node `scene_mapper` both do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from visrftwin_ros.mapping.map_site import write_mapped_site
from visrftwin_ros.mapping.place_map import MapSettings, PlaceMap, map_place
from visrftwin_ros.mapping.scan import Scan
from visrftwin_ros.materials.table import material_values
from visrftwin_ros.scene.surfaces import SurfaceMesh
from visrftwin_ros.site.model import Site
from visrftwin_ros.vision.material_reader import ReaderChoice
from visrftwin_ros.vision.posed_pictures import PosedPicture
from visrftwin_ros.vision.seen_materials import SeenMaterials, seen_materials
from visrftwin_ros.vision.seen_report import write_seen_report

Told = Callable[[str], None]
"""Hears of each step in words; what it raises stops the work."""
Counted = Callable[[int, int], None]
"""Hears what is done and all there is of a long step; what it raises stops the work."""


@dataclass(frozen=True)
class MapPlan:
    """out: folder of the site. entries: of site.yaml beside name, scene and materials. given: materials by
    surface or kind. thickness: m, of what is unknown. reader: what looks at the
    pictures. reference: a site of the same frame to compare with.
    comment: how the site was made. force: whether a mapped site at `out` may go."""

    out: Path
    entries: Mapping[str, Any]
    given: Mapping[str, str] = field(default_factory=dict)
    thickness: float = 0.1
    reader: ReaderChoice = field(default_factory=ReaderChoice)
    settings: MapSettings = field(default_factory=MapSettings)
    reference: Site | None = None
    comment: str = ""
    force: bool = False

    @property
    def frequency(self) -> float:
        """Hz."""
        return float(self.entries["radio"]["frequency"])


def build_site(
    scan: Scan, pictures: Sequence[PosedPicture], plan: MapPlan, told: Told, counted: Counted
) -> tuple[Site, PlaceMap]:
    """Maps a scan, looks at its surfaces in pictures, writes the site, and reads it back.

    Raises TwinError where no map comes of it or the site would not load; what is at `plan.out` stays then.
    """
    place = map_place(scan, plan.settings, told)
    looked = _looked(place, pictures, plan, told, counted)
    told("writing the site")
    site = write_mapped_site(
        place,
        plan.out,
        plan.entries,
        plan.given,
        thickness=plan.thickness,
        reference=plan.reference,
        comment=plan.comment,
        force=plan.force,
        seen=looked.materials(plan.frequency, plan.thickness) if looked else {},
        notes=(lambda folder: write_seen_report(folder, looked)) if looked else (lambda _: ()),
    )
    return site, place


def _looked(
    place: PlaceMap, pictures: Sequence[PosedPicture], plan: MapPlan, told: Told, counted: Counted
) -> SeenMaterials | None:
    """What the pictures show of a map's surfaces; None where there are none, or nobody is to look."""
    if not pictures:
        return None
    loaded = plan.reader.load()
    if loaded is None:
        return None
    embedder, head = loaded
    told(f"looking at materials in {len(pictures)} pictures")
    usual = material_values("concrete", plan.frequency)
    return seen_materials(
        [SurfaceMesh(s.name, s.vertices, s.faces, usual) for s in place.surfaces],
        [s.kind for s in place.surfaces],
        [picture.turned(place.turn) for picture in pictures],
        embedder,
        head,
        frequency=plan.frequency,
        thickness=plan.thickness,
        progress=counted,
    )
