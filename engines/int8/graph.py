"""An ONNX graph, by who makes and who reads each tensor."""

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper


class Graph:
    """A view of a model's graph. Nodes that are changed are the model's own."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self.nodes: list[onnx.NodeProto] = list(model.graph.node)
        self.makers: dict[str, onnx.NodeProto] = {
            name: node for node in self.nodes for name in node.output
        }
        self.inputs: dict[str, onnx.ValueInfoProto] = {one.name: one for one in model.graph.input}
        self.outputs: frozenset[str] = frozenset(one.name for one in model.graph.output)
        self._constants = {one.name: one for one in model.graph.initializer}
        self._readers: dict[str, list[onnx.NodeProto]] = {}
        for node in self.nodes:
            for name in node.input:
                self._readers.setdefault(name, []).append(node)

    def of_kind(self, *kinds: str) -> list[onnx.NodeProto]:
        """The nodes of these operators, in order."""
        return [node for node in self.nodes if node.op_type in kinds]

    def maker(self, tensor: str) -> onnx.NodeProto:
        """Who makes a tensor. KeyError: it is a constant or an input."""
        return self.makers[tensor]

    def readers(self, tensor: str) -> list[onnx.NodeProto]:
        """Who reads a tensor."""
        return self._readers.get(tensor, [])

    def constant(self, name: str) -> npt.NDArray[np.generic] | None:
        """A constant's value; None if the tensor is none."""
        found = self._constants.get(name)
        return None if found is None else numpy_helper.to_array(found)

    def is_of_constant(self, node: onnx.NodeProto) -> bool:
        """Whether a Q or DQ node is about a constant: a weight, or a DQ of its Q."""
        source = node.input[0]
        maker = self.makers.get(source)
        if maker is not None and maker.op_type == "QuantizeLinear":
            source = maker.input[0]
        return source in self._constants
