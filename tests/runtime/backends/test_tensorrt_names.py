"""Whatever our source takes from TensorRT is there in the real bindings of the versions that robots have.

The wheels of the bindings install anywhere; a few do-nothing C symbols stand for the libraries that they load, which
gives true classes and signatures and runs nothing. That the names collected are all there are is checked against a
recording of a real build by TensorRT-RTX.
"""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from runtime.backends.engine_builder import EngineOptions, build_plan
from runtime.backends.tensorrt_api import TensorRT
from runtime.bundle import DEFAULT_MODEL, open_bundle

BACKENDS = Path(__file__).parents[3] / "runtime" / "backends"
BINDINGS = Path(sys.prefix) / "tensorrt-bindings"
VERSIONS = ("10.3.0", "10.16.1.11", "11.4.0.106")
"""JetPack 6.1 and 6.2; JetPack 7; the newest."""

Taken = tuple[str, str]
"""Class ("IBuilderConfig", or "" for the module) and attribute."""

RTX_ONLY: set[Taken] = {
    ("", "ComputeCapability"),
    ("ComputeCapability", "__members__"),
    ("IBuilderConfig", "num_compute_capabilities"),
    ("IBuilderConfig", "set_compute_capability"),
}
VARIABLES = {
    "trt": "",
    "module": "",
    "builder": "Builder",
    "network": "INetworkDefinition",
    "parser": "OnnxParser",
    "config": "IBuilderConfig",
    "profile": "IOptimizationProfile",
    "timings": "ITimingCache",
    "layer": "ILayer",
    "tensor": "ITensor",
    "engine": "ICudaEngine",
    "_context": "IExecutionContext",
}
"""What our source calls TensorRT's objects."""
PARSER_ERRORS = {"build_errors.py": {"error": "ParserError"}}
RETURNS = {"create_engine_inspector": "EngineInspector", "get_output": "ITensor", "get_input": "ITensor"}


class Collector(ast.NodeVisitor):
    """Goes through one file; `keywords` are (class, method, name of the argument)."""

    def __init__(self, file: str) -> None:
        self._variables = {**VARIABLES, **PARSER_ERRORS.get(file, {})}
        self.attributes: set[Taken] = set()
        self.keywords: set[tuple[str, str, str]] = set()

    def visit_Attribute(self, node: ast.Attribute) -> None:
        owner = self._class_of(node.value)
        if owner is not None:
            self.attributes.add((owner, node.attr))
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Attribute):
            owner = self._class_of(node.func.value)
            if owner is not None:
                self.keywords |= {(owner, node.func.attr, word.arg) for word in node.keywords if word.arg}
        self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for base in node.bases:
            if isinstance(base, ast.Attribute) and self._class_of(base.value) == "":
                methods = (item.name for item in node.body if isinstance(item, ast.FunctionDef))
                self.attributes |= {(base.attr, name) for name in methods if not name.startswith("__")}
        self.generic_visit(node)

    def _class_of(self, node: ast.expr) -> str | None:
        """What TensorRT calls the class of an expression, where it is one of TensorRT's."""
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            made = self._class_of(node.func.value)
            return node.func.attr if made == "" else RETURNS.get(node.func.attr)
        if isinstance(node, ast.Attribute):
            if self._class_of(node.value) == "":
                return node.attr  # an enumeration or a class
            return self._variables.get(node.attr)
        return self._variables.get(node.id) if isinstance(node, ast.Name) else None


def collect() -> tuple[set[Taken], set[tuple[str, str, str]]]:
    """What the adapter, and every file that imports it, takes."""
    attributes: set[Taken] = set()
    keywords: set[tuple[str, str, str]] = set()
    for path in sorted(BACKENDS.glob("*.py")):
        content = path.read_text(encoding="utf-8")
        if path.name == "tensorrt_api.py" or "runtime.backends.tensorrt_api import" in content:
            collector = Collector(path.name)
            collector.visit(ast.parse(content))
            attributes |= collector.attributes
            keywords |= collector.keywords
    return attributes, keywords


LOOK_UP = """
import json, sys
import tensorrt_bindings as trt
attributes, keywords = json.load(sys.stdin)
owner = lambda name: getattr(trt, name, None) if name else trt
print(json.dumps({
    "version": trt.__version__,
    "attributes": [pair for pair in attributes if not hasattr(owner(pair[0]), pair[1])],
    "keywords": [item for item in keywords if item[2] + ":" not in (getattr(owner(item[0]), item[1]).__doc__ or "")],
}))
"""
STUBS = """
#include <stddef.h>
void *createInferBuilder_INTERNAL(void *logger, int version) { return NULL; }
void *createInferRefitter_INTERNAL(void *engine, void *logger, int version) { return NULL; }
void *createInferRuntime_INTERNAL(void *logger, int version) { return NULL; }
void *getBuilderPluginRegistry(int capability) { return NULL; }
void *getPluginRegistry(void) { return NULL; }
void *createNvOnnxParserRefitter_INTERNAL(void *refitter, void *logger, int version) { return NULL; }
void *createNvOnnxParser_INTERNAL(void *network, void *logger, int version) { return NULL; }
int getNvOnnxParserVersion(void) { return 0; }
int initLibNvInferPlugins(void *logger, const char *name) { return 1; }
"""


@pytest.fixture(scope="session")
def bindings_environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """Environment variables under which Python imports `tensorrt_bindings`, by version; skips where it cannot."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler (Debian package gcc), so nothing can stand for TensorRT's libraries")
    folder = tmp_path_factory.mktemp("tensorrt-stubs")
    (folder / "stubs.c").write_text(STUBS)
    environments = {}
    for version in VERSIONS:
        major = version.partition(".")[0]
        libraries = folder / major
        libraries.mkdir(exist_ok=True)
        for name in ("nvinfer", "nvonnxparser", "nvinfer_plugin"):
            library = f"lib{name}.so.{major}"
            subprocess.run(
                [compiler, "-shared", "-fPIC", f"-Wl,-soname,{library}", "-o", libraries / library, folder / "stubs.c"],
                check=True,
            )
        paths = {"PYTHONPATH": f"{BINDINGS / version}:{BACKENDS.parents[1]}", "LD_LIBRARY_PATH": str(libraries)}
        environments[version] = {**os.environ, **paths}
    return environments


def in_bindings(environment: dict[str, dict[str, str]], version: str, program: str, told: str = "") -> str:
    """The output of a Python program beside the bindings of one version."""
    if not (BINDINGS / version).is_dir():
        pytest.skip(f"the bindings of TensorRT {version} are not in {BINDINGS}; make test installs them there")
    done = subprocess.run(
        [sys.executable, "-c", program], input=told, env=environment[version], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_collector_sees_what_matters() -> None:
    attributes, _ = collect()
    assert {
        ("NetworkDefinitionCreationFlag", "STRONGLY_TYPED"),
        ("Runtime", "deserialize_cuda_engine"),
        ("ICudaEngine", "create_execution_context"),
        ("IExecutionContext", "execute_async_v3"),
        ("IExecutionContext", "set_tensor_address"),
        ("IProgressMonitor", "step_complete"),
        ("EngineInspector", "get_engine_information"),
    } <= attributes
    assert attributes >= RTX_ONLY


def test_precision_is_never_a_flag_of_the_builder() -> None:
    attributes, _ = collect()
    assert {name for owner, name in attributes if owner == "BuilderFlag"} == {"TF32"}


@pytest.mark.parametrize("version", VERSIONS)
def test_everything_we_take_is_in_the_real_bindings(
    version: str, bindings_environment: dict[str, dict[str, str]]
) -> None:
    attributes, keywords = collect()
    told = json.dumps([sorted(attributes - RTX_ONLY), sorted(keywords)])
    found = json.loads(in_bindings(bindings_environment, version, LOOK_UP, told))
    assert found == {"version": version, "attributes": [], "keywords": []}


def test_a_name_that_is_gone_would_be_noticed(bindings_environment: dict[str, dict[str, str]]) -> None:
    """TensorRT 11 dropped FP16; 10.3 still has it."""
    told = json.dumps([[["BuilderFlag", "FP16"]], [["IBuilderConfig", "set_timing_cache", "ignored"]]])
    lost = {}
    for version in VERSIONS[::2]:
        found = json.loads(in_bindings(bindings_environment, version, LOOK_UP, told))
        lost[version] = (found["attributes"], found["keywords"])
    keyword = [["IBuilderConfig", "set_timing_cache", "ignored"]]
    assert lost == {VERSIONS[0]: ([], keyword), VERSIONS[2]: ([["BuilderFlag", "FP16"]], keyword)}


@pytest.mark.parametrize("version", VERSIONS)
def test_without_a_gpu_there_is_one_clear_line(version: str, bindings_environment: dict[str, dict[str, str]]) -> None:
    """The stubs' builder does not start, as TensorRT's own does not without a GPU."""
    program = """
import sys, tensorrt_bindings
sys.modules["tensorrt"] = tensorrt_bindings
from runtime.backends.engine_builder import EngineOptions, build_plan
from runtime.backends.tensorrt_api import find_tensorrt
from runtime.datatypes import GraphSpec
from runtime.errors import SaymaskError
try:
    build_plan(find_tensorrt(), b"", GraphSpec("any.onnx", (), ()), max_words=20, options=EngineOptions())
except SaymaskError as error:
    print(error)
"""
    told = in_bindings(bindings_environment, version, program)
    assert told.startswith(f"TensorRT {version} cannot build an engine here")
    assert "it needs an NVIDIA GPU" in told


class Recorded:
    """Stands before a TensorRT object and notes what is taken from it."""

    def __init__(self, target: Any, notes: set[Taken]) -> None:
        object.__setattr__(self, "_target", target)
        object.__setattr__(self, "_notes", notes)

    def _note(self, name: str) -> None:
        target = self._target
        kinds = target.__mro__ if isinstance(target, type) else type(target).__mro__
        owner = next((kind.__name__ for kind in kinds if name in vars(kind)), kinds[0].__name__)
        self._notes.add(("" if isinstance(target, ModuleType) else owner, name))

    def __getattr__(self, name: str) -> Any:
        self._note(name)
        return _wrap(getattr(self._target, name), self._notes)

    def __setattr__(self, name: str, value: Any) -> None:
        self._note(name)
        setattr(self._target, name, _bare(value))

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        return _wrap(self._target(*map(_bare, arguments), **keywords), self._notes)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._target)

    def __int__(self) -> int:
        return int(self._target)

    def __bytes__(self) -> bytes:
        return bytes(self._target)


def _wrap(value: Any, notes: set[Taken]) -> Any:
    if isinstance(value, type) and value.__name__ in ("ILogger", "IProgressMonitor"):
        return value  # what is made a subclass of
    ours = callable(value) or type(value).__module__.startswith("tensorrt_rtx")
    return Recorded(value, notes) if ours else value


def _bare(value: Any) -> Any:
    return value._target if isinstance(value, Recorded) else value


def test_a_real_build_takes_nothing_that_the_collector_missed() -> None:
    module = pytest.importorskip("tensorrt_rtx", reason="tensorrt-rtx is not installed")
    notes: set[Taken] = set()
    recorded: Any = Recorded(module, notes)
    bundle = open_bundle(DEFAULT_MODEL)
    built = build_plan(
        TensorRT(recorded, "tensorrt-rtx", module.__version__),
        bundle.graph("text_encoder"),
        bundle.spec.graphs["text_encoder"],
        max_words=bundle.spec.max_words,
        options=EngineOptions(workspace_mib=512),
        compute_capabilities=("8.9",),
    )
    assert built.plan
    attributes, _ = collect()
    assert len(notes) > 30
    assert notes - attributes <= {("DataType", "name"), ("LayerType", "name")}  # every enumeration has a name
