"""Where the bytes of each input go: CDR, as all middleware of ROS 2 carries it, into a session. No middleware here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from runtime.errors import SaymaskError
from saymask_ros import convert
from saymask_ros.messages import RosbagsTypes
from saymask_ros.session import Session, Source


@dataclass(frozen=True)
class Input:
    """One input of a session.

    `type_name` is its message's ("std_msgs/msg/String"); `take` hands the session one message's CDR and raises nothing:
    what cannot be read is counted by the session, as is what `refuse` is told was no message at all.
    """

    type_name: str
    take: Callable[[bytes], None]
    refuse: Callable[[str], None]


def inputs_of(session: Session, types: RosbagsTypes, *, compressed: bool = False) -> Mapping[str, Input]:
    """The inputs image, depth, camera_info, command and reply; with `compressed` pictures come as CompressedImage.

    Only the header is read at once; pixels are converted when the session wants them.
    """
    frame_from = convert.frame_from_compressed if compressed else convert.frame_from_image

    def on_image(message: Any) -> None:
        session.on_image(convert.stamp_ns(message.header), lambda: frame_from(message))

    def on_depth(message: Any) -> None:
        session.on_depth(convert.stamp_ns(message.header), lambda: convert.depth_from_image(message))

    def on_camera_info(message: Any) -> None:
        session.on_camera_info(lambda: convert.intrinsics_from_camera_info(message))

    def input_(source: Source, kind: str, on_message: Callable[[Any], None]) -> Input:
        type_name = types.type_name(kind)

        def take(cdr: bytes) -> None:
            try:
                on_message(types.deserialise(cdr, type_name))
            except SaymaskError as error:
                session.refuse(source, error)

        return Input(type_name, take, lambda reason: session.refuse(source, SaymaskError(reason)))

    return {
        "image": input_("image", "CompressedImage" if compressed else "Image", on_image),
        "depth": input_("depth", "Image", on_depth),
        "camera_info": input_("camera_info", "CameraInfo", on_camera_info),
        "command": input_("text", "String", lambda message: session.on_transcript(message.data)),
        "reply": input_("text", "String", lambda message: session.on_reply(message.data)),
    }
