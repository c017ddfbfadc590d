"""Configurations of a small search for every task, with data that they write."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from tests.trainables.data.boxes.files import drawn, parquet
from tests.trainables.tasks.numbers import turned
from trainables.data.volumes.blobs import drawn_blobs

__all__ = ["CASES"]

SMALL = "channels = 2\ncells = 1\n"
OWN = "tests.trainables.tasks.own_task"


def classes(folder: Path) -> str:
    images, _ = turned(60)
    np.savez(folder / "data.npz", x=images, y=np.arange(60) % 3)
    return f'space = "nb201"\n[task]\nname = "classification"\ndata = "{folder / "data.npz"}"\n[trainable]\n{SMALL}'


def numbers(folder: Path) -> str:
    images, angle = turned(60)
    np.savez(folder / "data.npz", x=images, angle=angle)
    task = f'[task]\nname = "regression"\ndata = "{folder / "data.npz"}"\ntarget = "angle"\n'
    return f'space = "nb201"\n{task}[trainable]\n{SMALL}'


def rows(folder: Path) -> str:
    rng = np.random.default_rng(0)
    size = rng.normal(size=120)
    frame = pd.DataFrame({"size": size, "kind": rng.choice(["a", "b"], 120), "price": 3 * size + 1})
    frame.loc[::9, "size"] = np.nan
    frame.to_csv(folder / "data.csv", index=False)
    task = f'[task]\nname = "table"\ndata = "{folder / "data.csv"}"\ntarget = "price"\nnumbers = "piecewise"\n'
    return f'space = {{ name = "mlp", min_width = 4, max_width = 16, max_layers = 2 }}\n{task}'


def folded(folder: Path) -> str:
    return f"{rows(folder)}folds = 2\n[trainable]\nrepeats = 2\n"


def text(folder: Path) -> str:
    (folder / "data.txt").write_text("a rose is a rose is a rose. " * 60)
    task = f'[task]\nname = "language"\ndata = "{folder / "data.txt"}"\ncontext = 8\n'
    return f'space = {{ name = "transformer_lm", embeddings = [16, 32], depths = [1, 2] }}\n{task}'


def tones(folder: Path) -> str:
    waves = np.sin(np.arange(400) * (1 + np.arange(60) % 3)[:, None] / 4)
    np.savez(folder / "data.npz", x=waves.astype("float32"), y=np.arange(60) % 3, player=np.arange(60) // 6)
    task = f'[task]\nname = "signal"\ndata = "{folder / "data.npz"}"\nsample_rate = 2000\n'
    space = 'space = { name = "spectrogram", bands = [8], hops = [16] }\n'
    return f'{space}{task}validation_groups = "player"\n[trainable]\n{SMALL}'


def boxes(folder: Path) -> str:
    pictures, corners, labels = drawn(30)
    parquet(folder / "data.parquet", corners, labels, pictures)
    space = 'space = { name = "detector", heads = ["anchor_free", "anchors"], max_width = 32, max_depth = 1 }\n'
    return f'{space}[task]\nname = "detection"\ndata = "{folder / "data.parquet"}"\n'


def volumes(folder: Path) -> str:
    """Volumes of two sizes of spacing along their axes, two of each patient."""
    blobs = drawn_blobs(3)
    scans, masks = (one[:24, ..., 4:20, 4:20] for one in (blobs.images, blobs.masks))
    np.savez(folder / "data.npz", x=scans, y=masks, groups=blobs.patients[:24], spacing_mm=[2.0, 1.0, 1.0])
    space = 'space = { name = "unet3d", widths = [4, 8], levels = [2, 2], blocks = [1, 1] }\n'
    return f'{space}[task]\nname = "segmentation"\ndata = "{folder / "data.npz"}"\n'


def growth(folder: Path) -> str:
    return f'space = "{OWN}:PAIR"\n[task]\nname = "{OWN}:Growth"\n[trainable]\nbatch_size = 8\n'


CASES: dict[str, Callable[[Path], str]] = {
    "classification": classes,
    "regression": numbers,
    "table": rows,
    "folds": folded,
    "language": text,
    "signal": tones,
    "detection": boxes,
    "segmentation": volumes,
    "own": growth,
}
"""Write data into a folder; return the part of a configuration from `space` on, which ends in tables."""
