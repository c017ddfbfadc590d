"""Supernets are judged by tables and by trainings: the numbers, what is kept, what is refused, and the command."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kendalltau
from typer.testing import CliRunner

import nas_tune
import search_spaces
from nas_tune.benchmarks.ranking.judging import _compared
from nas_tune.benchmarks.ranking.supernets import found_in
from nas_tune.benchmarks.ranking.truths import TruthTable, drawn
from nas_tune.cli.app import app
from nas_tune.errors import ConfigError, ForeignCodeError, NasTuneError
from tests.nas_tune.benchmarks.tables.made import SPACE, convolutions
from tests.nas_tune.test_older_runs import unpacked
from tests.toys import Climber, tiny_space
from trainables.errors import CheckpointError
from trainables.supernet.estimator import SharedWeights
from trainables.tasks.learner import Learner
from trainables.trial.checkpoint import read_tensors, write_tensors

CELLS = drawn(SPACE, 14, seed=5)
QUICK: dict[str, Any] = {"proxies": (), "images": 32, "calibration": 16, "resamples": 20, "top": 3}
TRAINED: dict[str, Any] = {**QUICK, "train": 5, "epochs": 1, "training": {"channels": 2, "cells": 1}}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpacked("supernet", tmp_path_factory.mktemp("ranking"))


@pytest.fixture(scope="module")
def checkpoint(run: Path) -> Path:
    return run / "trials" / "000000" / "epoch-000001"


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two rows of each cell; its true value is how many 3x3 convolutions it has, and a little more."""
    rows = []
    for place, cell in enumerate(CELLS):
        for seed in (-1, 1):
            true = convolutions(cell) + place / 100
            row = {"cell": SPACE.to_string(cell), "true": true + seed, "early": true - 1, "tree": cell.to_json()}  # type: ignore[attr-defined]
            rows.append(row)
    file = tmp_path_factory.mktemp("table") / "table.parquet"
    pd.DataFrame(rows).to_parquet(file)
    return file


def judged(given: Any, table: Path | str | None, **more: Any) -> nas_tune.Ranking:
    return nas_tune.ranking(given, table, **{"architecture": "cell", "truth": "true", **QUICK, **more})


def test_the_rows_are_what_the_scores_of_the_sample_come_to(run: Path, checkpoint: Path, table: Path) -> None:
    found = judged([run, checkpoint], table, beside=["early"], count=12, proxies=["naswot"])
    measures, scores = found.measures, found.scores
    shared = [
        (name, who) for name in ("shared_accuracy", "shared_loss") for who in ("supernet", str(checkpoint), "mean")
    ]
    names = list(zip(measures["score"], measures["supernet"].fillna(""), strict=True))
    assert names == [*shared, *[(name, "") for name in ("parameters", "macs", "naswot", "early")]]
    assert (measures["architectures"] == 12).all()
    assert len(scores) == 12 == scores["architecture_id"].nunique()
    true = {cell.id: convolutions(cell) + place / 100 for place, cell in enumerate(CELLS)}
    assert scores["truth"].tolist() == pytest.approx([true[one] for one in scores["architecture_id"]])
    for row in measures.to_dict("records"):
        if row["supernet"] == "mean":
            continue
        column = row["score"] if row["supernet"] != row["supernet"] else f"{row['score']} {row['supernet']}"
        worth = -scores[column] if row["score"] == "shared_loss" else scores[column]
        assert row["tau"] == pytest.approx(kendalltau(worth, scores["truth"]).statistic), row["score"]
        assert row["tau_low"] <= row["tau_high"]
        assert row["seconds"] > 0 or row["score"] == "early"
    means = measures.set_index(["score", "supernet"])["tau"]
    assert means["shared_loss", "mean"] == pytest.approx(np.mean([means["shared_loss", who] for _, who in shared[3:5]]))
    assert measures.set_index("score").loc["parameters", "equal_size_tau"] == 0
    assert measures.set_index("score").loc["early", "regret"] == 0
    assert "12 of the 14 architectures of table.parquet; true values: true" in found.notes[0]
    assert any(note.startswith("shared_loss against parameters: tau ") for note in found.notes)


def test_a_score_is_that_of_the_shared_estimator(checkpoint: Path, table: Path) -> None:
    scores = judged(checkpoint, table, count=5).scores
    shared = SharedWeights(checkpoint=str(checkpoint), images=32, calibration=16)
    shared.setup(SPACE.validate(json.loads(scores["architecture"][2])), seed=0, max_epochs=1)
    reported = shared.step()
    assert scores[f"shared_loss {checkpoint}"][2] == pytest.approx(reported["loss"])
    assert scores[f"shared_accuracy {checkpoint}"][2] == reported["accuracy"]


def test_a_score_may_be_that_of_a_head_of_its_own(checkpoint: Path, table: Path) -> None:
    own, as_searched, shared = (
        judged(checkpoint, table, count=5, refit_head=refit).scores for refit in (True, None, False)
    )
    assert own[f"shared_loss {checkpoint}"][2] != shared[f"shared_loss {checkpoint}"][2]
    assert as_searched.equals(shared), "the search had one head for all"
    alone = SharedWeights(checkpoint=str(checkpoint), images=32, calibration=16, refit_head=True)
    alone.setup(SPACE.validate(json.loads(own["architecture"][2])), seed=0, max_epochs=1)
    assert alone.step()["loss"] == pytest.approx(own[f"shared_loss {checkpoint}"][2])


def test_the_same_seed_is_the_same_sample_and_a_larger_one_begins_with_it(table: Path) -> None:
    opened = TruthTable(str(table), "cell", "true")
    ids = [[one.id for one in opened.sample(SPACE, count, 3, is_max=True).architectures] for count in (5, 5, 9)]
    assert ids[0] == ids[1] == ids[2][:5]
    assert ids[0] != [one.id for one in opened.sample(SPACE, 5, 4, is_max=True).architectures]


def test_cells_that_compute_the_same_are_drawn_once_and_rows_without_a_value_not_at_all(tmp_path: Path) -> None:
    same = [f"|none~0|+|none~0|none~1|+|nor_conv_1x1~0|{name}~1|none~2|" for name in ("skip_connect", "nor_conv_3x3")]
    others = [SPACE.to_string(cell) for cell in CELLS[1:5]]  # type: ignore[attr-defined]
    frame = pd.DataFrame({"architecture": [*same, *others], "true": [1.0, 1, 2, 3, 4, None]})
    frame.to_csv(tmp_path / "table.csv", index=False)
    sample = TruthTable(str(tmp_path / "table.csv"), truth="true").sample(SPACE, 99, 0, is_max=True)
    assert sorted(sample.truth) == [1, 2, 3, 4]
    assert "1 rows without a number in true are left out" in sample.notes


def test_a_column_of_trees_and_the_table_of_the_package_are_read(table: Path) -> None:
    forms = [TruthTable(str(table), column, "true").sample(SPACE, 14, 0, is_max=True) for column in ("cell", "tree")]
    assert len({frozenset(one.id for one in form.architectures) for form in forms}) == 1
    reduced = search_spaces.get("nb201", operations=["none", "skip_connect", "nor_conv_3x3"])
    sample = TruthTable("digits", beside=["accuracy_1"]).sample(reduced, 7, 0, is_max=True)
    assert len(sample.truth) == len(sample.beside["accuracy_1"]) == 7


def test_architectures_are_drawn_from_a_space_without_repeats() -> None:
    assert len(drawn(tiny_space(), 99, seed=0)) == 6
    large = search_spaces.get("darts")
    assert [one.id for one in drawn(large, 2, 1)] == [one.id for one in drawn(large, 3, 1)][:2]


@pytest.mark.slow
def test_without_a_table_architectures_are_trained_once(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = nas_tune.ranking(run, keep=tmp_path / "kept", **TRAINED)
    assert first.notes[0].startswith("5 architectures, trained for 1 epochs in ")
    assert first.scores["truth"].between(0, 1).all()
    assert len(list((tmp_path / "kept").iterdir())) == 5
    monkeypatch.setattr(Learner, "step", lambda learner: pytest.fail("trained"))
    again = nas_tune.ranking(run, keep=tmp_path / "kept", **TRAINED)
    pd.testing.assert_frame_equal(first.scores, again.scores)


@pytest.mark.slow
def test_trainings_that_all_diverge_leave_nothing_to_compare(run: Path, tmp_path: Path) -> None:
    settings = {**TRAINED["training"], "lr": 1e30}
    with pytest.raises(ConfigError, match=r"only 0 architectures have a true value, .* lower the learning rate"):
        nas_tune.ranking(run, keep=tmp_path, **{**TRAINED, "training": settings})


@pytest.mark.slow
def test_beside_a_table_each_architecture_may_be_trained(run: Path, table: Path, tmp_path: Path) -> None:
    found = judged(run, table, count=5, epochs=1, training=TRAINED["training"], keep=tmp_path)
    assert found.measures["score"].tolist()[-1] == "trained_1"
    assert found.scores["trained_1"].between(0, 1).all()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"table": None, "architecture": None, "truth": None}, "no true values to judge by; give a table"),
        ({"train": 5, "epochs": 1}, "train is 5 and there is a table too"),
        ({"table": None, "train": 5, "epochs": 1}, "architecture is for a table, and there is none"),
        ({"table": None, "architecture": None, "truth": None, "train": 5}, "epochs is missing; say for how long"),
        ({"training": {"lr": 0.1}}, "nothing is trained; give epochs too"),
        ({"count": 4}, "count is 4; it is a whole number of at least 5"),
        ({"seed": -1}, "seed is -1"),
        ({"epochs": 0}, "epochs is 0"),
        ({"images": 0}, "images is 0"),
        ({"band": 1.0}, "band is 1.0; it is a share"),
        ({"size": "macss"}, "size is 'macss'; did you mean 'macs'"),
        ({"mode": "most"}, "mode is 'most'; say 'max' or 'min'"),
        ({"proxies": ["naswott"]}, "did you mean 'naswot'"),
        ({"proxies": ["macs"]}, "(parameters, macs are always there)"),
        ({"truth": None}, "say which column has the true values (truth); it has: cell, true, early, tree"),
        ({"architecture": None}, "say which column has the architectures; it has no column 'architecture'"),
        ({"truth": "tru"}, "did you mean 'true'"),
        ({"beside": ["late"]}, "has no column 'late'"),
        ({"truth": "cell"}, "numbers are needed"),
        ({"table": "nowhere.parquet"}, "is not there"),
        ({"trial": 3}, "there is no trial 3"),
        ({"allow_code": "yes"}, "it is True or False"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_before_anything_is_loaded(
    more: dict[str, Any], said: str, run: Path, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainables.supernet.saved.SavedSupernet.search", lambda *_: pytest.fail("loaded"))
    with pytest.raises(NasTuneError) as error:
        judged(run, **{"table": table, **more})
    assert said in str(error.value)


def test_what_the_sample_shows_is_refused_before_the_scores(run: Path, table: Path) -> None:
    with pytest.raises(ConfigError, match="top is 5, and there are 5 architectures"):
        judged(run, table, count=5, top=5)
    frame = pd.read_parquet(table)
    frame.assign(equal=1.0).to_parquet(table.with_name("equal.parquet"))
    with pytest.raises(ConfigError, match="all 14 true values are 1, so that there is no order"):
        judged(run, table.with_name("equal.parquet"), truth="equal")
    frame.head(8).to_parquet(table.with_name("few.parquet"))
    with pytest.raises(ConfigError, match="there are 4 different architectures"):
        judged(run, table.with_name("few.parquet"))


@pytest.mark.parametrize(
    ("low", "high", "is_max", "word"),
    [(1, 2, True, "better"), (1, 2, False, "worse"), (-2, -1, True, "worse"), (-2, -1, False, "better")],
)
def test_the_notes_say_what_is_better_where_less_is(low: float, high: float, is_max: bool, word: str) -> None:
    assert _compared({"x": low, "x_low": low, "x_high": high}, "x", is_max=is_max).startswith(f"{word} (")
    assert _compared({"x": low, "x_low": -1, "x_high": 0}, "x", is_max=is_max).startswith("not told apart (")


def test_a_table_of_another_space_is_refused(run: Path, table: Path) -> None:
    frame = pd.read_parquet(table).assign(cell="|conv_7x7~0|")
    frame.to_parquet(table.with_name("other.parquet"))
    with pytest.raises(ConfigError, match=r"no member of the supernet's space nb201: .* take a table of that space"):
        judged(run, table.with_name("other.parquet"))


def test_what_is_no_supernet_is_refused(run: Path, checkpoint: Path, table: Path, tmp_path: Path) -> None:
    short = {"executor": "inline", "max_trials": 1, "max_epochs": 1}
    other = nas_tune.search(tiny_space(), Climber, run_dir=tmp_path / "r", **short)
    (tmp_path / "empty").mkdir()
    shutil.copytree(run, tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "trials")
    for given, said in (
        ([], "give at least one run or checkpoint"),
        (other, "which trains no supernet; give a run of darts,"),
        (tmp_path / "empty", "neither a run nor the checkpoint of a supernet (it has no search.json)"),
        (tmp_path / "nothing", "does not exist"),
        (tmp_path / "run", "holds no supernet: none of its 1 trials has a checkpoint"),
        ("s3://bucket/run", "a URL of remote storage"),
    ):
        with pytest.raises(ConfigError) as error:
            judged(given, table)
        assert said in str(error.value)
    with pytest.raises(ConfigError, match="is a checkpoint, which has no trials"):
        judged(checkpoint, table, trial=0)


def changed(checkpoint: Path, folder: Path, **settings: object) -> Path:
    """The checkpoint with other settings, as someone may have written it."""
    folder.mkdir(parents=True, exist_ok=True)
    state = read_tensors(checkpoint, "search")
    state["settings"] = {**state["settings"], **settings}
    write_tensors(folder, "search", state)
    return folder


def test_supernets_of_different_spaces_are_not_compared(
    run: Path, checkpoint: Path, table: Path, tmp_path: Path
) -> None:
    fewer = changed(checkpoint, tmp_path / "fewer", network={"operations": ["none", "nor_conv_3x3"]})
    with pytest.raises(ConfigError, match="are supernets of different spaces, nb201 and nb201 with other options"):
        judged([run, fewer], table)


def test_supernets_of_equal_names_are_told_apart_and_one_counts_once(run: Path, table: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / run.name)
    labels = [one.label for one in found_in([run, tmp_path / run.name])]
    assert labels == [str(one / "trials" / "000000") for one in (run, tmp_path / run.name)]
    with pytest.raises(ConfigError, match="is given twice"):
        judged([run, run.parent / "." / run.name], table)


def test_code_that_a_stranger_names_is_not_imported(
    run: Path, checkpoint: Path, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "evil_ranking.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    given = changed(checkpoint, tmp_path / "given", task="evil_ranking:Task")
    with pytest.raises(ForeignCodeError, match="task evil_ranking:Task"):
        judged(given, table)
    shutil.copytree(run, tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "trials")
    changed(checkpoint, tmp_path / "run" / "trials" / "000000", task="evil_ranking:Task")
    with pytest.raises(ForeignCodeError, match="task evil_ranking:Task"):
        judged(tmp_path / "run", table)
    assert "evil_ranking" not in sys.modules


def test_a_damaged_supernet_is_refused(checkpoint: Path, table: Path, tmp_path: Path) -> None:
    shutil.copytree(checkpoint, tmp_path / "damaged")
    (tmp_path / "damaged" / "search.safetensors").write_bytes(b"")
    with pytest.raises(CheckpointError, match="digest"):
        judged(tmp_path / "damaged", table)


SMALL = ["--proxies", "none", "--images", "32", "--calibration", "16", "--resamples", "9", "--top", "3", "--count", "8"]


def test_the_command_prints_measures_and_writes_scores(run: Path, table: Path, tmp_path: Path) -> None:
    options = ["--table", str(table), "--arch", "cell", "--truth", "true", "--beside", "early", *SMALL]
    done = CliRunner().invoke(app, ["ranking", str(run), *options, "--scores", str(tmp_path / "scores.csv")])
    assert done.exit_code == 0, done.output
    head, *rows = done.stdout.splitlines()
    assert head.split()[:5] == ["score", "supernet", "tau", "equal_size_tau", "top_3"]
    assert [row.split()[0] for row in rows] == ["shared_accuracy", "shared_loss", "parameters", "macs", "early"]
    assert "8 of the 14 architectures" in done.stderr
    assert len(pd.read_csv(tmp_path / "scores.csv")) == 8


@pytest.mark.slow
def test_the_command_writes_every_column_into_a_file(run: Path, table: Path, tmp_path: Path) -> None:
    options = ["--table", str(table), "--arch", "cell", "--truth", "true", *SMALL, "--quiet"]
    done = CliRunner().invoke(app, ["ranking", str(run), *options, "--out", str(tmp_path / "found.json")])
    assert done.exit_code == 0, done.output
    assert "architectures of" not in done.stderr
    rows = json.loads((tmp_path / "found.json").read_text())
    assert [row["score"] for row in rows] == ["shared_accuracy", "shared_loss", "parameters", "macs"]
    assert {"equal_size_tau_low", "top_3_high", "regret", "seconds", "architectures"} <= rows[0].keys()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--table", "t.parquet", "--scores", "scores.txt"], "must end with .csv, .json or .parquet"),
        ([], "--train 20 --epochs 12"),
        (["--train", "20"], "epochs is missing"),
    ],
)
def test_the_command_refuses_what_cannot_be(options: list[str], said: str, run: Path) -> None:
    done = CliRunner().invoke(app, ["ranking", str(run), *options])
    assert done.exit_code == 2
    assert said in done.output
