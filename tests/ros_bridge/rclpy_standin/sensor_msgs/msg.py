"""Stand-in, see ../README.md."""

from rosidl_standin import Message, boolean, float64s, float64x9, float64x12, string, uint8, uint8s, uint32
from std_msgs.msg import Header


class Image(Message):
    header: Header
    height: uint32
    width: uint32
    encoding: string
    is_bigendian: uint8
    step: uint32
    data: uint8s


class CompressedImage(Message):
    header: Header
    format: string
    data: uint8s


class RegionOfInterest(Message):
    x_offset: uint32
    y_offset: uint32
    height: uint32
    width: uint32
    do_rectify: boolean


class CameraInfo(Message):
    header: Header
    height: uint32
    width: uint32
    distortion_model: string
    d: float64s
    k: float64x9
    r: float64x9
    p: float64x12
    binning_x: uint32
    binning_y: uint32
    roi: RegionOfInterest
