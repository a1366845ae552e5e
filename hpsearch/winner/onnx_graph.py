"""A model as an ONNX graph: from the numbers that our own model takes to its answer.

n   examples      S   stored columns or features      F   inputs      M   networks      K   outputs

The graph has one input, `x` (n, S). A classification answers `label` (n,) and `probabilities` (n, K), a
regression `value` (n, K), in the units of the target. The operators are those of `OPSET` in ONNX's own domain.
"""

from __future__ import annotations

import json
from importlib import metadata
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hpsearch import nn
from hpsearch.encoding import Encoding
from hpsearch.libraries import load_library
from hpsearch.nn.encoding import FAR, NINTH
from hpsearch.winner.network import Activate, Dense, Described, Normalise, Step, describe

OPSET: Final = 17  # of 2022: every operator below has it, and so has every runtime in use
IR: Final = 8  # the layout of the file that came with it

FUNCTIONS: Final = {"relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh"}


def to_onnx(model: nn.Model) -> Any:
    """Return an `onnx.ModelProto` that computes what the model does.

    Raises
    ------
    InvalidRequest
        The model has a layer, an activation or a loss that no export knows.
    Misconfigured
        onnx is not installed.
    """
    onnx, network = load_library("onnx"), describe(model)
    graph = _Graph(onnx, network)
    inputs = graph.inputs()
    for step in network.steps:
        inputs = graph.step(step, inputs)
    outputs = graph.answer(inputs)
    number = onnx.TensorProto.DOUBLE if network.offset is not None else onnx.TensorProto.FLOAT
    x = onnx.helper.make_tensor_value_info("x", number, ["n", len(model.shift)])
    made = onnx.helper.make_model(
        onnx.helper.make_graph(graph.nodes, "hpsearch", [x], outputs, graph.constants),
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=IR,
        producer_name="hpsearch",
        producer_version=metadata.version("hpsearch"),
        doc_string=". ".join(network.document()["input"]["before"]),
    )
    onnx.helper.set_model_props(made, {"hpsearch": json.dumps(network.document(), sort_keys=True)})
    return made


class _Graph:
    """Nodes and constants of a graph while it is made; methods return the name of their result."""

    def __init__(self, onnx: Any, network: Described) -> None:
        self._onnx, self._network = onnx, network
        self._several = network.networks > 1
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def inputs(self) -> str:
        """(n, F) the inputs of the networks, of x."""
        model, h = self._network.model, "x"
        if model.offset is not None:
            h = self._add("Sub", h, self._constant("offset", model.offset))
            h = self._cast(h, "FLOAT")
        h = self._add("Sub", h, self._constant("shift", model.shift))
        h = self._add("Mul", h, self._constant("scale", model.scale))
        return h if model.encoding is None else self._encoded(h, model.encoding)

    def step(self, step: Step, h: str) -> str:
        """(n, U) or (M, n, U) the values behind a step."""
        if isinstance(step, Dense):
            h = self._add("MatMul", h, self._weights(f"{step.name}.weight", step.weight))
            if step.bias is None:
                return h
            return self._add("Add", h, self._weights(f"{step.name}.bias", step.bias))
        if isinstance(step, Normalise):
            slope = step.gamma / np.sqrt(step.variance + np.float32(step.eps))
            h = self._add("Sub", h, self._weights(f"{step.name}.mean", step.mean))
            h = self._add("Mul", h, self._weights(f"{step.name}.slope", slope))
            return self._add("Add", h, self._weights(f"{step.name}.beta", step.beta))
        if isinstance(step, Activate):
            return self._add(FUNCTIONS[step.name], h)
        first = self._columns(h, np.arange(step.first, step.first + step.numbers))
        parts = [h]
        for w, a in zip(step.frequencies, step.heights, strict=True):
            turned = self._add("Mul", first, self._constant("frequency", w))
            for function in ("Cos", "Sin"):
                wave = self._add(function, turned)
                parts.append(self._add("Mul", wave, self._constant("height", a)))
        return self._add("Concat", *parts, axis=-1)

    def answer(self, outputs: str) -> list[Any]:
        """Make the outputs of the graph of those of the networks."""
        info, types = self._onnx.helper.make_tensor_value_info, self._onnx.TensorProto
        if not self._network.model.classifies:
            value, number = outputs, types.FLOAT
            if (target := self._network.model.target) is not None:
                value, number = self._cast(value, "DOUBLE"), types.DOUBLE
                scale = self._constant("target.scale", np.float64(target.scale))
                shift = self._constant("target.shift", np.float64(target.shift))
                value = self._add("Add", self._add("Mul", value, scale), shift)
            self._named("value", self._mean(value))
            return [info("value", number, ["n", self._network.outputs])]
        self._named("probabilities", self._mean(self._add("Softmax", outputs, axis=-1)))
        most = self._add("ArgMax", "probabilities", axis=1, keepdims=0)
        labels = self._network.labels
        words = labels.dtype.kind == "U"
        classes = self._constant("classes", labels.astype(object) if words else labels)
        self._named("label", self._add("Gather", classes, most, axis=0))
        return [
            info("label", types.STRING if words else types.INT64, ["n"]),
            info("probabilities", types.FLOAT, ["n", self._network.outputs]),
        ]

    def _encoded(self, h: str, made: Encoding) -> str:
        """(n, F) the inputs of scaled columns (n, S): see `hpsearch.encoding.Encoding`."""
        parts = []
        if made.smooth:
            z = self._filled(self._columns(h, made.numbers[: made.smooth]))
            far = [self._constant("far", np.float32(end)) for end in (-FAR, FAR)]
            z = self._add("Clip", z, *far)
            square = self._add("Mul", z, z)
            square = self._add("Mul", square, self._constant("ninth", np.float32(NINTH)))
            square = self._add("Add", square, self._constant("one", np.float32(1)))
            parts.append(self._add("Div", z, self._add("Sqrt", square)))
        if len(made.numbers) > made.smooth:
            parts.append(self._filled(self._columns(h, made.numbers[made.smooth :])))
        if len(made.gaps):
            gap = self._add("IsNaN", self._columns(h, made.numbers[made.gaps]))
            live = self._constant("live", made.live.astype(np.float32))
            parts.append(self._add("Mul", self._cast(gap, "FLOAT"), live))
        if len(made.categories):
            parts.append(self._slots(h, made, len(made.numbers) + len(made.gaps)))
        return self._add("Concat", *parts, axis=1)

    def _slots(self, h: str, made: Encoding, first: int) -> str:
        """(n, F - first) a single 1 for each category, in the slot of its level."""
        examples = self._add("Gather", self._add("Shape", h), self._integers("zero", [0]), axis=0)
        width = self._integers("width", [made.width - first])
        shape = self._add("Concat", examples, width, axis=0)
        slots = self._filled_with(0, shape)
        levels = made.levels.astype(np.float32)
        codes = self._columns(h, made.categories)
        missing = self._add("IsNaN", codes)
        code = self._add("Min", self._filled(codes), self._constant("levels", levels))
        code = self._add("Max", code, self._constant("least", np.float32(0)))
        gap = self._constant("gap", made.levels.astype(np.int64) + 1)
        code = self._add("Where", missing, gap, self._cast(code, "INT64"))
        starts = np.cumsum(made.levels + 2) - (made.levels + 2)
        code = self._add("Add", code, self._integers("starts", starts))
        places = self._integers("places", made.slots - first)
        at = self._add("Gather", places, code, axis=0)
        ones = self._filled_with(1, self._add("Shape", at))
        return self._add("ScatterElements", slots, at, ones, axis=1)

    def _filled(self, h: str) -> str:
        """Replace NaN by 0."""
        zero = self._constant("nothing", np.float32(0))
        return self._add("Where", self._add("IsNaN", h), zero, h)

    def _filled_with(self, value: float, shape: str) -> str:
        tensor = self._onnx.numpy_helper.from_array(np.array([value], np.float32))
        return self._add("ConstantOfShape", shape, value=tensor)

    def _columns(self, h: str, at: NDArray[Any]) -> str:
        """(..., len(at)) some of the values."""
        return self._add("Gather", h, self._integers("columns", at), axis=-1)

    def _mean(self, h: str) -> str:
        """Average over the networks."""
        return self._add("ReduceMean", h, axes=[0], keepdims=0) if self._several else h

    def _weights(self, name: str, array: NDArray[np.float32]) -> str:
        """Name the arrays (M, ...) of all networks as they are multiplied with (n, U) or (M, n, U)."""
        if not self._several:
            return self._constant(name, array[0])
        return self._constant(name, array if array.ndim == 3 else array[:, None])

    def _integers(self, name: str, values: Any) -> str:
        return self._constant(name, np.asarray(values, np.int64))

    def _constant(self, name: str, array: Any) -> str:
        name = f"{name}:{len(self.constants)}"
        tensor = self._onnx.numpy_helper.from_array(np.asarray(array), name)
        self.constants.append(tensor)
        return name

    def _cast(self, h: str, to: str) -> str:
        return self._add("Cast", h, to=getattr(self._onnx.TensorProto, to))

    def _named(self, name: str, h: str) -> None:
        self.nodes.append(self._onnx.helper.make_node("Identity", [h], [name]))

    def _add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        result = f"{operator}:{len(self.nodes)}"
        node = self._onnx.helper.make_node(operator, list(inputs), [result], **attributes)
        self.nodes.append(node)
        return result
