"""What a rendered set follows from, and how its shards are named and claimed."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from runtime.errors import SaymaskError
from training.scenes.split import Split

VIEWS_PER_SHARD = 200
PLAN_FILE = "render.json"


@dataclass(frozen=True)
class RenderPlan:
    """All settings that decide the content of a set; `objects` and `surfaces` are folders of the user's or None;
    `categories` names the procedural categories that occur, all of them by default."""

    scenes: int
    seed: int
    split: Split
    views: int
    long_side: int
    renderer: str
    depth: bool
    objects: str | None
    surfaces: str | None
    categories: tuple[str, ...] = ()

    @property
    def scenes_per_shard(self) -> int:
        return max(1, VIEWS_PER_SHARD // self.views)

    @property
    def shards(self) -> int:
        return -(-self.scenes // self.scenes_per_shard)

    def scenes_of(self, shard: int) -> int:
        """Number of scenes in a shard; the last one holds what is left."""
        return min(self.scenes_per_shard, self.scenes - shard * self.scenes_per_shard)

    def claim(self, out: Path) -> None:
        """Makes the folder and notes this plan in it. SaymaskError when another plan's shards lie there already."""
        text = json.dumps(asdict(self), indent=1, sort_keys=True) + "\n"
        note = out / PLAN_FILE
        try:
            out.mkdir(parents=True, exist_ok=True)
            if note.exists() and note.read_text() != text:
                raise SaymaskError(
                    f"{out} holds a set of other settings ({note}); name another --out or delete that one"
                )
            temporary = note.with_suffix(".part")
            temporary.write_text(text)
            temporary.replace(note)
        except OSError as error:
            raise SaymaskError(f"cannot write to {out} ({error.strerror}); name another --out") from error


def shard_path(out: Path, shard: int) -> Path:
    """The file of a shard."""
    return out / f"shard-{shard:05d}.npz"
