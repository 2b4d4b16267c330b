"""A frozen trunk ready to run: ONNX Runtime on CPUs, bfloat16 channels-last PyTorch on GPUs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from presage.breast.trunks.device import check_device
from presage.breast.trunks.trunk import trunk_named
from presage.breast.trunks.weights import weights_digest

Maps = list[NDArray[np.float32]]
_BUILDING = Lock()


class FrozenTrunk(Protocol):
    """Gives the feature maps of one image at a time; safe to call from several threads."""

    def maps(self, image: NDArray[np.float32]) -> Maps:
        """Maps of one image or earlier map, shape (channels, rows, columns), each (channels, rows, columns)."""


def frozen_trunk(
    name: str, taps: Sequence[str], *, weights: str | None = None, device: str = "cpu", after: str | None = None
) -> FrozenTrunk:
    """The trunk `name` giving the maps behind the layers `taps`; kept for the next caller.

    Parameters
    ----------
    name, weights
        As in a study file.
    taps
        Layers in the chain's order.
    device
        ``cpu``: ONNX Runtime, float32, one thread for each image. Otherwise a torch device: bfloat16, so the numbers
        differ from the CPU's in the third digit, and an encoder's identity must name the precision.
    after
        Start behind this layer instead of at the image.
    """
    digest = weights_digest(name, weights)
    # Tracing changes torch's modules for all threads while it lasts.
    with _BUILDING:
        return _frozen_trunk(name, tuple(taps), weights, digest, device, after)


@lru_cache(maxsize=8)
def _frozen_trunk(
    name: str, taps: tuple[str, ...], weights: str | None, digest: str, device: str, after: str | None
) -> FrozenTrunk:
    if device != "cpu":
        check_device(device)
    network, _ = trunk_named(name).load(Path(weights) if weights else None)
    if device == "cpu":
        from presage.breast.trunks.graph import onnx_graph

        return _OnnxTrunk(onnx_graph(network, taps, after), taps)
    return _TorchTrunk(network, taps, after, device)


class _OnnxTrunk:
    """One image and one thread per run, so that the bytes depend on neither; callers have several runs at once."""

    def __init__(self, graph: bytes, taps: tuple[str, ...]) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self.taps = list(taps)

    def maps(self, image: NDArray[np.float32]) -> Maps:
        outputs: Any = self.session.run(self.taps, {"x": image[None]})
        return [output[0] for output in outputs]


class _TorchTrunk:
    def __init__(self, network: Any, taps: tuple[str, ...], after: str | None, device: str) -> None:
        import torch

        from presage.breast.trunks.layers import half_precision

        self.torch = torch
        self.device, self.type = device, half_precision(device)
        self.parts = []
        for tap in taps:
            self.parts.append(
                network.cut(after, tap).to(device=device, dtype=self.type, memory_format=torch.channels_last)
            )
            after = tap

    def maps(self, image: NDArray[np.float32]) -> Maps:
        torch = self.torch
        with torch.inference_mode():
            x = torch.from_numpy(image[None]).to(device=self.device, dtype=self.type)
            x = x.contiguous(memory_format=torch.channels_last)
            found = []
            for part in self.parts:
                x = part(x)
                found.append(x[0].float().contiguous().cpu().numpy())
        return found
