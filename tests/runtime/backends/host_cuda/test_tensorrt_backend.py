"""The whole TensorRT backend and the segmenter over it, on the CPU: the real PyCUDA and cuda-python on host memory, and
a stand-in for TensorRT alone, whose engines are run by ONNX Runtime. In FP32 it must answer exactly as "ort-cpu"."""

from __future__ import annotations

import gc
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runtime import Frame, SaymaskError, Segmenter
from runtime.backends import open_backend
from runtime.backends.cuda import CudaDevice
from runtime.backends.engine_builder import EngineOptions
from runtime.backends.engine_cache import EngineCache
from runtime.backends.tensorrt_backend import TensorRTBackend
from runtime.bundle import DEFAULT_MODEL, Bundle, open_bundle, sha256_of
from runtime.datatypes import MaskLogits, Tokens
from tests.runtime.backends.host_cuda.conftest import FOLDER, HostCuda

FP32 = EngineOptions(precision="fp32", max_expressions=4)
SENTENCES = (
    "the red mug",
    "the jar beside the apple",
    "the bowl on the left",
    "a green bottle",
    "the spoon",
    "all cups",
)
ILLEGAL_ADDRESS, OUT_OF_MEMORY, NOT_SUPPORTED = 700, 2, 801


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return open_bundle(DEFAULT_MODEL)


@pytest.fixture(scope="module")
def small_bundle(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The tiny bundle with samples, which are its own answers: what is opened hundreds of times."""
    directory = Path(shutil.copytree(tiny_bundle, tmp_path_factory.mktemp("small") / "bundle"))
    bundle = open_bundle(directory)
    pixels, words = picture(bundle, 1), tokens(bundle, "the red thing")
    with open_backend(bundle, "ort-cpu", threads=1) as backend:
        logits = backend.decode(backend.encode_image(pixels), backend.encode_text(words))
    assert logits.count is not None
    np.savez(
        directory / "samples.npz",
        pixels=pixels[None],
        ids=words.ids,
        lengths=words.lengths,
        mask_logits=logits.mask,
        count_logits=logits.count,
    )
    description = json.loads((directory / "model.json").read_text())
    description["files"]["samples.npz"] = sha256_of(directory / "samples.npz")
    (directory / "model.json").write_text(json.dumps(description))
    return open_bundle(directory)


@pytest.fixture
def backend(gpu: HostCuda, tensorrt: Any, bundle: Bundle) -> Iterator[TensorRTBackend]:
    with TensorRTBackend(bundle, options=FP32) as opened:
        yield opened


def picture(bundle: Bundle, seed: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(seed).integers(0, 256, (*bundle.spec.image_size, 3), np.uint8)


def tokens(bundle: Bundle, *sentences: str) -> Tokens:
    return bundle.vocabulary.encode(list(sentences), bundle.spec.max_words)


def same(ours: MaskLogits, theirs: MaskLogits) -> bool:
    """Bit for bit."""
    assert ours.mask.dtype == theirs.mask.dtype == np.float32
    assert ours.count is not None and theirs.count is not None
    assert ours.centre_offsets is not None and theirs.centre_offsets is not None
    return all(
        np.array_equal(left, right)
        for left, right in (
            (ours.mask, theirs.mask),
            (ours.count, theirs.count),
            (ours.centre_offsets, theirs.centre_offsets),
        )
    )


def test_it_answers_as_onnxruntime_does(backend: TensorRTBackend, bundle: Bundle) -> None:
    """Several pictures, and all numbers of expressions that fit into one batch; answers stay what they were."""
    kept: list[tuple[MaskLogits, MaskLogits]] = []
    with open_backend(bundle, "ort-cpu", threads=1) as reference:
        theirs_texts = [reference.encode_text(tokens(bundle, text))[0] for text in SENTENCES]
        ours_texts = [backend.encode_text(tokens(bundle, text))[0] for text in SENTENCES]
        for seed, count in enumerate((1, 3, 1, 4, 2, 1)):
            pixels = picture(bundle, seed)
            ours = backend.decode(backend.encode_image(pixels), ours_texts[:count])
            theirs = reference.decode(reference.encode_image(pixels), theirs_texts[:count])
            kept.append((ours, theirs))
    backend.close()
    assert all(same(ours, theirs) for ours, theirs in kept)


def test_expressions_of_one_batch_are_in_their_order(backend: TensorRTBackend, bundle: Bundle) -> None:
    image = backend.encode_image(picture(bundle, 1))
    texts = backend.encode_text(tokens(bundle, *SENTENCES[:4]))
    together = backend.decode(image, texts).mask
    for row, text in enumerate(texts):
        assert np.allclose(backend.decode(image, [text]).mask[0], together[row], atol=1e-4)


def test_more_expressions_than_a_batch_holds(backend: TensorRTBackend, bundle: Bundle, tensorrt: Any) -> None:
    texts = backend.encode_text(tokens(bundle, *SENTENCES))
    image = backend.encode_image(picture(bundle, 2))
    tensorrt.runs.clear()
    logits = backend.decode(image, texts)
    assert logits.mask.shape == (len(SENTENCES), *bundle.spec.logit_size)
    assert logits.count is not None and len(logits.count) == len(SENTENCES)
    assert len(tensorrt.runs) == 2, "six expressions, four to a batch"
    for rows in (slice(0, 4), slice(4, 6)):
        assert np.array_equal(logits.mask[rows], backend.decode(image, texts[rows]).mask)


def test_texts_live_as_long_as_somebody_wants_them(backend: TensorRTBackend, bundle: Bundle, gpu: HostCuda) -> None:
    """They are not in memory that a later sentence overwrites, and a thousand of them take nothing of the GPU's."""
    first = backend.encode_text(tokens(bundle, SENTENCES[0]))
    before = {name: array.copy() for name, array in first[0].tensors.items()}
    counts = gpu.counts()
    kept = [backend.encode_text(tokens(bundle, text)) for text in SENTENCES]
    assert all(np.array_equal(first[0].tensors[name], array) for name, array in before.items())
    assert gpu.counts() == counts and len(kept) == len(SENTENCES)


def test_features_of_an_earlier_picture_are_refused(backend: TensorRTBackend, bundle: Bundle) -> None:
    texts = backend.encode_text(tokens(bundle, SENTENCES[0]))
    old = backend.encode_image(picture(bundle, 1))
    new = backend.encode_image(picture(bundle, 2))
    with pytest.raises(SaymaskError, match="overwritten by a later picture; encode the frame again"):
        backend.decode(old, texts)
    backend.decode(new, texts)


def test_features_of_another_or_a_closed_backend_are_refused(
    backend: TensorRTBackend, bundle: Bundle, tensorrt: Any
) -> None:
    image, texts = backend.encode_image(picture(bundle, 1)), backend.encode_text(tokens(bundle, SENTENCES[0]))
    with TensorRTBackend(bundle, options=FP32) as other:
        for handles in ((image, texts), (other.encode_image(picture(bundle, 1)), texts)):
            with pytest.raises(SaymaskError, match="of another backend"):
                other.decode(*handles)
    backend.close()
    backend.close()
    for use in (
        lambda: backend.decode(image, texts),
        lambda: backend.encode_image(picture(bundle, 1)),
        lambda: backend.encode_text(tokens(bundle, SENTENCES[0])),
    ):
        with pytest.raises(SaymaskError, match="the backend is closed; open it again"):
            use()


@pytest.mark.parametrize(
    ("pixels", "told"),
    [
        (np.zeros((320, 320, 3), np.float32), "float32"),
        (np.full((320, 320, 3), np.nan, np.float32), "float32"),
        (np.zeros((320, 160, 3), np.uint8), r"uint8 \(320, 160, 3\)"),
        (np.zeros((1, 320, 320, 3), np.uint8), r"uint8 \(1, 320, 320, 3\)"),
    ],
)
def test_pixels_of_another_kind_never_reach_the_gpu(
    backend: TensorRTBackend, bundle: Bundle, tensorrt: Any, pixels: Any, told: str
) -> None:
    kept = backend.encode_image(picture(bundle, 1))
    tensorrt.runs.clear()
    with pytest.raises(SaymaskError, match=rf"expects pixels uint8 \(320, 320, 3\), got {told}"):
        backend.encode_image(pixels)
    assert tensorrt.runs == []
    backend.decode(kept, backend.encode_text(tokens(bundle, SENTENCES[0])))  # and the picture before is still there


def test_words_that_a_gpu_would_read_from_anywhere(backend: TensorRTBackend, bundle: Bundle, tensorrt: Any) -> None:
    good = tokens(bundle, SENTENCES[0])
    size = len(bundle.vocabulary)
    cases = [
        (np.where(good.ids > 0, size, 0), good.lengths, f"word ids must be 0..{size - 1}"),
        (good.ids - 1, good.lengths, "word ids must be"),
        (good.ids, good.lengths * 0, "lengths must be 1..20"),
        (good.ids, good.lengths * 0 + 21, "lengths must be 1..20"),
        (good.ids.astype(np.int32), good.lengths, "expects token_ids int64"),
        (np.repeat(good.ids, 2, axis=1), good.lengths, "1..20 words, got 40"),
    ]
    tensorrt.runs.clear()
    for ids, lengths, told in cases:
        with pytest.raises(SaymaskError, match=told):
            backend.encode_text(Tokens(ids, lengths, ((),)))
    assert tensorrt.runs == []


def test_fewer_words_than_the_vocabulary_pads_to(backend: TensorRTBackend, bundle: Bundle) -> None:
    whole = tokens(bundle, SENTENCES[0])
    short = Tokens(whole.ids[:, :5].copy(), whole.lengths, whole.unknown)
    image = backend.encode_image(picture(bundle, 1))
    long_text, short_text = backend.encode_text(whole)[0], backend.encode_text(short)[0]
    expected = backend.decode(image, [long_text]).mask
    assert np.allclose(backend.decode(image, [short_text]).mask, expected, atol=1e-4)
    with pytest.raises(SaymaskError, match=r"the graph expects word_states float32 \(N, T, 256\)"):
        backend.decode(image, [long_text, short_text])


def test_nothing_to_decode(backend: TensorRTBackend, bundle: Bundle) -> None:
    with pytest.raises(SaymaskError, match="at least one expression"):
        backend.decode(backend.encode_image(picture(bundle, 1)), [])


def test_an_answer_that_is_no_number_is_an_error(
    backend: TensorRTBackend, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an overflow in FP16 would bring. Pixels are uint8, so no NaN comes in from outside."""
    text = backend.encode_text(tokens(bundle, SENTENCES[0]))[0]
    image = backend.encode_image(picture(bundle, 1))
    for array in text.tensors.values():
        array[...] = np.nan
    with pytest.raises(SaymaskError, match="mask_logits are not finite: the fp32 engine overflowed"):
        backend.decode(image, [text])


def test_image_features_stay_on_the_gpu(backend: TensorRTBackend, bundle: Bundle) -> None:
    image = backend.encode_image(picture(bundle, 1))
    assert set(image.tensors) == {"centre_offsets"}
    assert backend.times["image_encoder"].latency == image.milliseconds > 0


def test_one_frame_and_one_expression_are_two_launches(
    backend: TensorRTBackend, bundle: Bundle, gpu: HostCuda, tensorrt: Any
) -> None:
    texts = backend.encode_text(tokens(bundle, *SENTENCES[:3]))
    before = gpu.counts()["launches"]
    for seed in range(3):
        backend.decode(backend.encode_image(picture(bundle, seed)), texts[:1])
    assert gpu.counts()["launches"] - before == 6
    backend.decode(backend.encode_image(picture(bundle, 9)), texts)
    assert gpu.counts()["launches"] - before == 7, "other numbers of expressions are queued"


@pytest.mark.parametrize("why", ["asked", "tensorrt", "driver", "cuda-python"])
def test_without_cuda_graphs_the_answers_are_the_same(
    gpu: HostCuda,
    tensorrt: Any,
    bundle: Bundle,
    why: str,
    monkeypatch: pytest.MonkeyPatch,
    warnings: pytest.LogCaptureFixture,
) -> None:
    pixels = picture(bundle, 5)
    with TensorRTBackend(bundle, options=FP32) as backend:
        expected = backend.decode(backend.encode_image(pixels), backend.encode_text(tokens(bundle, SENTENCES[0])))
    warnings.clear()
    launches = gpu.counts()["launches"]
    if why == "tensorrt":
        monkeypatch.setattr(tensorrt, "refuse_capture", True)
    if why == "cuda-python":
        monkeypatch.setitem(sys.modules, "cuda.bindings.driver", None)
    if why == "driver":
        gpu.fail("cuGraphInstantiate", error=NOT_SUPPORTED)
    with TensorRTBackend(bundle, options=FP32, cuda_graphs=why != "asked") as backend:
        image = backend.encode_image(pixels)
        assert same(backend.decode(image, backend.encode_text(tokens(bundle, SENTENCES[0]))), expected)
    lines = [record.getMessage() for record in warnings.records if "without a CUDA graph" in record.getMessage()]
    assert len(lines) == {"asked": 0, "tensorrt": 2, "driver": 1, "cuda-python": 2}[why]  # one for each of two engines
    assert (gpu.counts()["launches"] == launches) == (why != "driver")


def test_from_many_threads_each_with_pictures_of_its_own(backend: TensorRTBackend, bundle: Bundle) -> None:
    """As a ROS executor calls: whose picture was overwritten meanwhile is told so, not answered with another's."""
    text = backend.encode_text(tokens(bundle, SENTENCES[1]))
    expected = [backend.decode(backend.encode_image(picture(bundle, seed)), text).mask for seed in range(4)]
    wrong: list[object] = []
    right: list[int] = []

    def work(seed: int) -> None:
        for _ in range(6):
            try:
                mask = backend.decode(backend.encode_image(picture(bundle, seed)), text).mask
            except SaymaskError as error:
                if "overwritten by a later picture" not in str(error):
                    wrong.append(error)
            except BaseException as error:
                wrong.append(error)
            else:
                (right if np.array_equal(mask, expected[seed]) else wrong).append(seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert right


def test_opening_and_closing_two_hundred_times_leaks_nothing(
    gpu: HostCuda, tensorrt: Any, small_bundle: Bundle
) -> None:
    sizes: set[tuple[tuple[str, int], ...]] = set()
    cache = EngineCache()
    for _ in range(200):
        with TensorRTBackend(small_bundle, options=FP32, cache=cache):
            sizes.add(tuple(sorted((name, count) for name, count in gpu.counts().items() if name != "launches")))
        assert gpu.counts()["device_bytes"] == gpu.counts()["host_bytes"] == gpu.counts()["contexts"] == 0
    assert len(sizes) == 1, "the second opening takes what the first took"
    assert gpu.alive() == {}


def test_memory_that_runs_out_at_any_point_is_given_back(gpu: HostCuda, tensorrt: Any, small_bundle: Bundle) -> None:
    with TensorRTBackend(small_bundle, options=FP32):
        whole = gpu.counts()["device_bytes"]
    for share in np.linspace(0.02, 0.999, 25):
        gpu.limit(int(whole * share))
        with pytest.raises(SaymaskError, match=r"out of GPU memory|GPU memory|is there enough|could not be allocated"):
            TensorRTBackend(small_bundle, options=FP32)
        assert gpu.alive() == {}, share
    gpu.limit(whole + 4096)
    TensorRTBackend(small_bundle, options=FP32).close()


@pytest.mark.parametrize(
    "call",
    ["cuMemAlloc", "cuMemHostAlloc", "cuEventCreate", "cuEventRecord", "cuMemcpyHtoDAsync", "cuMemcpyDtoHAsync"],
)
def test_a_fault_while_opening_leaves_nothing(gpu: HostCuda, tensorrt: Any, small_bundle: Bundle, call: str) -> None:
    failed = 0
    for after in range(0, 60, 3):
        gpu.fail(call, after=after, error=ILLEGAL_ADDRESS)
        try:
            TensorRTBackend(small_bundle, options=FP32).close()
        except SaymaskError:
            failed += 1
        gc.collect()
        assert gpu.alive() == {}, after
    assert failed


def test_a_fault_while_running_is_one_line_and_everything_can_be_freed(
    backend: TensorRTBackend, bundle: Bundle, gpu: HostCuda
) -> None:
    text = backend.encode_text(tokens(bundle, SENTENCES[0]))
    for call, told in (("cuMemcpyHtoDAsync", "CUDA failed"), ("cuGraphLaunch", "CUDA failed .cuGraphLaunch")):
        gpu.fail(call, error=ILLEGAL_ADDRESS)
        with pytest.raises(SaymaskError, match=told):
            backend.encode_image(picture(bundle, 1))
    gpu.fail("cuLaunchHostFunc", error=ILLEGAL_ADDRESS)
    with pytest.raises(SaymaskError, match=r"TensorRT 10\.3\.0 failed in text_encoder\.onnx"):
        backend.encode_text(tokens(bundle, SENTENCES[1]))
    backend.decode(backend.encode_image(picture(bundle, 1)), text)


def test_engines_that_answer_otherwise_are_dropped(
    gpu: HostCuda, tensorrt: Any, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = EngineCache()
    monkeypatch.setattr(tensorrt, "spoil", 0.5)
    with pytest.raises(SaymaskError, match=r"mask_logits differ by .* from the trained network's"):
        TensorRTBackend(bundle, options=FP32, cache=cache)
    assert cache.entries() == ()
    monkeypatch.setattr(tensorrt, "spoil", 0.0)
    TensorRTBackend(bundle, options=FP32, cache=cache).close()
    assert len(cache.entries()) == 3


def test_the_segmenter_on_it_answers_as_on_onnxruntime(
    gpu: HostCuda, tensorrt: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runtime.backends.tensorrt_backend.DEFAULT_OPTIONS", EngineOptions(precision="fp32"))
    rng = np.random.default_rng(7)
    frames = [Frame.from_array(rng.integers(0, 256, size, np.uint8)) for size in ((480, 640, 3), (300, 300, 3))]
    with Segmenter(backend="tensorrt") as ours, Segmenter(backend="ort-cpu", threads=1) as theirs:
        for frame in frames:
            for words in (["pick up the red mug"], [f"find {text}" for text in SENTENCES]):
                for left, right in zip(ours.segment_many(frame, words), theirs.segment_many(frame, words), strict=True):
                    assert np.array_equal(left.raw_mask, right.raw_mask)
                    assert np.array_equal(left.mask, right.mask)
                    assert (left.verdict, left.confidence) == (right.verdict, right.confidence)


def test_fp16_graphs_run_and_come_close(gpu: HostCuda, tensorrt: Any, bundle: Bundle) -> None:
    """FP16 at the boundary of the engines; ONNX Runtime computes it in FP32 inside."""
    with TensorRTBackend(bundle) as backend, open_backend(bundle, "ort-cpu") as reference:
        image, text = picture(bundle, 3), tokens(bundle, SENTENCES[1])
        ours = backend.decode(backend.encode_image(image), backend.encode_text(text)).mask
        theirs = reference.decode(reference.encode_image(image), reference.encode_text(text)).mask
        assert backend.description == "TensorRT 10.3.0 on host memory, no GPU, fp16"
    assert np.abs(ours - theirs).max() < 0.05 * np.abs(theirs).max()


def test_beside_another_user_of_the_gpu(backend: TensorRTBackend, bundle: Bundle) -> None:
    device = CudaDevice()
    with device.current():
        backend.encode_image(picture(bundle, 1))
        assert device.buffer("numbers", (3,), "float32", on_host=False).address
    device.close()


def test_a_program_that_closes_nothing_ends_quietly(tmp_path: Path) -> None:
    program = f"""
import ctypes, sys
ctypes.CDLL({FOLDER + "/libcuda.so.1"!r}, mode=ctypes.RTLD_GLOBAL)
sys.path += [".", {FOLDER!r}]
from tests.runtime.backends.host_cuda import tensorrt_double
sys.modules["tensorrt"] = tensorrt_double
from runtime.backends.engine_builder import EngineOptions
from runtime.backends.engine_cache import EngineCache
from runtime.backends.tensorrt_backend import TensorRTBackend
from runtime.bundle import DEFAULT_MODEL, open_bundle
from pathlib import Path
backend = TensorRTBackend(
    open_bundle(DEFAULT_MODEL), options=EngineOptions("fp32", 2), cache=EngineCache(Path({str(tmp_path / "kept")!r}))
)
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ended.returncode == 0
    assert "PyCUDA" not in ended.stderr and "Error" not in ended.stderr, ended.stderr
