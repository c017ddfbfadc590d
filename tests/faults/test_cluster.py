"""A cluster of two nodes: the search uses both; one is killed, and its trial goes on where it was."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

import nas_tune
from tests.faults.processes import start
from tests.faults.tables import assert_same
from tests.faults.walker import Walker, epochs_trained


@pytest.mark.slow
@pytest.mark.ray
def test_a_search_survives_the_death_of_one_of_its_two_nodes(tmp_path: Path) -> None:
    process = start("tests.faults.two_nodes", str(tmp_path))
    output, errors = process.communicate(timeout=200)
    assert process.returncode == 0, errors[-3000:]
    assert "nodes 2 killed True" in output

    run = nas_tune.open_run(tmp_path / "run")
    trials = run.trials()
    assert trials["state"].tolist() == ["complete"] * 10
    assert trials["lost"].sum() == 1
    assert run.epochs()["node"].nunique() == 2
    # The epoch that died with the node is the only one that may have been trained twice.
    assert sum(count - 1 for count in Counter(epochs_trained(tmp_path)).values()) <= 1

    nas_tune.search(
        "nb201", Walker, strategy="random", scheduler="none", max_trials=10, max_epochs=4, executor="inline",
        seed=3, run_dir=tmp_path / "whole",
    )  # fmt: skip
    assert_same(tmp_path / "run", tmp_path / "whole")
