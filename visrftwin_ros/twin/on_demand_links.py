"""The channels of any links, from paths that were solved for them alone."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from visrftwin_ros.bodies.people import Bodies, usable
from visrftwin_ros.propagation.fields.free_space import wavelength_of
from visrftwin_ros.propagation.paths.devices import Devices
from visrftwin_ros.propagation.paths.link_metrics import link_sums
from visrftwin_ros.propagation.paths.path_set import PathSet
from visrftwin_ros.propagation.people.body_paths import BodyReflections, LinkEnds, Sees
from visrftwin_ros.propagation.people.body_reflection import BodyScattering
from visrftwin_ros.propagation.people.people_update import PeopleUpdate
from visrftwin_ros.propagation.people.screen_diffraction import BlockageModel
from visrftwin_ros.site.model import MaterialEntry
from visrftwin_ros.site.residual_map import NO_RESIDUALS, ResidualMap
from visrftwin_ros.twin.channel_state import ChannelState, LinkGroup


@dataclass(frozen=True)
class PeopleModel:
    """How people and boxes change a channel at `frequency` [Hz]; materials: the site's own."""

    frequency: float
    blockage: BlockageModel = "thick"
    scattering: BodyScattering = "ellipsoid"
    materials: Mapping[str, MaterialEntry] = field(default_factory=dict)


def channels_of(
    paths: PathSet,
    transmitters: Devices,
    receivers: Devices,
    bodies: Bodies,
    stamp_ns: int,
    scene: Sees,
    model: PeopleModel,
    residuals: ResidualMap = NO_RESIDUALS,
) -> ChannelState:
    """The channels of `paths.links`, every transmitter with every receiver, with these people.

    Both ends stand. `scene` says what the static surfaces hide, `residuals` what was found off.
    """
    began = time.perf_counter()
    bodies, dropped = usable(bodies)
    wavelength = wavelength_of(model.frequency)
    count = len(paths.links)
    places = np.tile(receivers.positions, (len(transmitters.names), 1))
    everything = np.arange(count)
    blocked = PeopleUpdate(paths, wavelength, model.blockage, standing=False).update(bodies)
    sums = link_sums(paths, blocked.field)
    touched = np.ones(count, bool)
    still = np.zeros((count, 3))
    group = LinkGroup(everything, paths, blocked, sums, touched, still)
    over_bodies = None
    if model.scattering != "none":
        ends = LinkEnds(
            np.repeat(transmitters.positions, len(receivers.names), axis=0),
            places,
            still,
        )
        seeing = BodyReflections(
            paths.links, scene, wavelength, model.blockage, model.scattering, model.materials
        )
        over_bodies = seeing.update(ends, sums.power, bodies)
        sums = sums.plus(everything, over_bodies.sums)
    residual_db, residual_sd_db = residuals.at([tx for tx, _ in paths.links], places)
    sums = sums.stronger_by(residual_db)
    return ChannelState(
        stamp_ns=stamp_ns,
        links=paths.links,
        metrics=sums.metrics(wavelength),
        retraced=touched,
        fault=("",) * count,
        paths_age=np.zeros(count),
        retraced_paths=len(blocked.evaluated),
        dropped=dropped,
        compute_time=time.perf_counter() - began,
        frequency=model.frequency,
        groups=(group,),
        over_bodies=over_bodies,
        residual_db=residual_db,
        residual_sd_db=residual_sd_db,
    )
