"""Entry: turn a checkpoint into an ONNX bundle, and keep it only when it answers as the checkpoint does."""

from __future__ import annotations

import argparse
import copy
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

import onnx
import onnxscript
import torch
from tqdm import tqdm

from export.bundle_writer import BundleDraft
from export.cooled import CooledMasks, cooled_metadata
from export.graphs import OPSET, export_graphs
from export.half_gate import HalfParity, compare_halves
from export.inspect_graph import Inspection, inspect_graphs
from export.parity import Parity, Probe, answer_in_torch, random_probes, split_networks, test_set_probes
from export.precision import half_twins
from runtime.bundle import DEFAULT_MODEL, open_bundle
from runtime.entry import command_line
from runtime.errors import SaymaskError
from runtime.language.vocabulary import Vocabulary
from runtime.test_set import iterate_test_set
from training.checkpoint import load_checkpoint
from training.evaluate import CALIBRATION, THRESHOLDS
from training.models import ARCHITECTURES, NetworkSpec, ReferringSegmenter, build_model

_ROOT = Path(__file__).resolve().parents[1]
_CHECKPOINT = _ROOT / "training" / "checkpoints" / "tabletop-320.safetensors"
_TEST_SET = _ROOT / "benchmarks" / "data" / "tabletop-test"
_SAMPLES = 3


@dataclass(frozen=True, eq=False)
class Source:
    """What is exported: the network in evaluation mode, its words, and what the bundle says about it."""

    model: ReferringSegmenter
    architecture: str
    vocabulary: Vocabulary
    metadata: dict[str, Any]


def read_checkpoint(path: Path) -> Source:
    """The network of a checkpoint. Raises SaymaskError when a part of it is missing or contradicts another."""
    model, described = load_checkpoint(path)
    vocabulary = Vocabulary.from_json(described.get("vocabulary"))
    provenance = {**described.get("provenance", {}), "checkpoint_sha256": described["weights_sha256"]}
    return _source(model, described["architecture"], vocabulary, {**described, "provenance": provenance})


def random_source(architecture: str, options: dict[str, Any], vocabulary: Vocabulary, seed: int) -> Source:
    """A network that has learnt nothing: shows that its definition exports and runs."""
    torch.manual_seed(seed)
    model = build_model(architecture, {**options, "vocabulary_size": len(vocabulary)}).eval()
    provenance = {"weights": f"random, seed {seed}", "options": options}
    return _source(model, architecture, vocabulary, {"provenance": provenance})


def _source(model: ReferringSegmenter, architecture: str, vocabulary: Vocabulary, described: dict[str, Any]) -> Source:
    if len(vocabulary) != model.spec.vocabulary_size:
        size = model.spec.vocabulary_size
        raise SaymaskError(
            f"the vocabulary has {len(vocabulary)} words and the network {size}; they are not of one model"
        )
    versions = {"torch": torch.__version__, "onnx": onnx.__version__, "onnxscript": onnxscript.__version__}
    metadata = {
        "thresholds": {**THRESHOLDS, **described.get("thresholds", {})},
        "calibration": {**CALIBRATION, **described.get("calibration", {})},
        "provenance": {**described["provenance"], "export": {"opset": OPSET, **versions}},
        "metrics": described.get("metrics", {}),
    }
    cooled = CooledMasks(model, metadata["calibration"]["mask_temperature"]).eval()
    return Source(cooled, architecture, vocabulary, cooled_metadata(metadata))


def export_bundle(
    source: Source, out: Path, *, whole: bool = False, test_set: Path | None = None, test_images: int | None = None
) -> dict[str, Any]:
    """Export `source`, pass it through the gate and write the bundle `out`; returns the last line's JSON.

    With a `test_set` folder the gate compares its first `test_images` images (None: all of them) beside the random
    probes. When the gate stays shut "passed" is False, "problems" says why, and `out` is left as it was.
    """
    model, vocabulary = source.model, source.vocabulary
    with BundleDraft(out) as draft:
        graphs = export_graphs(model, whole=whole)
        inspection = inspect_graphs(graphs, model.spec)
        draft.add_graphs(graphs)
        if not inspection.problems:  # the pass below is for graphs as designed
            draft.add_half_graphs(half_twins(graphs))
        del graphs  # 600 MB for the network of 2016
        # In double precision, so that what is measured is the exported graphs' error without PyTorch's own rounding: on
        # a trained edge network (logits to 30) float32 PyTorch is itself 4e-5 away from it.
        reference = copy.deepcopy(model).double()
        parity = Parity(source.metadata["thresholds"]["mask_logit"])
        pictures = [] if test_set is None else test_set_probes(test_set, model.spec, vocabulary, test_images)
        compared = _compare(reference, draft, parity, chain(random_probes(model.spec), pictures))
        figures = {**_figures(inspection, parity), **compared}
        problems = [*inspection.problems, *parity.problems()]
        if not problems:
            samples = _sample_probes(source, test_set)
            answers = [answer_in_torch(reference, probe) for probe in samples]
            draft.add_samples(samples, answers, model.spec.max_words)
            draft.add_description(
                spec=model.spec, architecture=source.architecture, vocabulary=vocabulary, metadata=source.metadata
            )
            halves = _compare_halves(draft, model.spec, test_set, test_images)
            figures |= halves.to_json()
            problems = halves.problems()
        if not problems:
            draft.publish()
    return {"bundle": None if problems else str(out), **figures, "problems": problems}


def _compare(
    reference: ReferringSegmenter, draft: BundleDraft, parity: Parity, probes: Iterator[Probe]
) -> dict[str, int]:
    """Feed every probe to PyTorch and to the exported files; returns how many pictures and expressions that were."""
    networks = split_networks(draft.files)
    pictures = expressions = 0
    for probe in tqdm(probes, desc="comparing with PyTorch", unit="image", disable=None):
        expected = answer_in_torch(reference, probe)
        for network in networks.values():
            parity.compare(expected, network.answer(probe))
        pictures, expressions = pictures + 1, expressions + len(probe.lengths)
    return {"pictures": pictures, "expressions": expressions}


def _compare_halves(
    draft: BundleDraft, spec: NetworkSpec, test_set: Path | None, test_images: int | None
) -> HalfParity:
    """The FP16 twins of a draft that is otherwise complete, against its FP32 graphs."""
    pictures = None
    if test_set is not None:
        shown = islice(iterate_test_set(test_set), test_images)
        pictures = tqdm(shown, desc="comparing FP16 twins", unit="image", disable=None)
    return compare_halves(open_bundle(draft.folder), random_probes(spec), pictures)


def _sample_probes(source: Source, test_set: Path | None) -> list[Probe]:
    """Pictures with one expression each, of the test set where there is one: noise exercises little of the network."""
    spec = source.model.spec
    probes = random_probes(spec) if test_set is None else test_set_probes(test_set, spec, source.vocabulary, None)
    return [Probe(item.pixels, item.token_ids[:1], item.lengths[:1]) for item in islice(probes, _SAMPLES)]


def _figures(inspection: Inspection, parity: Parity) -> dict[str, Any]:
    return {
        "lstm_nodes": inspection.lstm_nodes,
        "conv_transpose_nodes": inspection.conv_transpose_nodes,
        "max_abs_err": parity.max_abs_err,
        "mask_iou_mean": parity.mask_iou_mean,
        "stray_pixels": parity.stray_pixels,
        "operators": inspection.operators,
    }


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """See `python export/to_onnx.py --help`."""
    if arguments.random_weights:
        if arguments.out == DEFAULT_MODEL:
            raise SaymaskError("--random-weights would replace the trained model; give another --out")
        source = random_source(
            arguments.architecture, _options(arguments), Vocabulary.from_file(arguments.vocabulary), arguments.seed
        )
    else:
        if arguments.out == DEFAULT_MODEL and arguments.checkpoint != _CHECKPOINT:
            raise SaymaskError(f"{arguments.checkpoint} would replace {DEFAULT_MODEL.name}; give another --out")
        source = read_checkpoint(arguments.checkpoint)
    test_set: Path | None = arguments.test_set
    if test_set == _TEST_SET and not test_set.is_dir():
        print(f"no test set at {test_set}: comparing random pictures only", file=sys.stderr)
        test_set = None
    result = export_bundle(
        source, arguments.out, whole=arguments.whole, test_set=test_set, test_images=arguments.test_images
    )
    for problem in result["problems"]:
        print(f"gate: {problem}", file=sys.stderr)
    return {**result, "passed": not result["problems"]}


def _options(arguments: argparse.Namespace) -> dict[str, Any]:
    """The network's constructor options from --options and --backbone."""
    try:
        options = json.loads(arguments.options)
    except ValueError as error:
        raise SaymaskError(f"--options is not JSON: {error}") from error
    if not isinstance(options, dict):
        raise SaymaskError("--options must be an object, such as '{\"coordinates\": 2}'")
    if arguments.backbone:
        options["backbone"] = arguments.backbone
    if "image_size" in options:
        options["image_size"] = tuple(options["image_size"])
    return options


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    described = argparse.ArgumentParser(
        prog="export/to_onnx.py", description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    add = described.add_argument
    add("--checkpoint", type=Path, default=_CHECKPOINT, help="safetensors file with its JSON beside it")
    add("--out", type=Path, default=DEFAULT_MODEL, help="bundle to write; a model card in it is kept")
    add("--whole", action="store_true", help="also write all three graphs as one, whole.onnx")
    add("--test-set", type=Path, default=_TEST_SET, help="folder with test.json, for the gate")
    add("--test-images", type=int, help="compare only this many images of the test set (default: all)")
    random = described.add_argument_group("a network without a checkpoint")
    add = random.add_argument
    add("--random-weights", action="store_true", help="export an untrained network in place of --checkpoint")
    add("--architecture", choices=sorted(ARCHITECTURES), default="text_objseg", help="which network")
    add("--backbone", help="its backbone, where the network offers a choice (text_objseg: vgg16, mobilenet_v2)")
    add("--options", default="{}", help="further options of its constructor, as JSON")
    add("--vocabulary", type=Path, default=DEFAULT_MODEL / "vocab.json", help="its words")
    add("--seed", type=int, default=0, help="of its weights")
    return described


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return command_line(run, parser(), argv)


if __name__ == "__main__":
    raise SystemExit(main())
