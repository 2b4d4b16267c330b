"""Frozen trunks: ONNX Runtime gives PyTorch's numbers, and the same bytes whatever the threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from presage.breast.trunks import trunk_named
from presage.breast.trunks.frozen import _frozen_trunk, _OnnxTrunk, frozen_trunk
from presage.breast.trunks.graph import onnx_graph
from presage.breast.trunks.layers import TrunkNetwork
from presage.cohort import InputError


def lively(name: str) -> TrunkNetwork:
    """A trunk whose maps are not near zero: ImageNet weights, or random ones with statistics of their own maps."""
    if name == "efficientnet-lite0":
        return trunk_named(name).load()[0]
    torch.manual_seed(0)
    network = trunk_named(name).build().train()
    with torch.no_grad():
        for _ in range(20):
            network(torch.randn(4, 3, 64, 64))
    return network.eval()


# Odd sizes make the paddings unequal.
@pytest.mark.parametrize("shape", [(96, 64), (75, 101)])
@pytest.mark.parametrize("name", ["efficientnet-lite0", "googlenet"])
def test_onnx_runtime_gives_pytorchs_numbers(name: str, shape: tuple[int, int]) -> None:
    network, taps = lively(name), trunk_named(name).taps
    image = np.random.default_rng(0).normal(size=(3, *shape)).astype(np.float32)
    with torch.inference_mode():
        expected = network.maps(torch.from_numpy(image)[None], taps)
    found = _OnnxTrunk(onnx_graph(network, taps), taps).maps(image)
    for ours, theirs in zip(found, expected, strict=True):
        largest = float(theirs.abs().max())
        assert largest > 0.1
        np.testing.assert_allclose(ours, theirs[0].numpy(), rtol=0, atol=1e-5 * max(1.0, largest))


def test_a_trunk_cut_in_two_is_the_whole() -> None:
    image = np.random.default_rng(1).normal(size=(3, 64, 64)).astype(np.float32)
    whole = frozen_trunk("efficientnet-lite0", ("stage5.3", "head")).maps(image)
    behind = frozen_trunk("efficientnet-lite0", ("head",), after="stage5.3").maps(whole[0])
    np.testing.assert_allclose(behind[0], whole[1], atol=1e-5)


def test_the_same_bytes_whatever_the_threads() -> None:
    trunk = frozen_trunk("efficientnet-lite0", ("stage2.2", "head"))
    generator = np.random.default_rng(2)
    images = [generator.normal(size=(3, 96, 96)).astype(np.float32) for _ in range(12)]
    alone = [[layer.tobytes() for layer in trunk.maps(image)] for image in images]
    with ThreadPoolExecutor(4) as pool:
        together = [[layer.tobytes() for layer in maps] for maps in pool.map(trunk.maps, images)]
    assert together == alone


def test_first_used_by_several_threads_at_once() -> None:
    image = np.zeros((3, 64, 64), dtype=np.float32)
    _frozen_trunk.cache_clear()
    with ThreadPoolExecutor(8) as pool:
        # "stage4.1" is tapped by no other test: nobody has built this trunk yet.
        built = list(pool.map(lambda _: frozen_trunk("efficientnet-lite0", ("stage4.1",)), range(8)))
    assert len({id(trunk) for trunk in built}) == 1
    assert built[0].maps(image)[0].shape == (80, 4, 4)


def test_the_same_graph_for_the_same_weights() -> None:
    network, _ = trunk_named("efficientnet-lite0").load()
    assert onnx_graph(network, ("stem",)) == onnx_graph(network, ("stem",))


def test_half_precision_path_is_near_the_exact_one() -> None:
    # "meta" cannot compute and no GPU is here: the same code runs on torch's CPU device under another name.
    image = np.random.default_rng(3).normal(size=(3, 64, 64)).astype(np.float32)
    exact = frozen_trunk("efficientnet-lite0", ("head",)).maps(image)[0]
    half = frozen_trunk("efficientnet-lite0", ("head",), device="cpu:0").maps(image)[0]
    assert half.shape == exact.shape
    assert np.corrcoef(half.ravel(), exact.ravel())[0, 1] > 0.99
    assert not np.array_equal(half, exact)


def test_a_layer_that_cannot_be_written_is_named() -> None:
    class Odd(TrunkNetwork):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Softmax(dim=1)

        def chain(self) -> list[tuple[str, torch.nn.Module]]:
            return [("layer", self.layer)]

    with pytest.raises(InputError, match="Softmax"):
        onnx_graph(Odd().eval(), ("layer",))
