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
# # Boxes in images
#
# Which network finds the objects in an image best? The data are drawn by the package: 480 images with circles, squares
# and triangles, and their boxes. (Your own: Parquet, or a folder in the form of COCO, Pascal VOC or YOLO, see the guide
# on detection.) The numbers are of a toy: few trials, few epochs, 96 x 96 pixels.

# %%
import warnings

# Optuna remarks that Jupyter's progress bars are not installed; none are drawn here.
warnings.filterwarnings("ignore", message="IProgress not found")

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.patches import Rectangle
from PIL import Image

import nas_tune
import search_spaces
from search_spaces import draw
from trainables.data.boxes.shapes import CLASSES, drawn_shapes

COLOURS = ["#e69f00", "#56b4e9", "#d55e00"]
images, boxes, labels = drawn_shapes(seed=7, count=4)

figure, row = plt.subplots(1, 4, figsize=(9, 2.4))
for axes, image, some, its in zip(row, images, boxes, labels, strict=True):
    axes.imshow(image.transpose(1, 2, 0))
    for (left, top, right, bottom), label in zip(some, its, strict=True):
        frame = Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor=COLOURS[label], linewidth=2)
        axes.add_patch(frame)
        axes.text(left, top - 2, CLASSES[label], color=COLOURS[label], fontsize=8)
    axes.axis("off")

# %% [markdown]
# ## A search
#
# A detector is a backbone, a pyramid that merges its features of several sizes, and a head that tells classes and
# boxes. Here the blocks, the pyramid and the layers of the head are decided. `map50` is the average
# precision over the classes, where a box counts as found if it overlaps a true one by a half.

# %%
space = search_spaces.get(
    "detector",
    stems=[16],
    stages=[2, 2],
    max_width=64,
    max_blocks=1,
    max_pyramid_width=48,
    max_depth=1,
    pyramids=["none", "fpn", "pan"],
    heads=["anchor_free"],
    blocks=["res_3x3", "mb3_3x3", "shuffle_3x3"],
)
run = nas_tune.search(
    space,
    task="detection",
    data="shapes",
    max_trials=3,
    max_epochs=3,
    executor="inline",
    seed=1,
    run_dir="runs/shapes",
    new=True,
)
run.best(3)[["trial", "state", "map50", "map", "parameters", "macs"]]

# %% [markdown]
# The best one, with a picture for each of its parts:

# %%
best = int(run.best()["trial"].item())
draw(run.architecture(best))

# %% [markdown]
# ## On images that nobody has trained on
#
# Three epochs are little. `retrain` trains the winner anew, longer, with the validation images too, and tests it once.
# (By default it trains random networks of the same cost as well, to show what the search was worth.)

# %%
retrained = nas_tune.retrain(run, top=1, seeds=1, epochs=20, baselines=0)
nas_tune.open_run(retrained.path).trials()[["trial", "test_map50", "test_map", "test_ap50_circle"]]

# %% [markdown]
# A trained network takes pictures of any size, and answers with boxes in their pixels. These have not been seen: they
# are drawn with another seed.

# %%
predictor = nas_tune.load(run)
new, _, _ = drawn_shapes(seed=11, count=3)
found = predictor.predict(new)
pd.DataFrame(found[0]).round(2)

# %%
files = predictor.draw(new, "found.png")
figure, row = plt.subplots(1, 3, figsize=(9, 3.2))
for axes, file in zip(row, files, strict=True):
    axes.imshow(Image.open(file))
    axes.axis("off")
