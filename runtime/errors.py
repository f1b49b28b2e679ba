"""The one error that users are meant to read, and the hint for a package that is not installed."""

from __future__ import annotations

import re
from importlib import metadata

_DISTRIBUTIONS = {
    "cv2": "opencv-python-headless",
    "cuda": "cuda-python",
    "zenoh": "eclipse-zenoh",
    "yaml": "pyyaml",
    "lightning_fabric": "lightning-fabric",
    "skimage": "scikit-image",
}
"""Module names that differ from the name on PyPI."""


class SaymaskError(Exception):
    """Something the user can put right: one line that says what was wrong, what was expected, what to do next."""


def missing_package(error: ImportError) -> str:
    """One line for a package that is not there, naming the extra of saymask that brings it where there is one."""
    module = (error.name or "").partition(".")[0]
    if not module:
        return f"{error}; reinstall with: pip install -e ."
    extra = _extra_of(_DISTRIBUTIONS.get(module, module))
    wanted = f".[{extra}]" if extra else "."
    return f"the package '{module}' is not installed; install it with: pip install -e '{wanted}'"


def _extra_of(distribution: str) -> str | None:
    """The extra of saymask that requires `distribution` and the fewest others, or None."""
    try:
        requirements = metadata.requires("saymask") or []
    except metadata.PackageNotFoundError:
        return None
    wanted = re.sub(r"[-_.]+", "-", distribution).lower()
    extras: dict[str, set[str]] = {}
    for requirement in requirements:
        name = re.match(r"[A-Za-z0-9._-]+", requirement)
        extra = re.search(r"extra\s*==\s*['\"]([\w.-]+)['\"]", requirement)
        if name and extra:
            extras.setdefault(extra.group(1), set()).add(re.sub(r"[-_.]+", "-", name.group()).lower())
    holding = [extra for extra, names in extras.items() if wanted in names]
    return min(holding, key=lambda extra: len(extras[extra]), default=None)
