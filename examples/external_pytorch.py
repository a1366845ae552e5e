"""PyTorch trains, hpsearch decides: python examples/external_pytorch.py URL KEY, as often as you like."""

import sys

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from hpsearch.client import Client, external

SPEC = {
    "objective": "external", "name": "digits with PyTorch", "rounds": 3, "trials_per_round": 8,
    "space": {"lr": {"low": 1e-4, "high": 1.0, "scale": "log"},
              "units": {"low": 8, "high": 128, "scale": "log", "integer": True}},
    "epochs": {"first": 1, "last": 4}, "final": {"models": 3}}  # fmt: skip
x, y = (torch.tensor(part) for part in load_digits(return_X_y=True))
rest, test = train_test_split(torch.arange(len(y)), test_size=0.2, random_state=0, stratify=y)
fit, validation = train_test_split(rest, test_size=0.2, random_state=0, stratify=y[rest])


def train(order):
    torch.manual_seed(order.seed)
    lr, size = order.params["lr"], order.params["units"]
    net = torch.nn.Sequential(torch.nn.Linear(64, size), torch.nn.ReLU(), torch.nn.Linear(size, 10))
    optimizer = torch.optim.SGD(net.parameters(), lr=lr, momentum=0.9)
    known, unseen = (rest, test) if order.kind == "final" else (fit, validation)
    while True:
        for batch in known[torch.randperm(len(known))].split(32):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(net(x[batch].float() / 16), y[batch]).backward()
            optimizer.step()
        yield (net(x[unseen].float() / 16).argmax(1) == y[unseen]).float().mean().item()


with Client(*sys.argv[1:3]) as client:
    search = sys.argv[3] if len(sys.argv) > 3 else client.submit(SPEC).id
    print(search, external.run(client, search, train).state)
    print(client.result(search).model_dump_json(indent=1))
