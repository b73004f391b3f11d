"""Predicts the channel of every AP-robot link with the people that are there now."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, get_args

import numpy as np
from visualization_msgs.msg import MarkerArray

from visrftwin_ros.beams.fade_warnings import FadeWarnings
from visrftwin_ros.bodies.people import Bodies, nobody, together
from visrftwin_ros.cache import cache_folder
from visrftwin_ros.errors import TwinError
from visrftwin_ros.messages.people import bodies_from_message, covariance_from_message
from visrftwin_ros.messages.stamps import later, stamp_ns
from visrftwin_ros.msg import (
    ChannelPaths,
    FadeWarning,
    LinkChannels,
    ShadowForecasts,
    TrackedBoxes,
    TrackedPeople,
)
from visrftwin_ros.nodes.messages.channel_messages import (
    ChannelMessages,
    fade_warning_message,
    forecast_message,
    picked_links,
)
from visrftwin_ros.nodes.messages.markers import link_markers, path_markers, scene_markers
from visrftwin_ros.nodes.shared.awaited_answers import AwaitedAnswers
from visrftwin_ros.nodes.shared.boxes_heard import BoxesHeard
from visrftwin_ros.nodes.shared.calibration_heard import CalibrationHeard
from visrftwin_ros.nodes.shared.channel_services import ChannelServices, PeopleNow
from visrftwin_ros.nodes.shared.plans_heard import PlansHeard
from visrftwin_ros.nodes.shared.radio_maps import RadioMaps
from visrftwin_ros.nodes.shared.robot_poses import robot_poses_from_tf
from visrftwin_ros.nodes.shared.scene_heard import SceneHeard
from visrftwin_ros.nodes.shared.transforms import listen
from visrftwin_ros.nodes.shared.twin_node import (
    EACH_QOS,
    LATCHED_QOS,
    OK,
    SITE_PARAMETER,
    STALE,
    WARN,
    WATCH_PERIOD,
    NodeParameter,
    TwinNode,
    run,
)
from visrftwin_ros.propagation.people.screen_diffraction import BlockageModel
from visrftwin_ros.scene.ray_device import Device
from visrftwin_ros.site.model import Site
from visrftwin_ros.site.residual_map import site_residuals
from visrftwin_ros.twin.channel_state import ChannelState
from visrftwin_ros.twin.engine import TwinEngine
from visrftwin_ros.twin.forecast import ShadowForecast
from visrftwin_ros.twin.link_queries import Enquiries
from visrftwin_ros.twin.materials_file import read_materials
from visrftwin_ros.twin.static_twin import StaticTwin, with_residuals

FORGET_BOXES = 10.0
"""Seconds after which the boxes of nobody who still publishes any are forgotten."""
NEVER = float("inf")


class ChannelPredictor(TwinNode):
    """Every `people` message is answered with `channels` of the same stamp; silence with stale.

    Boxes of `tracked_boxes` join the people at their stamp. That nobody publishes any is no fault;
    where they came and stopped, the channels are stale.
    """

    parameters: ClassVar[Sequence[NodeParameter]] = (
        SITE_PARAMETER,
        NodeParameter(
            "blockage", "thick", "Body model: thick, or flat: fresnel, metis or knife_edge"
        ),
        NodeParameter("device", "auto", "Solver: auto (CUDA where there is a GPU), llvm or cuda"),
        NodeParameter("threads", 2, "CPU threads of the solver", (1, 64)),
        NodeParameter(
            "stale_after",
            0.5,
            "Seconds without fresh people until channels are stale",
            (0.05, 10.0),
            live=True,
        ),
        NodeParameter(
            "max_paths", 32, "Paths a link in channel_paths; metrics use all", (1, 10_000)
        ),
        NodeParameter(
            "path_links",
            [""],
            "Links in channel_paths and paths, by shell patterns of `tx-rx`; [''] = all",
            live=True,
        ),
        NodeParameter(
            "access_points",
            [""],
            "Access points whose links are this predictor's, where several share a site; [''] = all",
        ),
        NodeParameter("cache", "", "Folder of solved paths; empty = ~/.cache/visrftwin/paths"),
        NodeParameter(
            "materials", "", "File that keeps what set_material sets; empty = kept until a restart"
        ),
        NodeParameter(
            "plan_lasts", 10.0, "Seconds for which a robot's plan is used", (0.1, 600.0), live=True
        ),
        NodeParameter(
            "live_map_cell",
            0.0,
            "Side [m] of the cells of ROBOT/radio_map, once a second; 0 = none",
            (0.0, 50.0),
        ),
    )

    def configure(self) -> None:
        self._site = self.site()
        self._check_choice("blockage", get_args(BlockageModel))
        self._check_choice("device", get_args(Device))
        kept = Path(self.value("materials")) if self.value("materials") else None
        self.get_logger().info("solving the static paths (a new site takes some seconds)")
        self._engine = TwinEngine(
            self._own_share(),
            Path(self.value("cache")) if self.value("cache") else cache_folder("paths"),
            device=self.value("device"),
            blockage=self.value("blockage"),
            threads=self.value("threads"),
            materials=read_materials(kept, self._site) if kept else None,
        )
        if self._engine.site.residuals != self._site.residuals:
            own = site_residuals(self._site).of([ap.name for ap in self._engine.site.access_points])
            self._engine.change(with_residuals, own).result()
        self._messages = ChannelMessages(
            self._site.world_frame, self._site.radio, self.value("max_paths")
        )
        self._people, self._covariance = nobody(), np.zeros((0, 4, 4))
        self._boxes = BoxesHeard(self._site.world_frame)
        self._warnings = FadeWarnings()
        self._fresh_ns: int | None = None  # stamp of the newest fresh people
        self._heard_ns: int | None = None  # when they came, by `watch_ns`
        self._unused = ""  # why what comes is not used
        self._transforms = listen(self)
        self._plans = PlansHeard(self, self._site, self._transforms)
        self._channels = self.publisher(LinkChannels, "channels")
        self._forecasts = self.publisher(ShadowForecasts, "shadow_forecast")
        self._fades = self.publisher(FadeWarning, "fade_warnings", EACH_QOS)
        self._paths = self.publisher(ChannelPaths, "channel_paths")
        self._path_markers = self.publisher(MarkerArray, "paths")
        self._link_markers = self.publisher(MarkerArray, "links")
        self._scene = self.publisher(MarkerArray, "scene", LATCHED_QOS)
        self.subscription(TrackedPeople, "people", self._on_people)
        self.subscription(TrackedBoxes, "tracked_boxes", self._on_boxes)
        self.timer(WATCH_PERIOD, self._watch)
        enquiries = Enquiries(self._site, self._engine.people_model, self.value("device"))
        self._answers = AwaitedAnswers(self, enquiries)
        self._calibration = CalibrationHeard(self, self._engine, self._site)
        self._changes = SceneHeard(self, self._engine, self._draw)
        self._asked = ChannelServices(
            self,
            self._engine,
            self._transforms,
            self._people_now,
            self.value("max_paths"),
            kept,
            self._answers,
        )
        self._maps = RadioMaps(
            self, self._engine, self._people_now, lambda: self._engine.places, self._answers
        )

    def _own_share(self) -> Site:
        """The site with the access points of this predictor alone; where these are some, without the map
        of residuals, which has them all."""
        named = {name for name in self.value("access_points") if name}
        there = {ap.name: ap for ap in self._site.access_points}
        if unknown := named - set(there):
            raise TwinError(
                f"parameter 'access_points' names {', '.join(sorted(unknown))}: the site has"
                f" {', '.join(there)}"
            )
        own = [ap for name, ap in there.items() if name in named or not named]
        whole = len(own) == len(there)
        return self._site.model_copy(
            update={"access_points": own, "residuals": self._site.residuals if whole else ""}
        )

    def _check_choice(self, name: str, choices: Sequence[str]) -> None:
        if self.value(name) not in choices:
            raise TwinError(
                f"parameter {name!r} is {self.value(name)!r}: choose one of {', '.join(choices)}"
            )

    def activate(self) -> None:
        self._draw(self._engine.twin)

    def _draw(self, twin: StaticTwin) -> None:
        stamp = self.get_clock().now().to_msg()
        self._scene.publish(scene_markers(self._site, twin.meshes, stamp))

    def time_went_back(self) -> None:
        # Who was there later says nothing: the watch calls the channels stale until people come.
        self._people, self._covariance = nobody(), np.zeros((0, 4, 4))
        self._boxes.forget()
        self._plans.forget()
        self._warnings = FadeWarnings()
        self._fresh_ns = self._heard_ns = None

    def cleanup(self) -> None:
        if hasattr(self, "_asked"):
            self._asked.close()
            del self._asked
        if hasattr(self, "_maps"):
            self._maps.close()
            del self._maps
        if hasattr(self, "_answers"):
            self._answers.close()
            del self._answers
        if hasattr(self, "_engine"):
            if self._engine.twin.materials and not self.value("materials"):
                names = ", ".join(self._engine.twin.materials)
                self.get_logger().warning(f"materials that were set are forgotten, on {names}")
            self._engine.close()
            del self._engine

    def _on_people(self, message: TrackedPeople) -> None:
        stamp = stamp_ns(message.header.stamp)
        if not self.active or self.is_left_over(stamp):
            return
        self._unused = ""
        frame, world = message.header.frame_id, self._site.world_frame
        if self.is_old(stamp):
            self._unused = f"; those that come are {self.age_of(stamp):.1f} s old"
        elif frame not in ("", world):
            self._unused = f"; those that come are in frame {frame!r}, expected {world!r}"
        # Predictions of a silent sensor are no news: the watch says that the channels are stale.
        if message.stale or self._unused:
            return
        self._people = bodies_from_message(message)
        self._covariance = covariance_from_message(message)
        self._fresh_ns, self._heard_ns = stamp, self.watch_ns()
        late = self._late_boxes(self._fresh_ns)
        self._publish(self._fresh_ns, stale=late > 0, age=late)
        self.report("people", OK, "people arrive", people=len(self._people))

    def _on_boxes(self, message: TrackedBoxes) -> None:
        stamp = stamp_ns(message.header.stamp)
        if not self.active or self.is_left_over(stamp):
            return
        if self.is_old(stamp):
            self.report("boxes", STALE, f"boxes that come are {self.age_of(stamp):.1f} s old")
            return
        try:
            heard = self._boxes.hear(message)
        except TwinError as error:
            self.report("boxes", WARN, str(error))
            return
        if heard is not None and heard.left_out:
            names = ", ".join(heard.left_out)
            self.report("boxes", WARN, f"without a finite covariance, left out: {names}")
        elif heard is not None:
            self.report("boxes", OK, "boxes arrive", boxes=len(heard.bodies))

    def _late_boxes(self, stamp: int) -> float:
        """How old boxes are that somebody tracked, 0 where they are fresh or never were any."""
        age = self._boxes.age(stamp)
        if age is None or age <= self.value("stale_after"):
            return 0.0
        if age > FORGET_BOXES and not self.count_publishers("tracked_boxes"):
            self._boxes.forget()
            self.report("boxes", WARN, "nobody publishes boxes any more: they are forgotten")
            return 0.0
        self.report("boxes", STALE, f"no fresh boxes for {age:.1f} s")
        return age

    def _watch(self) -> None:
        if not self.active:
            return
        if self._fresh_ns is None or self._heard_ns is None:
            self.report("people", STALE, f"no people message has come yet{self._unused}")
            self._publish(self.now_ns(), stale=True, age=NEVER)
            return
        silence_ns = self.watch_ns() - self._heard_ns
        if silence_ns > self.value("stale_after") * 1e9:
            self.report(
                "people", STALE, f"no fresh people for {silence_ns * 1e-9:.1f} s{self._unused}"
            )
            # The last people are kept where they were: an empty place would promise clear links.
            self._publish(later(self._fresh_ns, silence_ns), stale=True, age=silence_ns * 1e-9)

    def _people_now(self) -> PeopleNow:
        if self._fresh_ns is None or self._heard_ns is None:
            return PeopleNow(nobody(), np.zeros((0, 4, 4)), self.now_ns(), NEVER, stale=True)
        age = (self.watch_ns() - self._heard_ns) * 1e-9
        boxes, covariance = self._boxes.at(self._fresh_ns)
        return PeopleNow(
            together(self._people, boxes),
            np.concatenate([self._covariance, covariance]),
            self._fresh_ns,
            age,
            age > self.value("stale_after"),
        )

    def _publish(self, stamp: int, stale: bool, age: float) -> None:
        robots, missing = robot_poses_from_tf(
            self._site, self._transforms, stamp, self.limits.extrapolation
        )
        boxes, covariance = self._boxes.at(stamp)
        bodies = together(self._people, boxes)
        try:
            state = self._engine.update(stamp, bodies, robots)
        except TwinError as error:
            self.report("channels", WARN, str(error))
            return
        message = self._messages.channels(state, stale, age)
        message.latency = (self.now_ns() - stamp) * 1e-9
        self._channels.publish(message)
        self._publish_paths(stamp, state, stale, bodies)
        if self._link_markers.get_subscription_count():
            self._link_markers.publish(link_markers(self._site, state, robots))
        self._report_links(state.links, state.fault, missing, state.dropped)
        self._report_residuals(state)
        forecast = self._engine.forecast(
            bodies, np.concatenate([self._covariance, covariance]), self._plans.at(stamp)
        )
        for robot, reason in forecast.refused.items():
            self._plans.refuse(robot, reason)
        self._publish_forecast(stamp, state, forecast, stale)
        if not stale:
            self._warn(stamp, state, forecast)

    def _publish_paths(self, stamp: int, state: ChannelState, stale: bool, bodies: Bodies) -> None:
        """Only while somebody listens: paths are most of what there is to send."""
        marked = self._path_markers.get_subscription_count()
        if not marked and not self._paths.get_subscription_count():
            return
        patterns = self.value("path_links")
        chosen = picked_links(state.links, patterns)
        if chosen:
            self.report("paths", OK, f"paths of {len(chosen)} links are published")
        else:
            self.report("paths", WARN, f"path_links {patterns} fits no link, such as ap-robot")
        message = self._messages.paths(state, stale, chosen)
        message.latency = (self.now_ns() - stamp) * 1e-9
        self._paths.publish(message)
        if marked:
            self._path_markers.publish(path_markers(message, bodies))

    def _report_links(
        self,
        links: tuple[tuple[str, str], ...],
        faults: tuple[str, ...],
        missing: dict[str, str],
        dropped: tuple[str, ...],
    ) -> None:
        wrong = {
            f"{tx}-{rx}": missing.get(rx, fault)
            for (tx, rx), fault in zip(links, faults, strict=True)
            if fault
        }
        if wrong:
            self.report("links", WARN, "; ".join(f"{k}: {v}" for k, v in wrong.items()))
        else:
            self.report("links", OK, f"{len(links)} links are predicted")
        if dropped:
            self.report("bodies", WARN, f"unusable poses were left out: {', '.join(dropped)}")
        else:
            self.report("bodies", OK, "all poses are usable")

    def _report_residuals(self, state: ChannelState) -> None:
        known = self._engine.twin.residuals
        if not len(known) or state.residual_db is None or state.residual_sd_db is None:
            return
        corrected = {
            f"{tx}-{rx}": f"{db:+.1f} dB, +-{sd:.1f} dB"
            for (tx, rx), db, sd in zip(
                state.links, state.residual_db, state.residual_sd_db, strict=True
            )
        }
        told = f"what {len(known)} soundings were off is added to the power of links near them"
        self.report("residuals", OK, told, **corrected)

    def _publish_forecast(
        self, stamp: int, state: ChannelState, forecast: ShadowForecast, stale: bool
    ) -> None:
        snr_db = forecast.snr_db(state.links, self._site)
        message = forecast_message(state, forecast, snr_db, self._site.world_frame, stale)
        message.latency = (self.now_ns() - stamp) * 1e-9
        self._forecasts.publish(message)

    def _warn(self, stamp: int, state: ChannelState, forecast: ShadowForecast) -> None:
        self._warnings, new = self._warnings.ahead(
            stamp * 1e-9,
            forecast.horizons[1:],
            forecast.loss_db[:, :, 1:],
            state.metrics.shadow_loss_db,
        )
        for warning in new:
            message = fade_warning_message(state, warning, self._site.world_frame)
            message.latency = (self.now_ns() - stamp) * 1e-9
            self._fades.publish(message)


def main() -> None:
    run(ChannelPredictor, "channel_predictor")


if __name__ == "__main__":
    main()
