"""A model as a PyTorch module, and as a file of weights beside a module that loads it."""

from __future__ import annotations

import io
import json
from importlib.resources import files
from typing import Any

import numpy as np

from hpsearch import nn
from hpsearch.libraries import load_library
from hpsearch.winner.network import Dense, Described, Normalise, describe

AT_THE_END = '''

# What follows belongs to one model.

import json  # noqa: E402

PLAN: dict[str, Any] = json.loads({plan!r})


def trained() -> Network:
    """Return the network with the weights in the file beside this one."""
    return load(PLAN, Path(__file__).with_name({weights!r}))
'''


def to_torch(model: nn.Model) -> Any:
    """Return a `torch.nn.Module` that computes what the model does, in eval mode.

    It is fed with the numbers that `Model.numbers` gives: see `hpsearch.winner.torch_module.Network`.

    Raises
    ------
    InvalidRequest
        The model has a layer, an activation or a loss that no export knows.
    Misconfigured
        torch is not installed.
    """
    return _module(describe(model))


def weights_and_module(model: nn.Model, name: str) -> tuple[bytes, str]:
    """Return the state dict as `torch.save` writes it, and the Python file that loads it by its name.

    Raises
    ------
    InvalidRequest, Misconfigured
        As `to_torch`.
    """
    torch, network = load_library("torch"), describe(model)
    weights = io.BytesIO()
    torch.save(_module(network).state_dict(), weights)
    module = files("hpsearch.winner").joinpath("torch_module.py").read_text("utf-8")
    plan = json.dumps(network.document(), sort_keys=True)
    return weights.getvalue(), module + AT_THE_END.format(plan=plan, weights=name)


def _module(network: Described) -> Any:
    torch = load_library("torch")
    from hpsearch.winner.torch_module import Network

    module = Network(network.document())
    state = dict(module.state_dict())  # with what batch norm counts, which is 0
    arrays = _prepared(network)
    for number in range(network.networks):
        arrays |= _layers(network, number)
    state |= {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}
    module.load_state_dict(state)
    return module.eval()


def _prepared(network: Described) -> dict[str, Any]:
    """Return the arrays before the layers by their names in the module."""
    own = {name.rpartition(".")[::2]: array for name, array in network.tensors().items()}
    return {f"prepare.{rest}": a for (of, rest), a in own.items() if of in ("", "encoding")}


def _layers(network: Described, number: int) -> dict[str, Any]:
    """Return the arrays of one network: a weight of torch is (outputs, inputs)."""
    arrays: dict[str, Any] = {}
    for place, step in enumerate(network.steps):
        if isinstance(step, Dense):
            at = f"networks.{number}.{place}_dense"
            arrays[f"{at}.weight"] = step.weight[number].T
            if step.bias is not None:
                arrays[f"{at}.bias"] = step.bias[number]
        if isinstance(step, Normalise):
            at = f"networks.{number}.{place}_batch_norm"
            parts = {"weight": step.gamma, "bias": step.beta,
                     "running_mean": step.mean, "running_var": step.variance}  # fmt: skip
            arrays |= {f"{at}.{name}": array[number] for name, array in parts.items()}
    return arrays
