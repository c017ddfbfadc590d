# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A space and a training of your own
#
# The spaces of the field are about images. Here is a task that none of them fits: noisy signals of 48 samples, each
# a sine, a square, a saw or a chirp of any phase and pitch. We declare what a network for it may be, write a
# training, and search. Everything happens in this process, in less than half a minute.

# %%
import warnings

import matplotlib.pyplot as plt
import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional

import nas_tune
from search_spaces import Space, choice, draw, integer, repeat, subset
from trainables import InfeasibleArchitectureError

# Optuna remarks that Jupyter's progress bars are not installed; none are drawn here.
warnings.filterwarnings("ignore", message="IProgress not found")

SHAPES = ("sine", "square", "saw", "chirp")


def signals(count, seed):
    generator = np.random.default_rng(seed)
    labels = generator.integers(len(SHAPES), size=count)
    time = np.linspace(0, 1, 48, endpoint=False)
    pitch, phase = generator.uniform(2, 5, (count, 1)), generator.uniform(0, 1, (count, 1))
    turns = pitch * time + phase
    waves = np.stack(
        [
            np.sin(2 * np.pi * turns),
            np.sign(np.sin(2 * np.pi * turns)),
            2 * (turns % 1) - 1,
            np.sin(2 * np.pi * (turns + pitch * time**2)),
        ]
    )[labels, np.arange(count)]
    noisy = waves + generator.normal(0, 0.6, waves.shape)
    return torch.tensor(noisy, dtype=torch.float32)[:, None], torch.tensor(labels)


train_x, train_y = signals(400, seed=1)
valid_x, valid_y = signals(200, seed=2)
test_x, test_y = signals(1000, seed=3)

figure, axes = plt.subplots(1, 4, figsize=(10, 1.6), sharey=True, layout="constrained")
for number, axis in enumerate(axes):
    axis.plot(train_x[train_y == number][0, 0], linewidth=1)
    axis.set_title(SHAPES[number], fontsize=10)
    axis.set_xticks([])

# %% [markdown]
# ## The space
#
# A space is a tree of plain Python whose leaves are decisions. An option of a `choice` may be a sub-space: only a
# `conv` has a kernel, only a `gru` a direction. `subset` takes k of n; `repeat` decides how many. Two more words:
#
# - `valid` is a rule of your own; nothing that breaks it is ever proposed;
# - `canonical` gives architectures that compute the same one form, so that one of them is trained, not both.

# %%
width = integer(8, 32, step=8)
layer = choice(
    {
        "conv": {"width": width, "kernel": choice(3, 5, 9), "stride": choice(1, 2)},
        "gru": {"width": width, "directions": choice(1, 2)},
        "none": {},
    }
)


def is_quick(tree):
    """At most one recurrent layer: they are slow."""
    return sum("gru" in one for one in tree["layers"]) <= 1


def without_none(tree):
    """A layer that does nothing may stand anywhere, or be left out."""
    return {**tree, "layers": [one for one in tree["layers"] if "none" not in one] or [{"none": {}}]}


space = Space(
    {"layers": repeat(layer, 1, 4), "summaries": subset(["mean", "max", "last"], (1, 2))},
    name="signals",
    valid=is_quick,
    canonical=without_none,
)
for seed in range(3):
    print(space.sample(seed))

# %% [markdown]
# Before anything is trained, look at it: neighbours, the difference of two members, a picture.

# %%
one = space.sample(1)
other = space.mutate(one, rng=3)
print(space.diff(one, other), f"{len(space.neighbors(one))} members are one step from it", sep="\n")
draw(one, other)

# %% [markdown]
# ## The network
#
# An architecture is read like the dict it is.

# %%
SUMMARIES = {
    "mean": lambda signal: signal.mean(2),
    "max": lambda signal: signal.amax(2),
    "last": lambda signal: signal[:, :, -1],
}


class Recurrent(nn.Module):
    """A GRU on (signals, channels, samples), which gives the same kind of tensor."""

    def __init__(self, inputs, width, directions):
        super().__init__()
        self.gru = nn.GRU(inputs, width // directions, batch_first=True, bidirectional=directions == 2)

    def forward(self, signal):
        return self.gru(signal.transpose(1, 2))[0].transpose(1, 2)


class Network(nn.Module):
    """Logits (signals, 4) of signals (signals, 1, samples)."""

    def __init__(self, architecture):
        super().__init__()
        layers, channels = [], 1
        for chosen in architecture["layers"]:
            [(kind, settings)] = chosen.items()
            if kind == "none":
                continue
            width = settings["width"]
            if kind == "conv":
                kernel, stride = settings["kernel"], settings["stride"]
                layers += [nn.Conv1d(channels, width, kernel, stride, kernel // 2), nn.BatchNorm1d(width), nn.ReLU()]
            else:
                layers.append(Recurrent(channels, width, settings["directions"]))
            channels = width
        self.layers, self.summaries = nn.Sequential(*layers), architecture["summaries"]
        self.head = nn.Linear(channels * len(self.summaries), len(SHAPES))

    def forward(self, signal):
        found = self.layers(signal)
        return self.head(torch.cat([SUMMARIES[name](found) for name in self.summaries], 1))


Network(one)(train_x[:5]).shape

# %% [markdown]
# ## The training: a function
#
# The shortest training is a generator that yields one dict of metrics an epoch. The search decides how long it
# listens. What does not make a network may say so: `InfeasibleArchitectureError` is an answer that strategies
# understand, not a failure of the search.


# %%
def accuracy(network, signal, labels):
    network.eval()
    with torch.no_grad():
        return (network(signal).argmax(1) == labels).float().mean().item()


def train_epoch(network, optimizer, generator):
    network.train()
    for rows in torch.randperm(len(train_x), generator=generator).split(16):
        optimizer.zero_grad()
        functional.cross_entropy(network(train_x[rows]), train_y[rows]).backward()
        optimizer.step()


def train(architecture, *, seed, max_epochs):
    if all("none" in chosen for chosen in architecture["layers"]):
        raise InfeasibleArchitectureError("no layer has weights: this is no network")
    torch.manual_seed(seed)
    network = Network(architecture)
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(max_epochs):
        train_epoch(network, optimizer, generator)
        yield {
            "accuracy": accuracy(network, valid_x, valid_y),
            "parameters": sum(p.numel() for p in network.parameters()),
        }


run = nas_tune.search(
    space, train, max_trials=16, max_epochs=4, executor="inline", seed=1, run_dir="runs/signals", new=True
)
run.best(3)[["trial", "state", "epochs", "accuracy", "parameters", "architecture"]]

# %% [markdown]
# ## The training: a class
#
# A function starts anew after a kill. A class with `setup`, `step`, `save` and `load` goes on from its checkpoints,
# and gives its network back. `evaluate` is there for data that the search must not see.


# %%
class SignalClassifier:
    def setup(self, architecture, *, seed, max_epochs):
        torch.manual_seed(seed)
        self.network = Network(architecture)
        self.optimizer = torch.optim.SGD(self.network.parameters(), lr=0.1)
        self.generator = torch.Generator().manual_seed(seed)

    def step(self):
        train_epoch(self.network, self.optimizer, self.generator)
        return {"accuracy": accuracy(self.network, valid_x, valid_y)}

    def evaluate(self, split):
        splits = {"validation": (valid_x, valid_y), "test": (test_x, test_y)}
        return {"accuracy": accuracy(self.network, *splits[split])}

    def save(self, folder):
        order = {"generator": self.generator.get_state()}
        save_file({**self.network.state_dict(), **order}, folder / "state.safetensors")

    def load(self, folder):
        state = load_file(folder / "state.safetensors")
        self.generator.set_state(state.pop("generator"))
        self.network.load_state_dict(state)


kept = nas_tune.search(
    space, SignalClassifier, max_trials=4, max_epochs=3, executor="inline", seed=2, run_dir="runs/kept", new=True
)
print(nas_tune.evaluate(kept, split="test", trainable=SignalClassifier))
