"""Answers as ROS messages, each with the stamp and the frame of the image that it answers. No ROS import."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from runtime.datatypes import Candidate, Frame, Grasp, Segmentation, Verdict
from runtime.vision.overlay import draw_overlay
from saymask_ros.events import SessionStatus
from saymask_ros.messages import MessageTypes

Message = object
"""Of the class that its function's name says, from `MessageTypes`."""
_JPEG_QUALITY = 85
_OK, _WARN = 0, 1
"""diagnostic_msgs/DiagnosticStatus."""


def header_of(stamp_ns: int, frame_id: str, types: MessageTypes) -> Message:
    """A std_msgs/Header; `stamp_ns` since the epoch of whatever clock the camera has."""
    seconds, nanoseconds = divmod(stamp_ns, 10**9)
    return types.Header(stamp=types.Time(sec=seconds, nanosec=nanoseconds), frame_id=frame_id)


def mask_message(answer: Segmentation, types: MessageTypes) -> Message:
    """A sensor_msgs/Image in mono8: 255 where the thing is, of the size of the image that was answered."""
    return _image(answer, "mono8", answer.mask.view(np.uint8) * np.uint8(255), types)


def overlay_message(frame: Frame, answer: Segmentation, types: MessageTypes) -> Message:
    """A sensor_msgs/Image in rgb8: the answer drawn on the picture, a caption below."""
    return _image(answer, "rgb8", draw_overlay(frame.image, answer), types)


def overlay_jpeg_message(picture: npt.NDArray[np.uint8], answer: Segmentation, types: MessageTypes) -> Message:
    """A sensor_msgs/CompressedImage of an overlay that is drawn already, uint8 (h, w, 3) RGB."""
    blue_first = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    _, content = cv2.imencode(".jpg", blue_first, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return types.CompressedImage(
        header=header_of(answer.stamp_ns, answer.camera_frame, types),
        format="rgb8; jpeg compressed bgr8",
        data=types.octets(content.reshape(-1)),
    )


def detections_message(answer: Segmentation, types: MessageTypes) -> Message:
    """A vision_msgs/Detection2DArray of the things that the mask is made of, from left to right; empty if NOT_FOUND.

    Each has one hypothesis: `class_id` is what was asked for, `score` how likely this thing was meant. A robot that
    takes whatever scores more than one half takes nothing that must be asked about first.
    """
    header = header_of(answer.stamp_ns, answer.camera_frame, types)
    score = answer.confidence
    # One of them is meant, or one of more where they could not be cut apart, or it must be confirmed.
    if answer.verdict in (Verdict.AMBIGUOUS, Verdict.UNSURE):
        score /= max(2, len(answer.candidates))
    detections = [
        types.Detection2D(
            header=header, results=[_hypothesis(answer, score, types)], bbox=_box(thing, types), id=str(number)
        )
        for number, thing in enumerate(answer.candidates, start=1)
    ]
    return types.Detection2DArray(header=header, detections=detections)


def point_message(grasp: Grasp, types: MessageTypes) -> Message:
    """A geometry_msgs/PointStamped in metres: where to take hold."""
    return types.PointStamped(header=header_of(grasp.stamp_ns, grasp.camera_frame, types), point=_point(grasp, types))


def pose_message(grasp: Grasp, types: MessageTypes) -> Message:
    """A geometry_msgs/PoseStamped of the gripper, REP 103: x forward, the way it comes; y left, along which it closes.

    z then lies along the thing's longest side, as far as that is square to the way it comes.
    """
    x, y, z, w = quaternion_of(_gripper_axes(grasp))
    pose = types.Pose(position=_point(grasp, types), orientation=types.Quaternion(x=x, y=y, z=z, w=w))
    return types.PoseStamped(header=header_of(grasp.stamp_ns, grasp.camera_frame, types), pose=pose)


def speech_message(text: str, types: MessageTypes) -> Message:
    """A std_msgs/String: what to say to the person."""
    return types.String(data=text)


def diagnostics_message(status: SessionStatus, stamp_ns: int, types: MessageTypes) -> Message:
    """A diagnostic_msgs/DiagnosticArray: whether answers come, why none do, and what was counted."""
    told = {
        "command": status.command,
        "question_open": str(status.question_open),
        "reasons": "; ".join(status.reasons),
        "no_grasp": status.no_grasp,
        "image_age_ms": _milliseconds(status.image_age_ns),
        "depth_age_ms": _milliseconds(status.depth_age_ns),
        "has_camera_info": str(status.has_camera_info),
        "inference_ms": "" if status.inference_ms is None else f"{status.inference_ms:.1f}",
        "last_error": status.last_error,
        **{name: str(count) for name, count in status.counts.items()},
    }
    entry = types.DiagnosticStatus(
        level=types.level(_WARN if status.reasons else _OK),
        name="saymask: answers",
        message=status.reasons[0] if status.reasons else "answering",
        hardware_id="",
        values=[types.KeyValue(key=key, value=value) for key, value in told.items()],
    )
    return types.DiagnosticArray(header=header_of(stamp_ns, "", types), status=[entry])


def quaternion_of(rotation: npt.NDArray[np.float64]) -> tuple[float, float, float, float]:
    """The unit quaternion (x, y, z, w), w >= 0, of a rotation (3, 3); exact wherever it turns."""
    # The eigenvector method (Bar-Itzhack 2000): no case for half turns, where the textbook's formula divides by 0.
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = rotation.tolist()
    symmetric = np.array(
        [
            [xx - yy - zz, yx + xy, zx + xz, zy - yz],
            [yx + xy, yy - xx - zz, zy + yz, xz - zx],
            [zx + xz, zy + yz, zz - xx - yy, yx - xy],
            [zy - yz, xz - zx, yx - xy, xx + yy + zz],
        ]
    )
    x, y, z, w = np.linalg.eigh(symmetric)[1][:, -1].tolist()
    return (-x, -y, -z, -w) if w < 0 else (x, y, z, w)


def _gripper_axes(grasp: Grasp) -> npt.NDArray[np.float64]:
    """The gripper's x, y and z as the columns of a rotation (3, 3)."""
    forward = np.asarray(grasp.approach, np.float64)
    forward /= np.linalg.norm(forward)
    along = np.asarray(grasp.axis, np.float64)
    along = along - (along @ forward) * forward
    if np.linalg.norm(along) < 1e-3:  # it lies in the way that the gripper comes, which may then be turned at will
        along = np.eye(3)[np.argmin(np.abs(forward))]
        along = along - (along @ forward) * forward
    along /= np.linalg.norm(along)
    return np.stack([forward, np.cross(along, forward), along], axis=1)


def _point(grasp: Grasp, types: MessageTypes) -> Message:
    x, y, z = grasp.point_m
    return types.Point(x=float(x), y=float(y), z=float(z))


def _hypothesis(answer: Segmentation, score: float, types: MessageTypes) -> Message:
    nowhere = types.Pose(
        position=types.Point(x=0.0, y=0.0, z=0.0), orientation=types.Quaternion(x=0.0, y=0.0, z=0.0, w=1.0)
    )
    return types.ObjectHypothesisWithPose(
        hypothesis=types.ObjectHypothesis(class_id=answer.command.target, score=float(score)),
        pose=types.PoseWithCovariance(pose=nowhere, covariance=np.zeros(36)),
    )


def _box(thing: Candidate, types: MessageTypes) -> Message:
    x0, y0, x1, y1 = thing.box
    centre = types.Pose2D(position=types.Point2D(x=(x0 + x1) / 2, y=(y0 + y1) / 2), theta=0.0)
    return types.BoundingBox2D(center=centre, size_x=float(x1 - x0), size_y=float(y1 - y0))


def _image(answer: Segmentation, encoding: str, pixels: npt.NDArray[np.uint8], types: MessageTypes) -> Message:
    height, width = pixels.shape[:2]
    return types.Image(
        header=header_of(answer.stamp_ns, answer.camera_frame, types),
        height=height,
        width=width,
        encoding=encoding,
        is_bigendian=0,
        step=pixels[0].nbytes,
        data=types.octets(pixels.reshape(-1)),
    )


def _milliseconds(nanoseconds: int | None) -> str:
    return "" if nanoseconds is None else f"{nanoseconds / 1e6:.0f}"
