"""The frames: typed the same when empty and when full, true to the ledger, quick to build."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path

import pandas as pd
import pytest

from nas_tune.ledger import Asked, Ended, Event, Reported
from nas_tune.ledger.events import Found
from nas_tune.results import Run
from search_spaces import get
from tests.nas_tune.results.made import begun, eventful, make, mixed, trial

TRIALS = {
    "trial": "Int64",
    "state": "string",
    "failure": "string",
    "value": "Float64",
    "epochs": "Int64",
    "seconds": "Float64",
    "started": "datetime64[us, UTC]",
    "ended": "datetime64[us, UTC]",
    "architecture_id": "string",
    "architecture": "string",
    "seed": "Int64",
    "lost": "Int64",
    "message": "string",
    "traceback": "string",
}
EPOCHS = {
    "trial": "Int64",
    "epoch": "Int64",
    "time": "datetime64[us, UTC]",
    "seconds": "Float64",
    "node": "string",
    "state": "string",
}
ARCH = {
    "arch.op": "string",
    "arch.op.conv.kernel": "Int64",
    "arch.op.conv.bias": "boolean",
    "arch.width": "Int64",
    "arch.rate": "Float64",
    "arch.scale": "Float64",
}
METRICS = {"accuracy": "Float64", "loss": "Float64"}


def types(frame: pd.DataFrame) -> dict[str, str]:
    return {str(name): str(kind) for name, kind in frame.dtypes.items()}


def test_an_empty_run_has_typed_frames_with_the_declared_metric(tmp_path: Path) -> None:
    make(tmp_path).close()
    run = Run(tmp_path)
    assert types(run.trials()) == {**TRIALS, "accuracy": "Float64", **ARCH}
    assert types(run.epochs()) == {**EPOCHS, "accuracy": "Float64", "architecture_id": "string", **ARCH}
    assert run.trials().empty
    assert run.epochs().empty
    assert types(run.best()) == types(run.trials())


def test_a_full_run_has_the_same_types_whatever_is_missing(tmp_path: Path) -> None:
    make(tmp_path, *eventful()).close()
    run = Run(tmp_path)
    assert types(run.trials()) == {**TRIALS, **METRICS, **ARCH}
    assert types(run.epochs()) == {**EPOCHS, **METRICS, "architecture_id": "string", **ARCH}


def test_a_row_says_what_became_of_its_trial(tmp_path: Path) -> None:
    make(tmp_path, *eventful()).close()
    trials = Run(tmp_path).trials().set_index("trial")
    assert trials["state"].tolist() == ["complete", "pruned", "failed", "failed", "lost", "running"]
    assert trials["failure"].fillna("").tolist() == ["", "", "diverged", "error", "", ""]
    assert trials["value"].isna().tolist() == [False, False, True, True, True, True]
    assert trials["epochs"].tolist() == [3, 1, 2, 0, 1, 2]
    assert trials["seconds"].tolist() == [1.5, 0.5, 1.0, 0.0, 0.5, 1.0]
    assert trials["ended"].isna().tolist() == [False] * 4 + [True] * 2
    assert trials["lost"].tolist() == [0, 0, 0, 0, 1, 0]
    assert trials.loc[0, "accuracy"] == 0.9
    assert trials.loc[3, "message"] == "ValueError: no"
    assert trials.loc[3, "traceback"] == "Traceback: no"
    assert json.loads(trials.loc[1, "architecture"])["width"] == 64


def test_inactive_parameters_are_missing_and_active_ones_typed(tmp_path: Path) -> None:
    make(tmp_path, *eventful()).close()
    trials = Run(tmp_path).trials().set_index("trial")
    assert trials.loc[0, "arch.op.conv.kernel"] == 5
    assert trials.loc[0, "arch.op.conv.bias"] == True  # noqa: E712 -- a NumPy bool
    assert trials.loc[1, "arch.op"] == "pool"
    assert pd.isna(trials.loc[1, "arch.op.conv.kernel"])
    assert pd.isna(trials.loc[1, "arch.op.conv.bias"])


def test_epochs_have_their_configuration_attached(tmp_path: Path) -> None:
    make(tmp_path, *eventful()).close()
    epochs = Run(tmp_path).epochs()
    assert epochs[["trial", "epoch"]].values.tolist() == [
        [0, 1], [0, 2], [0, 3], [1, 1], [2, 1], [2, 2], [4, 1], [5, 1], [5, 2]
    ]  # fmt: skip
    assert epochs["arch.width"].tolist()[:4] == [16, 16, 16, 64]
    assert epochs["state"].tolist()[3] == "pruned"
    assert set(epochs["node"]) == {"n1"}


def test_a_nan_is_missing_its_epoch_is_not_and_infinity_stays(tmp_path: Path) -> None:
    make(tmp_path, begun(), *trial(0, [0.5, math.nan]), *trial(1, [math.inf])).close()
    epochs = Run(tmp_path).epochs()
    assert epochs["accuracy"].isna().tolist() == [False, True, False]
    assert epochs["accuracy"].iloc[2] == math.inf
    assert epochs["accuracy"].iloc[:2].max() == 0.5


def test_metrics_that_only_some_trials_report_are_sorted_columns(tmp_path: Path) -> None:
    extra = Reported(0, 2, {"accuracy": 0.6, "zeta": 1, "alpha": 2}, 0.1)
    make(tmp_path, begun(), *trial(0, [0.5], None), extra, *trial(1, [0.4])).close()
    trials = Run(tmp_path).trials()
    names = [name for name in trials if name in {"accuracy", "alpha", "loss", "zeta"}]
    assert names == ["accuracy", "alpha", "loss", "zeta"]
    assert trials["zeta"].isna().tolist() == [False, True]


def test_the_spaces_own_code_is_neither_needed_nor_imported(tmp_path: Path) -> None:
    spec = {"type": "nowhere:Gone", "valid": "nowhere:valid", "canonical": "nowhere:canonical"}
    ledger = make(tmp_path, *eventful())
    meta = ledger.meta
    ledger.close()
    gone = tmp_path / "gone"
    gone.mkdir()
    make(gone, *eventful(), meta={"space": {**meta["space"], **spec}}).close()
    assert Run(gone).trials()["arch.width"].equals(Run(tmp_path).trials()["arch.width"])


@pytest.mark.parametrize("space", [None, {}, {"format": 99}, {"format": 1, "tree": {"kind": "new"}}])
def test_an_unreadable_space_leaves_its_columns_empty(tmp_path: Path, space: object) -> None:
    make(tmp_path, *eventful(), meta={"space": space}).close()
    trials = Run(tmp_path).trials()
    assert types(trials) == {**TRIALS, **METRICS, **ARCH}
    assert trials["arch.width"].isna().all()


def test_values_that_do_not_fit_their_kind_are_left_out(tmp_path: Path) -> None:
    tree = {"op": {"pool": {}}, "width": 64, "rate": 0.001, "scale": 1.0}
    kinds = [["op", "int"], ["width", "categorical:str"], ["rate", "categorical:bool"], ["scale", "unheard of"]]
    make(tmp_path, begun(), *trial(0, [0.5], tree=tree), meta={"parameters": kinds}).close()
    row = Run(tmp_path).trials().iloc[0]
    assert pd.isna(row["arch.op"])
    assert row["arch.width"] == "64"
    assert pd.isna(row["arch.rate"])
    assert row["arch.scale"] == "1.0"


@pytest.mark.slow
def test_ten_thousand_trials_of_nine_epochs_open_well_within_five_seconds(tmp_path: Path) -> None:
    space = get("nb201")
    metrics = {"accuracy": 0.5, "loss": 1.0, "lr": 0.1, "parameters": 73_000, "macs": 11_000_000}
    ledger = make(tmp_path, begun(), space="nb201")
    trees = [space.sample(seed).tree for seed in range(200)]
    for first in range(0, 10_000, 1000):
        events = []
        for number in range(first, first + 1000):
            asked, *_, over = trial(number, [0.5], tree=trees[number % 200])
            events += [asked, *(Reported(number, epoch, metrics, 0.5) for epoch in range(1, 10)), over]
        ledger.append(*events)
    ledger.close()
    started = time.process_time()
    run = Run(tmp_path)
    trials, epochs = run.trials(), run.epochs()
    spent = time.process_time() - started
    assert (len(trials), len(epochs)) == (10_000, 90_000)
    assert spent < 5
    again = time.process_time()
    run.trials()
    assert time.process_time() - again < 0.2


@pytest.mark.parametrize("told", [{"parameters": 9.0}, {"parameters": 4.0, "supernet_parameters": 9.0}])
def test_the_size_of_a_supernet_is_not_that_of_what_it_finds(tmp_path: Path, told: dict[str, float]) -> None:
    """Older ledgers have the supernet's under the name of the other."""
    tree = mixed().sample(0).tree
    events: list[Event] = [begun(), Asked(0, 0, {"search": 1}, "0" * 16, 1, searches=True), Found(0, tree, "1" * 16)]
    make(tmp_path, *events, Reported(0, 1, {"accuracy": 0.5, **told}, 1.0), Ended(0, "complete", 0.5)).close()
    run = Run(tmp_path)
    for table in (run.trials(), run.epochs(), run.best()):
        assert table["supernet_parameters"].tolist() == [9.0]
        assert table.get("parameters", default=None) is None or table["parameters"].tolist() == [4.0]
        assert ("parameters" in table) == ("supernet_parameters" in told)
