"""MuJoCo's classic OpenGL renderer, off screen: colours, geom ids and depth of one library."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Self

import mujoco
import numpy as np
import numpy.typing as npt

from training.scenes.camera import Camera
from training.scenes.library import SHOWN_GROUP, ZFAR_M, ZNEAR_M, Library
from training.scenes.opengl import no_gl

_MOST_GEOMS = 4000
_SEGMENT, _IDCOLOR = int(mujoco.mjtRndFlag.mjRND_SEGMENT), int(mujoco.mjtRndFlag.mjRND_IDCOLOR)


@dataclass(frozen=True, eq=False)
class Rendering:
    """`image` uint8 (h, w, 3) RGB; `geoms` int32 (h, w) geom ids, -1 for none; `depth_m` float32 (h, w) metres."""

    image: npt.NDArray[np.uint8]
    geoms: npt.NDArray[np.int32]
    depth_m: npt.NDArray[np.float32]


class ClassicRenderer:
    """Holds one GL context for the process; `load` gives it a library, `render` takes pictures of it."""

    def __init__(self, long_side: int) -> None:
        try:
            self._gl = mujoco.GLContext(long_side, long_side)
            self._gl.make_current()
            # GLFW without a display only warns, and the first context on it fails
            mujoco.MjrContext(mujoco.MjSpec().compile(), mujoco.mjtFontScale.mjFONTSCALE_50).free()
        except Exception as error:  # every backend raises something of its own
            raise no_gl(error) from error
        self._context: mujoco.MjrContext | None = None
        self._option = mujoco.MjvOption()
        self._option.geomgroup[:] = 0
        self._option.geomgroup[SHOWN_GROUP] = 1
        self._camera = mujoco.MjvCamera()
        self._camera.type, self._camera.fixedcamid = int(mujoco.mjtCamera.mjCAMERA_FIXED), 0

    def load(self, library: Library) -> None:
        """Uploads the library's meshes and textures; replaces the one before."""
        if self._context is not None:
            self._context.free()
        self._library = library
        self._context = mujoco.MjrContext(library.model, mujoco.mjtFontScale.mjFONTSCALE_50)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._context)
        self._scene = mujoco.MjvScene(library.model, _MOST_GEOMS)

    def render(self, camera: Camera) -> Rendering:
        """Takes the library's present arrangement from `camera`."""
        library = self._library
        library.aim(camera)
        library.update()
        viewport = mujoco.MjrRect(0, 0, camera.width, camera.height)
        shape = (camera.height, camera.width)
        image, ids = np.empty((*shape, 3), np.uint8), np.empty((*shape, 3), np.uint8)
        depth = np.empty(shape, np.float32)
        mujoco.mjv_updateScene(
            library.model,
            library.data,
            self._option,
            None,
            self._camera,
            int(mujoco.mjtCatBit.mjCAT_ALL),
            self._scene,
        )
        self._draw(viewport, segment=False)
        mujoco.mjr_readPixels(image, None, viewport, self._context)
        self._draw(viewport, segment=True)
        mujoco.mjr_readPixels(ids, depth, viewport, self._context)
        # OpenGL's rows go upwards
        return Rendering(image[::-1].copy(), self._geom_ids(ids[::-1]), _metres(depth[::-1]))

    def _draw(self, viewport: mujoco.MjrRect, *, segment: bool) -> None:
        self._scene.flags[_SEGMENT] = self._scene.flags[_IDCOLOR] = segment
        mujoco.mjr_render(viewport, self._scene, self._context)

    def _geom_ids(self, colours: npt.NDArray[np.uint8]) -> npt.NDArray[np.int32]:
        codes = colours.astype(np.int32) @ np.array([1, 256, 65536], np.int32)
        geom_of_code = np.full(max(int(codes.max()), self._scene.ngeom) + 2, -1, np.int32)
        for geom in self._scene.geoms[: self._scene.ngeom]:
            if geom.segid >= 0 and geom.objtype == int(mujoco.mjtObj.mjOBJ_GEOM):
                geom_of_code[geom.segid + 1] = geom.objid
        return geom_of_code[codes]

    def close(self) -> None:
        if self._context is not None:
            self._context.free()
            self._context = None
        self._gl.free()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _metres(buffer: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Distance along the optical axis from OpenGL's depth (0 near, 1 far)."""
    return np.asarray(ZNEAR_M / (1.0 - buffer * (1.0 - ZNEAR_M / ZFAR_M)), dtype=np.float32)
