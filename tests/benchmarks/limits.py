"""Searches under a limit of multiply-accumulates on NAS-Bench-201: the best validation accuracy after 60 trials.

Each strategy searches the table of CIFAR-10 (12 epochs) within a limit of 50 M MACs, which 51 % of the cells keep, and
of 20 M (25 %), with three seeds. Beside it stands the same search with the limit as a rule of the space, and the best
cell of the table within the limit. The last column counts the trials over the limit, which must be none.

    python tests/benchmarks/limits.py nb201/nb201_cifar10.parquet
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from statistics import mean
from typing import Any

import _report  # noqa: F401  # finds the checkout

import nas_tune
from nas_tune.benchmarks.tables.table import Table
from search_spaces import Space, get

TRIALS = 60
LIMITS = ("50M", "20M")
STRATEGIES: dict[str, dict[str, Any]] = {
    "random": {},
    "auto": {},
    "tpe": {},
    "evolution": {"population": 10},
}
COLUMNS = {
    "column": "arch_str",
    "metric": "val",
    "mode": "max",
    "fidelities": ["12:c10_val_12:c10_cost_12_s"],
    "costs": {"macs": "c10_flops"},
}


def found(file: str, name: str, settings: dict[str, Any], limit: str, seed: int, *, as_rule: bool) -> tuple[float, int]:
    """The best value of a search, and the number of its trials over the limit."""
    bound = float(limit.removesuffix("M")) * 1e6
    space: Space = get("nb201")
    if as_rule:
        table = Table(space="nb201", file=file, **COLUMNS)
        space = Space(space.declared, name="nb201", canonical=space.canonical, valid=_Within(table, bound))
    with tempfile.TemporaryDirectory() as folder:
        run = nas_tune.search(
            space,
            trainable={"name": "table", "file": file, **COLUMNS},
            strategy={"name": name, **settings},
            scheduler="none",
            executor="simulated",
            metric="val",
            mode="max",
            max_trials=TRIALS,
            max_epochs=12,
            seed=seed,
            run_dir=Path(folder) / "run",
            **({} if as_rule else {"limits": {"macs": limit}}),
        )
        trials = run.trials()
        over = sum(
            Table(space="nb201", file=file, **COLUMNS).costs(run.architecture(t), ["macs"])["macs"] > bound
            for t in trials["trial"]
        )
        return float(run.best()["value"].iloc[0]), over


class _Within:
    def __init__(self, table: Table, bound: float) -> None:
        self.table, self.bound = table, bound

    def __call__(self, architecture: Any) -> bool:
        return self.table.costs(architecture, ["macs"])["macs"] <= self.bound


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", help="the table, below NAS_TUNE_TABLES")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rule", action="store_true", help="also with the limit as a rule of the space")
    given = parser.parse_args()
    for limit in LIMITS:
        for name, settings in STRATEGIES.items():
            for as_rule in (False, True) if given.rule else (False,):
                made = [found(given.file, name, settings, limit, seed, as_rule=as_rule) for seed in range(given.seeds)]
                values = " ".join(f"{value:.2f}" for value, _ in made)
                print(
                    f"{limit:4} {name:10} {'rule' if as_rule else 'limit':6} mean {mean(v for v, _ in made):.2f}  "
                    f"({values})  over the limit: {sum(o for _, o in made)}",
                    flush=True,
                )
