"""Score what the packaged encoder and head say of materials.

python bench/material_score.py --photographs FOLDER        test photographs, on which nothing was trained
python bench/material_score.py --rooms --cache FOLDER      rooms of the lab's judge seeds, true geometry; ablation
python bench/material_score.py --maps --cache FOLDER       the same rooms as `visrftwin map` maps them

Photographs: four crops of each, whose log-odds are averaged, every class equally likely before. Intervals are of
95 %, of a bootstrap over photographs or rooms. ECE: expected calibration error in ten bins of confidence
(Guo et al., ICML 2017). Hidden: patches whose construction is not what they look like count by their look.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from material_data import LabRoom, lab_room, photograph_crops, photographs
from scipy.spatial import cKDTree
from scipy.special import softmax

from visrftwin_ros.scene.surface_samples import surface_samples
from visrftwin_ros.scene.surfaces import SurfaceMesh
from visrftwin_ros.scene.triangle_tree import TriangleTree
from visrftwin_ros.vision.embedders import EfficientNetLite
from visrftwin_ros.vision.lifting import embedded_crops, looks_of_patches, planned_crops
from visrftwin_ros.vision.material_heads import load_head
from visrftwin_ros.vision.material_posterior import COLUMNS, patch_posterior
from visrftwin_ros.vision.seen_materials import PATCH
from visrftwin_ros.vision.surface_patches import Patches, surface_patches
from visrftwin_ros.vision.visible_classes import CLASSES, NAMES

JUDGES = (("lobby", 3000), ("lobby", 3002), ("lecture_room", 3001), ("lecture_room", 3003))
PANORAMAS = 2
CROPS = 4
PATCHES = 160
"""Of a room that is known, drawn from those that are seen."""
DRAWS = 2000
BINS = 10


@dataclass(frozen=True)
class Scored:
    """p: (N, K) probabilities. label: (N,) index. weight: (N,). group: (N,) of the bootstrap."""

    p: np.ndarray
    label: np.ndarray
    weight: np.ndarray
    group: np.ndarray

    def taken(self, rows: np.ndarray) -> Scored:
        return Scored(self.p[rows], self.label[rows], self.weight[rows], self.group[rows])


def top(scored: Scored, count: int) -> float:
    best = np.argsort(-scored.p, axis=1)[:, :count]
    return float(np.average((best == scored.label[:, None]).any(axis=1), weights=scored.weight))


def calibration_error(scored: Scored) -> float:
    sure, right = scored.p.max(axis=1), scored.p.argmax(axis=1) == scored.label
    cell = np.minimum((sure * BINS).astype(int), BINS - 1)
    gap = 0.0
    for number in np.unique(cell):
        own = cell == number
        w = scored.weight[own]
        gap += w.sum() * abs(np.average(right[own], weights=w) - np.average(sure[own], weights=w))
    return float(gap / scored.weight.sum())


def with_interval(scored: Scored, measure, factor: float = 100.0, digits: int = 1) -> str:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(5)
    groups = np.unique(scored.group)
    rows = {g: np.flatnonzero(scored.group == g) for g in groups}
    drawn = [
        measure(scored.taken(np.concatenate([rows[g] for g in rng.choice(groups, len(groups))])))
        for _ in range(DRAWS if len(groups) > 20 else 200)
    ]
    low, high = factor * np.percentile(drawn, [2.5, 97.5])
    return f"{factor * measure(scored):.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def row(name: str, scored: Scored) -> str:
    return (
        f"| {name} | {len(scored.label)} | {with_interval(scored, lambda s: top(s, 1))} | "
        f"{with_interval(scored, lambda s: top(s, 2))} | "
        f"{with_interval(scored, calibration_error, 1.0, 3)} |"
    )


HEADER = "| what | number | top-1 (%) | top-2 (%) | ECE |\n|---|---|---|---|---|"


def score_photographs(folder: Path) -> None:
    embedder = EfficientNetLite()
    head = load_head(None, embedder.name)
    rng = np.random.default_rng(11)
    found = photographs(folder, "test")
    logits = [
        head.logits(
            embedder.image_embeddings(
                photograph_crops(photo.bgr, embedder.side, CROPS, rng, worn=False)
            )
        ).mean(axis=0)
        for photo in found
    ]
    label = np.array([NAMES.index(photo.material) for photo in found])
    p = softmax(np.array(logits), axis=1)
    scored = Scored(p, label, np.ones(len(label)), np.arange(len(label)))
    print(HEADER)
    print(row("all", scored))
    for k in np.unique(label):
        own = scored.taken(label == k)
        print(
            f"| {NAMES[k]} | {len(own.label)} | {100 * top(own, 1):.0f} | {100 * top(own, 2):.0f} | |"
        )
    plain = label == NAMES.index("painted")
    for wrong in ("metal", "glass"):
        taken = p[plain, NAMES.index(wrong)] > 0.5
        print(f"painted taken for {wrong} with p > 0.5: {taken.sum()} of {plain.sum()}")
    for photo, q in zip(found, p, strict=True):
        best = NAMES[int(q.argmax())]
        if best != photo.material and q.max() > 0.8:
            print(
                f"sure and wrong: {photo.file} is {photo.material}, taken for {best} ({q.max():.2f})"
            )


def kind_of(mesh: SurfaceMesh) -> str:
    """As a map would have it, of a surface that is known."""
    reach = np.ptp(mesh.vertices, axis=0)
    if mesh.name.startswith(("floor", "ceiling")):
        return mesh.name.split("_")[0]
    return "wall" if reach[2] > 1.5 and reach[:2].max() > 1.5 and reach.min() < 0.5 else "box"


def score_rooms(cache: Path) -> None:
    embedder = EfficientNetLite()
    head = load_head(None, embedder.name)
    variants = {
        "one crop of 1 m in one view": (True, 1),
        "single scale, 1 m, three views": (True, 3),
        "pyramid, three views": (False, 3),
    }
    parts: dict[str, list[Scored]] = {name: [] for name in variants}
    levels: list[Scored] = []
    for number, (site, seed) in enumerate(JUDGES):
        room = lab_room(site, seed, PANORAMAS, cache)
        patches = surface_patches(room.meshes, PATCH)
        plan = planned_crops(patches, room.pictures, TriangleTree(room.meshes))
        shown = np.unique([crop.patch for crop in plan])
        chosen = np.random.default_rng(seed).permutation(shown)[:PATCHES]
        plan = tuple(crop for crop in plan if crop.patch in chosen)
        crops, embeddings = embedded_crops(patches, room.pictures, plan, embedder)
        first = {(c.patch, c.metres): c.picture for c in reversed(crops)}
        middle: dict[int, float] = {}  # the size nearest to 1 m that a patch has
        for c in crops:
            if abs(np.log(c.metres)) < abs(np.log(middle.get(c.patch, 1e9))):
                middle[c.patch] = c.metres
        kinds = [kind_of(mesh) for mesh in room.meshes]
        for name, (single, views) in variants.items():
            own = [
                k for k, c in enumerate(crops)
                if (not single or c.metres == middle[c.patch])
                and (views > 1 or first[c.patch, c.metres] == c.picture)
            ]  # fmt: skip
            looks = looks_of_patches(patches, [crops[k] for k in own], embeddings[own], head)
            p = patch_posterior(patches, looks, kinds)
            parts[name].append(_scored(p, patches, room, looks.crops > 0, number))
        best = parts["pyramid, three views"][-1]
        levels.append(_levels(best))
        _confused(f"{site} {seed}", best)
    print("By area of what was seen:\n" + HEADER)
    for name, found in parts.items():
        print(row(name, _joined(found)))
    print("Scattering level (table 2) of the look:\n" + HEADER)
    print(row("level", _joined(levels)))
    joined = _joined(levels)
    near = np.abs(joined.p.argmax(axis=1) - joined.label) <= 1
    print(f"within one level: {100 * np.average(near, weights=joined.weight):.1f} %")


def score_maps(cache: Path) -> None:
    from mapping_score import driven

    from visrftwin_ros.mapping.place_map import MapSettings, map_place
    from visrftwin_ros.vision.seen_materials import seen_materials

    embedder = EfficientNetLite()
    head = load_head(None, embedder.name)
    parts = []
    for number, (site, seed) in enumerate(JUDGES):
        room = lab_room(site, seed, PANORAMAS, cache)
        place = map_place(driven(site, seed, "tf").scan, MapSettings(), lambda _: None)
        usual = room.meshes[0].material
        seen = seen_materials(
            [SurfaceMesh(s.name, s.vertices, s.faces, usual) for s in place.surfaces],
            [s.kind for s in place.surfaces], room.pictures, embedder, head, frequency=60.48e9, thickness=0.1,
        )  # fmt: skip
        samples = [surface_samples(m.vertices, m.faces, 0.1) for m in room.meshes]
        owner = np.repeat(np.arange(len(samples)), [len(s) for s in samples])
        nearest = owner[cKDTree(np.concatenate(samples)).query(seen.patches.center)[1]]
        true = replace(seen.patches, surface=nearest)
        found = _scored(seen.of_patch, true, room, seen.looks.crops > 0, number)
        print(row(f"{site} {seed}, mapped", found), flush=True)
        _confused(f"{site} {seed}", found)
        parts.append(found)
    print(HEADER)
    print(row("mapped, by area", _joined(parts)))


def _scored(
    p: np.ndarray, patches: Patches, room: LabRoom, seen: np.ndarray, number: int
) -> Scored:
    """Of seen patches whose look is one of the classes."""
    looks = [room.visible[i] for i in patches.surface]
    names = ["unknown" if look == "other" else look for look in looks]
    rows = np.flatnonzero(seen & np.array([bool(look) for look in looks]))
    label = np.array([COLUMNS.index(names[i]) for i in rows])
    return Scored(p[rows], label, patches.area[rows], np.full(len(rows), number))


def _levels(scored: Scored) -> Scored:
    """The same as levels of table 2; what is unknown has none."""
    of = np.array([CLASSES[name].level for name in COLUMNS[:-1]])
    p = np.zeros((len(scored.label), of.max() + 1))
    for k, level in enumerate(of):
        p[:, level] += scored.p[:, k]
    p += scored.p[:, -1:] / p.shape[1]
    known = scored.label < len(of)
    return Scored(p[known], of[scored.label[known]], scored.weight[known], scored.group[known])


def _confused(name: str, scored: Scored) -> None:
    """What is what, by area."""
    taken = scored.p.argmax(axis=1)
    for k in np.unique(scored.label):
        own = scored.label == k
        share = np.bincount(taken[own], scored.weight[own], len(COLUMNS)) / scored.weight[own].sum()
        parts = [
            f"{COLUMNS[j]} {100 * share[j]:.0f} %"
            for j in np.argsort(-share)[:3]
            if share[j] > 0.02
        ]
        print(
            f"{name}: {COLUMNS[k]} ({scored.weight[own].sum():.0f} m^2) is taken for {', '.join(parts)}"
        )
    paint = scored.label == COLUMNS.index("painted")
    for wrong in ("metal", "glass"):
        sure = paint & (scored.p[:, COLUMNS.index(wrong)] > 0.5)
        print(
            f"{name}: painted taken for {wrong} with p > 0.5: {scored.weight[sure].sum():.1f} m^2"
        )


def _joined(parts: list[Scored]) -> Scored:
    return Scored(
        *(np.concatenate([getattr(s, f) for s in parts]) for f in ("p", "label", "weight", "group"))
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--photographs", type=Path)
    parser.add_argument("--rooms", action="store_true")
    parser.add_argument("--maps", action="store_true")
    parser.add_argument("--cache", type=Path, help="folder of rendered panoramas")
    options = parser.parse_args()
    if options.photographs:
        score_photographs(options.photographs)
    if options.rooms:
        score_rooms(options.cache)
    if options.maps:
        score_maps(options.cache)


if __name__ == "__main__":
    main()
