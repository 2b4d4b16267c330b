"""The network that is fine-tuned: the open layers of a trunk and a head with one logit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from presage.breast.trunks.device import check_device
from presage.breast.trunks.trunk import trunk_named


class TunedNetwork(nn.Module):
    """Open layers, mean over places, standardisation by the training images, one linear unit.

    The logit is linear in the means over places of the last map, so it can be traced back to every place exactly.
    """

    reference: Tensor
    deviation: Tensor

    def __init__(self, layers: nn.Sequential, channels: int, *, takes_images: bool, trunk: str) -> None:
        super().__init__()
        self.layers = layers
        self.head = nn.Linear(channels, 1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self.register_buffer("reference", torch.zeros(channels))
        self.register_buffer("deviation", torch.ones(channels))
        self.takes_images, self.trunk = takes_images, trunk
        # For good: batch normalisation goes by its ImageNet statistics, because batches are small and images alike.
        self.eval()

    @classmethod
    def start(cls, trunk: str, weights: str | None, freeze: str, device: str) -> TunedNetwork:
        """The network before training: ImageNet weights behind layer `freeze`, and a head of zeros."""
        check_device(device)
        network, _ = trunk_named(trunk).load(weights)
        layers = network.cut(freeze or None)
        for parameter in layers.parameters():
            parameter.requires_grad_(True)
        channels = int(network.get_submodule(network.classifier_name).in_features)  # type: ignore[arg-type]
        tuned = cls(layers, channels, takes_images=not freeze, trunk=trunk)
        return tuned.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]

    def last_map(self, inputs: Tensor) -> Tensor:
        """The last feature map, shape (batch, channels, rows, columns)."""
        found: Tensor = self.layers(inputs.contiguous(memory_format=torch.channels_last))
        return found

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits, shape (batch,), of images (batch, 3, rows, columns) or of maps behind the frozen layers."""
        pooled = self.last_map(inputs).float().mean(dim=(2, 3))
        logits: Tensor = self.head((pooled - self.reference) / self.deviation)
        return logits[:, 0]

    def inputs(self, arrays: Sequence[NDArray[np.generic]]) -> Tensor:
        """A batch of maps (channels, rows, columns) or of grey images (rows, columns), 8 bits or in [0, 1]."""
        batch = torch.from_numpy(np.stack(arrays))
        if not self.takes_images:
            return batch.float()
        scaling = trunk_named(self.trunk)
        grey = batch.float() / 255 if batch.dtype == torch.uint8 else batch
        return ((grey - scaling.mean) / scaling.deviation)[:, None].expand(-1, 3, -1, -1)

    def pooled(self, arrays: Sequence[NDArray[np.generic]]) -> Tensor:
        """Features of inputs as for :meth:`inputs`, before standardisation: shape (n, channels), all in one pass."""
        return self._map(arrays).mean(dim=(2, 3))

    def standardise_by(self, pooled: Tensor) -> None:
        """Take the mean and the spread of these features, shape (n, channels), as reference."""
        pooled = pooled.to(self.reference.device)
        self.reference.copy_(pooled.mean(dim=0))
        spread = pooled.std(dim=0, correction=0)
        # A channel that is silent on every training image must not explode on a test image.
        self.deviation.copy_(spread.clamp_min(0.1 * float(spread.median()) + 1e-6))

    def _map(self, arrays: Sequence[NDArray[np.generic]]) -> Tensor:
        with torch.inference_mode():
            return self.last_map(self.inputs(arrays).to(self.reference.device)).float()

    def logits(self, arrays: Sequence[NDArray[np.generic]]) -> NDArray[np.float64]:
        """Logits of inputs as for :meth:`inputs`, shape (n,)."""
        device = self.reference.device
        with torch.inference_mode():
            # One at a time: the sums of a batch of another size may round differently.
            found = [self(self.inputs([array]).to(device)) for array in arrays]
        return torch.cat(found).double().cpu().numpy() if found else np.zeros(0)

    def shares(self, array: NDArray[np.generic]) -> NDArray[np.float64]:
        """Share of every place of the last map in the logit less the head's bias, shape (rows, columns)."""
        with torch.inference_mode():
            maps = self._map([array])[0].double()
            weights = (self.head.weight[0] / self.deviation).double()
            difference = maps - self.reference.double()[:, None, None]
            places = torch.einsum("crk,c->rk", difference, weights) / maps[0].numel()
        return np.asarray(places.cpu().numpy())
