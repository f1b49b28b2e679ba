"""The stand-in for rclpy against what is documented of the real one: whatever a call may do here it may do there."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
from pathlib import Path
from typing import Any, cast

import pytest

from saymask_ros.messages import DISTRIBUTIONS, Distribution, typestore

NODE = Path(__file__).parents[2] / "ros_bridge" / "saymask_ros" / "node.py"
DOCUMENTED = json.loads((Path(__file__).parent / "rclpy_standin" / "signatures.json").read_text())
SIGNATURES: dict[str, str] = DOCUMENTED["humble"]
OURS_ALONE = {"rosidl_standin"}
"""Modules of the stand-in that ROS has not, and that no code of ours outside the stand-in imports."""


def documented(name: str, distribution: str) -> inspect.Signature:
    text = DOCUMENTED[distribution].get(name, SIGNATURES[name])
    return inspect.signature(eval(f"lambda {text}: None"))


@pytest.mark.parametrize("distribution", ["humble", "newest"])
@pytest.mark.parametrize("name", sorted(SIGNATURES))
def test_a_call_that_fits_the_standin_fits_the_real_one(standin: Path, name: str, distribution: str) -> None:
    real = documented(name, distribution)
    target = find(name)
    ours = inspect.signature(target)
    if "." in name and inspect.isclass(find(name.rpartition(".")[0])):
        ours = ours.replace(parameters=list(ours.parameters.values())[1:])  # self
    takes_any = any(entry.kind is entry.VAR_KEYWORD for entry in real.parameters.values())
    positional = [entry.name for entry in real.parameters.values() if entry.kind is entry.POSITIONAL_OR_KEYWORD]
    for index, (key, mine) in enumerate(ours.parameters.items()):
        if key not in real.parameters:
            assert takes_any, f"{name} takes no {key} in {distribution}"
            continue
        theirs = real.parameters[key]
        assert mine.kind in (theirs.kind, mine.KEYWORD_ONLY), f"{name}: {key} is {theirs.kind.description}"
        if mine.kind is mine.POSITIONAL_OR_KEYWORD:
            assert positional[index] == key, f"{name}: {key} is in another place in {distribution}"
        if theirs.default is theirs.empty and theirs.kind is theirs.POSITIONAL_OR_KEYWORD:
            assert mine.default is mine.empty, f"{name}: {key} must be given in {distribution}"
    for key, theirs in real.parameters.items():
        must = theirs.default is theirs.empty and theirs.kind in (theirs.POSITIONAL_OR_KEYWORD, theirs.KEYWORD_ONLY)
        assert not must or key in ours.parameters, f"{name} wants {key} in {distribution}"


def test_the_node_uses_nothing_that_is_not_documented(standin: Path) -> None:
    known = {*SIGNATURES, *DOCUMENTED["names"]}
    tree = ast.parse(NODE.read_text())
    used = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in ("rclpy", "tf2_ros"):
            used |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "rclpy":
            used.add(f"rclpy.{node.attr}")
    assert used, "the node imports rclpy"
    assert used <= known, f"not in signatures.json: {sorted(used - known)}"


def test_the_node_calls_no_method_of_its_base_that_is_not_documented(standin: Path) -> None:
    tree = ast.parse(NODE.read_text())
    [cls] = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "SaymaskNode"]
    own = {node.name for node in cls.body if isinstance(node, ast.FunctionDef)}
    attributes = [
        node
        for node in ast.walk(cls)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"
    ]
    own |= {node.attr for node in attributes if isinstance(node.ctx, ast.Store)}
    inherited = {node.attr for node in attributes} - own
    methods = {
        name.rpartition(".")[2] for name in SIGNATURES if name.startswith(("rclpy.node.Node.", "rclpy.lifecycle."))
    }
    assert inherited <= methods, f"not in signatures.json: {sorted(inherited - methods)}"
    reserved = set(DOCUMENTED["reserved"])
    assert not own & reserved, f"rclpy has attributes of these names: {sorted(own & reserved)}"


def test_every_documented_name_is_there(standin: Path) -> None:
    for name in DOCUMENTED["names"]:
        find(name)
    for name, attributes in DOCUMENTED["attributes"].items():
        for attribute in attributes:
            cls = find(name)
            assert hasattr(cls, attribute) or attribute in inspect.getsource(cls), f"{name}.{attribute}"


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_messages_have_the_fields_of_the_real_ones(standin: Path, distribution: Distribution) -> None:
    pytest.importorskip("rosbags", reason="pip install -e '.[bag]' brings the definitions of ROS's messages")
    from rosidl_standin import Message

    store = typestore(distribution)
    compared = 0
    for package in sorted(path.name for path in standin.iterdir() if (path / "msg.py").exists()):
        module = importlib.import_module(f"{package}.msg")
        for cls in vars(module).values():
            if not (inspect.isclass(cls) and issubclass(cls, Message) and cls.__module__ == f"{package}.msg"):
                continue
            full = f"{package}/msg/{cls.__name__}"
            fields = {name: spelled(kind) for name, kind in store.fielddefs[full][1]}
            assert cls.fields() == fields, full
            compared += 1
    assert compared == 30


def test_messages_refuse_what_rosidls_refuse(standin: Path) -> None:
    from diagnostic_msgs.msg import DiagnosticStatus
    from geometry_msgs.msg import Point
    from sensor_msgs.msg import Image
    from std_msgs.msg import Header

    for attempt in (
        lambda: Point(x=1),
        lambda: Image(height=-1),
        lambda: Image(data=[1, 2, 256]),
        lambda: Image(header="camera"),
        lambda: Header(frame_id=None),
        lambda: DiagnosticStatus(level=1),
        lambda: Point(w=1.0),
    ):
        with pytest.raises((AssertionError, OverflowError)):
            attempt()
    with pytest.raises(AttributeError):
        Point().w = 1.0


def spelled(kind: Any) -> str:
    """A field's type as rosbags holds it, in the words of a .msg file."""
    code, detail = int(kind[0]), kind[1]
    if code == 1:  # a base type
        return str(detail[0] if isinstance(detail, tuple) else detail)
    if code == 2:  # a message
        return str(detail)
    inner, length = detail  # array, sequence
    return f"{spelled(inner)}[{length if code == 3 else ''}]"


def find(name: str) -> Any:
    """What `package.module.Class.attribute` names."""
    parts = name.split(".")
    for split in range(len(parts), 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:split]))
        except ModuleNotFoundError:
            continue
        for part in parts[split:]:
            found = getattr(found, part)
        return cast(Any, found)
    raise ModuleNotFoundError(name)
