"""ROS 2 bridge: camera and transcript topics in, mask, point and pose topics out. Imports the runtime only."""
