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
# # The first search
#
# A search needs three things: a **space** (what an architecture may be), a **trainable** (what one is worth) and a
# **strategy** (what to try next). This notebook runs two: one over a space of its own, in this process and then on two
# workers of Ray; and one over real convolutional networks. Together they take about half a minute.
# All it writes goes to `runs/` beside it.

# %%
import logging
import warnings

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

import nas_tune
import search_spaces
from search_spaces import Space, choice, integer, real, repeat

# Optuna and Ray remark that Jupyter's progress bars are not installed; none are drawn here.
warnings.filterwarnings("ignore", message="IProgress not found")
logging.getLogger("ray.widgets.util").setLevel(logging.WARNING)

# %% [markdown]
# ## A space
#
# `nb201` is the cell of NAS-Bench-201: six edges, five operations each. Architectures are plain values. Cells that
# compute the same share an `id`, so none is trained twice.

# %%
nb201 = search_spaces.get("nb201")
cell = nb201.sample(7)
print(*search_spaces.names())
print(f"nb201: {nb201.size:,} cells, {len(nb201.neighbors(cell))} of them one step from this one:")
print(nb201.to_string(cell), cell.id)
search_spaces.draw(cell)

# %% [markdown]
# ## A space and a training of your own
#
# A space is a tree whose leaves are decisions. A training is a function that yields one dict of metrics an epoch.
# The search decides when to stop it. What the function uses of this notebook travels with it to the workers.

# %%
space = Space(
    {
        "layers": repeat({"width": integer(8, 64, step=8)}, 1, 3),
        "activation": choice("relu", "tanh", "logistic"),
        "rate": real(1e-4, 1e-1, log=True),
    },
    name="mlp",
)
images, digits = load_digits(return_X_y=True)
train_x, valid_x, train_y, valid_y = train_test_split(images / 16, digits, stratify=digits, random_state=0)


def train(architecture, *, seed, max_epochs):
    widths = [layer["width"] for layer in architecture["layers"]]
    network = MLPClassifier(
        widths, activation=architecture["activation"], learning_rate_init=architecture["rate"], random_state=seed
    )
    for _ in range(max_epochs):
        network.partial_fit(train_x, train_y, classes=range(10))
        yield {"accuracy": network.score(valid_x, valid_y)}


# %% [markdown]
# ## Searching
#
# `inline` runs one trial after the other in this process. `asha` stops the weaker trials after 1 and 3 of 9 epochs.
# A stopped trial is *pruned*: its value was reached with less training and ranks below every complete one.

# %%
keys = {"scheduler": "asha", "max_trials": 24, "max_epochs": 9, "executor": "inline", "seed": 1, "new": True}
by_chance = nas_tune.search(space, train, strategy="random", run_dir="runs/mlp-random", **keys)
evolved = nas_tune.search(
    space, train, strategy={"name": "evolution", "population": 8, "sample": 3}, run_dir="runs/mlp-evolution", **keys
)
print(by_chance, evolved, sep="\n")

# %% [markdown]
# One seed and 24 trials do not tell which strategy is the better one; they show what a result looks like.

# %%
evolved.best(5)[["trial", "state", "epochs", "value", "arch.layers", "arch.activation", "arch.rate"]]

# %% [markdown]
# ## Results are tables
#
# `run.trials()` has a row a trial and `run.epochs()` a row an epoch, typed alike whether full or empty, and readable
# from another process while the search runs. SQL (DuckDB's) reaches both.

# %%
evolved.trials().groupby("state")[["epochs", "seconds"]].sum()

# %%
evolved.query("""
    SELECT epoch, count(*) AS trials, round(max(accuracy), 3) AS best, bar(max(accuracy), 0, 1, 30) AS plot
    FROM epochs GROUP BY epoch ORDER BY epoch
""")

# %% [markdown]
# ## Going on
#
# `max_trials` is the total of a run. Raise it and resume: after the end, or after a Ctrl-C, a crash or a lost
# machine. What runs where may change too: the new trials run on two workers of Ray. `train` is given again
# because a function of a notebook cannot be imported.

# %%
evolved = nas_tune.resume(evolved.path, trainable=train, max_trials=36, executor="ray", workers=2)
evolved.query("""
    SELECT if(contains(node, '/'), 'workers of Ray', 'this process') AS place,
           count(DISTINCT trial) AS trials, count(*) AS epochs, round(max(accuracy), 3) AS best
    FROM epochs GROUP BY place ORDER BY min(time)
""")

# %% [markdown]
# ## Real networks
#
# The same call with registered names: cells of `nb201`, one a stage, stacked into a network and trained with PyTorch on
# scikit-learn's 1,797 handwritten digits. Six trials of three epochs keep this short. `make demo` does the longer one.

# %%
task = {"name": "image_classifier", "channels": 8, "cells": 1}
run = nas_tune.search("nb201", task, max_trials=6, max_epochs=3, executor="inline", seed=7, new=True)
run.best(3)[["trial", "state", "epochs", "accuracy", "parameters", "macs", "seconds"]]

# %% [markdown]
# `accuracy` is on the validation images, by which the winner was chosen, so it flatters. The test images
# were seen by no trial:

# %%
print(f"{run.evaluate(split='test')['accuracy']:.1%} of the test images, three epochs of training")

# %% [markdown]
# ## Taking the network home
#
# The winner as it stood after its last epoch: an ordinary `nn.Module` with its weights, for anything that PyTorch can
# do. It expects images as the training saw them, scaled to 0..1 and normalised.

# %%
network = nas_tune.trained(run).network.eval()
torch.save(network.state_dict(), run.path / "winner.pt")
print(f"{sum(p.numel() for p in network.parameters()):,} parameters in {len(list(network.modules()))} modules")
network(torch.zeros(2, 1, 8, 8)).shape

# %% [markdown]
# From here: `nas-tune search CONFIG.toml` does the same from the command line (`notebooks/digits.toml` is an example),
# and `nas_tune.open_run(path)` reads any run again.
