"""What one spectrum costs, forward and backward."""

from __future__ import annotations

import time

import numpy as np
import torch
from mmdiff_room import ALPHA, ARRAY, SIZE, TX, WAVELENGTH, clean_room, start_materials
from real_data.page import table

from visrftwin_ros.beams.arrays import Mount
from visrftwin_ros.propagation.differentiable.angle_spectrum import AngleSpectrum, log_error_db
from visrftwin_ros.propagation.differentiable.arrivals import arrivals
from visrftwin_ros.propagation.differentiable.lobe_paths import Ends, lobe_paths
from visrftwin_ros.propagation.differentiable.lobe_scene import LobeScene
from visrftwin_ros.propagation.differentiable.lobes import Lobes

RAYS, DEPTH, TIMES = 100_000, 3, 15


def cost_table() -> str:
    """Processor time, all threads together, median of TIMES after one that compiles."""
    scene, materials = LobeScene(clean_room()), start_materials(0)
    alpha = torch.full((len(scene),), ALPHA, requires_grad=True)
    middle = torch.tensor(SIZE / 2, dtype=torch.float32)
    ends = Ends(middle, torch.tensor(TX, dtype=torch.float32)[:, None], True)
    grid, mount = AngleSpectrum(ARRAY), Mount(ARRAY, 0.3)
    spent = []
    for seed in range(TIMES + 1):
        marks = [time.process_time()]
        with torch.no_grad():
            paths = lobe_paths(scene, Lobes.of(alpha.detach()), ends, RAYS, DEPTH, seed)
        marks.append(time.process_time())
        lobes = Lobes.of(alpha)
        shares = arrivals(scene, scene.vertices, paths, lobes, materials, ends, WAVELENGTH)
        spectrum = grid.of(shares, [mount])
        loss = log_error_db(spectrum, torch.full_like(spectrum, 1e-9))
        marks.append(time.process_time())
        loss.backward()
        marks.append(time.process_time())
        spent.append(np.diff(marks))
    rays, forward, backward = np.median(spent[1:], axis=0)
    names = ("ways drawn", "forward", "backward", "together")
    values = (rays, forward, backward, rays + forward + backward)
    rows = [(name, f"{value:.3f}") for name, value in zip(names, values, strict=True)]
    return table(("one spectrum", "s of one core"), rows)
