"""What to tell a user whose machine cannot render off screen."""

from __future__ import annotations

from runtime.errors import SaymaskError

GL_PACKAGES = "libegl1 libegl-mesa0 libgl1-mesa-dri"
"""Debian packages of EGL and of Mesa's OpenGL drivers."""


def no_gl(reason: object) -> SaymaskError:
    """The line for a machine without off-screen OpenGL, whichever of its many exceptions says so."""
    first_line = next(iter(str(reason).strip().splitlines()), type(reason).__name__)
    return SaymaskError(
        f"no off-screen OpenGL context ({first_line}); rendering needs EGL: unset MUJOCO_GL or set it to egl, "
        f"and on Debian run: apt-get install {GL_PACKAGES}"
    )
