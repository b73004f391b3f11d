"""What every node here shares: lifecycle, declared parameters, quality of service, diagnostics."""

from __future__ import annotations

import copy
import gc
import os
import sys
import time
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from typing import Any, ClassVar, NoReturn

import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rcl_interfaces.msg import ParameterDescriptor, SetParametersResult
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.callback_groups import CallbackGroup, ReentrantCallbackGroup
from rclpy.clock import Clock, ClockType, JumpThreshold, TimeJump
from rclpy.duration import Duration
from rclpy.exceptions import InvalidParameterTypeException, ParameterException
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSPolicyKind, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from rclpy.signals import SignalHandlerOptions
from rclpy.task import Future
from rclpy.time_source import USE_SIM_TIME_NAME

from visrftwin_ros.errors import TwinError
from visrftwin_ros.messages.limits import Limits
from visrftwin_ros.nodes.shared.boundary import GuardedExecutor, answering, refusing, spin_until
from visrftwin_ros.nodes.shared.exit_codes import EXIT_CANNOT_START
from visrftwin_ros.nodes.shared.heartbeat import BEAT_PERIOD, Heartbeat
from visrftwin_ros.nodes.shared.intake import Intake
from visrftwin_ros.nodes.shared.leaving import Leaving, leave
from visrftwin_ros.nodes.shared.node_parameter import LIMIT_PARAMETERS, NodeParameter
from visrftwin_ros.nodes.shared.ros_inputs import check_clock, check_parameter_changes
from visrftwin_ros.nodes.shared.sources import Sources
from visrftwin_ros.outputs import OWN_ALONE
from visrftwin_ros.site.loading import config_path, load_site
from visrftwin_ros.site.model import Camera, Site

SENSOR_QOS = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
RESULT_QOS = QoSProfile(depth=5, reliability=ReliabilityPolicy.RELIABLE)
EACH_QOS = QoSProfile(depth=2000, reliability=ReliabilityPolicy.RELIABLE)
"""Of messages each of which counts, and many of which may come at once: one a link or robot."""
REPORT_QOS = QoSProfile(
    depth=10,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)
"""Of /diagnostics: who finds a node later than it spoke hears it all the same."""
LATCHED_QOS = QoSProfile(
    depth=1,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)

OVERRIDABLE = (
    QoSPolicyKind.HISTORY,
    QoSPolicyKind.DEPTH,
    QoSPolicyKind.RELIABILITY,
    QoSPolicyKind.DURABILITY,
)

WATCH_PERIOD = 0.1
"""Seconds between two looks for a silence; what follows from one is stale so much later at most."""

OK, WARN, ERROR, STALE = (
    DiagnosticStatus.OK,
    DiagnosticStatus.WARN,
    DiagnosticStatus.ERROR,
    DiagnosticStatus.STALE,
)

JUMP_SHOWN = 5.0
"""Seconds that /diagnostics tells of a jump of ROS time."""
FAULT_SHOWN = 5.0
"""Seconds that /diagnostics tells of a callback that failed, and that its traceback is told once."""
RESULT_KEPT = 10
"""Seconds for which an action's result is there for who asked."""
LONGEST_TEXT = 2000
"""Characters of what /diagnostics says of one subject."""
PROCESS = "process"
"""The subject under which a node tells of its process."""
LEFT_OVER_NS = 100_000_000
"""So far a stamp may lie before the clock without being of before a jump."""


SITE_PARAMETER = NodeParameter(
    "site", "", "Site: a name under config/sites, or the path of a site folder or site.yaml"
)


class TwinNode(LifecycleNode):
    """A lifecycle node whose subclass gives `parameters`, `configure` and, if needed, the rest.

    `configure` loads and validates everything and raises TwinError on bad input; the node then
    stays unconfigured, with the reason in its log and in /diagnostics.
    """

    parameters: ClassVar[Sequence[NodeParameter]] = ()

    def __init__(self, name: str, **options: Any) -> None:
        super().__init__(name, **options)
        self.declare_parameter(
            "autostart", True, ParameterDescriptor(description="Configure and activate at start")
        )
        for parameter in (*LIMIT_PARAMETERS, *self.parameters):
            self.declare_parameter(parameter.name, parameter.default, parameter.descriptor())
        self.add_on_set_parameters_callback(self._check_live)
        check_parameter_changes(self)
        changes = self._service_change_state
        changes.callback = refusing(changes.callback)
        self.active = False
        self.finished = Future()  # a node that sets it has done its work; its process ends
        self.limits = Limits()
        self._intake: Intake | None = None
        self._entities: list[tuple[Callable[[Any], Any], Any]] = []
        self._status: dict[str, tuple[bytes, str, dict[str, str]]] = {}
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", REPORT_QOS)
        # Of wall time: a paused replay must not silence the nodes.
        self._steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._diagnostics_timer = self.create_timer(1.0, self._on_second, clock=self._steady)
        self._heart = self.create_timer(BEAT_PERIOD, Heartbeat().beat, clock=self._steady)
        self._offset_ns: int | None = None  # of ROS time to the steady clock, a second ago
        back = JumpThreshold(min_forward=None, min_backward=Duration(nanoseconds=-1))
        self._jumps = self.get_clock().create_jump_callback(back, post_callback=self._on_jump)
        self._jumped_at = 0.0  # time.monotonic
        self.faults: Counter[str] = Counter()  # by the topic, service or callback
        self._failed_at: float | None = None  # time.monotonic
        self._told_at: dict[str, float] = {}  # likewise, of the tracebacks

    # What a subclass fills in.

    def configure(self) -> None:
        raise NotImplementedError

    def activate(self) -> None:
        """Called when the node goes active."""

    def deactivate(self) -> None:
        """Called when the node stops being active."""

    def time_went_back(self) -> None:
        """Called after ROS time went back (a replay that loops or is wound back): what was kept
        under later stamps is of no more use."""

    def cleanup(self) -> None:
        """Called before the node's publishers, subscriptions and timers are destroyed."""

    # Lifecycle.

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        self.limits = Limits(**{f.name: self.value(f"limits.{f.name}") for f in fields(Limits)})
        self._intake = Intake(self, self.limits)
        self._sources = Sources(self)
        if clock := check_clock(self, self._intake):
            self._sources.expect("/clock", clock)
        try:
            self.configure()
        except TwinError as error:
            self.get_logger().error(f"cannot configure: {error}")
            self.report("configure", ERROR, str(error))
            self._release()
            return TransitionCallbackReturn.FAILURE
        except Exception as error:
            if _is_of_an_interrupt(error):
                raise
            # rclpy would turn this into a failed transition without a word.
            self.get_logger().fatal("".join(traceback.format_exception(error)))
            raise
        self.report("configure", OK, "configured")
        return TransitionCallbackReturn.SUCCESS

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        result: TransitionCallbackReturn = super().on_activate(state)
        self.active = True
        self.activate()
        return result

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        self.active = False
        self.deactivate()
        result: TransitionCallbackReturn = super().on_deactivate(state)
        return result

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._release()
        return TransitionCallbackReturn.SUCCESS

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        self.active = False
        self._release()
        return TransitionCallbackReturn.SUCCESS

    def _release(self) -> None:
        self.cleanup()
        for destroy, entity in reversed(self._entities):
            destroy(entity)
        self._entities.clear()
        self._intake = None

    # Short forms that remember what cleanup has to destroy.

    def publisher(self, kind: type, topic: str, qos: QoSProfile = RESULT_QOS) -> Any:
        with _overridden(topic, qos) as options:
            publisher = self.create_lifecycle_publisher(kind, topic, **options)
        self._entities.append((self.destroy_lifecycle_publisher, publisher))
        if self.active:
            publisher.on_activate(None)
        return publisher

    def subscription(
        self,
        kind: type,
        topic: str,
        callback: Callable[[Any], None],
        qos: QoSProfile = RESULT_QOS,
        publishers: int = 1,
    ) -> Any:
        assert self._intake is not None  # subscriptions are made in `configure`
        entering = self._intake.checked(kind, topic, callback)
        with _overridden(topic, qos) as options:
            subscription = self.create_subscription(kind, topic, entering, **options)
        self._entities.append((self.destroy_subscription, subscription))
        self._sources.expect(topic, subscription.topic_name, publishers)
        return subscription

    def service(
        self,
        kind: type,
        name: str,
        callback: Callable[[Any, Any], Any],
        group: CallbackGroup | None = None,
    ) -> Any:
        answered = answering(self, name, callback)
        service = self.create_service(kind, name, answered, callback_group=group)
        self._entities.append((self.destroy_service, service))
        return service

    def action(
        self,
        kind: type,
        name: str,
        execute: Callable[[Any], Awaitable[Any]],
        may_begin: Callable[[Any], bool],
    ) -> Any:
        """An action that can be cancelled; `may_begin` is asked of each goal, `execute` awaits its end."""

        def asked(goal: Any) -> GoalResponse:
            return GoalResponse.ACCEPT if may_begin(goal) else GoalResponse.REJECT

        server = ActionServer(
            self,
            kind,
            name,
            execute,
            callback_group=ReentrantCallbackGroup(),
            goal_callback=asked,
            cancel_callback=lambda _: CancelResponse.ACCEPT,
            result_timeout=RESULT_KEPT,
        )
        self._entities.append((ActionServer.destroy, server))
        return server

    def timer(self, period: float, callback: Callable[[], None], always: bool = False) -> Any:
        """always: also while the time of a replay stands."""
        clock = self._steady if always else self._watch_clock
        timer = self.create_timer(period, callback, clock=clock)
        self._entities.append((self.destroy_timer, timer))
        return timer

    def _check_live(self, changed: Sequence[Parameter]) -> SetParametersResult:
        own = {parameter.name: parameter for parameter in (*LIMIT_PARAMETERS, *self.parameters)}
        fixed = [p.name for p in changed if p.name in own and not own[p.name].live]
        fixed += [p.name for p in changed if p.name == USE_SIM_TIME_NAME]
        if self._intake is None or not fixed:
            return SetParametersResult(successful=True)
        names = ", ".join(fixed)
        reason = f"{names}: read when the node is configured; clean it up, set it, configure it"
        return SetParametersResult(successful=False, reason=reason)

    def value(self, name: str) -> Any:
        """The current value of a declared parameter."""
        return self.get_parameter(name).value

    def site(self) -> Site:
        """The site that the parameter `site` names."""
        name = self.value("site")
        if not name:
            raise TwinError("parameter 'site' is empty: give a site name or a path to a site.yaml")
        return load_site(name)

    def site_camera(self) -> Camera:
        """The site's camera that the parameter `camera` names, or its only one."""
        try:
            return self.site().camera(self.value("camera"))
        except KeyError as error:
            raise TwinError(f"parameter 'camera': {error.args[0]}") from error

    def now_ns(self) -> int:
        return int(self.get_clock().now().nanoseconds)

    @property
    def _watch_clock(self) -> Clock:
        """What silence is measured by: no step of the system's clock hides or makes it. In a replay
        it is the replay's time, which may stand."""
        simulated = self.get_clock().ros_time_is_active
        return self.get_clock() if simulated else self._steady

    def watch_ns(self) -> int:
        """Now, to measure silence by; of no date."""
        return int(self._watch_clock.now().nanoseconds)

    def age_of(self, stamp_ns: int) -> float:
        """Seconds from a stamp to now."""
        return (self.now_ns() - stamp_ns) * 1e-9

    def is_old(self, stamp_ns: int) -> bool:
        """Whether what was measured then is not fresh any more, however recently it came."""
        return self.age_of(stamp_ns) > self.limits.behind

    def _look_at_the_clock(self) -> None:
        """rclpy tells of jumps of a replay's time, not of steps of the system's clock."""
        if self.get_clock().ros_time_is_active:
            self._offset_ns = None
            return
        before, self._offset_ns = self._offset_ns, self.now_ns() - time.monotonic_ns()
        step_ns = 0 if before is None else self._offset_ns - before
        if step_ns < -LEFT_OVER_NS:
            self._went_back(-step_ns * 1e-9)
        elif step_ns > LEFT_OVER_NS:
            self._jumped_at = time.monotonic()
            self.report("time", WARN, f"the clock was set forward by {step_ns * 1e-9:.2f} s")

    def _on_jump(self, jump: TimeJump) -> None:
        self._went_back(-jump.delta.nanoseconds * 1e-9)

    def _went_back(self, back: float) -> None:
        self._jumped_at = time.monotonic()
        self.report("time", WARN, f"ROS time went back by {back:.2f} s: started again")
        if self.active:
            self.time_went_back()

    def is_left_over(self, stamp_ns: int) -> bool:
        """Whether a message was on its way when ROS time went back: its stamp is yet to come."""
        return bool(self._jumped_at) and stamp_ns > self.now_ns() + LEFT_OVER_NS

    # Diagnostics.

    def _on_second(self) -> None:
        self._look_at_the_clock()
        if self._jumped_at and time.monotonic() - self._jumped_at > JUMP_SHOWN:
            self._jumped_at = 0.0
            self.report("time", OK, "ROS time goes on")
        if self._failed_at is not None and time.monotonic() - self._failed_at > FAULT_SHOWN:
            self._failed_at = None
            self._report_faults(OK, "callbacks work again")
        if self._intake is not None:
            self._intake.watch()
            self._sources.watch()
        self.report(PROCESS, OK, "runs", python_blocks=sys.getallocatedblocks())
        self._publish_diagnostics()

    def fault(self, where: str, error: Exception) -> None:
        """Told by the executor: what a topic, a service or a timer brought raised, and the node goes
        on without it."""
        self.faults[where] += 1
        self._failed_at = now = time.monotonic()
        if now - self._told_at.get(where, -FAULT_SHOWN) >= FAULT_SHOWN:
            self._told_at[where] = now
            text = "".join(traceback.format_exception(error))
            self.get_logger().error(f"{where} failed, the node goes on: {text}")
        self._report_faults(ERROR, f"{where} failed: {type(error).__name__}: {error}")

    def _report_faults(self, level: bytes, text: str) -> None:
        self.report("faults", level, text, **self.faults)

    def report(self, subject: str, level: bytes, message: str, **values: object) -> None:
        """Sets what /diagnostics says of one subject of this node; a change of level is logged."""
        before = self._status.get(subject)
        message = message if len(message) <= LONGEST_TEXT else message[: LONGEST_TEXT - 3] + "..."
        text = {key: str(value) for key, value in values.items()}
        self._status[subject] = (level, message, text)
        if before is None or before[0] != level:
            if level in (WARN, STALE):
                self.get_logger().warning(f"{subject}: {message}")
            elif level == ERROR and subject != "configure":
                self.get_logger().error(f"{subject}: {message}")
            elif before is not None:
                self.get_logger().info(f"{subject}: {message}")
            self._publish_diagnostics()

    def _publish_diagnostics(self) -> None:
        array = DiagnosticArray()
        array.header.stamp = self.get_clock().now().to_msg()
        name = self.get_fully_qualified_name().lstrip("/")
        for subject, (level, message, values) in self._status.items():
            array.status.append(
                DiagnosticStatus(
                    level=level,
                    name=f"{name}: {subject}",
                    message=message,
                    hardware_id=name,
                    values=[KeyValue(key=key, value=value) for key, value in values.items()],
                )
            )
        self._diagnostics.publish(array)


def _is_of_an_interrupt(error: BaseException | None) -> bool:
    """Whether it is what a library made of a KeyboardInterrupt."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


@contextmanager
def _overridden(topic: str, qos: QoSProfile) -> Iterator[dict[str, Any]]:
    """Options of a publisher or subscription, whose quality of service the parameters
    `qos_overrides.<topic in full>.publisher.<policy>`, or `.subscription.`, change.

    rclpy writes into the profile that it is given: it has a copy. TwinError on a value that is none.
    """
    overriding = QoSOverridingOptions(OVERRIDABLE)
    try:
        yield {"qos_profile": copy.copy(qos), "qos_overriding_options": overriding}
    except (RuntimeError, InvalidParameterTypeException) as error:
        if "qos" not in str(error).lower():
            raise
        raise TwinError(f"quality of service of {topic!r}: {error}") from error


def bound_threads(threads: int = 2) -> None:
    """Caps the pools of the libraries that read these variables when they are first imported."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, str(threads))


def _give_up(name: str, error: Exception) -> NoReturn:
    """What was given to a node is wrong, and will be each time that it is started again."""
    print(f"{name}: cannot start: {str(error).splitlines()[0]}", file=sys.stderr)
    leave(EXIT_CANNOT_START)


def run(node_class: type[TwinNode], name: str) -> None:
    """Runs one node as a process; exits with EXIT_CANNOT_START when it cannot be configured."""
    leaving = Leaving()
    gc.freeze()  # what is loaded stays: nobody looks through it for garbage, least of all in a tick
    os.umask(OWN_ALONE)
    bound_threads()
    # Fast DDS reads this when the first participant is made; see the comments in the file.
    os.environ.setdefault("FASTRTPS_DEFAULT_PROFILES_FILE", str(config_path("fastdds_images.xml")))
    # Nobody on the network is heard or told anything unless that is asked for.
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    try:
        rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    except rclpy_implementation.RCLError as error:
        _give_up(name, error)  # a parameter file, a name or a namespace that is none
    try:
        node = node_class(name)
    except ParameterException as error:
        _give_up(name, error)
    executor = GuardedExecutor()
    executor.add_node(node)
    code = 0
    try:
        if node.value("autostart"):
            with leaving.interrupting():
                started = node.trigger_configure() == TransitionCallbackReturn.SUCCESS
                started = started and node.trigger_activate() == TransitionCallbackReturn.SUCCESS
            # Libraries make all sorts of errors of an interrupt: who was asked to leave has not failed.
            if not started and not leaving.asked:
                time.sleep(0.2)  # lets the diagnostics that name the reason leave
                code = EXIT_CANNOT_START
        gc.collect()
        gc.freeze()
        if code == 0:
            spin_until(executor, lambda: leaving.asked or node.finished.done())
    except KeyboardInterrupt:
        pass
    except BaseException:
        if not leaving.asked:
            traceback.print_exc()
            code = 1
    try:
        executor.shutdown()
        node.deactivate()
        node.cleanup()
        node.destroy_node()
        rclpy.try_shutdown()
    except Exception:
        traceback.print_exc()
    leave(code)
