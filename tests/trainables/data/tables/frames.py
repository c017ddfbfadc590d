"""Small tables of which the right answers are known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch

from trainables.data.tables import TableData, TableSettings, load_table

__all__ = ["loaded", "small"]


def small(rows: int = 40, **columns: object) -> pd.DataFrame:
    """Two numbers, one missing at times, a whole number of three values, a text, and a target of two classes."""
    places = np.arange(rows)
    frame = {
        "size": places * 0.5,
        "level": places % 3,
        "colour": np.array(["red", "blue", "green"])[places % 3],
        "weight": np.where(places % 4 == 0, np.nan, places + 0.25),
        "good": np.array(["no", "yes"])[(places // 2) % 2],
    }
    return pd.DataFrame({**frame, **columns})


def loaded(frame: object, **settings: object) -> TableData:
    """The table on the CPU."""
    return load_table(TableSettings(data=frame, **{"target": "good", **settings}), torch.device("cpu"))
