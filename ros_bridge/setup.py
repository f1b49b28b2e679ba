"""The colcon package: the bridge, and with it saymask's runtime and model, so that one `colcon build` brings both.

`runtime` beside this file is a link to the repository's own. Works with the setuptools of Ubuntu 22.04 (59) and later
ones below 80, which is what colcon runs on.
"""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.develop import develop

NAME = "saymask_ros"
HERE = Path(__file__).parent

if not (HERE / "runtime" / "__init__.py").exists():
    sys.exit("error: ros_bridge/runtime must lead to saymask's runtime; put the whole repository into src/, not a part")


class PortableDevelop(develop):
    """`colcon build --symlink-install` takes no shebang from setup.cfg: give its programs the same one."""

    def write_script(self, script_name: str, contents: str, mode: str = "t", *blockers: str) -> None:
        """Write a program that starts with whichever python3 is first on the path."""
        _, _, body = contents.partition("\n")
        super().write_script(script_name, f"#!/usr/bin/env python3\n{body}", mode, *blockers)


setup(
    name=NAME,
    version=ElementTree.parse(HERE / "package.xml").findtext("version"),
    packages=find_packages(include=[NAME, "runtime", "runtime.*"]),
    package_data={"runtime": ["models/*", "models/*/*", "language/*.txt", "language/*.json", "py.typed"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
        (f"share/{NAME}/launch", ["launch/saymask.launch.py"]),
        (f"share/{NAME}/config", ["config/saymask.yaml"]),
    ],
    install_requires=["setuptools"],
    zip_safe=False,
    entry_points={"console_scripts": ["saymask_node = saymask_ros.main:main"]},
    cmdclass={"develop": PortableDevelop},
)
