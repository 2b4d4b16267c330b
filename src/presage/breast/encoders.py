"""Encoders of mammograms for the deep markers: pooled deep features, prepared images, maps of frozen stages."""

from __future__ import annotations

import zlib
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator

from presage.breast.augment import Augmentation
from presage.breast.inputs import Framed, Region, framed_recording, shrunk_to
from presage.breast.trunks.frozen import frozen_trunk
from presage.breast.trunks.trunk import trunk_named
from presage.breast.trunks.weights import weights_digest
from presage.cohort import InputError, Recording
from presage.study.encoder import Arrays, Encoder
from presage.study.placement import Placement

Pixels = Annotated[int, Field(ge=64, le=2048)]
Size = tuple[Pixels, Pixels]
Pooling = Literal["breast", "frame"]

_LARGEST_HALF = float(np.finfo(np.float16).max)


class _Framing(Encoder):
    """What the encoders share: which region, in which frame."""

    kind: ClassVar[str] = "mammogram"

    input: Region = "whole-breast"
    #: Rows and columns of the frame.
    size: Size = (832, 672)
    #: Edge of a pixel of the frame, millimetres.
    spacing_mm: Annotated[float, Field(ge=0.05, le=4.0)] = 0.3

    def identity(self) -> dict[str, Any]:
        """The settings, and the version of the tissue analysis that cuts out the breast."""
        from presage.breast.tissue import TISSUE_VERSION

        return {**super().identity(), "tissue": TISSUE_VERSION}

    def framed(self, recording: Recording) -> Framed:
        """The recording in its frame."""
        return framed_recording(recording, self.input, self.size, self.spacing_mm)


class _OnTrunk(_Framing):
    """An encoder that runs a frozen trunk; the weights count by their bytes, not by where they lie."""

    trunk: str = "efficientnet-lite0"
    #: A safetensors file; the trunk's own ImageNet weights where None.
    weights: str | None = None
    #: ``cpu`` or a torch device; on a GPU the arithmetic is bfloat16 and gives other numbers.
    device: str = "cpu"

    @field_validator("trunk")
    @classmethod
    def _known_trunk(cls, name: str) -> str:
        return trunk_named(name).name

    @model_validator(mode="after")
    def _whole_strides(self) -> _OnTrunk:
        stride = trunk_named(self.trunk).stride
        if any(side % stride for side in self.size):
            raise InputError(
                f"size {list(self.size)} is not made of multiples of {stride}, the trunk's stride",
                where="size",
                cure=f"use {[max(stride, round(side / stride) * stride) for side in self.size]}",
            )
        return self

    def placement(self) -> Placement:
        """A card where the trunk runs on one; images and the trunk in memory."""
        return Placement(gpus=0.0 if self.device == "cpu" else 1.0, memory_gb=2.0)

    def identity(self) -> dict[str, Any]:
        """Everything that decides the output: the weights by SHA-256, the arithmetic by name."""
        identity = super().identity()
        settings = identity["settings"]
        device = settings.pop("device")
        settings["weights"] = weights_digest(self.trunk, self.weights)
        settings["arithmetic"] = "float32" if device == "cpu" else "bfloat16"
        return identity

    def network_input(self, framed: Framed) -> NDArray[np.float32]:
        """The framed image as the trunk wants it, shape (3, rows, columns)."""
        return network_input(framed.image, self.trunk)


class DeepFeatures(_OnTrunk):
    """Feature maps of a frozen trunk, each channel averaged over the breast (or over the whole frame).

    Gives ``features``, float32, shape (channels of all layers,). The averages are linear in the maps, so a linear score
    of them can be traced back to every place of the image.
    """

    name: ClassVar[str] = "breast-deep-features"

    #: Layers whose maps are averaged; the trunk's own choice where empty.
    layers: tuple[str, ...] = ()
    pooling: Pooling = "breast"

    @model_validator(mode="after")
    def _known_layers(self) -> DeepFeatures:
        check_layers(self.trunk, self.layers, "layers")
        return self

    @property
    def taps(self) -> tuple[str, ...]:
        """The layers whose maps are averaged."""
        return self.layers or trunk_named(self.trunk).taps

    def maps(self, framed: Framed) -> list[NDArray[np.float32]]:
        """Feature maps of one framed image, each (channels, rows, columns)."""
        trunk = frozen_trunk(self.trunk, self.taps, weights=self.weights, device=self.device)
        return trunk.maps(self.network_input(framed))

    def weights_of(self, framed: Framed, maps: list[NDArray[np.float32]]) -> list[NDArray[np.float64]]:
        """How much each place of each map counts in the average; adds up to 1 for each map."""
        region = framed.region if self.pooling == "breast" else np.ones_like(framed.region)
        return [shrunk_to(region, layer.shape[1:]) for layer in maps]

    def encode(self, recording: Recording) -> Arrays:
        """Features of one recording."""
        framed = self.framed(recording)
        maps = self.maps(framed)
        return {"features": pooled(maps, self.weights_of(framed, maps))}


class PreparedImage(_Framing):
    """The framed image with 8 bits for each pixel: ``image``, uint8, shape (rows, columns)."""

    name: ClassVar[str] = "breast-prepared-image"

    def encode(self, recording: Recording) -> Arrays:
        """The prepared image of one recording."""
        return {"image": to_bytes(self.framed(recording).image)}


def to_bytes(image: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Grey levels in [0, 1] as 8 bits."""
    return np.rint(image * 255).astype(np.uint8)


def network_input(image: NDArray[np.float32], trunk: str) -> NDArray[np.float32]:
    """Grey levels in [0, 1], shape (rows, columns), scaled as `trunk` wants them and thrice: (3, rows, columns)."""
    scaling = trunk_named(trunk)
    scaled = (image - np.float32(scaling.mean)) / np.float32(scaling.deviation)
    return np.broadcast_to(scaled, (3, *image.shape)).copy()


def pooled(maps: list[NDArray[np.float32]], weights: list[NDArray[np.float64]]) -> NDArray[np.float32]:
    """Weighted means of every channel of every map, shape (channels of all maps,)."""
    # einsum adds in a fixed order; a matrix product's order depends on the number of threads.
    means = [np.einsum("crk,rk->c", layer, weight) for layer, weight in zip(maps, weights, strict=True)]
    return np.concatenate(means).astype(np.float32)


class StageMaps(_OnTrunk):
    """Maps behind a frozen early stage of a trunk, of the image itself and of changed copies of it.

    Gives ``maps``, float16, shape (1 + copies, channels, rows, columns); the first is the unchanged image. The copies
    are drawn from the image's own pixels, so that they are the same in every fold and on every machine.
    """

    name: ClassVar[str] = "breast-stage-maps"

    #: The last frozen layer.
    until: str
    copies: Annotated[int, Field(ge=0, le=64)] = 4
    augmentation: Augmentation = Augmentation()

    @model_validator(mode="after")
    def _known_stage(self) -> StageMaps:
        check_layers(self.trunk, (self.until,), "until")
        return self

    def encode(self, recording: Recording) -> Arrays:
        """Maps of one recording and of its changed copies."""
        image = self.framed(recording).image
        generator = np.random.default_rng([zlib.crc32(to_bytes(image).tobytes())])
        changed = (self.augmentation.apply(image, generator) for _ in range(self.copies))
        return {"maps": np.stack([self.stage_map(variant) for variant in (image, *changed)])}

    def stage_map(self, image: NDArray[np.float32]) -> NDArray[np.float16]:
        """The map of one framed image, float16, shape (channels, rows, columns)."""
        trunk = frozen_trunk(self.trunk, (self.until,), weights=self.weights, device=self.device)
        found = trunk.maps(network_input(image, self.trunk))[0]
        return np.clip(found, -_LARGEST_HALF, _LARGEST_HALF).astype(np.float16)


def check_layers(trunk: str, layers: tuple[str, ...], where: str) -> None:
    """Refuse layers that the trunk does not have, or that are not in its order.

    Raises
    ------
    InputError
        With the layers that there are.
    """
    known = trunk_named(trunk)
    # The usual layers are known without building the network, which would import torch.
    names = known.taps if set(layers) <= set(known.taps) else known.layers
    unknown = [layer for layer in layers if layer not in names]
    if unknown:
        raise InputError(
            f"trunk {trunk} has no layer {unknown[0]!r}", where=where, cure=f"its layers are {', '.join(names)}"
        )
    if list(layers) != sorted(set(layers), key=names.index):
        raise InputError("layers must be different and in the trunk's order", where=where)
