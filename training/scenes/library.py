"""One MuJoCo model that holds every object of a pool, and the room around the table.

Textures and meshes cost a quarter of a second to make and upload, so a library is built once and serves many scenes:
its objects are mocap bodies that are hidden or put where a scene wants them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import mujoco
import numpy as np
import numpy.typing as npt

from training.scenes.camera import Camera
from training.scenes.datatypes import BACKGROUND, Part, TabletopObject
from training.scenes.settling import Pose

SHOWN_GROUP, HIDDEN_GROUP = 1, 5
LIGHTS = 3
FURNITURE = 4
WALLS = 4
ROOM_MATERIALS = ("table", "floor", "wall", "mat", *(f"furniture{i}" for i in range(FURNITURE)))
SHADOW_MAP = 1024
"""Pixels; 2048 doubles the time of an image (design facts) and shows no better at a long side of 320."""
SHADOW_SCALE, SHADOW_CLIP = 0.5, 1.2
"""Share of a spot's cone, and half width in metres of a directional light, that the shadow map spans. It must hold the
largest table: what lies beyond the map speckles. More than that only makes the shadows' edges coarser.
"""
ZNEAR_M, ZFAR_M = 0.05, 12.0
_RGB = int(mujoco.mjtTextureRole.mjTEXROLE_RGB)


class NamedTexture(Protocol):
    """What a library needs of a surface: its name and its texture uint8 (h, w, 3) RGB."""

    @property
    def name(self) -> str: ...

    @property
    def texture(self) -> npt.NDArray[np.uint8]: ...


class Library:
    """The compiled model with its data; `objects` and `surfaces` in the pool's order."""

    def __init__(self, objects: Sequence[TabletopObject], surfaces: Sequence[NamedTexture], long_side: int) -> None:
        self.objects = tuple(objects)
        self.surfaces = tuple(surfaces)
        self.model = _compile(self.objects, self.surfaces, long_side)
        self.data = mujoco.MjData(self.model)
        self._bodies = np.array([self.model.body(f"object{i}").id for i in range(len(self.objects))])
        self._textures = [self.model.texture(f"surface{i}").id for i in range(len(self.surfaces))]
        self._furniture = [self.geom(f"furniture{i}") for i in range(FURNITURE)]

    def geom(self, name: str) -> int:
        return int(self.model.geom(name).id)

    def arrange(self, objects: Sequence[int], poses: Sequence[Pose]) -> None:
        """Shows exactly `objects` (positions in the pool), each at its pose."""
        model = self.model
        shown = self._bodies[list(objects)]
        is_object = np.isin(model.geom_bodyid, self._bodies)
        model.geom_group[is_object] = np.where(np.isin(model.geom_bodyid[is_object], shown), SHOWN_GROUP, HIDDEN_GROUP)
        for body, pose in zip(shown, poses, strict=True):
            slot = model.body_mocapid[body]
            self.data.mocap_pos[slot] = pose.position
            mujoco.mju_mat2Quat(self.data.mocap_quat[slot], pose.rotation.ravel())

    def place_geom(
        self, name: str, position: npt.ArrayLike, size: npt.ArrayLike, yaw: float = 0.0, *, shown: bool = True
    ) -> None:
        """Moves and resizes a box or cylinder of the room (half sizes, metres; `yaw` radians about the vertical)."""
        geom = self.geom(name)
        self.model.geom_pos[geom] = position
        self.model.geom_size[geom] = size
        self.model.geom_quat[geom] = [np.cos(yaw / 2), 0.0, 0.0, np.sin(yaw / 2)]
        self.model.geom_group[geom] = SHOWN_GROUP if shown else HIDDEN_GROUP

    def set_table_shape(self, *, is_round: bool) -> None:
        kind = mujoco.mjtGeom.mjGEOM_CYLINDER if is_round else mujoco.mjtGeom.mjGEOM_BOX
        self.model.geom_type[self.geom("table")] = int(kind)

    def cover(self, material: str, surface: int, repeats_per_m: float, tint: npt.NDArray[np.float64]) -> None:
        """Puts a pooled surface on a material of the room, multiplied by `tint` (3,) in 0..1."""
        index = self.model.mat(material).id
        self.model.mat_texid[index, _RGB] = self._textures[surface]
        self.model.mat_texrepeat[index] = repeats_per_m
        self.model.mat_rgba[index, :3] = tint

    def aim(self, camera: Camera) -> None:
        """Moves the model's one camera; MuJoCo's looks along its own -z with y up."""
        mujoco.mju_mat2Quat(self.model.cam_quat[0], (camera.rotation * [1.0, -1.0, -1.0]).ravel())
        self.model.cam_pos[0] = camera.position
        self.model.cam_fovy[0] = camera.fovy_deg

    def update(self) -> None:
        """Carries poses, lights and camera over into `data`; call before rendering."""
        mujoco.mj_kinematics(self.model, self.data)
        mujoco.mj_comPos(self.model, self.data)
        mujoco.mj_camlight(self.model, self.data)

    def index_of_geom(self, objects: Sequence[int]) -> npt.NDArray[np.int8]:
        """Table from geom id to the position in `objects`, BACKGROUND for the room; one entry more for "no geom"."""
        body_index = np.full(self.model.nbody, BACKGROUND, np.int8)
        body_index[self._bodies[list(objects)]] = np.arange(len(objects))
        return np.append(body_index[self.model.geom_bodyid], np.int8(BACKGROUND))


def _compile(objects: Sequence[TabletopObject], surfaces: Sequence[NamedTexture], long_side: int) -> mujoco.MjModel:
    spec = mujoco.MjSpec()
    spec.visual.global_.offwidth = spec.visual.global_.offheight = long_side
    spec.visual.quality.shadowsize = SHADOW_MAP
    spec.visual.quality.offsamples = 4
    spec.visual.map.znear, spec.visual.map.zfar = ZNEAR_M, ZFAR_M
    spec.visual.map.shadowscale, spec.visual.map.shadowclip = SHADOW_SCALE, SHADOW_CLIP
    spec.visual.headlight.specular = [0.1, 0.1, 0.1]
    # the visual map counts in units of the model's extent
    spec.stat.extent, spec.stat.center = 1.0, [0.0, 0.0, 0.0]
    for i, surface in enumerate(surfaces):
        _add_texture(spec, f"surface{i}", surface.texture)
    _add_room(spec)
    for i, thing in enumerate(objects):
        body = spec.worldbody.add_body(name=f"object{i}", pos=[0, 0, -5], mocap=True)
        for k, part in enumerate(thing.parts):
            _add_part(spec, body, f"object{i}part{k}", part)
    model = spec.compile()
    # a geom that coincides with the world's frame would never be moved again
    model.geom_sameframe[:] = 0
    return model


def _add_room(spec: mujoco.MjSpec) -> None:
    for name in ROOM_MATERIALS:
        material = spec.add_material(name=name, specular=0.1, shininess=0.2, roughness=0.8, texuniform=True)
        material.textures[_RGB] = "surface0"
    geoms = [("table", "table"), ("floor", "floor"), ("mat", "mat")]
    geoms += [(f"wall{i}", "wall") for i in range(WALLS)] + [(f"furniture{i}",) * 2 for i in range(FURNITURE)]
    for name, material_name in geoms:
        spec.worldbody.add_geom(
            name=name,
            type=mujoco.mjtGeom.mjGEOM_BOX,
            size=[1, 1, 1],
            pos=[0, 0, -3],
            material=material_name,
            group=SHOWN_GROUP,
            contype=0,
            conaffinity=0,
        )
    for i in range(LIGHTS):
        spec.worldbody.add_light(name=f"light{i}", pos=[0, 0, 2], dir=[0, 0, -1])
    spec.worldbody.add_camera(name="camera", pos=[0, -1, 1])


def _add_texture(spec: mujoco.MjSpec, name: str, pixels: npt.NDArray[np.uint8]) -> None:
    texture = spec.add_texture(
        name=name,
        type=mujoco.mjtTexture.mjTEXTURE_2D,
        width=pixels.shape[1],
        height=pixels.shape[0],
        nchannel=pixels.shape[2],
    )
    texture.data = np.ascontiguousarray(pixels).tobytes()


def _add_part(spec: mujoco.MjSpec, body: mujoco.MjsBody, name: str, part: Part) -> None:
    material = spec.add_material(
        name=name,
        rgba=part.rgba,
        metallic=part.metallic,
        roughness=part.roughness,
        specular=part.specular,
        shininess=part.shininess,
    )
    if part.texture is not None:
        _add_texture(spec, name, part.texture)
        material.textures[_RGB] = name
    faces = part.faces.astype(np.int32).ravel()
    spec.add_mesh(
        name=name,
        uservert=part.vertices.astype(np.float32).ravel(),
        userface=faces,
        usernormal=part.normals.astype(np.float32).ravel(),
        userfacenormal=faces,
        usertexcoord=part.uv.astype(np.float32).ravel(),
        userfacetexcoord=faces,
        # a thin or open mesh has no volume to integrate
        inertia=mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL,
    )
    body.add_geom(
        type=mujoco.mjtGeom.mjGEOM_MESH,
        meshname=name,
        material=name,
        contype=0,
        conaffinity=0,
        mass=0,
        group=HIDDEN_GROUP,
    )
