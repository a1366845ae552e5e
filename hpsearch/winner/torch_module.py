"""A network that hpsearch trained, as a PyTorch module. This file needs torch alone.

n   examples      S   columns or features      F   inputs of the networks      M   networks      K   outputs

    network = Network(PLAN); network.load_state_dict(torch.load("winner.pt", weights_only=True)); network.eval()

`PLAN` says the steps and the classes. Weights are float32, in torch's own layout. What is fed, and what was
made of dates and words before, stands in PLAN["input"].
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

FAR = 1e9  # scaled numbers beyond are as good as it


class Network(nn.Module):
    """Networks that answer with their mean.

    Fed with x (n, S) in float32, or in float64 where numbers are subtracted first, it answers probabilities
    (n, K) in the order of `classes`, or in a regression numbers (n, K) in the units of the target, in
    float64.
    """

    def __init__(self, plan: Mapping[str, Any]) -> None:
        super().__init__()
        self.plan, self.classes = plan, list(plan["classes"])
        tensors, steps = plan["tensors"], {step["kind"]: step for step in plan["steps"]}
        self.prepare = Prepare(steps, tensors)
        layers = [step for step in plan["steps"] if step["kind"] in _LAYERS]
        self.networks = nn.ModuleList(_network(layers) for _ in range(plan["networks"]))
        self.target = steps.get("target")

    def logits(self, x: Tensor) -> Tensor:
        """(M, n, K) outputs of each network: for cross-entropy, or standardised numbers."""
        h = self.prepare(x)
        return torch.stack([network(h) for network in self.networks])

    def forward(self, x: Tensor) -> Tensor:
        """(n, K) probabilities, or numbers."""
        outputs = self.logits(x)
        if self.classes:
            return outputs.softmax(dim=-1).mean(dim=0)
        if self.target is not None:
            outputs = outputs.double() * self.target["scale"] + self.target["shift"]
        return outputs.mean(dim=0)


class Prepare(nn.Module):
    """The step from numbers (n, S) to inputs (n, F): shift and scale, gaps, categories."""

    def __init__(self, steps: Mapping[str, Any], tensors: Mapping[str, Any]) -> None:
        super().__init__()
        self.encode, self.subtracts = steps.get("encode", {}), "subtract" in steps
        for name, tensor in tensors.items():
            own, _, rest = name.rpartition(".")
            if own in ("", "encoding"):
                empty = torch.zeros(tensor["shape"], dtype=getattr(torch, tensor["dtype"]))
                self.register_buffer(rest, empty)

    def forward(self, x: Tensor) -> Tensor:
        """(n, F) the inputs of the networks."""
        if self.subtracts:
            x = x.double() - self.offset
        h = (x.float() - self.shift) * self.scale
        return self._encoded(h) if self.encode else h

    def _encoded(self, h: Tensor) -> Tensor:
        smooth, z = self.encode["smooth"], h[:, self.numbers]
        gap = z.isnan()
        z = z.masked_fill(gap, 0)
        far = z[:, :smooth].clamp(-FAR, FAR)
        near = far / torch.sqrt(far * far * (1 / 9) + 1)
        shown = (gap[:, self.gaps] & self.live).float()
        return torch.cat([near, z[:, smooth:], shown, self._slots(h)], dim=1)

    def _slots(self, h: Tensor) -> Tensor:
        """(n, ...) a single 1 for each category, in the slot of its level."""
        first = len(self.numbers) + len(self.gaps)
        slots = h.new_zeros(len(h), self.encode["width"] - first)
        codes, sizes = h[:, self.categories], self.levels + 2
        missing = codes.isnan()
        code = codes.masked_fill(missing, 0).clamp(min=0).minimum(self.levels.float()).long()
        code = torch.where(missing, self.levels + 1, code) + sizes.cumsum(0) - sizes
        return slots.scatter(1, self.slots[code] - first, 1.0)


class Waves(nn.Module):
    """All values, then for each frequency the cosines and the sines of some of them."""

    def __init__(self, step: Mapping[str, Any]) -> None:
        super().__init__()
        self.waved = slice(step["first"], step["first"] + step["numbers"])
        self.waves = list(zip(step["frequencies"], step["heights"], strict=True))

    def forward(self, h: Tensor) -> Tensor:
        """(n, values + 2 * frequencies * numbers) the values and their waves."""
        some = h[:, self.waved]
        turns = ((w * some, a) for w, a in self.waves)
        waves = [a * wave for turned, a in turns for wave in (turned.cos(), turned.sin())]
        return torch.cat([h, *waves], dim=1)


_ACTIVATIONS = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh}
_LAYERS = {
    "dense": lambda step: nn.Linear(step["inputs"], step["units"], bias="bias" in step),
    "batch_norm": lambda step: nn.BatchNorm1d(step["units"], eps=step["eps"]),
    "activation": lambda step: _ACTIVATIONS[step["name"]](),
    "waves": Waves,
}


def _network(steps: list[Mapping[str, Any]]) -> nn.Sequential:
    """One network; a layer's name is its place and its kind: 0_dense, 1_batch_norm, ..."""
    named = [(f"{i}_{step['kind']}", _LAYERS[step["kind"]](step)) for i, step in enumerate(steps)]
    return nn.Sequential(OrderedDict(named))


def load(plan: Mapping[str, Any], file: str | Path) -> Network:
    """Return the network of a plan with the weights in a file, ready to answer."""
    network = Network(plan)
    network.load_state_dict(torch.load(file, weights_only=True))
    network.eval()
    return network
