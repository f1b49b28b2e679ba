"""saymask as a ROS 2 lifecycle node: the only file that imports ROS.

Messages are converted in convert.py, decisions are taken in session.py; here are topics, parameters, the life cycle and
the transform. An active node has one worker thread, the session's, in which it also publishes.
"""

from __future__ import annotations

import functools
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, Literal

try:
    import rclpy
    from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
    from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor, SetParametersResult
    from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
    from rclpy.executors import ExternalShutdownException
    from rclpy.lifecycle import LifecycleNode, LifecyclePublisher, LifecycleState, TransitionCallbackReturn
    from rclpy.parameter import Parameter as RosParameter
    from rclpy.qos import QoSCompatibility, QoSProfile, qos_check_compatible, qos_profile_sensor_data
    from rclpy.subscription import Subscription
    from rclpy.time import Time
    from sensor_msgs.msg import CameraInfo, CompressedImage, Image
    from std_msgs.msg import String
    from tf2_ros import Buffer, TransformException, TransformListener
except ImportError as missing:
    if __name__ != "__main__":
        raise
    from saymask_ros.main import cannot_run, fail

    sys.exit(fail(cannot_run(missing)))

from runtime.bundle import DEFAULT_MODEL
from runtime.datatypes import Grasp, Intrinsics
from runtime.errors import SaymaskError
from runtime.segmenter import Segmenter
from saymask_ros import convert
from saymask_ros.events import SessionStatus
from saymask_ros.frames import in_frame
from saymask_ros.outputs import OUTPUTS, Outputs
from saymask_ros.parameters import BY_NAME, PARAMETERS, Parameter, Settings, settings_from
from saymask_ros.report import IDLE, NodeState, report
from saymask_ros.ros_log import RosLog
from saymask_ros.ros_types import RclpyTypes
from saymask_ros.session import Session, Source
from saymask_ros.silence import Talker, why_silent

_RELIABLE = QoSProfile(depth=10)
"""For words, which must not get lost, and for what we publish: it reaches reliable and best-effort subscribers."""

_TF_POLL_S = 0.005

_Change = Callable[["SaymaskNode", LifecycleState], TransitionCallbackReturn]


def _told(change: _Change) -> _Change:
    """Say what a transition raised: rclpy turns an exception into ERROR without a word."""

    @functools.wraps(change)
    def wrapper(node: SaymaskNode, state: LifecycleState) -> TransitionCallbackReturn:
        node.fault = ""
        try:
            return change(node, state)
        except SaymaskError as error:
            node.fault = str(error)
            node.get_logger().error(node.fault)
            return TransitionCallbackReturn.FAILURE
        except Exception as error:
            node.fault = f"{type(error).__name__}: {error}"
            node.get_logger().error(traceback.format_exc())
            return TransitionCallbackReturn.ERROR

    return wrapper


def open_segmenter(settings: Settings) -> Segmenter:
    """The segmenter that the parameters ask for. Raises SaymaskError for a model or backend that cannot be had."""
    return Segmenter(settings.model or DEFAULT_MODEL, backend=settings.backend, threads=settings.threads or None)


class SaymaskNode(LifecycleNode):
    """Camera, depth and words in; masks, points, poses and speech out.

    unconfigured: there are parameters; inactive: the model is loaded; active: it listens and answers. /diagnostics
    is published in every state.
    """

    def __init__(
        self,
        name: str = "saymask",
        *,
        segmenter: Callable[[Settings], Segmenter] = open_segmenter,
        **options: Any,
    ) -> None:
        """`options` go to rclpy's LifecycleNode. Raises SaymaskError for a parameter with a value it cannot have."""
        super().__init__(name, **options)
        self.fault = ""
        """What the last transition failed of."""
        self.settings = self._declare()
        self._settings_changed = False
        self.add_on_set_parameters_callback(self._check_parameters)
        self._types = RclpyTypes()
        self._ros_log = RosLog(self.get_logger())
        self._open_segmenter = segmenter
        self._segmenter: Segmenter | None = None
        self._session: Session | None = None
        self._inputs: dict[str, Subscription] = {}
        self._outputs: dict[str, LifecyclePublisher] = {}
        self._tf: tuple[Buffer, TransformListener] | None = None
        self._no_transform = ""
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", _RELIABLE)
        self._diagnostics_timer = self.create_timer(self.settings.diagnostics_period_s, self._on_diagnostics_timer)

    # Life cycle

    @_told
    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load the model, which may take minutes where an engine has to be built, and announce the outputs."""
        self._refresh()
        self._ros_log.attach()
        try:
            self._segmenter = self._open_segmenter(self.settings)
            for name, kind in OUTPUTS.items():
                message = getattr(self._types, kind)
                self._outputs[name] = self.create_lifecycle_publisher(message, f"~/{name}", _RELIABLE)
            return super().on_configure(state)
        except BaseException:
            self._release()
            raise

    @_told
    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Listen and answer."""
        assert self._segmenter
        self._refresh()
        self._no_transform = ""
        outputs = Outputs(self._outputs, self._types, self._placed)
        self._session = Session(self._segmenter, outputs.deliver, self.settings.of_session())
        try:
            self._session.start()
            self._listen()
            return super().on_activate(state)
        except BaseException:
            self._stop()
            raise

    @_told
    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Listen no more, and forget the command."""
        self._stop()
        return super().on_deactivate(state)

    @_told
    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free the model."""
        result = super().on_cleanup(state)
        self._release()
        return result

    @_told
    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free everything, from any state."""
        self._stop()
        result = super().on_shutdown(state)
        self._release()
        return result

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free everything, after a transition that failed unexpectedly; the node is unconfigured then."""
        self._release()
        return TransitionCallbackReturn.SUCCESS

    def destroy_node(self) -> None:
        """Free everything, from any state; a second call does nothing."""
        self._release()
        super().destroy_node()

    def autostart(self) -> None:
        """Configure and activate. Raises SaymaskError where that fails."""
        for trigger in (self.trigger_configure, self.trigger_activate):
            if trigger() is not TransitionCallbackReturn.SUCCESS:
                raise SaymaskError(self.fault)

    def _listen(self) -> None:
        kinds = {"raw": Image, "compressed": CompressedImage}
        image, depth = kinds[self.settings.image_transport], kinds[self.settings.depth_transport]
        self._subscribe("image", image, self._on_image, qos_profile_sensor_data)
        if self.settings.use_depth:
            self._subscribe("depth", depth, self._on_depth, qos_profile_sensor_data)
            self._subscribe("camera_info", CameraInfo, self._on_camera_info, qos_profile_sensor_data)
        self._subscribe("command", String, self._on_command, _RELIABLE)
        self._subscribe("reply", String, self._on_reply, _RELIABLE)
        self._follow_frames()

    def _subscribe(self, name: str, kind: type[Any], callback: Callable[[Any], None], qos: QoSProfile) -> None:
        self._inputs[name] = self.create_subscription(kind, name, callback, qos)

    def _follow_frames(self) -> None:
        """Listen to transforms from when a target frame is asked for."""
        if self.settings.target_frame and self._tf is None:
            buffer = Buffer()
            self._tf = buffer, TransformListener(buffer, self)

    def _stop(self) -> None:
        """Leave the active state: whatever arrives or is half done is forgotten."""
        for subscription in self._inputs.values():
            self.destroy_subscription(subscription)
        self._inputs.clear()
        if self._session:
            self._session.close()
            self._session = None
        if self._tf:
            self._tf[1].unregister()
            self._tf = None

    def _release(self) -> None:
        """Back to unconfigured."""
        self._stop()
        for publisher in self._outputs.values():
            self.destroy_lifecycle_publisher(publisher)
        self._outputs.clear()
        if self._segmenter:
            self._segmenter.close()
            self._segmenter = None
        self._ros_log.close()

    # Inputs. Messages are converted in the session's worker, and only those that are answered.

    def _on_image(self, message: Any) -> None:
        load = convert.frame_from_compressed if isinstance(message, CompressedImage) else convert.frame_from_image
        self._take("image", lambda session: session.on_image(convert.stamp_ns(message.header), lambda: load(message)))

    def _on_depth(self, message: Any) -> None:
        load = convert.depth_from_compressed if isinstance(message, CompressedImage) else convert.depth_from_image
        self._take("depth", lambda session: session.on_depth(convert.stamp_ns(message.header), lambda: load(message)))

    def _on_camera_info(self, message: Any) -> None:
        def load() -> Intrinsics:
            return convert.intrinsics_from_camera_info(message, rectified=self.settings.rectified)

        self._take("camera_info", lambda session: session.on_camera_info(load))

    def _on_command(self, message: Any) -> None:
        self._take("text", lambda session: session.on_transcript(message.data))

    def _on_reply(self, message: Any) -> None:
        self._take("text", lambda session: session.on_reply(message.data))

    def _take(self, source: Source, hand_over: Callable[[Session], None]) -> None:
        """Hand a message to the session, if there is one still; whatever a message does, the node goes on."""
        session = self._session
        if session is None:
            return
        self._refresh()
        try:
            hand_over(session)
        except Exception as error:
            session.refuse(source, error)

    # The transform; called in the session's worker

    def _placed(self, grasp: Grasp) -> Grasp | None:
        """`grasp` in the target frame; None where there is no transform, for a reason that /diagnostics tells."""
        target = self.settings.target_frame
        if target in ("", grasp.camera_frame):
            self._no_transform = ""
            return grasp
        try:
            placed = in_frame(grasp, self._transform(target, grasp))
        except TransformException as error:
            self._no_transform = (
                f"no transform from {grasp.camera_frame or 'a camera without a frame'} to {target}: {error}"
            )
            return None
        self._no_transform = ""
        return placed

    def _transform(self, target: str, grasp: Grasp) -> Any:
        """From the camera at the time of its picture. Waits only where the frames are connected at all."""
        if self._tf is None:  # asked for this moment
            raise TransformException("no transform has been listened to yet")
        buffer = self._tf[0]
        end = time.monotonic() + self.settings.tf_wait_s
        while True:
            try:
                return buffer.lookup_transform(target, grasp.camera_frame, Time(nanoseconds=grasp.stamp_ns))
            except TransformException:
                known = buffer.can_transform(target, grasp.camera_frame, Time())
                if not known or time.monotonic() >= end:
                    raise
            time.sleep(_TF_POLL_S)

    # Parameters

    def _declare(self) -> Settings:
        try:
            for parameter in PARAMETERS:
                self.declare_parameter(parameter.name, parameter.default, _descriptor(parameter))
            return self._read()
        except (InvalidParameterTypeException, InvalidParameterValueException) as error:
            raise SaymaskError(f"{error}; see 'ros2 param describe'") from error

    def _read(self) -> Settings:
        return settings_from({parameter.name: self.get_parameter(parameter.name).value for parameter in PARAMETERS})

    def _check_parameters(self, changes: list[RosParameter]) -> SetParametersResult:
        """Refuse what cannot be; what can is stored by rclpy after this, and read by `_refresh`."""
        ours = {change.name: change.value for change in changes if change.name in BY_NAME}
        for name, value in ours.items():
            if BY_NAME[name].when == "configure" and self._segmenter and value != getattr(self.settings, name):
                reason = f"{name} is read by 'configure': deactivate and clean up the node first"
                return SetParametersResult(successful=False, reason=reason)
        try:
            settings_from({**asdict(self.settings), **ours}).of_session()
        except SaymaskError as error:
            return SetParametersResult(successful=False, reason=str(error))
        self._settings_changed = self._settings_changed or bool(ours)
        return SetParametersResult(successful=True, reason="")

    def _refresh(self) -> None:
        """Take over parameters that were changed since the last time."""
        if not self._settings_changed:
            return
        self._settings_changed = False
        old, self.settings = self.settings, self._read()
        if self._session:
            self._session.change(self.settings.of_session())
            self._follow_frames()
        if old.diagnostics_period_s != self.settings.diagnostics_period_s:
            self.destroy_timer(self._diagnostics_timer)
            self._diagnostics_timer = self.create_timer(self.settings.diagnostics_period_s, self._on_diagnostics_timer)

    # Diagnostics

    def _on_diagnostics_timer(self) -> None:
        self._refresh()
        status = self._session.status() if self._session else IDLE
        state = self._node_state(status)
        message: Any = convert.diagnostics_message(
            report(state, status), self.get_clock().now().nanoseconds, self._types
        )
        told = message.status[0]
        told.values += [KeyValue(key="state", value=state.label), KeyValue(key="backend", value=self._ros_log.backend)]
        if state.fault:
            told.level = DiagnosticStatus.ERROR
        self._diagnostics.publish(message)

    def _node_state(self, status: SessionStatus) -> NodeState:
        label: Literal["unconfigured", "inactive", "active"] = "active" if self._session else "inactive"
        if self._segmenter is None:
            label = "unconfigured"
        return NodeState(
            label=label,
            name=self.get_fully_qualified_name(),
            fault=self.fault,
            silent=self._silent(status),
            no_transform=self._no_transform,
            fallback=self._ros_log.fallback,
        )

    def _silent(self, status: SessionStatus) -> dict[str, str]:
        """By input that brings nothing and ought to: what ROS's graph says of the reason."""
        if not self._session:
            return {}
        silent = []
        if status.image_age_ns is None or status.image_age_ns > self.settings.max_image_age_s * 1e9:
            silent.append("image")
        if self.settings.use_depth and status.depth_age_ns is None:
            silent.append("depth")
        if self.settings.use_depth and not status.has_camera_info:
            silent.append("camera_info")
        # Nobody need ever speak; but who does must be heard.
        unheard = [name for name in ("command", "reply") if _all_mismatch(self._talkers(name))]
        return {name: self._why_silent(name) for name in (*silent, *unheard)}

    def _why_silent(self, name: str) -> str:
        kind = self._inputs[name].msg_type
        wanted = f"{kind.__module__.partition('.')[0]}/msg/{kind.__name__}"
        return why_silent(self._inputs[name].topic_name, wanted, self._talkers(name), name)

    def _talkers(self, name: str) -> list[Talker]:
        subscription = self._inputs[name]
        return [
            Talker(
                node=f"{info.node_namespace.rstrip('/')}/{info.node_name}",
                type_name=info.topic_type,
                mismatch=_mismatch(info.qos_profile, subscription.qos_profile),
            )
            for info in self.get_publishers_info_by_topic(subscription.topic_name)
        ]


def _all_mismatch(talkers: list[Talker]) -> bool:
    return bool(talkers) and all(talker.mismatch for talker in talkers)


def _mismatch(offered: QoSProfile, wanted: QoSProfile) -> str:
    compatibility, reason = qos_check_compatible(offered, wanted)
    return reason if compatibility == QoSCompatibility.ERROR else ""


def _descriptor(parameter: Parameter) -> ParameterDescriptor:
    """Description and range as ROS tells them. A step of 0 is: any value in between."""
    descriptor = ParameterDescriptor(
        description=parameter.description,
        additional_constraints=parameter.constraints,
        read_only=parameter.when == "start",
    )
    if parameter.low is not None and parameter.high is not None:
        if isinstance(parameter.default, int):
            span = IntegerRange(from_value=int(parameter.low), to_value=int(parameter.high), step=1)
            descriptor.integer_range = [span]
        else:
            reach = FloatingPointRange(from_value=parameter.low, to_value=parameter.high, step=0.0)
            descriptor.floating_point_range = [reach]
    return descriptor


def run(argv: Sequence[str] | None = None) -> int:
    """Run a node until ROS is shut down; `argv` as for `main`. Raises SaymaskError where it cannot start."""
    rclpy.init(args=None if argv is None else list(argv))
    try:
        node = SaymaskNode()
        try:
            if node.settings.autostart:
                node.autostart()
            rclpy.spin(node)
        except (KeyboardInterrupt, ExternalShutdownException):
            pass
        finally:
            node.destroy_node()
    finally:
        rclpy.try_shutdown()
    return 0


if __name__ == "__main__":
    from saymask_ros.main import main

    sys.exit(main())
