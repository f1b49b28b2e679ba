"""Stand-in, see ../README.md."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from rcl_interfaces.msg import ParameterDescriptor, SetParametersResult

from rclpy import graph
from rclpy.clock import Clock
from rclpy.exceptions import (
    InvalidParameterTypeException,
    InvalidParameterValueException,
    ParameterAlreadyDeclaredException,
    ParameterNotDeclaredException,
)
from rclpy.parameter import Parameter
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile
from rclpy.subscription import Subscription
from rclpy.timer import Timer

_Check = Callable[[list[Parameter]], SetParametersResult]
_E = TypeVar("_E")


@dataclass
class TopicEndpointInfo:
    node_name: str
    node_namespace: str
    topic_type: str
    qos_profile: QoSProfile


class Logger:
    """rclpy's keeps `once`, `throttle_duration_sec` and `skip_first` as options of one line of code."""

    def __init__(self, name: str) -> None:
        self._log = logging.getLogger(f"rclpy_standin.{name}")

    def debug(self, message: str, **options: Any) -> bool:
        return self._told(logging.DEBUG, message)

    def info(self, message: str, **options: Any) -> bool:
        return self._told(logging.INFO, message)

    def warning(self, message: str, **options: Any) -> bool:
        return self._told(logging.WARNING, message)

    def error(self, message: str, **options: Any) -> bool:
        return self._told(logging.ERROR, message)

    def _told(self, level: int, message: str) -> bool:
        assert isinstance(message, str)
        self._log.log(level, "%s", message)
        return True


class Node:
    def __init__(
        self,
        node_name: str,
        *,
        context: Any | None = None,
        cli_args: list[str] | None = None,
        namespace: str | None = None,
        use_global_arguments: bool = True,
        parameter_overrides: list[Parameter] | None = None,
    ) -> None:
        if not graph.DOMAIN.up:
            raise RuntimeError("cannot create node: rclpy.init() has not been called")
        self._name, self._namespace = node_name, namespace or "/"
        self._clock, self._logger = Clock(), Logger(node_name)
        self._publishers: list[Publisher] = []
        self._subscriptions: list[Subscription] = []
        self._timers: list[Timer] = []
        self._parameters: dict[str, Parameter] = {}
        self._descriptors: dict[str, ParameterDescriptor] = {}
        self._on_set_parameters_callbacks: list[_Check] = []
        self._overrides = dict(graph.DOMAIN.overrides)
        self._overrides |= {item.name: item.value for item in parameter_overrides or []}
        graph.DOMAIN.nodes.append(self)

    @property
    def publishers(self) -> Iterator[Publisher]:
        yield from list(self._publishers)

    @property
    def subscriptions(self) -> Iterator[Subscription]:
        yield from list(self._subscriptions)

    @property
    def timers(self) -> Iterator[Timer]:
        yield from list(self._timers)

    def get_name(self) -> str:
        return self._name

    def get_namespace(self) -> str:
        return self._namespace

    def get_fully_qualified_name(self) -> str:
        return f"{self._namespace.rstrip('/')}/{self._name}"

    def get_clock(self) -> Clock:
        return self._clock

    def get_logger(self) -> Logger:
        return self._logger

    def declare_parameter(
        self,
        name: str,
        value: Any = None,
        descriptor: ParameterDescriptor | None = None,
        ignore_override: bool = False,
    ) -> Parameter:
        if name in self._parameters:
            raise ParameterAlreadyDeclaredException(name)
        wanted = Parameter.Type.from_parameter_value(value)
        parameter = Parameter(name, None, value if ignore_override else self._overrides.get(name, value))
        if parameter.type_ is not wanted:
            raise InvalidParameterTypeException(parameter, wanted)
        self._descriptors[name] = descriptor or ParameterDescriptor()
        result = self._refused(parameter) or self._asked([parameter])
        if not result.successful:
            del self._descriptors[name]
            raise InvalidParameterValueException(name, parameter.value, result.reason)
        self._parameters[name] = parameter
        return parameter

    def get_parameter(self, name: str) -> Parameter:
        if name not in self._parameters:
            raise ParameterNotDeclaredException(name)
        return self._parameters[name]

    def describe_parameter(self, name: str) -> ParameterDescriptor:
        return self._descriptors[name]

    def set_parameters(self, parameter_list: list[Parameter]) -> list[SetParametersResult]:
        return [self._set(parameter) for parameter in parameter_list]

    def add_on_set_parameters_callback(self, callback: _Check) -> None:
        self._on_set_parameters_callbacks.insert(0, callback)

    def _set(self, parameter: Parameter) -> SetParametersResult:
        old = self.get_parameter(parameter.name)
        if self._descriptors[parameter.name].read_only:
            return SetParametersResult(
                successful=False, reason=f"Trying to set a read-only parameter: {parameter.name}."
            )
        if parameter.type_ is not old.type_:
            return SetParametersResult(successful=False, reason=f"Wrong parameter type, expected '{old.type_}'")
        result = self._refused(parameter) or self._asked([parameter])
        if result.successful:
            self._parameters[parameter.name] = parameter
        return result

    def _asked(self, parameters: list[Parameter]) -> SetParametersResult:
        for callback in self._on_set_parameters_callbacks:
            result = callback(parameters)
            if not result.successful:
                return result
        return SetParametersResult(successful=True)

    def _refused(self, parameter: Parameter) -> SetParametersResult | None:
        descriptor, value = self._descriptors[parameter.name], parameter.value
        if descriptor.integer_range and descriptor.floating_point_range:
            raise AssertionError("a parameter has one range")
        for entry in descriptor.integer_range:
            if parameter.type_ is Parameter.Type.INTEGER and not entry.from_value <= value <= entry.to_value:
                return SetParametersResult(successful=False, reason=f"Parameter {parameter.name} out of range")
        for span in descriptor.floating_point_range:
            if parameter.type_ is Parameter.Type.DOUBLE and not span.from_value <= value <= span.to_value:
                return SetParametersResult(successful=False, reason=f"Parameter {parameter.name} out of range")
        return None

    def resolve_topic_name(self, topic: str, *, only_expand: bool = False) -> str:
        return graph.DOMAIN.resolve(self, topic)

    def create_publisher(self, msg_type: type[Any], topic: str, qos_profile: QoSProfile | int) -> Publisher:
        return self._added(self._publishers, self._make_publisher(Publisher, msg_type, topic, qos_profile))

    def _make_publisher(
        self, kind: type[Publisher], msg_type: type[Any], topic: str, qos_profile: QoSProfile | int
    ) -> Publisher:
        qos = QoSProfile(depth=qos_profile) if isinstance(qos_profile, int) else qos_profile
        return kind(self, msg_type, topic, qos)

    def create_subscription(
        self, msg_type: type[Any], topic: str, callback: Callable[[Any], None], qos_profile: QoSProfile | int
    ) -> Subscription:
        qos = QoSProfile(depth=qos_profile) if isinstance(qos_profile, int) else qos_profile
        return self._added(self._subscriptions, Subscription(self, msg_type, topic, callback, qos))

    def create_timer(self, timer_period_sec: float, callback: Callable[[], None]) -> Timer:
        return self._added(self._timers, Timer(callback, int(timer_period_sec * 10**9)))

    def destroy_publisher(self, publisher: Publisher) -> bool:
        publisher.alive = False
        return self._removed(self._publishers, publisher)

    def destroy_subscription(self, subscription: Subscription) -> bool:
        return self._removed(self._subscriptions, subscription)

    def destroy_timer(self, timer: Timer) -> bool:
        timer.cancel()
        return self._removed(self._timers, timer)

    def destroy_node(self) -> None:
        for publisher in self.publishers:
            self.destroy_publisher(publisher)
        self._subscriptions.clear()
        self._timers.clear()
        if self in graph.DOMAIN.nodes:
            graph.DOMAIN.nodes.remove(self)

    def get_publishers_info_by_topic(self, topic_name: str, no_mangle: bool = False) -> list[TopicEndpointInfo]:
        return [
            TopicEndpointInfo(node.get_name(), node.get_namespace(), _spelled(entry.msg_type), entry.qos_profile)
            for node in graph.DOMAIN.nodes
            for entry in node.publishers
            if entry.topic_name == graph.DOMAIN.resolve(self, topic_name)
        ]

    def _added(self, entries: list[_E], entry: _E) -> _E:
        entries.append(entry)
        return entry

    def _removed(self, entries: list[_E], entry: _E) -> bool:
        if entry not in entries:
            return False
        entries.remove(entry)
        return True


def _spelled(kind: type[Any]) -> str:
    return f"{kind.__module__.partition('.')[0]}/msg/{kind.__name__}"
