import numpy as np
import pytest
from made_up import FREQUENCY, WAVELENGTH

from visrftwin_ros.propagation.fields.free_space import free_space_amplitude
from visrftwin_ros.propagation.fields.fresnel_coefficients import surface_electrics
from visrftwin_ros.propagation.fields.path_transfer import chain_transfer
from visrftwin_ros.propagation.fields.utd_edges import Wedges
from visrftwin_ros.propagation.paths.path_set import DIFFRACTION, DIFFUSE, REFRACTION, PathSet
from visrftwin_ros.scene.surfaces import SurfaceMesh

NO_WEDGES = Wedges(*(np.zeros((0, 3)),) * 2, np.zeros(0), *(np.zeros((0, 3)),) * 2)


def test_friis_at_60_48_ghz_and_10_m_is_88_1_db() -> None:
    assert -20 * np.log10(free_space_amplitude(np.array([10.0]), WAVELENGTH))[0] == pytest.approx(
        88.08, abs=0.01
    )


def test_the_chain_gives_the_tracers_fields(
    traced: PathSet, meshes: tuple[SurfaceMesh, ...]
) -> None:
    specular = ~np.isin(traced.interactions, (DIFFUSE, DIFFRACTION)).any(axis=1)
    paths = traced.select(np.flatnonzero(specular))
    start = np.zeros(len(paths), np.intp)
    electrics = surface_electrics(meshes, FREQUENCY).exactly_thick
    chain = chain_transfer(
        paths.vertices,
        paths.interactions,
        paths.objects,
        paths.normals,
        paths.n_vertices,
        start,
        electrics,
        WAVELENGTH,
        NO_WEDGES,
    )
    ours = chain * free_space_amplitude(paths.delay * 299_792_458, WAVELENGTH)[:, None, None]
    assert len(paths) > 15
    through = (paths.interactions == REFRACTION).any(axis=1)
    for polarisation in (0, 1):
        ratio = ours[:, polarisation, polarisation] / paths.transfer[:, polarisation, polarisation]
        gain_db, phase = 20 * np.log10(np.abs(ratio)), np.angle(ratio)
        assert np.abs(gain_db[~through]).max() < 0.01
        # Through 0.2 m of brick the tracer's single precision moves the slab's resonances.
        assert np.abs(gain_db[through]).max() < 0.1
        assert np.abs(phase).max() < 0.02
