"""What a page takes for granted: small data, configurations and runs, under the names that the page uses.

A page shows a search of minutes; its commands are run here on sixty images, a few trials and one epoch.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from typer.testing import CliRunner

import nas_tune
from nas_tune.cli.app import app

__all__ = ["GIVEN"]

_CONFIGURATION = """
{name}space = "nb201"
max_trials = 3
max_epochs = 1
executor = "inline"

[strategy]
name = "evolution"
population = 3
sample = 2

[trainable]
name = "image_classifier"
data = "digits.npz"
channels = 2
cells = 1
batch_size = 30
"""


def images(folder: Path) -> Path:
    """`digits.npz`, sixty images."""
    from sklearn.datasets import load_digits

    file = folder / "digits.npz"
    if not file.exists():
        digits = load_digits()
        np.savez(file, x=digits.images[:60], y=digits.target[:60])
    return file


def configurations(folder: Path) -> None:
    """`digits.toml`, `notebooks/digits.toml`, which names its run `digits`, and their images."""
    images(folder)
    (folder / "notebooks").mkdir()
    (folder / "digits.toml").write_text(_CONFIGURATION.format(name=""), encoding="utf-8")
    (folder / "notebooks" / "digits.toml").write_text(_CONFIGURATION.format(name='name = "digits"\n'), encoding="utf-8")


def run(name: str, folder: Path, seed: int = 0) -> None:
    """The run `runs/NAME` of three trials."""
    settings = {"name": "image_classifier", "data": str(images(folder)), "channels": 2, "cells": 1}
    nas_tune.search(
        "nb201",
        {**settings, "batch_size": 30},
        max_trials=3,
        max_epochs=1,
        seed=seed,
        executor="inline",
        run_dir=folder / "runs" / name,
    )


def others(folder: Path) -> None:
    """The runs `other`, `a` and `b`, and `best.json` with an architecture of the space."""
    for seed, name in enumerate(("other", "a", "b")):
        run(name, folder, seed)
    best = CliRunner().invoke(app, ["best", str(folder / "runs" / "other"), "-k", "1", "--format", "json"])
    (folder / "best.json").write_text(best.stdout, encoding="utf-8")


def photos(folder: Path) -> None:
    """A folder `photos` with 24 pictures of each of two classes."""
    from PIL import Image
    from sklearn.datasets import load_digits

    digits = load_digits(n_class=2)
    for number, (pixels, label) in enumerate(zip(digits.images[:48], digits.target[:48], strict=True)):
        place = folder / "photos" / f"class {label}" / f"{number}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((pixels * 15).astype("uint8")).save(place)


def new_digits(folder: Path) -> None:
    """The file `new.npz` with three handwritten digits without labels."""
    from sklearn.datasets import load_digits

    np.savez(folder / "new.npz", x=load_digits().images[:3].astype("uint8"))


def table(folder: Path) -> None:
    """`nb201/nb201_cifar10.parquet` with the columns of the page, invented values, and three trainings a race."""
    import pandas as pd

    import search_spaces

    space = search_spaces.get("nb201")
    cells = [space.to_string(cell) for cell in space.enumerate()]
    values = 80 + 10 * np.random.default_rng(0).random(len(cells))
    columns = {"arch_str": cells, "c10_val_12": values, "c10_cost_12_s": 4000.0, "c10_test_200": values + 5}
    (folder / "nb201").mkdir()
    pd.DataFrame(columns).to_parquet(folder / "nb201" / "nb201_cifar10.parquet")


def supernet(folder: Path) -> None:
    """The run `runs/nb201-spos`, a supernet that was trained for one epoch."""
    nas_tune.search(
        "nb201",
        {"name": "image_classifier", "data": str(images(folder))},
        strategy={"name": "spos", "channels": 2, "cells": 1},
        max_trials=1,
        max_epochs=1,
        executor="inline",
        run_dir=folder / "runs" / "nb201-spos",
    )


GIVEN: dict[str, Callable[[Path], None]] = {
    "configurations": configurations,
    "digits": partial(run, "digits"),
    "new_digits": new_digits,
    "others": others,
    "photos": photos,
    "supernet": supernet,
    "table": table,
}
