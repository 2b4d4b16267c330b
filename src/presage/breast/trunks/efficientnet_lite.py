"""EfficientNet-lite: EfficientNet without squeeze-and-excitation and with ReLU6, made for integer hardware.

Sources: Tan and Le, EfficientNet, ICML 2019 (block table, compound scaling); the lite variants as published with
TensorFlow TPU (fixed stem and head, ReLU6, no squeeze-and-excitation).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor, nn

from presage.breast.trunks.layers import SameConv2d, TrunkNetwork

# (kernel, repeats, expansion, stride, channels in, channels out) of EfficientNet-B0, Table 1.
_BLOCKS = (
    (3, 1, 1, 1, 32, 16),
    (3, 2, 6, 2, 16, 24),
    (5, 2, 6, 2, 24, 40),
    (3, 3, 6, 2, 40, 80),
    (5, 3, 6, 1, 80, 112),
    (5, 4, 6, 2, 112, 192),
    (3, 1, 6, 1, 192, 320),
)
_HEAD_CHANNELS = 1280
# TensorFlow's decay and epsilon; the decay matters only where the statistics are trained.
_EPSILON, _DECAY = 1e-3, 0.01


@dataclass(frozen=True)
class Scaling:
    """Width and depth multipliers of one member of the family."""

    width: float
    depth: float

    def channels(self, channels: int) -> int:
        """Scaled channels, to the next multiple of 8 that loses no more than a tenth."""
        scaled = channels * self.width
        rounded = max(8, int(scaled + 4) // 8 * 8)
        return rounded + 8 if rounded < 0.9 * scaled else rounded

    def repeats(self, repeats: int) -> int:
        """Scaled number of blocks."""
        return math.ceil(repeats * self.depth)


SCALINGS = {
    "efficientnet-lite0": Scaling(1.0, 1.0),
    "efficientnet-lite1": Scaling(1.0, 1.1),
    "efficientnet-lite2": Scaling(1.1, 1.2),
}


class ConvNorm(nn.Module):
    """Convolution, batch normalisation and (where wanted) ReLU6."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, *, stride: int = 1, groups: int = 1, activate: bool = True
    ) -> None:
        super().__init__()
        self.conv = SameConv2d(inputs, outputs, kernel, stride=stride, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(outputs, eps=_EPSILON, momentum=_DECAY)
        self.activation = nn.ReLU6() if activate else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, inputs, rows, columns) to (batch, outputs, ceil(rows / stride), ceil(columns / stride))."""
        y: Tensor = self.activation(self.norm(self.conv(x)))
        return y


class InvertedResidual(nn.Module):
    """Expand, filter each channel, project; with a shortcut where the shape stays."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, stride: int, expansion: int) -> None:
        super().__init__()
        inner = inputs * expansion
        self.expand = ConvNorm(inputs, inner, 1) if expansion != 1 else nn.Identity()
        self.depthwise = ConvNorm(inner, inner, kernel, stride=stride, groups=inner)
        self.project = ConvNorm(inner, outputs, 1, activate=False)
        self.shortcut = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, inputs, rows, columns) to (batch, outputs, ceil(rows / stride), ceil(columns / stride))."""
        y: Tensor = self.project(self.depthwise(self.expand(x)))
        return x + y if self.shortcut else y


class EfficientNetLite(TrunkNetwork):
    """EfficientNet-lite with a head of `classes` classes."""

    classifier_name = "classifier"

    def __init__(self, scaling: Scaling, classes: int = 1000) -> None:
        super().__init__()
        self.stem = ConvNorm(3, 32, 3, stride=2)
        blocks: list[nn.Module] = []
        self._block_names: list[str] = []
        last_stage = len(_BLOCKS) - 1
        for stage, (kernel, repeats, expansion, stride, inputs, outputs) in enumerate(_BLOCKS):
            # The lite family scales neither the stem nor the first and last stages' depth.
            count = repeats if stage in (0, last_stage) else scaling.repeats(repeats)
            inputs = 32 if stage == 0 else scaling.channels(inputs)
            outputs = scaling.channels(outputs)
            for repeat in range(count):
                blocks.append(
                    InvertedResidual(inputs, outputs, kernel, stride=stride if repeat == 0 else 1, expansion=expansion)
                )
                self._block_names.append(f"stage{stage + 1}.{repeat + 1}")
                inputs = outputs
        self.blocks = nn.ModuleList(blocks)
        self.head = ConvNorm(scaling.channels(_BLOCKS[-1][-1]), _HEAD_CHANNELS, 1)
        self.classifier = nn.Linear(_HEAD_CHANNELS, classes)

    def chain(self) -> list[tuple[str, nn.Module]]:
        """``stem``, ``stage1.1`` to ``stage7.1``, ``head``."""
        return [("stem", self.stem), *zip(self._block_names, self.blocks, strict=True), ("head", self.head)]


# Names of the widely used PyTorch port, in which the weights on the package index are written.
_PORT_NAMES = (
    ("_conv_stem.", "stem.conv."),
    ("_bn0.", "stem.norm."),
    ("_conv_head.", "head.conv."),
    ("_bn1.", "head.norm."),
    ("_fc.", "classifier."),
)
_PORT_BLOCK_NAMES = {
    "_expand_conv": "expand.conv",
    "_bn0": "expand.norm",
    "_depthwise_conv": "depthwise.conv",
    "_bn1": "depthwise.norm",
    "_project_conv": "project.conv",
    "_bn2": "project.norm",
}


def own_name(key: str) -> str:
    """The name of a tensor in :class:`EfficientNetLite`, given its name in the common port (or its own name)."""
    if key.startswith("_blocks."):
        _, index, part, value = key.split(".")
        return f"blocks.{index}.{_PORT_BLOCK_NAMES[part]}.{value}"
    for port, own in _PORT_NAMES:
        if key.startswith(port):
            return own + key.removeprefix(port)
    return key
