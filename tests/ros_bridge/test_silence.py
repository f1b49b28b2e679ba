"""One line that says why a topic is silent."""

from __future__ import annotations

import pytest

from saymask_ros.silence import Talker, why_silent

IMAGE, COMPRESSED = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"


@pytest.mark.parametrize(
    ("talkers", "expected"),
    [
        ([], "nobody publishes /cam: start the camera, or remap with -r image:=/its/topic"),
        (
            [Talker("/driver", COMPRESSED, "")],
            "/driver publishes sensor_msgs/msg/CompressedImage on /cam, sensor_msgs/msg/Image is expected; "
            "set image_transport:=compressed",
        ),
        (
            [Talker("/other", "std_msgs/msg/String", "")],
            "/other publishes std_msgs/msg/String on /cam, sensor_msgs/msg/Image is expected",
        ),
        (
            [Talker("/driver", IMAGE, "ERROR: Best effort publisher and reliable subscription;")],
            "QoS mismatch suspected on /cam: /driver offers what we cannot take "
            "(ERROR: Best effort publisher and reliable subscription;)",
        ),
        (
            [Talker("/a", IMAGE, "ERROR"), Talker("/b", IMAGE, ""), Talker("/b", IMAGE, "")],
            "/a, /b publishes /cam and nothing arrives: it may be idle, or on another network; "
            "see 'ros2 topic hz /cam' and 'ros2 topic info -v /cam'",
        ),
    ],
)
def test_reasons(talkers: list[Talker], expected: str) -> None:
    assert why_silent("/cam", IMAGE, talkers, "image") == expected
