import numpy as np

from visrftwin_ros.bodies.cross_section import human_cross_section


def test_the_human_cross_section_is_sionnas() -> None:
    from visrftwin_ros.scene.ray_device import prepare

    prepare("llvm", 2)
    import mitsuba as mi
    from sionna.rt.rcs.tr38901 import TR38901RCS, get_target_parameters

    person = get_target_parameters("human", 2)
    theirs = TR38901RCS(person.lobes, person.k1, person.k2)
    directions = np.random.default_rng(3).normal(size=(2, 500, 3))
    directions /= np.linalg.norm(directions, axis=2, keepdims=True)
    # Sionna's are the directions of propagation: the first one comes in.
    expected = np.array(theirs(mi.Vector3f(*-directions[0].T), mi.Vector3f(*directions[1].T)))
    ours = human_cross_section(*directions, np.zeros(500))
    np.testing.assert_allclose(10 * np.log10(ours), 10 * np.log10(expected), atol=2e-3)


def test_it_turns_with_the_person_and_peaks_at_table_7_9_2_1_3() -> None:
    towards = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, -1.0, 0.0]])
    facing = human_cross_section(towards, towards, np.array([0.0, np.pi / 2, np.pi / 2]))
    np.testing.assert_allclose(10 * np.log10(facing), 2.14)
    beside = human_cross_section(towards[:1], towards[:1], np.array([np.pi / 2]))
    assert beside[0] < facing[0]
