"""The colcon package: built by colcon as on a robot, with and without --symlink-install, and started without ROS."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
import tomllib

from saymask_ros.messages import PACKAGES

REPOSITORY = Path(__file__).parents[2]
BRIDGE = REPOSITORY / "ros_bridge"
COLCON = Path(os.environ.get("COLCON", Path(sys.prefix) / "colcon" / "bin" / "colcon"))
"""colcon wants an old setuptools and so has an environment of its own; `make test` makes it."""

needs_colcon = pytest.mark.skipif(not COLCON.exists(), reason=f"no colcon at {COLCON}; make .venv/colcon/.installed")


@pytest.fixture(scope="module", params=["plain", "symlink"])
def workspace(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A colcon workspace that holds a copy of the repository's files, built."""
    root = tmp_path_factory.mktemp(request.param)
    source = root / "src" / "saymask"
    ignore = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for folder in ("runtime", "ros_bridge"):
        shutil.copytree(REPOSITORY / folder, source / folder, symlinks=True, ignore=ignore)
    shutil.copy(REPOSITORY / "pyproject.toml", source)
    before = _files(source)
    options = ["--symlink-install"] if request.param == "symlink" else []
    build = _run([COLCON, "build", *options], root)
    assert build.returncode == 0, build.stderr
    finished = [line.split()[2] for line in build.stdout.splitlines() if line.startswith("Finished <<<")]
    assert finished == ["saymask_ros"], "the repository must be one package to colcon"
    assert _files(source) == before, "the build must leave nothing in the sources"
    return root


@needs_colcon
def test_without_ros_the_program_says_what_to_do(workspace: Path) -> None:
    for arguments in ("", "--help", "--ros-args -r image:=/camera/color/image_raw"):
        result = _sourced(workspace, f"install/saymask_ros/lib/saymask_ros/saymask_node {arguments}")
        _says_there_is_no_ros(result)


@needs_colcon
def test_the_program_starts_with_whichever_python_is_first(workspace: Path) -> None:
    program = workspace / "install" / "saymask_ros" / "lib" / "saymask_ros" / "saymask_node"
    assert program.read_text().partition("\n")[0] == "#!/usr/bin/env python3"
    assert os.access(program, os.X_OK)


@needs_colcon
def test_the_model_comes_along(workspace: Path) -> None:
    code = (
        "import json, runtime, saymask_ros, runtime.segmenter as s; from runtime.vision.files import read_picture;"
        "from pathlib import Path; home = Path(runtime.__file__).parent;"
        "frame = read_picture(home / 'models' / 'demo.jpg');"
        "answer = s.Segmenter(threads=1).segment(frame, 'the jar beside the apple');"
        "print(json.dumps([str(home), saymask_ros.__file__, answer.verdict.value]))"
    )
    result = _sourced(workspace, f"{sys.executable} -c {json.dumps(code)}")
    assert result.returncode == 0, result.stderr
    home, bridge, verdict = json.loads(result.stdout)
    assert verdict == "FOUND"
    for path in (home, bridge):
        assert Path(path).is_relative_to(workspace), "the copy in the workspace, not this environment's"


@needs_colcon
def test_ros_finds_the_package_its_launch_file_and_parameters(workspace: Path) -> None:
    prefix = workspace / "install" / "saymask_ros"
    for file in (
        "share/ament_index/resource_index/packages/saymask_ros",
        "share/saymask_ros/package.xml",
        "share/saymask_ros/launch/saymask.launch.py",
        "share/saymask_ros/config/saymask.yaml",
    ):
        assert (prefix / file).is_file(), file
    result = _sourced(workspace, "echo $AMENT_PREFIX_PATH")
    assert result.stdout.strip() == str(prefix)


def test_without_ros_the_module_says_what_to_do() -> None:
    for arguments in ([], ["--help"]):
        result = _run([sys.executable, "-m", "saymask_ros.node", *arguments], BRIDGE, PYTHONPATH=str(REPOSITORY))
        _says_there_is_no_ros(result)


def test_a_part_of_the_repository_does_not_build(tmp_path: Path) -> None:
    shutil.copytree(BRIDGE, tmp_path / "ros_bridge", symlinks=True)
    result = _run([sys.executable, "setup.py", "--version"], tmp_path / "ros_bridge")
    assert result.returncode != 0
    assert result.stderr.splitlines() == [
        "error: ros_bridge/runtime must lead to saymask's runtime; put the whole repository into src/, not a part"
    ]


def test_one_version_and_the_same_files_of_the_runtime() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    assert ElementTree.parse(BRIDGE / "package.xml").findtext("version") == project["project"]["version"]
    call = next(
        node
        for node in ast.walk(ast.parse((BRIDGE / "setup.py").read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "setup"
    )
    shipped = next(word.value for word in call.keywords if word.arg == "package_data")
    assert ast.literal_eval(shipped)["runtime"] == project["tool"]["setuptools"]["package-data"]["runtime"]


def test_pip_installs_every_package() -> None:
    listed = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    rooms = ("runtime", "training", "export", "benchmarks")
    found = [file.parent.relative_to(REPOSITORY) for room in rooms for file in (REPOSITORY / room).rglob("__init__.py")]
    assert sorted(listed) == sorted(["saymask_ros", *(".".join(folder.parts) for folder in found)])


def test_package_xml_names_every_ros_package_that_is_imported() -> None:
    ours = {"saymask_ros", "runtime", "numpy", *sys.stdlib_module_names}
    imported = set()
    for file in (BRIDGE / "saymask_ros" / "node.py", BRIDGE / "launch" / "saymask.launch.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module.partition(".")[0])
    manifest = ElementTree.parse(BRIDGE / "package.xml")
    declared = {element.text for element in manifest.iter("exec_depend")}
    imported |= set(PACKAGES)  # by name, in RclpyTypes
    assert imported - ours == declared - {"python3-numpy", "python3-opencv"}


def _says_there_is_no_ros(result: subprocess.CompletedProcess[str]) -> None:
    assert result.returncode == 2
    assert result.stdout == ""
    [line] = result.stderr.splitlines()
    assert line.startswith("error: there is no ROS 2 in this shell (no rclpy): source /opt/ros/")
    assert "saymask bag" in line and "saymask zenoh" in line


def _sourced(workspace: Path, command: str) -> subprocess.CompletedProcess[str]:
    """Run a command as after `source install/setup.bash`, in a shell that knows nothing of this environment."""
    return _run(["sh", "-c", f". install/setup.sh; {command}"], workspace)


def _run(command: list[str | Path], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    clean = {"PATH": path, "HOME": str(folder), "PYTHONDONTWRITEBYTECODE": "1", "LANG": "C.UTF-8", **environment}
    return subprocess.run(command, cwd=folder, env=clean, capture_output=True, text=True, timeout=120, check=False)


def _files(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*") if "__pycache__" not in path.parts}
