"""Published data sets in miniature, written here in their real layouts, and everything that can be wrong with them."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from pycocotools import mask as rle
from scipy.io import savemat

from runtime.errors import SaymaskError
from runtime.language.vocabulary import Vocabulary
from training.checkpoint import save_checkpoint
from training.config import TrainingConfig
from training.data.refer import ReferViews
from training.data.referit import ReferItViews, read_vocabulary
from training.data.rendered import TrainingBatches
from training.data.views import open_views
from training.evaluate import main
from training.models import build_model
from training.models.base import NetworkSpec

Capture = pytest.CaptureFixture[str]

SIZE = HEIGHT, WIDTH = 60, 90
SIXTY = " ".join(["the", "big"] * 30)


def picture(path: Path, seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (*SIZE, 3), np.uint8)
    cv2.imwrite(str(path), pixels)


def block(top: int, left: int, bottom: int, right: int) -> npt.NDArray[np.bool_]:
    mask = np.zeros(SIZE, np.bool_)
    mask[top:bottom, left:right] = True
    return mask


CROPS = {"38685_1": block(10, 20, 30, 50), "38685_2": block(30, 0, 60, 90), "111_1": block(0, 0, 5, 5)}


@pytest.fixture
def referit(tmp_path: Path) -> Path:
    """Two pictures and three crops, in the layout that Hu et al. published."""
    root = tmp_path / "referit"
    for name in ("38685", "111"):
        picture(root / "images" / f"{name}.jpg")
    (root / "mask").mkdir()
    for crop, mask in CROPS.items():
        # 0 inside, as the authors have it
        savemat(root / "mask" / f"{crop}.mat", {"segimg_t": np.where(mask, 0, 255).astype(np.uint8)})
    queries = {
        "38685_1": ["the man on the left", "MAN, in hat!"],
        "38685_2": ["water below the boat", "  ", SIXTY],
        "111_1": ["sky"],
    }
    put(root / "referit_query_test.json", queries)
    put(root / "referit_query_train.json", {"111_1": ["sky", "blue sky"]})
    put(root / "referit_bbox.json", {"38685_1": [20, 10, 49, 29], "38685_2": [0, 30, 89, 59], "111_1": [0, 0, 4, 4]})
    put(root / "referit_imcrop.json", {"38685": ["38685_1", "38685_2"], "111": ["111_1"]})
    put(root / "referit_imsize.json", {"38685": [WIDTH, HEIGHT], "111": [WIDTH, HEIGHT]})
    (root / "vocabulary_referit.txt").write_text("<pad>\n<unk>\nman\nsky\nwater\nthe\nleft\non\n")
    return root


def put(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content))


def test_referit_as_it_was_published(referit: Path) -> None:
    views = ReferItViews(referit, "test")
    assert len(views) == 3
    image, instances, expressions = views.view(0)
    assert image.shape == (*SIZE, 3) and image.dtype == np.uint8
    assert np.array_equal(instances == 0, CROPS["38685_1"]) and set(np.unique(instances)) == {-1, 0}
    assert [(item.text, item.kind, item.referents) for item in expressions] == [
        ("the man on the left", "position", (0,)),
        ("man in hat", "relation", (0,)),
    ]
    assert views.box(0) == (20, 10, 50, 30)
    stored = cv2.imread(str(referit / "images" / "38685.jpg"))
    assert stored is not None and np.array_equal(image, stored[..., ::-1]), "RGB"
    assert len(ReferItViews(referit, "train")) == 1


def test_what_is_passed_over_is_counted(referit: Path) -> None:
    """An expression without a word is left out, one of 60 words is cut to the paper's 20, an empty mask is skipped."""
    savemat(referit / "mask" / "111_1.mat", {"segimg_t": np.full(SIZE, 255, np.uint8)})
    views = ReferItViews(referit, "test")
    assert [len(expressions) for _, _, expressions in views.every()] == [2, 2]
    assert dict(views.counts) == {"empty_expression": 1, "cut_expression": 1, "empty_mask": 1}
    assert len(views.view(1)[2][1].text.split()) == 20
    assert np.array_equal(views.view(2)[1], views.view(0)[1]), "the next that has a pixel"
    assert views.counts["empty_mask"] == 1, "once"


def test_where_every_mask_is_empty(referit: Path) -> None:
    savemat(referit / "mask" / "111_1.mat", {"segimg_t": np.ones(SIZE)})
    with pytest.raises(SaymaskError, match="not one of 1 masks has a pixel"):
        ReferItViews(referit, "train").view(0)


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:150])


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda root: (root / "images" / "38685.jpg").unlink(), "38685.jpg: missing or not a picture"),
        (lambda root: cut_short(root / "mask" / "38685_1.mat"), "38685_1.mat: not a readable MATLAB file"),
        (lambda root: (root / "mask" / "38685_1.mat").write_text("hello"), "38685_1.mat: not a readable MATLAB file"),
        (lambda root: (root / "mask" / "38685_1.mat").unlink(), "38685_1.mat: missing; every crop has"),
        (lambda root: savemat(root / "mask/38685_1.mat", {"other": np.ones(SIZE)}), "holds no variable 'segimg_t'"),
        (lambda root: savemat(root / "mask/38685_1.mat", {"segimg_t": np.ones((5, 5))}), "the mask is (5, 5) high"),
        (lambda root: savemat(root / "mask/38685_1.mat", {"segimg_t": "text"}), "expected a matrix of numbers"),
        (lambda root: put(root / "referit_imsize.json", {"38685": [5, 5]}), "referit_imsize.json says [5, 5]"),
        (lambda root: (root / "referit_query_test.json").unlink(), "referit_query_test.json: cannot be read"),
        (lambda root: (root / "referit_query_test.json").write_text("{"), "referit_query_test.json: not valid JSON"),
        (lambda root: put(root / "referit_query_test.json", []), "expected a JSON dict, got list"),
        (lambda root: put(root / "referit_query_test.json", {}), "holds no expression"),
        (lambda root: put(root / "referit_query_test.json", {"38685_1": "sky"}), "expected a list of texts"),
        (lambda root: put(root / "referit_query_test.json", {"38685_1": [7]}), "an expression is 7, expected text"),
        (lambda root: put(root / "referit_imcrop.json", {}), "no image has the crop '38685_1'"),
        (lambda root: put(root / "referit_imcrop.json", {"38685": 3}), "expected a list of crop names"),
        (lambda root: put(root / "referit_bbox.json", {"38685_1": [1, 2]}), "no box of 4 numbers"),
    ],
)
def test_what_is_wrong_with_referit_is_told_with_its_file(
    referit: Path, spoil: Callable[[Path], object], told: str
) -> None:
    spoil(referit)
    with pytest.raises(SaymaskError) as caught:
        ReferItViews(referit, "test").view(0)
    assert told in str(caught.value) and str(referit) in str(caught.value) and "\n" not in str(caught.value)


def test_unknown_names(referit: Path) -> None:
    with pytest.raises(SaymaskError, match="ReferIt has no split 'dev'"):
        open_views("referit", [referit], "dev")
    with pytest.raises(SaymaskError, match="there is no data set 'flickr'"):
        open_views("flickr", [referit], "test")
    with pytest.raises(SaymaskError, match="referit lies in one folder, 2 were given"):
        open_views("referit", [referit, referit], "test")


def test_the_published_vocabulary(referit: Path) -> None:
    vocabulary = read_vocabulary(referit / "vocabulary_referit.txt")
    assert vocabulary.words == ("<pad>", "<unk>", "left", "man", "on", "sky", "the", "water")
    (referit / "vocabulary_referit.txt").write_text("<pad>\n")
    for path in (referit / "vocabulary_referit.txt", referit / "nowhere.txt"):
        with pytest.raises(SaymaskError, match=path.name):
            read_vocabulary(path)


# RefCOCO, RefCOCO+, RefCOCOg

SQUARE = [20.0, 10.0, 50.0, 10.0, 50.0, 30.0, 20.0, 30.0]
RUNS = rle.encode(np.asfortranarray(CROPS["38685_2"].astype(np.uint8)))


def refer_root(root: Path, dataset: str, by: str) -> Path:
    """Three references to one picture: a polygon, run lengths as COCO compresses them, and plain run lengths."""
    picture(root / "images/mscoco/images/train2014" / "COCO_train2014_000000581857.jpg")
    counts = [HEIGHT * 10, HEIGHT, HEIGHT * (WIDTH - 11)]
    annotations = [
        {"id": 1, "image_id": 5, "segmentation": [SQUARE]},
        {"id": 2, "image_id": 5, "segmentation": {"size": list(SIZE), "counts": RUNS["counts"].decode()}},
        {"id": 3, "image_id": 5, "segmentation": {"size": list(SIZE), "counts": counts}},
        {"id": 4, "image_id": 5, "segmentation": []},
    ]
    images = [{"id": 5, "file_name": "COCO_train2014_000000581857.jpg", "height": HEIGHT, "width": WIDTH}]
    folder = root / dataset
    folder.mkdir()
    put(folder / "instances.json", {"images": images, "annotations": annotations})
    references = [
        reference(1, "testA", ["the lady with the blue shirt", "lady"]),
        reference(2, "testA", ["bottom half", ""]),
        reference(3, "testA", [SIXTY]),
        reference(4, "val", ["nothing at all"]),
    ]
    with (folder / f"refs({by}).p").open("wb") as file:
        pickle.dump(references, file, protocol=2)  # as Python 2 wrote them
    return root


def reference(annotation: int, split: str, texts: list[str]) -> dict[str, Any]:
    return {
        "ann_id": annotation,
        "image_id": 5,
        "category_id": 1,
        "file_name": f"COCO_train2014_000000581857_{annotation}.jpg",  # of the annotation, no picture's
        "ref_id": annotation,
        "sent_ids": list(range(len(texts))),
        "sentences": [{"tokens": text.split(), "raw": text, "sent": text, "sent_id": 0} for text in texts],
        "split": split,
    }


@pytest.mark.parametrize(("dataset", "by"), [("refcoco", "unc"), ("refcoco+", "unc"), ("refcocog", "umd")])
def test_refcoco_in_the_refer_apis_layout(tmp_path: Path, dataset: str, by: str) -> None:
    views = ReferViews(refer_root(tmp_path, dataset, by), dataset, "testA")
    masks = [instances == 0 for _, instances, _ in views.every()]
    assert np.array_equal(masks[0][11:29, 21:49], np.ones((18, 28))) and 500 < masks[0].sum() < 700
    assert np.array_equal(masks[1], CROPS["38685_2"])
    assert np.array_equal(masks[2], block(0, 10, HEIGHT, 11)), "runs go down the columns"
    assert [item.text for item in views.view(0)[2]] == ["the lady with the blue shirt", "lady"]
    assert dict(views.counts) == {"empty_expression": 1, "cut_expression": 1, "empty_mask": 0}


def test_an_empty_polygon_list_is_an_empty_mask(tmp_path: Path) -> None:
    views = ReferViews(refer_root(tmp_path, "refcoco", "unc"), "refcoco", "val")
    assert not list(views.every()) and views.counts["empty_mask"] == 1


class Evil:
    """What a pickle may hold: a program."""

    def __reduce__(self) -> tuple[Any, ...]:
        return print, ("this must not be run",)


def repickle(root: Path, content: object) -> None:
    with (root / "refcoco" / "refs(unc).p").open("wb") as file:
        pickle.dump(content, file)


def resegment(root: Path, segmentation: object) -> None:
    path = root / "refcoco" / "instances.json"
    content = json.loads(path.read_text())
    content["annotations"][0]["segmentation"] = segmentation
    put(path, content)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda root: repickle(root, [Evil()]), "it asks for builtins.print, and only plain lists"),
        (lambda root: repickle(root, {"refs": []}), "expected a list of references, got dict"),
        (lambda root: repickle(root, [{"split": "testA"}]), "a reference is malformed: KeyError('image_id')"),
        (lambda root: repickle(root, [reference(99, "testA", ["x"])]), "knows no image 5 or annotation 99"),
        (lambda root: repickle(root, [reference(1, "train", ["x"])]), "has no split 'testA'; choose from train"),
        (lambda root: cut_short(root / "refcoco" / "refs(unc).p"), "refs(unc).p: not a readable pickle"),
        (lambda root: (root / "refcoco" / "refs(unc).p").unlink(), "refs(unc).p: cannot be read: No such file"),
        (lambda root: (root / "refcoco" / "instances.json").unlink(), "instances.json: cannot be read"),
        (lambda root: put(root / "refcoco" / "instances.json", {"images": 3}), "is malformed"),
        (lambda root: resegment(root, [[1, 2, 3]]), "the segmentation of annotation 1 is malformed"),
        (lambda root: resegment(root, {"size": [1, 1], "counts": [1]}), "size [1, 1], expected [60, 90]"),
        (
            lambda root: next((root / "images").rglob("*.jpg")).unlink(),
            "COCO_train2014_000000581857.jpg: missing or not a picture",
        ),
    ],
)
def test_what_is_wrong_with_refcoco_is_told_with_its_file(
    tmp_path: Path, capsys: Capture, spoil: Callable[[Path], object], told: str
) -> None:
    root = refer_root(tmp_path, "refcoco", "unc")
    spoil(root)
    with pytest.raises(SaymaskError) as caught:
        ReferViews(root, "refcoco", "testA").view(0)
    assert told in str(caught.value) and str(root) in str(caught.value) and "\n" not in str(caught.value)
    assert capsys.readouterr().out == ""


def test_who_split_it(tmp_path: Path) -> None:
    root = refer_root(tmp_path, "refcocog", "google")
    assert len(ReferViews(root, "refcocog", "testA", "google")) == 3
    with pytest.raises(SaymaskError, match="refcocog was not split by 'unc'"):
        ReferViews(root, "refcocog", "testA", "unc")
    with pytest.raises(SaymaskError, match=r"refs\(umd\).p"):
        ReferViews(root, "refcocog", "testA")


# Training and scoring on them


@pytest.fixture
def tiny_checkpoint(tmp_path: Path) -> Path:
    """An untrained network of 2016, small, with the words of the miniature ReferIt."""
    options = {
        "vocabulary_size": 8,
        "backbone": "mobilenet_v2",
        "image_size": (64, 64),
        "embedding_size": 4,
        "hidden_size": 8,
        "image_channels": 8,
        "classifier_channels": 4,
    }
    model = build_model("text_objseg", options)
    vocabulary = Vocabulary.from_words(["left", "man", "on", "sky", "the", "water"])
    path = tmp_path / "tiny.safetensors"
    metadata = {
        "vocabulary": vocabulary.to_json(),
        "thresholds": {},
        "calibration": {},
        "provenance": {},
        "metrics": {},
    }
    save_checkpoint(path, architecture="text_objseg", options=options, weights=model.state_dict(), metadata=metadata)
    return path


def test_batches_for_training(referit: Path) -> None:
    spec = NetworkSpec((64, 64), (64, 64), 20, 8, conv_transpose_nodes=1)
    config = TrainingConfig(steps=2, images_per_step=2, expressions_per_image=1, augment=False, flip=False)
    batches = TrainingBatches(
        ReferItViews(referit, "test"), read_vocabulary(referit / "vocabulary_referit.txt"), spec, config
    )
    batch = batches[0]
    assert batch["pixels"].shape == (2, 64, 64, 3) and batch["masks"].shape == (2, 64, 64)
    assert (batch["masks"].sum((1, 2)) > 0).all() and (batch["counts"] == 1).all()


def test_evaluate_prints_the_figures_of_a_published_set(referit: Path, tiny_checkpoint: Path, capsys: Capture) -> None:
    savemat(referit / "mask" / "111_1.mat", {"segimg_t": np.ones(SIZE)})
    arguments = ["--dataset", "referit", "--root", str(referit), "--checkpoint", str(tiny_checkpoint)]
    assert main(arguments) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (told["dataset"], told["split"], told["referents"], told["n"]) == ("referit", "test", 3, 4)
    assert told["passed_over"] == {"empty_expression": 1, "cut_expression": 1, "empty_mask": 1}
    assert set(told["slices"]) >= {"position", "relation"} and 0 <= told["overall_iou"] <= 1


def test_the_whole_image_scores_what_can_be_counted_by_hand(
    referit: Path, tiny_checkpoint: Path, capsys: Capture
) -> None:
    """Masks of 600 and 2700 of 5400 pixels and one of 25, asked for twice, twice and once."""
    arguments = ["--dataset", "referit", "--root", str(referit), "--checkpoint", str(tiny_checkpoint)]
    assert main([*arguments, "--baseline", "whole_image"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["overall_iou"] == pytest.approx((2 * 600 + 2 * 2700 + 25) / (5 * 5400))
    assert told["mean_iou"] == pytest.approx((2 * 600 + 2 * 2700 + 25) / 5400 / 5)
    assert told["precision_at_0.5"] == pytest.approx(2 / 5)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--dataset", "referit"], "--dataset referit needs --root"),
        (["--dataset", "referit", "--root", "nowhere"], "referit_query_test.json: cannot be read"),
        (["--dataset", "flickr"], "invalid choice: 'flickr'"),
        (["--baseline", "magic"], "invalid choice: 'magic'"),
    ],
)
def test_bad_arguments_are_told_in_one_line(capsys: Capture, arguments: list[str], told: str) -> None:
    assert main(arguments) == 2
    [line] = capsys.readouterr().err.strip().splitlines()[-1:]
    assert told in line
