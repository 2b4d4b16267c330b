"""GoogLeNet (Inception v1) with batch normalisation, layer for layer as torchvision names it, so that its ImageNet
weights load.

Source: Szegedy et al., Going Deeper with Convolutions, CVPR 2015, Table 1; the published weights belong to a variant
with batch normalisation, without local response normalisation, and with 3 x 3 where the paper has 5 x 5 convolutions.
The auxiliary classifiers serve training from scratch alone and are left out.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from presage.breast.trunks.layers import TrunkNetwork


class BasicConv2d(nn.Module):
    """Convolution, batch normalisation, ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, stride: int = 1, padding: int = 0) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=1e-3)
        self.activation = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, inputs, rows, columns) to (batch, outputs, ...)."""
        y: Tensor = self.activation(self.bn(self.conv(x)))
        return y


class Inception(nn.Module):
    """Four parallel branches whose channels are put side by side; the names of the widths are those of Table 1."""

    def __init__(
        self, inputs: int, conv1: int, reduce3: int, conv3: int, reduce5: int, conv5: int, pool_projection: int
    ) -> None:
        super().__init__()
        self.branch1 = BasicConv2d(inputs, conv1, 1)
        self.branch2 = nn.Sequential(BasicConv2d(inputs, reduce3, 1), BasicConv2d(reduce3, conv3, 3, padding=1))
        self.branch3 = nn.Sequential(BasicConv2d(inputs, reduce5, 1), BasicConv2d(reduce5, conv5, 3, padding=1))
        self.branch4 = nn.Sequential(
            nn.MaxPool2d(3, stride=1, padding=1, ceil_mode=True), BasicConv2d(inputs, pool_projection, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, inputs, rows, columns) to (batch, sum of the branches, rows, columns)."""
        return torch.cat((self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)), 1)


class GoogLeNetNetwork(TrunkNetwork):
    """GoogLeNet with a head of `classes` classes; 6,624,904 parameters with 1000."""

    classifier_name = "fc"

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.conv1 = BasicConv2d(3, 64, 7, stride=2, padding=3)
        self.maxpool1 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.conv2 = BasicConv2d(64, 64, 1)
        self.conv3 = BasicConv2d(64, 192, 3, padding=1)
        self.maxpool2 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.inception3a = Inception(192, 64, 96, 128, 16, 32, 32)
        self.inception3b = Inception(256, 128, 128, 192, 32, 96, 64)
        self.maxpool3 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.inception4a = Inception(480, 192, 96, 208, 16, 48, 64)
        self.inception4b = Inception(512, 160, 112, 224, 24, 64, 64)
        self.inception4c = Inception(512, 128, 128, 256, 24, 64, 64)
        self.inception4d = Inception(512, 112, 144, 288, 32, 64, 64)
        self.inception4e = Inception(528, 256, 160, 320, 32, 128, 128)
        self.maxpool4 = nn.MaxPool2d(2, stride=2, ceil_mode=True)
        self.inception5a = Inception(832, 256, 160, 320, 32, 128, 128)
        self.inception5b = Inception(832, 384, 192, 384, 48, 128, 128)
        self.fc = nn.Linear(1024, classes)

    def chain(self) -> list[tuple[str, nn.Module]]:
        """``conv1`` to ``inception5b``, every module but the classification layer in the order of Table 1."""
        return [(name, layer) for name, layer in self.named_children() if name != self.classifier_name]
