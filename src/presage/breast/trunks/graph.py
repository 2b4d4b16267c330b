"""A frozen network as an ONNX graph with batch normalisation folded into the convolutions.

torch.fx gives the network's operations; the handful that trunks consist of are written down one by one. Against
PyTorch's own exporter this needs no further package and gives the same bytes for the same weights.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import fx, nn

from presage.breast.trunks.layers import SameConv2d, TrunkNetwork
from presage.cohort import InputError

_OPSET = 17
# Understood by every ONNX Runtime from 1.13 on.
_IR_VERSION = 8


class _Tracer(fx.Tracer):
    def is_leaf_module(self, module: nn.Module, qualified_name: str) -> bool:
        # Its padding depends on the image's size, which ONNX expresses as one attribute.
        return isinstance(module, SameConv2d) or super().is_leaf_module(module, qualified_name)


class _Tapped(nn.Module):
    """The chain of a trunk from behind layer `after`, giving the maps behind each of the layers `taps`."""

    def __init__(self, network: TrunkNetwork, taps: Sequence[str], after: str | None) -> None:
        super().__init__()
        self.parts = nn.ModuleList()
        for tap in taps:
            self.parts.append(network.cut(after, tap))
            after = tap

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        maps = []
        for part in self.parts:
            x = part(x)
            maps.append(x)
        return tuple(maps)


def onnx_graph(network: TrunkNetwork, taps: Sequence[str], after: str | None = None) -> bytes:
    """A serialised ONNX model: input ``x`` (1, channels, rows, columns), one output per tap named as the layer.

    Parameters
    ----------
    network
        In evaluation mode.
    taps
        Layers whose maps are given, in the chain's order.
    after
        Start behind this layer; at the image where None.
    """
    traced = fx.GraphModule(tapped := _Tapped(network, taps, after).eval(), _Tracer().trace(tapped))
    writer = _Writer(traced)
    outputs = writer.write()
    # Named outputs, whatever the last operation of each part is called.
    nodes = [*writer.nodes, *(helper.make_node("Identity", [o], [t]) for o, t in zip(outputs, taps, strict=True))]
    graph = helper.make_graph(
        nodes,
        "trunk",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, None, None, None])],
        [helper.make_tensor_value_info(tap, TensorProto.FLOAT, [1, None, None, None]) for tap in taps],
        writer.initializers,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], producer_name="presage")
    model.ir_version = _IR_VERSION
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


class _Writer:
    """Writes the operations of a traced trunk as ONNX nodes."""

    def __init__(self, traced: fx.GraphModule) -> None:
        self.traced = traced
        self.modules = dict(traced.named_modules())
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []
        #: ONNX value of each traced operation.
        self.values: dict[fx.Node, str] = {}

    def write(self) -> list[str]:
        """Write every operation; the values of the graph's outputs."""
        for node in self.traced.graph.nodes:
            if node.op == "placeholder":
                self.values[node] = "x"
            elif node.op == "output":
                return [self.values[output] for output in node.args[0]]
            elif node.op == "call_module":
                self._module(node, self.modules[str(node.target)])
            else:
                self._function(node)
        raise AssertionError("a traced graph ends with its output")

    def _add(self, node: fx.Node, operation: str, inputs: list[str], **attributes: Any) -> None:
        self.values[node] = node.name
        self.nodes.append(helper.make_node(operation, inputs, [node.name], **attributes))

    def _constant(self, name: str, array: NDArray[np.float32]) -> str:
        self.initializers.append(numpy_helper.from_array(array, name))
        return name

    def _module(self, node: fx.Node, module: nn.Module) -> None:
        source = node.args[0]
        assert isinstance(source, fx.Node)
        x = self.values[source]
        if isinstance(module, nn.Conv2d):
            self._convolution(node, module, x)
        elif isinstance(module, nn.BatchNorm2d):
            # Already inside the convolution before it.
            assert source.op == "call_module"
            assert isinstance(self.modules[str(source.target)], nn.Conv2d)
            self.values[node] = x
        elif isinstance(module, nn.Identity):
            self.values[node] = x
        elif isinstance(module, nn.ReLU6):
            low = self._constant(f"{node.name}.low", np.array(0, np.float32))
            high = self._constant(f"{node.name}.high", np.array(6, np.float32))
            self._add(node, "Clip", [x, low, high])
        elif isinstance(module, nn.ReLU):
            self._add(node, "Relu", [x])
        elif isinstance(module, nn.MaxPool2d):
            kernel, stride, padding = (_pair(v) for v in (module.kernel_size, module.stride, module.padding))
            self._add(
                node,
                "MaxPool",
                [x],
                kernel_shape=kernel,
                strides=stride,
                pads=padding * 2,
                ceil_mode=int(module.ceil_mode),
            )
        else:
            raise InputError(f"a trunk with a {type(module).__name__} layer cannot be written as ONNX", where=node.name)

    def _convolution(self, node: fx.Node, module: nn.Conv2d, x: str) -> None:
        followers = [user for user in node.users if user.op == "call_module"]
        norms = [norm for user in followers if isinstance(norm := self.modules[str(user.target)], nn.BatchNorm2d)]
        weight, bias = _folded(module, norms[0] if norms else None)
        if isinstance(module, SameConv2d):
            padding: dict[str, Any] = {"auto_pad": "SAME_UPPER"}
        else:
            padding = {"pads": _pair(module.padding) * 2}
        inputs = [x, self._constant(f"{node.name}.weight", weight), self._constant(f"{node.name}.bias", bias)]
        self._add(
            node,
            "Conv",
            inputs,
            kernel_shape=list(module.kernel_size),
            strides=list(module.stride),
            group=module.groups,
            **padding,
        )

    def _function(self, node: fx.Node) -> None:
        if node.target is operator.add:
            self._add(node, "Add", [self.values[node.all_input_nodes[0]], self.values[node.all_input_nodes[1]]])
        elif node.target is torch.cat:
            self._add(node, "Concat", [self.values[part] for part in node.all_input_nodes], axis=1)
        else:
            raise InputError(f"a trunk that calls {node.target} cannot be written as ONNX", where=node.name)


def _pair(value: Any) -> list[int]:
    return [int(v) for v in value] if isinstance(value, tuple) else [int(value)] * 2


def _folded(convolution: nn.Conv2d, norm: nn.BatchNorm2d | None) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weight and bias of a convolution with the normalisation behind it, computed in double precision."""
    weight = convolution.weight.detach().double()
    bias = torch.zeros(len(weight), dtype=torch.float64)
    if convolution.bias is not None:
        bias = convolution.bias.detach().double()
    if norm is not None:
        assert norm.running_mean is not None
        assert norm.running_var is not None
        gain = norm.weight.detach().double() / torch.sqrt(norm.running_var.double() + norm.eps)
        weight = weight * gain[:, None, None, None]
        bias = norm.bias.detach().double() + (bias - norm.running_mean.double()) * gain
    return weight.float().numpy(), bias.float().numpy()
