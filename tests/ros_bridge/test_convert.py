"""Messages to frames and answers to messages: every pixel, stamp and metre where it belongs, or one clear error."""

from __future__ import annotations

import array
import struct
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("rosbags", reason="rosbags is not installed (extra: bag)")

from runtime.datatypes import LARGEST_SIDE, SMALLEST_SIDE, Frame, Grasp, Verdict
from runtime.errors import SaymaskError
from saymask_ros import convert
from saymask_ros.answers import quaternion_of
from saymask_ros.convert import ConversionError
from saymask_ros.events import SessionStatus
from saymask_ros.frames import rotation_of
from saymask_ros.messages import DISTRIBUTIONS, RosbagsTypes
from saymask_ros.pixels import COLOUR_ENCODINGS, DEPTH_ENCODINGS
from tests.runtime.language.made_up_answers import LEFT, RIGHT, answer_to, pick

Octets = npt.NDArray[np.uint8]
HEIGHT, WIDTH = 34, 48
STAMP_NS = 1_700_000_000_123_456_789
TYPES = RosbagsTypes("jazzy")


def header(stamp_ns: int = STAMP_NS, frame_id: str = "camera_optical") -> Any:
    return SimpleNamespace(stamp=SimpleNamespace(sec=stamp_ns // 10**9, nanosec=stamp_ns % 10**9), frame_id=frame_id)


def image(encoding: str, rows: npt.NDArray[Any], *, padding: int = 0, **changes: Any) -> Any:
    """A sensor_msgs/Image of pixels (h, w, ...) in whatever dtype they are; `padding` bytes of 171 end each row."""
    octets = np.ascontiguousarray(rows).view(np.uint8).reshape(rows.shape[0], -1)
    padded = np.pad(octets, ((0, 0), (0, padding)), constant_values=171)
    fields = {
        "header": header(),
        "height": rows.shape[0],
        "width": rows.shape[1],
        "encoding": encoding,
        "is_bigendian": 0,
        "step": padded.shape[1],
        "data": padded.reshape(-1),
    }
    return SimpleNamespace(**{**fields, **changes})


def compressed(content: bytes, form: str) -> Any:
    return SimpleNamespace(header=header(), format=form, data=np.frombuffer(content, np.uint8))


def encoded(pixels: npt.NDArray[Any], suffix: str) -> bytes:
    """A picture file; three channels are taken for RGB."""
    blue_first = pixels[..., ::-1] if pixels.ndim == 3 else pixels
    return bytes(cv2.imencode(suffix, np.ascontiguousarray(blue_first))[1])


def noise(*shape: int) -> Octets:
    return np.random.default_rng(7).integers(0, 256, shape, dtype=np.uint8)


def smooth() -> Octets:
    """RGB that JPEG keeps, with red, green and blue far apart."""
    down, across = np.mgrid[:HEIGHT, :WIDTH]
    return np.stack([40 + 3 * across, 200 - 3 * down, 20 + across + down], axis=2).astype(np.uint8)


# Colours

RGB = noise(HEIGHT, WIDTH, 3)
ALPHA = noise(HEIGHT, WIDTH, 1)
PLAIN = {
    "rgb8": (RGB, RGB),
    "bgr8": (RGB[..., ::-1], RGB),
    "rgba8": (np.dstack([RGB, ALPHA]), RGB),
    "bgra8": (np.dstack([RGB[..., ::-1], ALPHA]), RGB),
    "mono8": (RGB[..., 0], np.repeat(RGB[..., :1], 3, axis=2)),
}
"""What is sent, and what it is as RGB."""


@pytest.mark.parametrize("padding", [0, 1, 16])
@pytest.mark.parametrize("encoding", PLAIN)
def test_colours_keep_their_places(encoding: str, padding: int) -> None:
    sent, expected = PLAIN[encoding]
    frame = convert.frame_from_image(image(encoding, sent, padding=padding))
    np.testing.assert_array_equal(frame.image, expected)
    assert frame.image.flags.c_contiguous
    assert (frame.stamp_ns, frame.camera_frame) == (STAMP_NS, "camera_optical")
    assert frame.depth_m is None and frame.intrinsics is None


@pytest.mark.parametrize("hold", [bytes, bytearray, memoryview, lambda octets: array.array("B", octets)])
def test_bytes_as_rclpy_and_others_hold_them(hold: Any) -> None:
    message = image("bgr8", RGB[..., ::-1], padding=3)
    message.data = hold(message.data.tobytes())
    np.testing.assert_array_equal(convert.frame_from_image(message).image, RGB)


def test_rgb8_is_not_copied() -> None:
    message = image("rgb8", RGB)
    assert np.shares_memory(convert.frame_from_image(message).image, message.data)


PATTERNS = {"bayer_rggb8": "RGGB", "bayer_bggr8": "BGGR", "bayer_gbrg8": "GBRG", "bayer_grbg8": "GRBG"}
"""ROS's names are of the pattern itself: the first row's two colours, then the second row's."""


def mosaic(rgb: Octets, pattern: str) -> Octets:
    """What a sensor with such a filter reads of `rgb`, uint8 (h, w)."""
    read = np.empty(rgb.shape[:2], np.uint8)
    for place, colour in enumerate(pattern):
        row, column = divmod(place, 2)
        read[row::2, column::2] = rgb[row::2, column::2, "RGB".index(colour)]
    return read


@pytest.mark.parametrize(("encoding", "pattern"), PATTERNS.items())
def test_bayer_patterns(encoding: str, pattern: str) -> None:
    """Where colour changes slowly, every pixel's is known; and at every pixel the colour that was read is kept."""
    rgb = smooth()
    got = convert.frame_from_image(image(encoding, mosaic(rgb, pattern), padding=5)).image
    assert np.abs(got.astype(int) - rgb)[2:-2, 2:-2].max() <= 3
    np.testing.assert_array_equal(mosaic(got, pattern)[2:-2, 2:-2], mosaic(rgb, pattern)[2:-2, 2:-2])


def as_yuv(rgb: Octets, order: str) -> Octets:
    """RGB whose pixels are alike in pairs, as ITU-R BT.601 (studio swing) in the byte order of FOURCC, (h, w, 2)."""
    r, g, b = np.moveaxis(rgb.astype(np.float64) / 255, 2, 0)
    y = 16 + 65.481 * r + 128.553 * g + 24.966 * b
    u = 128 - 37.797 * r - 74.203 * g + 112.0 * b
    v = 128 + 112.0 * r - 93.786 * g - 18.214 * b
    planes = {"Y": y, "U": u, "V": v}
    packed = np.empty((rgb.shape[0], rgb.shape[1] // 2, 4))
    luma = iter((0, 1))
    for place, plane in enumerate(order):
        start = next(luma) if plane == "Y" else 0
        packed[..., place] = planes[plane][:, start::2]
    return np.rint(packed).astype(np.uint8).reshape(*rgb.shape[:2], 2)


@pytest.mark.parametrize(
    ("encoding", "order"), [("yuv422", "UYVY"), ("uyvy", "UYVY"), ("yuv422_yuy2", "YUYV"), ("yuyv", "YUYV")]
)
def test_yuv422_in_both_orders(encoding: str, order: str) -> None:
    rgb = np.repeat(noise(HEIGHT, WIDTH // 2, 3), 2, axis=1)
    frame = convert.frame_from_image(image(encoding, as_yuv(rgb, order), padding=6))
    assert np.abs(frame.image.astype(int) - rgb).max() <= 3  # what is lost by rounding to 8 bits


def test_no_colour_encoding_is_untested() -> None:
    tested = {*PLAIN, *PATTERNS, "yuv422", "uyvy", "yuv422_yuy2", "yuyv"}
    assert set(COLOUR_ENCODINGS) == tested
    assert set(DEPTH_ENCODINGS) == {"16UC1", "mono16", "32FC1"}


# What cannot be read


@pytest.mark.parametrize(("width", "height"), [(SMALLEST_SIDE, SMALLEST_SIDE), (LARGEST_SIDE, SMALLEST_SIDE)])
def test_the_smallest_and_the_largest(width: int, height: int) -> None:
    assert convert.frame_from_image(image("rgb8", noise(height, width, 3))).image.shape == (height, width, 3)


GOOD = image("rgb8", RGB)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"encoding": "8UC3"}, "encoding is '8UC3', expected one of rgb8, bgr8"),
        ({"encoding": ""}, "encoding is '', expected one of"),
        ({"encoding": "x" * 10_000}, f"encoding is '{'x' * 40}...', expected"),
        ({"encoding": "16UC1"}, "this is a depth image, use another topic"),
        ({"encoding": "rgba8"}, "step is 144, 48 pixels of rgba8 take 192 bytes"),
        ({"encoding": "yuyv", "width": 47}, "an image in yuyv has an even width, this one 47"),
        ({"step": 143}, "step is 143, 48 pixels of rgb8 take 144 bytes"),
        ({"step": 145}, "data hold 4896 bytes, 34 rows of 145 are 4930"),
        ({"step": 0}, "step is 0"),
        ({"height": 35}, "data hold 4896 bytes, 35 rows of 144 are 5040"),
        ({"height": 33}, "data hold 4896 bytes, 33 rows of 144 are 4752"),
        ({"data": GOOD.data[:-1]}, "data hold 4895 bytes"),
        ({"data": np.zeros(0, np.uint8)}, "data hold 0 bytes"),
        ({"data": b""}, "data hold 0 bytes"),
        ({"data": GOOD.data.astype(np.float32)}, "data must be bytes, got float32"),
        ({"data": [0] * 4896}, "data must be bytes, got list"),
        ({"width": 0}, "0x34 pixels, each side must be 32..4096"),
        ({"height": 0}, "48x0 pixels"),
        ({"width": 0, "height": 0, "step": 0, "data": b""}, "0x0 pixels"),
        ({"width": 31}, "31x34 pixels"),
        ({"width": 4097}, "4097x34 pixels"),
        ({"height": 2**32 - 1, "step": 2**32 - 1}, "48x4294967295 pixels"),
    ],
)
def test_what_is_wrong_with_an_image_is_one_line(changes: dict[str, Any], complaint: str) -> None:
    message = SimpleNamespace(**{**vars(GOOD), **changes})
    with pytest.raises(ConversionError) as caught:
        convert.frame_from_image(message)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300


# Compressed


@pytest.mark.parametrize("form", ["bgr8; jpeg compressed bgr8", "rgb8; jpeg compressed bgr8", "jpeg", "rgb8;jpeg"])
def test_jpeg(form: str) -> None:
    frame = convert.frame_from_compressed(compressed(encoded(smooth(), ".jpg"), form))
    assert np.abs(frame.image.astype(int) - smooth()).mean() < 3
    assert (frame.stamp_ns, frame.camera_frame) == (STAMP_NS, "camera_optical")


@pytest.mark.parametrize("form", ["rgb8; png compressed bgr8", "bgra8; png compressed bgra8", "png", ""])
def test_png(form: str) -> None:
    np.testing.assert_array_equal(convert.frame_from_compressed(compressed(encoded(RGB, ".png"), form)).image, RGB)


def test_grey_and_mosaics_in_png() -> None:
    grey = convert.frame_from_compressed(compressed(encoded(RGB[..., 0], ".png"), "mono8; png compressed mono8"))
    np.testing.assert_array_equal(grey.image, np.repeat(RGB[..., :1], 3, axis=2))
    sent = mosaic(smooth(), "GBRG")
    got = convert.frame_from_compressed(compressed(encoded(sent, ".png"), "bayer_gbrg8; png compressed bayer_gbrg8"))
    np.testing.assert_array_equal(got.image, convert.frame_from_image(image("bayer_gbrg8", sent)).image)


def test_red_and_blue_that_were_exchanged_before_compression_are_exchanged_back() -> None:
    """compressed_image_transport's receiver: what is not "compressed bgr" holds the channels as they are named."""
    content = encoded(np.ascontiguousarray(RGB[..., ::-1]), ".png")
    got = convert.frame_from_compressed(compressed(content, "rgb8; png compressed rgb8"))
    np.testing.assert_array_equal(got.image, RGB)


def test_a_jpeg_that_says_it_lies_on_its_side_is_not_turned() -> None:
    """Depth and intrinsics are not turned either. (Exif, orientation 6.)"""
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    whole = encoded(smooth(), ".jpg")
    turned = whole[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + whole[2:]
    by_exif = np.asarray(cv2.imdecode(np.frombuffer(turned, np.uint8), cv2.IMREAD_COLOR))
    assert by_exif.shape[:2] == (WIDTH, HEIGHT)
    assert convert.frame_from_compressed(compressed(turned, "jpeg")).image.shape == (HEIGHT, WIDTH, 3)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_every_truncation_is_refused(suffix: str) -> None:
    """Not decoded to half a picture and half of grey."""
    whole = encoded(smooth(), suffix)
    for end in [*range(0, len(whole) - 1, 7), len(whole) - 2]:
        with pytest.raises(ConversionError):
            convert.frame_from_compressed(compressed(whole[:end], "rgb8; compressed bgr8"))


def test_a_png_with_a_broken_byte_is_refused() -> None:
    whole = bytearray(encoded(RGB, ".png"))
    whole[len(whole) // 2] ^= 255
    with pytest.raises(ConversionError, match="broken and cannot be decoded"):
        convert.frame_from_compressed(compressed(bytes(whole), "png"))


def claiming(suffix: str, width: int, height: int) -> bytes:
    """A small picture whose header says it is of another size."""
    content = bytearray(encoded(smooth(), suffix))
    if suffix == ".png":
        struct.pack_into(">II", content, 16, width, height)
    else:
        struct.pack_into(">HH", content, content.index(b"\xff\xc0") + 5, height, width)
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "no JPEG or PNG: it starts with nothing"),
        (b"GIF89a" + bytes(50), "no JPEG or PNG: it starts with 47 49 46 38"),
        (claiming(".png", 60_000, 60_000), "60000x60000 pixels, each side must be 32..4096"),
        (claiming(".jpg", 60_000, 60_000), "60000x60000 pixels"),
        (claiming(".png", 0, 0), "0x0 pixels"),
        (claiming(".jpg", 48, 31), "48x31 pixels"),
        (encoded(noise(30, 30, 3), ".png"), "30x30 pixels"),
        (b"\xff\xd8\xff\xd9", "does not say how large it is"),
        (encoded(smooth(), ".jpg")[:-2], "the JPEG was cut off"),
        (encoded(smooth(), ".png")[:-12], "the PNG was cut off"),
    ],
)
def test_what_is_wrong_with_a_compressed_image_is_one_line(content: bytes, complaint: str) -> None:
    with pytest.raises(ConversionError) as caught:
        convert.frame_from_compressed(compressed(content, "rgb8; compressed bgr8"))
    assert complaint in str(caught.value) and "\n" not in str(caught.value)


def test_compressed_depth_is_no_picture() -> None:
    with pytest.raises(ConversionError, match="a depth image; use another topic"):
        convert.frame_from_compressed(compressed(encoded(RGB, ".png"), "16UC1; compressedDepth png"))


# Depth

MILLIMETRES = np.random.default_rng(3).integers(1, 65536, (HEIGHT, WIDTH), dtype=np.uint16)
MILLIMETRES[0, :3] = 0, 1500, 65535
METRES = (np.random.default_rng(4).random((HEIGHT, WIDTH)) * 9 + 0.5).astype(np.float32)


@pytest.mark.parametrize("padding", [0, 3, 8])
@pytest.mark.parametrize(("bigendian", "order"), [(0, "<"), (1, ">")])
@pytest.mark.parametrize("encoding", ["16UC1", "mono16"])
def test_16uc1_is_millimetres(encoding: str, bigendian: int, order: str, padding: int) -> None:
    sent = image(encoding, MILLIMETRES.astype(f"{order}u2"), padding=padding, is_bigendian=bigendian)
    got = convert.depth_from_image(sent)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, MILLIMETRES / 1000, rtol=1e-6)
    assert got[0, 0] == 0


@pytest.mark.parametrize("padding", [0, 3, 8])
@pytest.mark.parametrize(("bigendian", "order"), [(0, "<"), (1, ">")])
def test_32fc1_is_metres(bigendian: int, order: str, padding: int) -> None:
    metres = METRES.copy()
    metres[0, :5] = np.nan, np.inf, -np.inf, -1.0, 0.0  # REP 117: no reading, too far, too near
    sent = image("32FC1", metres.astype(f"{order}f4"), padding=padding, is_bigendian=bigendian)
    got = convert.depth_from_image(sent)
    assert got.dtype == np.float32 and got.dtype.isnative
    expected = METRES.copy()
    expected[0, :5] = 0
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"encoding": "rgb8"}, "encoding is 'rgb8', expected 16UC1 (millimetres) or 32FC1 (metres)"),
        ({"encoding": "32FC1"}, "step is 96, 48 pixels of 32FC1 take 192 bytes"),
        ({"height": 0}, "48x0 pixels"),
        ({"width": 5000, "step": 10_000}, "5000x34 pixels"),
        ({"data": np.zeros(5, np.uint8)}, "data hold 5 bytes"),
    ],
)
def test_what_is_wrong_with_depth_is_one_line(changes: dict[str, Any], complaint: str) -> None:
    message = SimpleNamespace(**{**vars(image("16UC1", MILLIMETRES)), **changes})
    with pytest.raises(ConversionError) as caught:
        convert.depth_from_image(message)
    assert complaint in str(caught.value) and "\n" not in str(caught.value)


def test_compressed_depth_in_millimetres() -> None:
    content = encoded(MILLIMETRES, ".png")
    plain = convert.depth_from_compressed(compressed(content, "16UC1; png compressed"))
    np.testing.assert_allclose(plain, MILLIMETRES / 1000, rtol=1e-6)
    with_header = compressed(struct.pack("<iff", 0, 0.0, 0.0) + content, "16UC1; compressedDepth png")
    np.testing.assert_array_equal(convert.depth_from_compressed(with_header), plain)


def test_compressed_depth_in_metres() -> None:
    """compressed_depth_image_transport writes a / depth + b, rounded, and 0 where there is no reading."""
    a, b = 100.0 * 101.0, 1.0 - 100.0 * 101.0 / 10.0
    metres = METRES.copy()
    metres[3, 4] = 0
    stored = np.where(metres == 0, 0, np.rint(a / np.maximum(metres, 0.5) + b)).clip(0, 65535).astype(np.uint16)
    seen = stored > 0
    content = struct.pack("<iff", 0, a, b) + encoded(stored, ".png")
    got = convert.depth_from_compressed(compressed(content, "32FC1; compressedDepth png"))
    np.testing.assert_allclose(got[seen], metres[seen], rtol=1e-2)
    assert got[3, 4] == 0 and seen.mean() > 0.9


@pytest.mark.parametrize(
    ("content", "form", "complaint"),
    [
        (encoded(MILLIMETRES, ".png"), "16UC1; compressedDepth rvl", "expected '16UC1; compressedDepth png'"),
        (encoded(MILLIMETRES, ".png"), "rgb8; jpeg compressed bgr8", "expected '16UC1; compressedDepth png'"),
        (bytes(12), "16UC1; compressedDepth png", "data hold 12 bytes, no PNG"),
        (bytes(12) + encoded(MILLIMETRES, ".png")[:-20], "16UC1; compressedDepth png", "the PNG was cut off"),
        (bytes(12) + encoded(RGB, ".png"), "16UC1; compressedDepth png", "must hold 16-bit grey, got uint8"),
    ],
)
def test_what_is_wrong_with_compressed_depth(content: bytes, form: str, complaint: str) -> None:
    with pytest.raises(ConversionError) as caught:
        convert.depth_from_compressed(compressed(content, form))
    assert complaint in str(caught.value) and "\n" not in str(caught.value)


# The camera


def camera_info(**changes: Any) -> Any:
    roi = SimpleNamespace(x_offset=0, y_offset=0, width=0, height=0, do_rectify=False)
    fields = {
        "height": 480,
        "width": 640,
        "k": np.array([600.0, 0, 319.5, 0, 610.0, 239.5, 0, 0, 1]),
        "p": np.array([580.0, 0, 320.5, -30.0, 0, 590.0, 240.5, 0, 0, 0, 1, 0]),
        "binning_x": 0,
        "binning_y": 0,
        "roi": roi,
    }
    return SimpleNamespace(**{**fields, **changes})


def roi(x: int, y: int, width: int, height: int) -> Any:
    return SimpleNamespace(x_offset=x, y_offset=y, width=width, height=height, do_rectify=False)


def camera(message: Any, **options: bool) -> tuple[float, float, float, float]:
    got = convert.intrinsics_from_camera_info(message, **options)
    return got.fx, got.fy, got.cx, got.cy


def test_pixel_centres_are_half_a_pixel_further() -> None:
    """ROS: the first pixel's centre is 0, so the middle of 640 is 319.5; ours: 0.5, and the middle is 320."""
    assert camera(camera_info()) == (600, 610, 320, 240)
    assert camera(camera_info(), rectified=True) == (580, 590, 321, 241)
    assert camera(camera_info(k=camera_info().k.tolist())) == (600, 610, 320, 240)


@pytest.mark.parametrize(("bin_x", "bin_y"), [(0, 0), (1, 1), (2, 2), (4, 2)])
@pytest.mark.parametrize("region", [roi(0, 0, 0, 0), roi(100, 60, 320, 240)])
def test_a_point_falls_on_the_pixel_that_shows_it(region: Any, bin_x: int, bin_y: int) -> None:
    """Of any region, binned or not: the full picture's pixels are cut out and merged, and so is where a point falls."""
    message = camera_info(binning_x=bin_x, binning_y=bin_y, roi=region)
    fx, fy, cx, cy = camera(message)
    x, y, z = 0.11, -0.07, 0.9
    full_u, full_v = 600 * x / z + 319.5, 610 * y / z + 239.5  # by ROS: centres at whole numbers
    # Edges of the full picture's pixels lie at whole numbers + 0.5 there; cut and merge by those.
    expected = (full_u + 0.5 - region.x_offset) / max(1, bin_x), (full_v + 0.5 - region.y_offset) / max(1, bin_y)
    assert (fx * x / z + cx, fy * y / z + cy) == pytest.approx(expected)


@pytest.mark.parametrize(
    "k",
    [
        np.zeros(9),
        [np.nan, 0, 1, 0, 600, 1, 0, 0, 1],
        [600, 0, np.inf, 0, 600, 1, 0, 0, 1],
        [-1, 0, 1, 0, 1, 1, 0, 0, 1],
    ],
)
def test_a_camera_that_is_not_calibrated(k: Any) -> None:
    with pytest.raises(ConversionError, match="not calibrated: camera_info's k says fx"):
        convert.intrinsics_from_camera_info(camera_info(k=k))


def test_a_frame_with_its_depth_and_camera() -> None:
    region = roi(10, 20, 2 * WIDTH, 2 * HEIGHT)
    info = camera_info(binning_x=2, binning_y=2, roi=region)
    frame = convert.frame_from_image(image("rgb8", RGB), depth=image("16UC1", MILLIMETRES), camera_info=info)
    assert frame.depth_m is not None and frame.depth_m[0, 1] == pytest.approx(1.5)
    assert frame.intrinsics == convert.intrinsics_from_camera_info(info)
    assert frame.intrinsics.cx == (320 - 10) / 2


@pytest.mark.parametrize(
    ("extras", "complaint"),
    [
        ({"depth": image("16UC1", MILLIMETRES[:, :40])}, "depth is 40x34 pixels, the image 48x34"),
        ({"camera_info": camera_info()}, "are of 640x480 pixels, the picture 48x34"),
        ({"camera_info": camera_info(roi=roi(0, 0, 48, 35))}, "are of 48x35 pixels"),
    ],
)
def test_depth_and_camera_must_be_of_the_image(extras: dict[str, Any], complaint: str) -> None:
    with pytest.raises(SaymaskError) as caught:
        convert.frame_from_compressed(compressed(encoded(RGB, ".png"), "png"), **extras)
    assert complaint in str(caught.value)


def test_a_camera_that_does_not_say_its_size() -> None:
    frame = convert.frame_from_image(image("rgb8", RGB), camera_info=camera_info(width=0, height=0))
    assert frame.intrinsics is not None


# Answers

FRAME = Frame(noise(240, 320, 3), STAMP_NS, "camera_optical")


def answer(*boxes: Any, **changes: Any) -> Any:
    made = answer_to(pick("the jar"), *boxes)
    return replace(made, stamp_ns=STAMP_NS, camera_frame="camera_optical", **changes)


def through_cdr(message: Any, types: RosbagsTypes) -> Any:
    """As whoever subscribes gets it."""
    return types.deserialise(types.serialise(message), message.__msgtype__)


def is_of_the_image(message: Any) -> bool:
    return convert.stamp_ns(message.header) == STAMP_NS and message.header.frame_id == "camera_optical"


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_masks_and_overlays(distribution: Any) -> None:
    types = RosbagsTypes(distribution)
    made = answer(LEFT, RIGHT)
    mask = through_cdr(convert.mask_message(made, types), types)
    assert is_of_the_image(mask)
    assert (mask.encoding, mask.width, mask.height, mask.step, mask.is_bigendian) == ("mono8", 320, 240, 320, 0)
    np.testing.assert_array_equal(mask.data.reshape(240, 320), np.where(made.mask, 255, 0))
    overlay = through_cdr(convert.overlay_message(FRAME, made, types), types)
    assert is_of_the_image(overlay)
    assert (overlay.encoding, overlay.width, overlay.step) == ("rgb8", 320, 960)
    drawn = convert.frame_from_image(overlay).image
    packed = through_cdr(convert.overlay_jpeg_message(drawn, made, types), types)
    assert is_of_the_image(packed) and packed.format == "rgb8; jpeg compressed bgr8"
    unpacked = convert.frame_from_compressed(packed).image
    caption = slice(240, None)  # smooth enough for JPEG
    assert np.abs(unpacked[caption].astype(int) - drawn[caption]).mean() < 4


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_detections(distribution: Any) -> None:
    types = RosbagsTypes(distribution)
    message = through_cdr(convert.detections_message(answer(LEFT, RIGHT), types), types)
    assert is_of_the_image(message) and len(message.detections) == 2
    for found, box, name in zip(message.detections, (LEFT, RIGHT), "12", strict=True):
        assert is_of_the_image(found) and found.id == name
        x0, y0, x1, y1 = box
        centre = found.bbox.center.position
        assert (centre.x, centre.y) == ((x0 + x1) / 2, (y0 + y1) / 2)
        assert (found.bbox.size_x, found.bbox.size_y) == (x1 - x0, y1 - y0)
        (hypothesis,) = found.results
        assert hypothesis.hypothesis.class_id == "the jar"
        assert hypothesis.hypothesis.score == pytest.approx(0.9 / 2)  # either may be meant
    single = convert.detections_message(answer(LEFT), types)
    assert single.detections[0].results[0].hypothesis.score == pytest.approx(0.9)  # type: ignore[attr-defined]
    assert through_cdr(convert.detections_message(answer(), types), types).detections == []


@pytest.mark.parametrize("verdict", [Verdict.AMBIGUOUS, Verdict.UNSURE])
def test_what_must_be_asked_about_never_scores_one_half(verdict: Verdict) -> None:
    """Not even where the things could not be cut apart."""
    message: Any = convert.detections_message(answer(LEFT, verdict=verdict, confidence=0.99), TYPES)
    assert message.detections[0].results[0].hypothesis.score < 0.5


def grasp(axis: tuple[float, float, float], approach: tuple[float, float, float]) -> Grasp:
    return Grasp((0.1, -0.2, 0.7), axis, 0.05, approach, "camera_optical", STAMP_NS)


HALF = 0.5**0.5


@pytest.mark.parametrize(
    ("axis", "approach"),
    [
        ((1, 0, 0), (0, 0, 1)),
        ((0, 1, 0), (0, 0, 1)),
        ((0, -1, 0), (0, 0, 1)),
        ((0, 0, 1), (0, 1, 0)),
        ((HALF, HALF, 0), (0, 0, 1)),
        ((HALF, 0, HALF), (0, 0, 1)),
        ((0, 0, 1), (-1, 0, 0)),
        ((0, 0, -1), (-1, 0, 0)),
        ((0, 0, 1), (0, 0, 1)),
    ],
)
def test_poses_are_of_the_gripper(axis: Any, approach: Any) -> None:
    """REP 103: x is the way it comes, z along the thing as far as that is square to it, y completes a right hand."""
    message = through_cdr(convert.pose_message(grasp(axis, approach), TYPES), TYPES)
    assert is_of_the_image(message)
    at, turned = message.pose.position, message.pose.orientation
    assert (at.x, at.y, at.z) == (0.1, -0.2, 0.7)
    rotation = rotation_of(turned.x, turned.y, turned.z, turned.w)
    np.testing.assert_allclose(np.linalg.norm([turned.x, turned.y, turned.z, turned.w]), 1)
    np.testing.assert_allclose(rotation[:, 0], approach, atol=1e-9)
    assert np.linalg.det(rotation) == pytest.approx(1)
    across = np.asarray(axis) - np.dot(axis, approach) * np.asarray(approach)
    if np.linalg.norm(across) > 0.1:
        np.testing.assert_allclose(rotation[:, 2], across / np.linalg.norm(across), atol=1e-9)


def test_quaternions_of_random_rotations() -> None:
    rng = np.random.default_rng(5)
    for _ in range(200):
        wanted = rng.normal(size=4)
        wanted /= np.copysign(np.linalg.norm(wanted), wanted[3])
        np.testing.assert_allclose(quaternion_of(rotation_of(*wanted.tolist())), wanted, atol=1e-9)


def test_points_and_speech() -> None:
    point = through_cdr(convert.point_message(grasp((1, 0, 0), (0, 0, 1)), TYPES), TYPES)
    assert is_of_the_image(point) and (point.point.x, point.point.y, point.point.z) == (0.1, -0.2, 0.7)
    said = through_cdr(convert.speech_message("Which one? Ça dépend.", TYPES), TYPES)
    assert said.data == "Which one? Ça dépend."


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
@pytest.mark.parametrize(
    ("reasons", "level", "headline"), [((), 0, "answering"), (("no image", "no words"), 1, "no image")]
)
def test_diagnostics(distribution: Any, reasons: tuple[str, ...], level: int, headline: str) -> None:
    types = RosbagsTypes(distribution)
    status = SessionStatus(reasons, "", "the jar", False, {"dropped": 12}, 5_000_000, None, True, 20.04, "")
    message = through_cdr(convert.diagnostics_message(status, STAMP_NS, types), types)
    assert convert.stamp_ns(message.header) == STAMP_NS
    (entry,) = message.status
    assert (entry.level, entry.message) == (level, headline)
    told = {value.key: value.value for value in entry.values}
    assert told["reasons"] == "; ".join(reasons) and told["dropped"] == "12" and told["command"] == "the jar"
    assert (told["image_age_ms"], told["depth_age_ms"], told["inference_ms"]) == ("5", "", "20.0")
