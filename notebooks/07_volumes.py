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
# # Volumes and masks
#
# Which network marks the regions in a volume best? The data are drawn by the package: 48 small volumes with a body
# and a tip at its end, two of each patient. (Your own: an `.npz` file with scans `x` and masks `y`, or a folder of
# NIfTI files, see the guide on volumes.) The numbers are of a toy: few trials, few epochs, 24 x 24 x 24 voxels.

# %%
import warnings

# Optuna remarks that Jupyter's progress bars are not installed; none are drawn here.
warnings.filterwarnings("ignore", message="IProgress not found")

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.colors import ListedColormap

import nas_tune
from search_spaces import draw
from trainables.data.volumes import VolumeSettings, load_volumes
from trainables.data.volumes.blobs import drawn_blobs

blobs = drawn_blobs(3)
BODY_AND_TIP = ListedColormap(["#e69f00", "#56b4e9"])


def middle(mask):
    """The slice with most of what is marked."""
    return int((mask > 0).sum((1, 2)).argmax())


def show(axes, scan, mask, place, title):
    axes.imshow(scan[place], cmap="gray", vmin=0, vmax=230)
    axes.imshow(np.ma.masked_equal(mask[place], 0), cmap=BODY_AND_TIP, vmin=1, vmax=2, alpha=0.55)
    axes.set_title(title, fontsize=9)
    axes.axis("off")


figure, row = plt.subplots(1, 4, figsize=(9, 2.4))
for number, axes in enumerate(row):
    mask = blobs.masks[2 * number]
    show(axes, blobs.images[2 * number, 0], mask, middle(mask), str(blobs.patients[2 * number]))

# %% [markdown]
# ## A search
#
# The space `unet3d` holds U-Nets: the stride of the stem, levels, widths, operations, joins. A smaller one is enough
# here. The network has at most 60 million multiply-accumulates, so that a fine stem has to pay for itself with less
# of something else. Patients are never on both sides of a split.

# %%
run = nas_tune.search(
    {"name": "unet3d", "widths": [8, 12], "levels": [2, 3], "norms": ["instance"]},
    task="segmentation",
    data="blobs3d",
    limits={"macs": "60M"},
    max_trials=4,
    max_epochs=12,
    executor="inline",
    seed=1,
    run_dir="runs/volumes",
    new=True,
)
run.best(4)[["trial", "state", "dice", "dice_body", "dice_tip", "parameters", "macs"]]

# %%
draw(run.architecture(int(run.best()["trial"].item())))

# %% [markdown]
# `dice` is the primary metric: the mean over the volumes, then over the classes but the background. The distance of
# the surfaces takes longer, and is measured on request alone, here of the test volumes; without a known spacing it is
# in voxels.

# %%
{name: round(value, 3) for name, value in nas_tune.evaluate(run).items()}

# %% [markdown]
# ## Masks
#
# The network of the best trial marks the test volumes. Beside each the truth:

# %%
found = nas_tune.load(run).of_split("test").values
test = load_volumes(VolumeSettings(data="blobs3d"), torch.device("cpu")).test
figure, rows = plt.subplots(2, 4, figsize=(9, 4.8))
for number, (above, below) in enumerate(rows.T):
    scan, truth = test.images[number, 0].numpy(), test.masks[number].numpy()
    show(above, scan, truth, middle(truth), "truth")
    show(below, scan, found[number], middle(truth), "prediction")

# %% [markdown]
# New scans are given as an array or a path; masks come back with the sides of the scans. On the command line:
# `nas-tune predict RUN new.npz --out masks.npz --draw slices.png`. For NIfTI files a folder gets a mask for each, in
# the place of its scan.

# %%
new = drawn_blobs(3, seed=1).images[:2]
masks = nas_tune.load(run).predict(new)
print(masks.shape, masks.dtype, np.unique(masks))

# %% [markdown]
# ## A topology of resolutions
#
# `dints` is another space: layers of nodes, one for each resolution, which read finer, equal or coarser ones. Its
# members can be trained one by one as above. Here a supernet holds all of them at once, and learns by gradients which
# edges and operations are best. One epoch is far too short to trust what comes out; it shows the way.
# `nas_tune.retrain` would train what is found from scratch.

# %%
topology = nas_tune.search(
    {"name": "dints", "layers": 2, "levels": 2},
    task="segmentation",
    data="blobs3d",
    trainable={"network": {"channels": 2}, "batch_size": 8},
    strategy="darts",
    max_trials=1,
    max_epochs=1,
    executor="inline",
    run_dir="runs/topology",
    new=True,
)
draw(topology.architecture(0))
