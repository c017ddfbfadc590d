"""How well the latency of networks is predicted from 25 measured ones, on onnxruntime with one thread.

    python tests/benchmarks/cost_predictor.py [FOLDER]

100 random members of nb201 (8 channels, 1 cell a stage, 32x32) and of mobilenetv3 (half width, 64x64 without resizing)
are measured in one session for each space. Then 25 of the 100 are chosen as `nas_tune.choose_seeds` does, three times
with different seeds, and the other 75 are predicted. The limit of the gate is the latency at the 25 % quantile of
those 75. With FOLDER the measured values are kept there as CSV, and read from there the next time; a file of it can be
given to `nas-tune predictor`.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path
from statistics import mean
from typing import Any

import pandas as pd
from _report import heading, line

import nas_tune
import search_spaces
from search_spaces import Space
from trainables import build
from trainables.hardware.device import Device
from trainables.hardware.measuring import measure
from trainables.networks import example

CASES: dict[str, dict[str, Any]] = {
    "nb201": {"channels": 8, "cells": 1},
    "mobilenetv3": {"scale": 0.5, "image_size": 64, "resize": False},
}
MEMBERS, MEASURED, ROUNDS, SEEDS = 100, 25, 40, 3


def different(space: Space, count: int) -> list[Any]:
    """Random members with different ids."""
    rng, found = random.Random(0), {}
    while len(found) < count:
        member = space.sample(rng)
        found.setdefault(member.id, member)
    return list(found.values())


def measured(name: str, settings: dict[str, Any]) -> pd.DataFrame:
    """The latency of members of a space, in milliseconds."""
    space = search_spaces.get(name)
    members = {member.to_json(): member for member in different(space, MEMBERS)}

    def subject(member: Any) -> Any:
        return lambda: (build(name, member, **settings), example(name, batch=1, **settings))

    found = measure({text: subject(member) for text, member in members.items()}, Device(), rounds=ROUNDS)
    return pd.DataFrame({"architecture": [one.name for one in found], "latency_ms": [one.value for one in found]})


def told(name: str, frame: pd.DataFrame, settings: dict[str, Any]) -> None:
    """Print the mean scores of three choices of measured members."""
    space, scores = search_spaces.get(name), []
    for seed in range(SEEDS):
        chosen = nas_tune.choose_seeds(space, MEASURED, seed=seed, pool=frame["architecture"], **settings)
        texts = {one.to_json() for one in chosen}
        predictor = nas_tune.fit_predictor(space, frame[frame["architecture"].isin(texts)], **settings)
        scores.append(predictor.score(frame))
    latency = frame["latency_ms"]
    heading(f"{name}, {latency.min():.3g} to {latency.max():.3g} ms, {len(frame)} members, mean of {SEEDS} seeds")
    errors, taus = [100 * one.median_error for one in scores], [one.tau or 0.0 for one in scores]
    line("median error", mean(errors), "%", f"{min(errors):.1f} to {max(errors):.1f}", at_most=8)
    line("Kendall's tau", mean(taus), "", f"{min(taus):.3f} to {max(taus):.3f}", at_least=0.82)
    line("true values inside the interval of 90 %", 100 * mean(one.inside for one in scores), "%")
    for label, gates in (
        ("by value", [one.gate for one in scores]),
        ("with margin", [one.gate_with_margin for one in scores]),
    ):
        line(f"gate {label}: accepted", 100 * mean(one.accepted for one in gates), "%")
        line(f"gate {label}: infeasible before measuring", 100 * mean(one.infeasible or 0 for one in gates), "%")
        refused = 100 * mean(one.refused or 0 for one in gates)
        line(f"gate {label}: feasible refused", refused, "%", at_most=3 if label == "with margin" else None)


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    for name, settings in CASES.items():
        file = None if folder is None else folder / f"{name}.csv"
        if file is not None and file.exists():
            frame = pd.read_csv(file)
        else:
            frame = measured(name, settings)
            if file is not None:
                file.parent.mkdir(parents=True, exist_ok=True)
                frame.to_csv(file, index=False)
        told(name, frame, settings)


if __name__ == "__main__":
    main()
