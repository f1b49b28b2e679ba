"""The real path on an NVIDIA GPU: engines built, kept, and equal to ONNX Runtime. `make test-gpu`.

Everything but the GPU, its driver and TensorRT itself is also tested without one, in tests/runtime/backends.
"""

from __future__ import annotations

import ctypes
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import onnxruntime
import pytest

from runtime import Frame, SaymaskError, Segmenter
from runtime.backends import Backend, choose, open_backend
from runtime.backends.cuda import CudaDevice
from runtime.backends.engine_builder import EngineOptions
from runtime.backends.engine_cache import EngineCache
from runtime.backends.tensorrt_api import find_tensorrt
from runtime.backends.tensorrt_backend import TensorRTBackend
from runtime.bundle import DEFAULT_MODEL, Bundle, open_bundle
from runtime.datatypes import MaskLogits, Precision
from runtime.vision.preprocess import letterbox

pytestmark = pytest.mark.gpu

SENTENCES = ("the jar beside the apple", "the red mug", "the bowl on the left", "the spoon", "a green bottle")
LOGIT_SHARE = {"fp32": 1e-3, "fp16": 2e-2}
"""Largest difference of a logit from ONNX Runtime's on the CPU, as a share of the largest logit."""
FLAT_BYTES = 16 << 20
"""Free memory of a GPU moves by as much on its own: the driver hands out 2 MiB at a time, and desktops draw."""


@pytest.fixture(scope="session")
def driver() -> None:
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        pytest.skip("no NVIDIA driver (libcuda.so.1)")


@pytest.fixture(scope="session")
def tensorrt(driver: None) -> None:
    for look in (CudaDevice, find_tensorrt):
        try:
            found = look()
        except SaymaskError as error:
            pytest.skip(str(error))
        if isinstance(found, CudaDevice):
            found.close()


@pytest.fixture(scope="session")
def onnxruntime_cuda(driver: None) -> None:
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        pytest.skip(f"onnxruntime {onnxruntime.__version__} has no CUDAExecutionProvider; onnxruntime-gpu has")


@pytest.fixture(scope="session")
def bundle() -> Bundle:
    return open_bundle(DEFAULT_MODEL)


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> EngineCache:
    """One for all tests: each engine is built once."""
    return EngineCache(tmp_path_factory.mktemp("engines"))


@pytest.fixture(params=["fp32", "fp16"])
def precision(request: pytest.FixtureRequest) -> Precision:
    chosen: Precision = request.param
    return chosen


@pytest.fixture
def backend(tensorrt: None, bundle: Bundle, cache: EngineCache, precision: Precision) -> Iterator[TensorRTBackend]:
    with TensorRTBackend(bundle, options=EngineOptions(precision), cache=cache) as opened:
        yield opened


@pytest.fixture(scope="session")
def photograph() -> npt.NDArray[np.uint8]:
    read = cv2.imread(str(DEFAULT_MODEL.parent / "demo.jpg"))
    assert read is not None
    return Frame.from_array(read, "bgr").image


def pictures(bundle: Bundle, photograph: npt.NDArray[np.uint8]) -> list[npt.NDArray[np.uint8]]:
    """The photograph, and that mirrored, turned and darkened."""
    views = (photograph, photograph[:, ::-1], photograph[::-1], photograph // 2)
    return [letterbox(np.ascontiguousarray(view), bundle.spec.image_size, bundle.spec.pad_value)[0] for view in views]


def answer(backend: Backend, bundle: Bundle, pixels: npt.NDArray[np.uint8], *sentences: str) -> MaskLogits:
    texts = backend.encode_text(bundle.vocabulary.encode(list(sentences), bundle.spec.max_words))
    return backend.decode(backend.encode_image(pixels), texts)


def equal(left: MaskLogits, right: MaskLogits) -> bool:
    assert left.count is not None and right.count is not None
    return np.array_equal(left.mask, right.mask) and np.array_equal(left.count, right.count)


def test_an_engine_is_built_once_and_then_kept(
    tensorrt: None, bundle: Bundle, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: Any
) -> None:
    caplog.set_level(logging.INFO, logger="saymask")
    cache = EngineCache(tmp_path / "engines")
    options = EngineOptions(max_expressions=2)
    TensorRTBackend(bundle, options=options, cache=cache).close()
    assert capfd.readouterr().err.count("building ") >= 3
    kept = {entry.path.name: entry.path.stat().st_ino for entry in cache.entries()}
    assert len(kept) == 3
    assert all(not entry.fault for entry in cache.entries())
    TensorRTBackend(bundle, options=options, cache=cache).close()
    assert "building " not in capfd.readouterr().err
    assert {entry.path.name: entry.path.stat().st_ino for entry in cache.entries()} == kept
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_it_answers_as_onnxruntime_on_the_cpu(
    backend: TensorRTBackend, bundle: Bundle, precision: Precision, photograph: npt.NDArray[np.uint8]
) -> None:
    """One expression (a CUDA graph) and several (none)."""
    with open_backend(bundle, "ort-cpu") as reference:
        for pixels in pictures(bundle, photograph):
            for sentences in (SENTENCES[:1], SENTENCES[:3], SENTENCES):
                ours = answer(backend, bundle, pixels, *sentences)
                theirs = answer(reference, bundle, pixels, *sentences)
                for left, right in ((ours.mask, theirs.mask), (ours.count, theirs.count)):
                    assert left is not None and right is not None
                    assert np.abs(left - right).max() <= LOGIT_SHARE[precision] * np.abs(right).max()


def test_cuda_graphs_change_nothing(
    tensorrt: None,
    bundle: Bundle,
    cache: EngineCache,
    precision: Precision,
    photograph: npt.NDArray[np.uint8],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Bit for bit, from the same engines; and they were not refused."""
    caplog.set_level(logging.INFO, logger="saymask")
    options = EngineOptions(precision)
    with (
        TensorRTBackend(bundle, options=options, cache=cache) as captured,
        TensorRTBackend(bundle, options=options, cache=cache, cuda_graphs=False) as queued,
    ):
        for pixels in pictures(bundle, photograph):
            one = answer(captured, bundle, pixels, SENTENCES[0])
            assert equal(one, answer(captured, bundle, pixels, SENTENCES[0])), "it does not even repeat itself"
            assert equal(one, answer(queued, bundle, pixels, SENTENCES[0]))
    assert not [record for record in caplog.records if "without a CUDA graph" in record.getMessage()]


def test_many_threads_get_their_own_answers(
    backend: TensorRTBackend, bundle: Bundle, photograph: npt.NDArray[np.uint8]
) -> None:
    views = pictures(bundle, photograph)
    expected = [answer(backend, bundle, pixels, SENTENCES[0]) for pixels in views]
    wrong: list[object] = []
    right: list[int] = []

    def work(number: int) -> None:
        for _ in range(50):
            try:
                ours = answer(backend, bundle, views[number], SENTENCES[0])
            except SaymaskError as error:
                if "overwritten by a later picture" not in str(error):
                    wrong.append(error)
            except BaseException as error:
                wrong.append(error)
            else:
                (right if equal(ours, expected[number]) else wrong).append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(views))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert right


def test_opening_and_closing_keeps_memory_flat(tensorrt: None, bundle: Bundle, cache: EngineCache) -> None:
    options = EngineOptions()
    for _ in range(3):  # what CUDA's and TensorRT's libraries load once
        TensorRTBackend(bundle, options=options, cache=cache).close()
    device = CudaDevice()  # keeps the context, whose own memory would come and go
    before, _ = device.free_bytes()
    for _ in range(200):
        TensorRTBackend(bundle, options=options, cache=cache).close()
    after, _ = device.free_bytes()
    device.close()
    assert before - after < FLAT_BYTES


def test_beside_torch(backend: TensorRTBackend, bundle: Bundle, photograph: npt.NDArray[np.uint8]) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    if not torch.cuda.is_available():
        pytest.skip(f"torch {torch.__version__} sees no GPU")
    pixels = pictures(bundle, photograph)[0]
    expected = answer(backend, bundle, pixels, SENTENCES[0])
    matrix = torch.arange(4096, device="cuda", dtype=torch.float32).reshape(64, 64)
    product = matrix @ matrix
    assert equal(answer(backend, bundle, pixels, SENTENCES[0]), expected)
    assert torch.equal(matrix @ matrix, product)
    backend.close()
    assert torch.equal(matrix @ matrix, product), "closing has not taken torch's context away"


def test_auto_takes_tensorrt(tensorrt: None, bundle: Bundle, cache: EngineCache, monkeypatch: Any) -> None:
    monkeypatch.setenv("SAYMASK_CACHE", str(cache.directory))
    assert choose(bundle).name == "tensorrt"
    with Segmenter() as segmenter, Segmenter(backend="ort-cpu") as reference:
        read = cv2.imread(str(DEFAULT_MODEL.parent / "demo.jpg"))
        assert read is not None
        frame = Frame.from_array(read, "bgr")
        ours, theirs = (each.segment(frame, "pick up the jar beside the apple") for each in (segmenter, reference))
        assert ours.verdict == theirs.verdict
        assert (ours.mask & theirs.mask).sum() >= 0.97 * (ours.mask | theirs.mask).sum()


def test_onnxruntime_on_the_gpu(
    driver: None, onnxruntime_cuda: None, bundle: Bundle, photograph: npt.NDArray[np.uint8]
) -> None:
    with open_backend(bundle, "ort-cuda") as backend, open_backend(bundle, "ort-cpu") as reference:
        for pixels in pictures(bundle, photograph):
            ours, theirs = (answer(each, bundle, pixels, *SENTENCES) for each in (backend, reference))
            assert np.abs(ours.mask - theirs.mask).max() <= 2e-3 * np.abs(theirs.mask).max()  # TF32 convolutions
