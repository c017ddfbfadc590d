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
# # From the winner to ONNX
#
# A search is worth what comes out of it. Here a small one ends; its winner is trained from scratch, tested once, and
# leaves as files that need neither nas_tune nor this notebook. (On the command line: `nas-tune retrain`, `nas-tune
# export`.) The numbers are of a toy: few trials, few epochs, 8 x 8 pixels.

# %%
import subprocess
import sys
import warnings

# Optuna remarks that Jupyter's progress bars are not installed; none are drawn here.
warnings.filterwarnings("ignore", message="IProgress not found")

import numpy as np
import onnxruntime
import pandas as pd
import torch
from IPython.display import Markdown

import nas_tune
from search_spaces import draw
from trainables.data import DataSettings, load_images

run = nas_tune.search(
    "nb201",
    {"name": "image_classifier", "channels": 4, "cells": 1, "batch_size": 32},
    max_trials=5,
    max_epochs=3,
    executor="inline",
    seed=3,
    run_dir="runs/winner",
    new=True,
)
run.best(3)[["trial", "state", "accuracy", "parameters", "macs"]]

# %%
draw(run.architecture(int(run.best()["trial"].item())))

# %% [markdown]
# ## Trained from scratch, and honestly
#
# The search trained briefly, on a part of the images, and chose the best of many: its figure flatters. `retrain`
# trains the winner anew on all but the test images with the full recipe, from several seeds, tests once, and does the
# same with a random architecture of the same cost. A retraining is a run itself, in `runs/winner/retrain`.

# %%
retrained = nas_tune.retrain(run, top=1, seeds=2, epochs=5)
Markdown(retrained.honesty.text())

# %% [markdown]
# ## Files
#
# Each file is loaded in a fresh interpreter, and its outputs are compared with the network's, before `export` returns.
# (`pt2`, the program of `torch.export`, is the fourth format.)

# %%
export = nas_tune.export(run, formats=["safetensors", "py", "onnx"])
print(*sorted(path.name for path in export.folder.iterdir()), sep="\n")

# %% [markdown]
# `model.py` imports torch and nothing else, and is made to be read; a part of it:

# %%
source = (export.folder / "model.py").read_text()
print(source[source.index("class Nb201Cell") : source.index("def normalize")].rstrip())

# %% [markdown]
# It runs by itself, in another interpreter:

# %%
code = "import model, torch; network = model.load(); print(network(torch.zeros(3, 1, 8, 8)).shape)"
answer = subprocess.run([sys.executable, "-c", code], cwd=export.folder, capture_output=True, text=True, check=True)
print(answer.stdout)

# %% [markdown]
# ## ONNX
#
# The batch is dynamic, and the file standardizes its inputs: it takes pixels as the data set has them. Its metadata say
# so, and name the classes. The same test images through both:

# %%
data = load_images(DataSettings("digits"), torch.device("cpu"))
pixels, labels = data.test.images, data.test.labels.numpy()
session = onnxruntime.InferenceSession(export.folder / "model.onnx")
[into] = session.get_inputs()
print(into.name, into.shape, into.type)
print(session.get_modelmeta().custom_metadata_map["normalization"])

network = retrained.trained().network
with torch.no_grad():
    by_torch = network(data.normalize(pixels)).numpy()
[by_onnx] = session.run(None, {into.name: pixels.numpy().astype("float32")})
print(f"greatest difference of {by_onnx.size:,} outputs: {np.abs(by_torch - by_onnx).max():.1e}")
print(f"accuracy on the test split: torch {(by_torch.argmax(1) == labels).mean():.4f}, ", end="")
print(f"onnxruntime {(by_onnx.argmax(1) == labels).mean():.4f}")

# %% [markdown]
# ## The model card
#
# Beside the files lies `README.md`: what the network is, how it was found, on which data, how good it is with
# which spread, and what was not measured. Its part on metrics:

# %%
card = export.card.read_text()
Markdown(card[card.index("## Metrics") : card.index("## Files")])

# %%
pd.DataFrame(
    [(one.format, one.bytes, one.difference, one.tolerance) for one in export.formats],
    columns=["format", "bytes", "difference", "tolerance"],
).set_index("format")
