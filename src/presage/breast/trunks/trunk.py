"""The trunks that can be named in a study: which network, how its input is scaled, where its features are taken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from presage.cohort import InputError

if TYPE_CHECKING:
    from presage.breast.trunks.layers import TrunkNetwork
    from presage.breast.trunks.weights import Weights


@dataclass(frozen=True)
class Trunk:
    """An ImageNet classifier used as a feature extractor; torch is imported only when the network is built.

    Attributes
    ----------
    name
        As written in a study file.
    build
        A network with random weights, in evaluation mode.
    mean, deviation
        Input scaling: (grey - mean) / deviation, grey levels in [0, 1] and equal in the three channels.
    taps
        Layers whose feature maps are pooled unless others are named: from fine texture to coarse structure.
    freeze
        The last layer that fine-tuning leaves alone unless another is named: behind it is little to compute.
    stride
        Image pixels per position of the last feature map; images should have multiples of it as sides.
    """

    name: str
    build: Callable[[], TrunkNetwork]
    mean: float
    deviation: float
    taps: tuple[str, ...]
    freeze: str
    stride: int = 32

    @cached_property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers that can be tapped or frozen, from the image to the last feature map."""
        return tuple(name for name, _ in self.build().chain())

    def load(self, weights: Path | str | None = None) -> tuple[TrunkNetwork, Weights]:
        """The network with its weights, frozen; see :func:`presage.breast.trunks.weights.find_weights`."""
        from presage.breast.trunks.layers import freeze
        from presage.breast.trunks.weights import find_weights, put_weights

        found = find_weights(self.name, weights)
        network = self.build()
        put_weights(network, found)
        freeze(network)
        return network, found


def _efficientnet_lite(name: str) -> TrunkNetwork:
    from presage.breast.trunks.efficientnet_lite import SCALINGS, EfficientNetLite

    return EfficientNetLite(SCALINGS[name]).eval()


def _googlenet() -> TrunkNetwork:
    from presage.breast.trunks.googlenet_network import GoogLeNetNetwork

    return GoogLeNetNetwork().eval()


def _lite(name: str, taps: tuple[str, ...]) -> Trunk:
    # TensorFlow's scaling, (x - 127.5) / 127.5: checked against photographs in tests/breast/trunks.
    return Trunk(name, partial(_efficientnet_lite, name), 0.5, 0.5, taps, freeze=taps[-1])


_TRUNKS = {
    trunk.name: trunk
    for trunk in (
        _lite("efficientnet-lite0", ("stage3.2", "stage5.3", "stage6.4")),
        _lite("efficientnet-lite1", ("stage3.3", "stage5.4", "stage6.5")),
        _lite("efficientnet-lite2", ("stage3.3", "stage5.4", "stage6.5")),
        # The published weights expect [-1, 1] (torchvision's `transform_input`).
        Trunk("googlenet", _googlenet, 0.5, 0.5, ("inception3b", "inception4e", "inception5b"), freeze="inception4e"),
    )
}

TRUNK_NAMES = tuple(_TRUNKS)


def trunk_named(name: str) -> Trunk:
    """The trunk of that name.

    Raises
    ------
    InputError
        If there is none.
    """
    if name not in _TRUNKS:
        near = get_close_matches(name, _TRUNKS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"trunks: {', '.join(_TRUNKS)}"
        raise InputError(f"there is no trunk {name!r}", where="trunk", cure=hint)
    return _TRUNKS[name]
