"""Building blocks that the trunks share."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class SameConv2d(nn.Conv2d):
    """A convolution padded as TensorFlow's ``SAME``: the output has ceil(size / stride) positions, and where the
    padding is odd the extra row and column go to the bottom right. Networks trained in TensorFlow need exactly this.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Convolve `x`, shape (batch, channels, rows, columns)."""
        rows, columns = x.shape[-2:]
        top, bottom = _same_padding(rows, self.kernel_size[0], self.stride[0])
        left, right = _same_padding(columns, self.kernel_size[1], self.stride[1])
        if top == bottom and left == right:
            return functional.conv2d(x, self.weight, self.bias, self.stride, (top, left), groups=self.groups)
        padded = functional.pad(x, (left, right, top, bottom))
        return functional.conv2d(padded, self.weight, self.bias, self.stride, groups=self.groups)


def _same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


class TrunkNetwork(nn.Module):
    """A convolutional classifier as a chain of named layers: it can be cut, tapped and frozen at any of them."""

    #: The classification layer; a trunk's features are what enters it.
    classifier_name: str

    def chain(self) -> list[tuple[str, nn.Module]]:
        """The layers from the image to the last spatial feature map, in order, each with its public name."""
        raise NotImplementedError

    def cut(self, after: str | None = None, until: str | None = None) -> nn.Sequential:
        """The chain behind layer `after` up to and with layer `until` (the ends where None); shares its weights."""
        chain = self.chain()
        names = [name for name, _ in chain]
        start = 0 if after is None else names.index(after) + 1
        stop = len(names) if until is None else names.index(until) + 1
        return nn.Sequential(*(layer for _, layer in chain[start:stop]))

    def maps(self, x: Tensor, taps: tuple[str, ...]) -> list[Tensor]:
        """Feature maps behind the layers `taps` (in the chain's order), each (batch, channels, rows, columns)."""
        found = []
        for name, layer in self.chain():
            x = layer(x)
            if name in taps:
                found.append(x)
                if len(found) == len(taps):
                    break
        return found

    def forward(self, x: Tensor) -> Tensor:
        """Class logits of the images `x`, shape (batch, 3, rows, columns), normalised as the trunk wants them."""
        for _, layer in self.chain():
            x = layer(x)
        pooled = x.mean(dim=(2, 3))
        logits: Tensor = self.get_submodule(self.classifier_name)(pooled)
        return logits


def count_parameters(network: nn.Module) -> int:
    """Number of trainable values."""
    return sum(parameter.numel() for parameter in network.parameters())


def freeze(module: nn.Module) -> None:
    """Take a module out of the training: no gradients, and batch normalisation by its stored statistics."""
    module.eval()
    for parameter in module.parameters():
        parameter.requires_grad_(False)


def half_precision(device: str) -> torch.dtype:
    """The type for fast frozen inference: bfloat16 on a GPU, float32 elsewhere."""
    return torch.float32 if device == "cpu" else torch.bfloat16
