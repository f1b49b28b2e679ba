"""rmw_zenoh's keys, tokens, attachments and type hashes, against what is published of them."""

from __future__ import annotations

import hashlib
import json

import pytest

from runtime.errors import SaymaskError

pytest.importorskip("xxhash", reason="xxhash is not installed (extra: zenoh)")

from saymask_ros.rmw_zenoh import Node, TopicType, check_domain, gid_of, pack_attachment

STRING_HASH = "RIHS01_df668c740482bbd48fb39d76a70dfd4bd59db1288021743503259e948f6b1a18"
IMAGE_HASH = "RIHS01_d31d41a9a4c4bc8eae9be757b0beed306564f7526c88ea6a4588fb9582527d47"
PUBLISHED_HASHES = {  # as `ros2 topic info --verbose` and the generated code of Jazzy print them
    "std_msgs/msg/String": STRING_HASH,
    "sensor_msgs/msg/Image": IMAGE_HASH,
    "sensor_msgs/msg/CompressedImage": "RIHS01_15640771531571185e2efc8a100baf923961a4d15d5569652e6cb6691e8e371a",
    "sensor_msgs/msg/CameraInfo": "RIHS01_b3dfd68ff46c9d56c80fd3bd4ed22c7a4ddce8c8348f2f59c299e73118e7e275",
    "geometry_msgs/msg/PointStamped": "RIHS01_4c0296af86e01e562e9e0405d138a01537247580076c58ea38d7923ac1045897",
    "geometry_msgs/msg/PoseStamped": "RIHS01_10f3786d7d40fd2b54367835614bff85d4ad3b5dab62bf8bca0cc232d73b4cd8",
    "diagnostic_msgs/msg/DiagnosticArray": "RIHS01_5a8a36efb05fb25070fa0fb3810290c0e6cd4862b54a8fb975a1ee8dc55a333e",
    "vision_msgs/msg/Detection2DArray": "RIHS01_214274120007f4a683866481336b70310268cfa107aebe9d594a6acf75bda968",
}
DISTRIBUTIONS = ("humble", "jazzy", "kilted", "lyrical")


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
@pytest.mark.parametrize("type_name", PUBLISHED_HASHES)
def test_type_hashes_are_the_published_ones(type_name: str, distribution: str) -> None:
    pytest.importorskip("rosbags", reason="rosbags is not installed (extra: bag)")
    from saymask_ros.messages import typestore

    assert typestore(distribution).hash_rihs01(type_name) == PUBLISHED_HASHES[type_name]


def test_a_type_hash_is_the_sha256_of_the_type_description() -> None:
    # REP-2011, written out by hand: a hash that rosbags computes wrongly in the same way everywhere would show here.
    def field(name: str, type_id: int, nested: str = "") -> dict[str, object]:
        kind = {"type_id": type_id, "capacity": 0, "string_capacity": 0, "nested_type_name": nested}
        return {"name": name, "type": kind}

    nested, int32, uint8, uint32, string, uint8_sequence = 1, 6, 3, 7, 17, 147
    image = [
        field("header", nested, "std_msgs/msg/Header"),
        field("height", uint32),
        field("width", uint32),
        field("encoding", string),
        field("is_bigendian", uint8),
        field("step", uint32),
        field("data", uint8_sequence),
    ]
    time = [field("sec", int32), field("nanosec", uint32)]
    header = [field("stamp", nested, "builtin_interfaces/msg/Time"), field("frame_id", string)]
    description = {
        "type_description": {"type_name": "sensor_msgs/msg/Image", "fields": image},
        "referenced_type_descriptions": [
            {"type_name": "builtin_interfaces/msg/Time", "fields": time},
            {"type_name": "std_msgs/msg/Header", "fields": header},
        ],
    }
    assert "RIHS01_" + hashlib.sha256(json.dumps(description).encode()).hexdigest() == IMAGE_HASH


def test_the_key_holds_domain_topic_type_and_hash() -> None:
    topic = TopicType("/chatter", "std_msgs/msg/String", STRING_HASH)
    assert topic.key(0) == f"0/chatter/std_msgs::msg::dds_::String_/{STRING_HASH}"
    camera = TopicType("camera/color/image_raw", "sensor_msgs/msg/Image", IMAGE_HASH)
    assert camera.key(42, "*") == "42/camera/color/image_raw/sensor_msgs::msg::dds_::Image_/*"


def test_tokens_have_the_thirteen_parts_that_rmw_zenoh_reads() -> None:
    node = Node(7, "aabb01", "saymask")
    assert node.token() == "@ros2_lv/7/aabb01/0/0/NN/%/%/saymask"
    topic = TopicType("/camera/image", "sensor_msgs/msg/Image", IMAGE_HASH)
    parts = node.endpoint_token("subscription", 3, topic).split("/")
    assert parts[:9] == ["@ros2_lv", "7", "aabb01", "0", "3", "MS", "%", "%", "saymask"]
    assert parts[9:] == ["%camera%image", "sensor_msgs::msg::dds_::Image_", IMAGE_HASH, "2::,5:,:,:,,"]
    assert node.endpoint_token("publisher", 4, topic).split("/")[5] == "MP"
    assert node.endpoint_token("publisher", 4, topic).endswith("/::,5:,:,:,,")


def test_the_attachment_is_what_zenohs_own_serialiser_writes() -> None:
    pytest.importorskip("zenoh", reason="eclipse-zenoh is not installed (extra: zenoh)")
    from zenoh import ext

    gid = bytes(range(16))
    packed = pack_attachment(5, 1_700_000_000_123_456_789, gid)
    assert len(packed) == 33
    written = ext.z_serialize((ext.Int64(5), ext.Int64(1_700_000_000_123_456_789), gid))
    assert packed == written.to_bytes()


def test_the_publisher_id_is_the_hash_of_its_token() -> None:
    # xxHash's own test vector for no input is 99aa06d3014798d8 6001c324468d497f: rmw_zenoh copies the low half first,
    # each half as the processor (little-endian) keeps it.
    assert gid_of("") == bytes.fromhex("7f498d4624c30160 d8984701d306aa99")
    assert len(gid_of("@ros2_lv/0/aabb01/0/1/MP")) == 16


@pytest.mark.parametrize("topic", ["", "/", "a//b", "a b", "/image*", "a/**", "/0image", "a/$*", "a?b", "a#", "/a/"])
def test_what_is_no_topic_name_is_refused(topic: str) -> None:
    with pytest.raises(SaymaskError, match="not the name of a ROS topic"):
        TopicType(topic, "std_msgs/msg/String", STRING_HASH)


@pytest.mark.parametrize("domain", [-1, 233])
def test_what_is_no_domain_is_refused(domain: int) -> None:
    with pytest.raises(SaymaskError, match="0 to 232"):
        check_domain(domain)
