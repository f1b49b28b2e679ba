"""MuJoCo's physically based renderer (Filament over Vulkan) for the colours; ids and depth stay with the classic one.

The masks of both agree exactly. Each frame builds its scene anew, which takes some thirty times as
long as a classic frame.
"""

from __future__ import annotations

import collections.abc
import ctypes
import ctypes.util
import gc
from typing import Any

import mujoco
import numpy as np
import numpy.typing as npt

from runtime.errors import SaymaskError
from training.scenes.camera import Camera
from training.scenes.renderer import ClassicRenderer, Rendering

VULKAN_PACKAGES = "mesa-vulkan-drivers libvulkan1"
HEADLIGHT = 25_000.0
"""Stands in for ambient light, which Filament does not take from the model; brings both renderers to one level."""


class FilamentRenderer(ClassicRenderer):
    """A `ClassicRenderer` whose images come from Filament."""

    def __init__(self, long_side: int) -> None:
        _require_vulkan()
        super().__init__(long_side)
        self._modules = _import_filament()
        _open_context(self._modules)

    def render(self, camera: Camera) -> Rendering:
        """As the classic renderer does, with Filament's colours."""
        classic = super().render(camera)
        return Rendering(self._image(camera), classic.geoms, classic.depth_m)

    def _image(self, camera: Camera) -> npt.NDArray[np.uint8]:
        _, model_scene, renderer = self._modules
        model, data = self._library.model, self._library.data
        image = np.empty((camera.height, camera.width, 3), np.uint8)
        # what is shown, and how large, is read once when a scene is built; a second scene in a context crashes
        context = _open_context(self._modules)
        frame = renderer.Renderer(context)
        frame.target("image", image)
        scene = model_scene.ModelScene(context, model, frame.scene("tabletop"))
        scene.update(data)
        pinhole = mujoco.mjv_camera2GLCamera(model, data, self._camera)
        frame.render(
            [
                renderer.View(
                    scene="tabletop", target="image", camera=pinhole, headlight=True, headlight_intensity=HEADLIGHT
                )
            ]
        )
        del scene, frame, context
        gc.collect()
        return image


def _require_vulkan() -> None:
    """Asks Vulkan itself for an instance: without a driver Filament would end the whole process."""
    library = ctypes.util.find_library("vulkan")
    if library is None:
        raise no_vulkan("libvulkan is missing")
    vulkan = ctypes.CDLL(library)
    # VkInstanceCreateInfo of the Vulkan specification: sType 1, and everything else empty
    request = (ctypes.c_uint64 * 8)(1)
    instance = ctypes.c_void_p()
    code = vulkan.vkCreateInstance(ctypes.byref(request), None, ctypes.byref(instance))
    if code != 0:
        raise no_vulkan(f"vkCreateInstance says {code}")
    vulkan.vkDestroyInstance(instance, None)


def no_vulkan(reason: object) -> SaymaskError:
    """The line for a machine on which Filament finds no Vulkan driver."""
    return SaymaskError(
        f"Filament found no Vulkan driver ({reason}); on Debian run: apt-get install {VULKAN_PACKAGES}, "
        "or render with --renderer classic"
    )


def _import_filament() -> tuple[Any, Any, Any]:
    if not hasattr(collections.abc, "Buffer"):
        # MuJoCo 4.0 imports a name that came with Python 3.12; it only asks whether an image is one
        setattr(collections.abc, "Buffer", np.ndarray)  # noqa: B010  mypy knows that the name is missing
    from mujoco import mjrf
    from mujoco.rendering.filament import model_scene, renderer
    from mujoco.studio import _studio  # noqa: F401  registers Filament's assets

    return mjrf, model_scene, renderer


def _open_context(modules: tuple[Any, Any, Any]) -> Any:
    mjrf = modules[0]
    settings = mjrf.ContextConfig()
    settings.graphics_api = mjrf.GraphicsApi.GRAPHICS_API_VULKAN
    try:
        return mjrf.Context(settings)
    except Exception as error:  # the binding turns every C++ exception into one of its own
        raise no_vulkan(error) from error
