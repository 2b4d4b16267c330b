"""The networks are the published ones: sizes, names, and what they see in photographs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from presage.breast.trunks import TRUNK_NAMES, trunk_named
from presage.breast.trunks.efficientnet_lite import SCALINGS, EfficientNetLite, own_name
from presage.breast.trunks.googlenet_network import GoogLeNetNetwork
from presage.breast.trunks.layers import SameConv2d, count_parameters
from presage.cohort import InputError

PALACE, DAISY, MILITARY_UNIFORM = 698, 985, 652


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("googlenet", 6_624_904),
        ("efficientnet-lite0", 4_652_008),
        ("efficientnet-lite1", 5_416_680),
        ("efficientnet-lite2", 6_092_072),
    ],
)
def test_parameter_counts(name: str, parameters: int) -> None:
    assert count_parameters(trunk_named(name).build()) == parameters


def test_googlenet_names_and_shapes_are_torchvisions() -> None:
    state = GoogLeNetNetwork().state_dict()
    published = {
        "conv1.conv.weight": (64, 3, 7, 7),
        "conv1.bn.running_var": (64,),
        "conv3.conv.weight": (192, 64, 3, 3),
        "inception3a.branch1.conv.weight": (64, 192, 1, 1),
        "inception3a.branch2.0.conv.weight": (96, 192, 1, 1),
        "inception3a.branch2.1.bn.weight": (128,),
        "inception3a.branch3.1.conv.weight": (32, 16, 3, 3),
        "inception4d.branch2.1.conv.weight": (288, 144, 3, 3),
        "inception5b.branch4.1.conv.weight": (128, 832, 1, 1),
        "fc.weight": (1000, 1024),
    }
    assert {key: tuple(state[key].shape) for key in published} == published
    # 57 convolutions with six tensors each, and the classification layer's two.
    assert len(state) == 57 * 6 + 2


@pytest.mark.parametrize(("size", "kernel", "stride"), [(9, 3, 2), (10, 3, 2), (10, 5, 2), (7, 5, 1)])
def test_same_padding_is_tensorflows(size: int, kernel: int, stride: int) -> None:
    convolution = SameConv2d(1, 1, kernel, stride=stride, bias=False)
    convolution.weight.data.fill_(1.0)
    image = torch.zeros(1, 1, size, size)
    image[..., -1, -1] = 1
    found = convolution(image)[0, 0]
    assert found.shape == (-(-size // stride),) * 2
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    # The last pixel is seen by the windows that reach it: more padding below than above.
    reached = [start for start in range(found.shape[0]) if start * stride - total // 2 + kernel > size - 1]
    assert [int(i) for i in torch.nonzero(found[:, -1])[:, 0]] == reached


def photographs() -> dict[int, np.ndarray]:
    """Real photographs that installed packages bring, by the ImageNet class that they show."""
    import cv2
    import matplotlib
    from sklearn.datasets import load_sample_image

    hopper = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
    return {
        PALACE: load_sample_image("china.jpg"),
        DAISY: load_sample_image("flower.jpg"),
        MILITARY_UNIFORM: cv2.imread(str(hopper))[..., ::-1],
    }


def test_lite0_names_what_photographs_show() -> None:
    import cv2

    trunk = trunk_named("efficientnet-lite0")
    network, _ = trunk.load()
    for wanted, photograph in photographs().items():
        side = min(photograph.shape[:2])
        top, left = ((length - side) // 2 for length in photograph.shape[:2])
        square = cv2.resize(photograph[top : top + side, left : left + side], (224, 224), interpolation=cv2.INTER_AREA)
        x = (torch.from_numpy(square).float() / 255 - trunk.mean) / trunk.deviation
        with torch.inference_mode():
            assert int(network(x.permute(2, 0, 1)[None]).argmax()) == wanted


@pytest.mark.parametrize("name", TRUNK_NAMES)
def test_chain_cut_and_maps_agree(name: str) -> None:
    trunk = trunk_named(name)
    network = trunk.build()
    x = torch.randn(1, 3, 96, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        maps = network.maps(x, trunk.taps)
        first = trunk.taps[0]
        begun = network.cut(until=first)(x)
        torch.testing.assert_close(begun, maps[0])
        last = network.cut(after=first)(begun)
        torch.testing.assert_close(network.maps(x, trunk.layers[-1:])[0], last)
        logits = network.get_submodule(network.classifier_name)(last.mean(dim=(2, 3)))
        torch.testing.assert_close(network(x), logits)
    assert len(maps) == len(trunk.taps)
    assert last.shape[-2:] == (96 // trunk.stride, 64 // trunk.stride)


def test_port_names_cover_every_tensor() -> None:
    network = EfficientNetLite(SCALINGS["efficientnet-lite0"])
    state = network.state_dict()
    assert own_name("_blocks.3._bn1.running_mean") == "blocks.3.depthwise.norm.running_mean"
    assert own_name("_bn0.weight") in state
    assert own_name("_bn1.weight") == "head.norm.weight"
    assert all(own_name(key) == key for key in state)


def test_unknown_trunk_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'googlenet'"):
        trunk_named("googlnet")
