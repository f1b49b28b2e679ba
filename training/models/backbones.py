"""Convolutional backbones with torchvision's layer names, so that its published weights load by name.

torchvision itself cannot be installed beside the CPU build of torch (FACTS), hence the two networks are written out
here.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from runtime.errors import SaymaskError

# (expansion, channels, repeats, stride): table 2 of Sandler et al. 2018, arXiv 1801.04381
_MOBILENET_V2_STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
_BATCH_NORM_EPS = 1e-5


def _folded_conv(inputs: int, outputs: int, kernel: int = 3, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, stride, (kernel - 1) // 2, groups=groups)


class _InvertedResidual(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        layers: list[nn.Module] = []
        if expansion != 1:
            layers.append(nn.Sequential(_folded_conv(inputs, hidden, 1), nn.Identity(), nn.ReLU6()))
        layers.append(nn.Sequential(_folded_conv(hidden, hidden, 3, stride, hidden), nn.Identity(), nn.ReLU6()))
        layers += [_folded_conv(hidden, outputs, 1), nn.Identity()]
        self.conv = nn.Sequential(*layers)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv(x)
        return x + y if self.residual else y


class MobileNetV2(nn.Module):
    """MobileNetV2 up to its last bottleneck, with every batch norm folded into its convolution.

    Frozen batch norm is what small batches want, and folded it costs nothing. `forward(x float (B, 3, H, W), RGB in
    -1..1)` returns the features of stride 4 (24 channels), 8 (32), 16 (96) and 32 (320).
    """

    channels = (24, 32, 96, 320)

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Sequential(_folded_conv(3, 32, 3, 2), nn.Identity(), nn.ReLU6())]
        inputs = 32
        for expansion, outputs, repeats, stride in _MOBILENET_V2_STAGES:
            for index in range(repeats):
                layers.append(_InvertedResidual(inputs, outputs, stride if index == 0 else 1, expansion))
                inputs = outputs
        self.features = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        stride4 = self.features[:4](x)
        stride8 = self.features[4:7](stride4)
        stride16 = self.features[7:14](stride8)
        return stride4, stride8, stride16, self.features[14:](stride16)

    def load_published(self, path: Path) -> None:
        """Load torchvision's `mobilenet_v2` state dict (or any file with its names), folding the batch norms.

        Raises SaymaskError when a layer is missing or has another shape.
        """
        self.load_state_dict(fold_batch_norms(read_state_dict(path), self.state_dict(), path))


class VGG16(nn.Module):
    """VGG-16 (Simonyan and Zisserman 2015) made fully convolutional up to fc8; torchvision's names `features.N`,
    `classifier.N`.

    `forward(x (B, 3, H, W))` returns fc8 without ReLU, (B, 1000, H / 32, W / 32) for sides that 32 divides.
    """

    channels = (1000,)

    def __init__(self, fc_width: int = 4096) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inputs = 3
        for outputs, repeats in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
            for _ in range(repeats):
                layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(inplace=True)]
                inputs = outputs
            layers.append(nn.MaxPool2d(2, 2))
        self.features = nn.Sequential(*layers)
        # Even input sides leave H/32 cells; padding 3 lets the 7x7 of fc6 keep them.
        self.classifier = nn.Sequential(
            nn.Conv2d(512, fc_width, 7, padding=3),
            nn.ReLU(inplace=True),
            nn.Dropout(),
            nn.Conv2d(fc_width, fc_width, 1),
            nn.ReLU(inplace=True),
            nn.Dropout(),
            nn.Conv2d(fc_width, 1000, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.classifier(self.features(x))
        return scores

    def load_published(self, path: Path) -> None:
        """Load torchvision's `vgg16` state dict, turning fc6 to fc8 into convolutions.

        Raises SaymaskError on a mismatch.
        """
        published = read_state_dict(path)
        own = self.state_dict()
        for name, tensor in own.items():
            if name not in published:
                raise SaymaskError(f"{path}: layer {name} is missing; expected the state dict of torchvision's vgg16")
            if published[name].numel() != tensor.numel():
                shapes = f"{tuple(published[name].shape)}, expected {tuple(tensor.shape)} up to reshaping"
                raise SaymaskError(f"{path}: layer {name} has shape {shapes}")
        self.load_state_dict({name: published[name].reshape(tensor.shape) for name, tensor in own.items()})


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """Tensors of a safetensors or (weights-only, so code-free) torch file.

    Raises SaymaskError with the reason.
    """
    if not path.is_file():
        raise SaymaskError(f"{path}: no such file; give --backbone-weights a state dict with torchvision's layer names")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch and safetensors raise many kinds; all mean the same to the user
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise SaymaskError(f"{path}: not a readable state dict ({reason})") from error
    state = loaded.get("state_dict", loaded) if isinstance(loaded, Mapping) else loaded
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise SaymaskError(f"{path}: expected a state dict (names to tensors), got {type(loaded).__name__}")
    return dict(state)


def fold_batch_norms(published: Mapping[str, Tensor], own: Mapping[str, Tensor], path: Path) -> dict[str, Tensor]:
    """Turn each published convolution and the batch norm after it into one convolution with bias.

    w' = w g / s and b' = beta - mean g / s with s = sqrt(var + eps). `own` names the layers wanted.
    """
    folded: dict[str, Tensor] = {}
    for name in own:
        if not name.endswith(".weight"):
            continue
        stem, index = name.removesuffix(".weight").rsplit(".", 1)
        norm = f"{stem}.{int(index) + 1}"
        needed = (name, *(f"{norm}.{part}" for part in ("weight", "bias", "running_mean", "running_var")))
        missing = [key for key in needed if key not in published]
        if missing:
            raise SaymaskError(f"{path}: layer {missing[0]} is missing; expected torchvision's mobilenet_v2")
        weight, gain, shift, mean, variance = (published[key].float() for key in needed)
        if weight.shape != own[name].shape:
            raise SaymaskError(f"{path}: {name} has shape {tuple(weight.shape)}, expected {tuple(own[name].shape)}")
        scale = gain / torch.sqrt(variance + _BATCH_NORM_EPS)
        folded[name] = weight * scale[:, None, None, None]
        folded[name.removesuffix(".weight") + ".bias"] = shift - mean * scale
    return folded
