"""Scenes, expressions, networks, training and evaluation. Needs the `train` extra; never runs on the robot."""
