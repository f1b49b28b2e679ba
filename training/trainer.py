"""The parts of a training run: one step, the optimiser, the running average, and a state that survives a kill."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path

import torch
from torch import Tensor, nn

from runtime.errors import SaymaskError
from training.checkpoint import load_tensors, save_tensors
from training.config import TrainingConfig
from training.losses import total_loss
from training.models import ReferringSegmenter

_COOLEST = 0.02  # share of the learning rate that is left at the end


class TrainingStep(nn.Module):
    """Network and losses as one forward pass, which is what data parallelism wants."""

    def __init__(self, model: ReferringSegmenter, loss_weights: dict[str, float]) -> None:
        super().__init__()
        self.model = model
        self.loss_weights = loss_weights

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        own = self.model.loss_terms(batch, self.loss_weights)
        if own is not None:
            return own
        image = self.model.encode_image(batch["pixels"])
        text = self.model.encode_text(batch["token_ids"], batch["lengths"])
        return total_loss(self.model.decode_together(image, text), batch, self.loss_weights)


class WeightAverage:
    """Exponential running average of all weights and buffers (Polyak), which is what is evaluated and kept."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.tensors = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}

    def to(self, device: torch.device) -> None:
        self.tensors = {name: tensor.to(device) for name, tensor in self.tensors.items()}

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        decay = min(self.decay, (1 + step) / (10 + step))  # short memory at first, or the start weighs for ever
        for name, tensor in model.state_dict().items():
            if tensor.is_floating_point():
                self.tensors[name].lerp_(tensor, 1 - decay)
            else:
                self.tensors[name].copy_(tensor)


def learning_rate_share(step: int, config: TrainingConfig) -> float:
    """Linear warm-up, then flat and linear down to 2 % over the last `cool_down_share` of the steps.

    With `rate_drop_steps` down to a tenth at every so many steps instead.
    """
    warm = min(1.0, (step + 1) / max(1, config.warm_up_steps))
    if config.rate_drop_steps:
        return warm * 0.1 ** (step // config.rate_drop_steps)
    left = 1 - step / config.steps
    return warm * max(_COOLEST, min(1.0, left / max(config.cool_down_share, 1e-9)))


def make_optimizer(model: ReferringSegmenter, config: TrainingConfig) -> torch.optim.Optimizer:
    """AdamW or SGD with a slower backbone whose first layers are frozen."""
    backbone = model.get_submodule("image.backbone")
    for index in range(config.frozen_backbone_layers):
        backbone.get_submodule(f"features.{index}").requires_grad_(False)
    slow = [p for p in backbone.parameters() if p.requires_grad]
    ids = {id(p) for p in backbone.parameters()}
    fast = [p for p in model.parameters() if id(p) not in ids]
    groups = [{"params": fast, "share": 1.0}, {"params": slow, "share": config.backbone_rate}]
    if config.optimizer == "sgd":
        return torch.optim.SGD(
            groups, lr=config.learning_rate, momentum=config.momentum, weight_decay=config.weight_decay
        )
    return torch.optim.AdamW(groups, lr=config.learning_rate, weight_decay=config.weight_decay)


@dataclass(frozen=True)
class Progress:
    """How far a run has come, over all its restarts: steps, expressions seen, seconds of training."""

    step: int = 0
    samples: int = 0
    seconds: float = 0.0


def save_state(
    path: Path, progress: Progress, model: nn.Module, average: WeightAverage, optimizer: torch.optim.Optimizer
) -> None:
    """Write weights, their average, the optimiser and the progress into one file, so that a kill cannot part them."""
    tensors = {f"progress.{name}": torch.tensor(value) for name, value in asdict(progress).items()}
    tensors |= {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    tensors |= {f"average.{name}": tensor for name, tensor in average.tensors.items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": torch.as_tensor(value) for name, value in state.items()}
    # Shared storage would be refused by safetensors, hence the clones.
    save_tensors(path, {name: tensor.detach().clone() for name, tensor in tensors.items()})


def load_state(path: Path, model: nn.Module, average: WeightAverage, optimizer: torch.optim.Optimizer) -> Progress:
    """Read what `save_state` wrote into the three; returns the progress.

    Raises SaymaskError when it is of another network.
    """
    tensors = load_tensors(path)
    state: dict[int, dict[str, Tensor]] = {}
    try:
        model.load_state_dict({n.removeprefix("model."): t for n, t in tensors.items() if n.startswith("model.")})
    except RuntimeError as error:
        raise SaymaskError(f"{path}: saved by a run with another network; give another --out") from error
    for name, tensor in tensors.items():
        kind, _, rest = name.partition(".")
        if kind == "average":
            average.tensors[rest].copy_(tensor)
        elif kind == "optimizer":
            index, _, part = rest.partition(".")
            state.setdefault(int(index), {})[part] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    step, samples, seconds = (tensors[f"progress.{item.name}"].item() for item in fields(Progress))
    return Progress(int(step), int(samples), seconds)
