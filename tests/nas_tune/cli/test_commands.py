"""The commands in this process: what goes to stdout, what to stderr, and the exit codes."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from nas_tune.cli.app import app
from nas_tune.cli.search import parse_changes
from nas_tune.errors import ConfigError
from nas_tune.ledger import BudgetChanged, ledger_path
from nas_tune.results import Run
from search_spaces import get
from tests.nas_tune.results.made import begun, ended, eventful, make, trial

TOML = """
name = "toy"
space = "tests.nas_tune.results.made:mixed"
trainable = "tests.nas_tune.results.made:train"
executor = "inline"
scheduler = "none"
max_trials = 6
max_epochs = 3
"""


def call(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test in a folder of its own, whatever the terminal of who runs it."""
    monkeypatch.chdir(tmp_path)
    for name in ("FORCE_COLOR", "NO_COLOR", "COLUMNS", "NAS_TUNE_DEBUG"):
        monkeypatch.delenv(name, raising=False)


def made(*events: Any, name: str = "toy", **more: Any) -> Path:
    folder = Path("runs") / name
    folder.mkdir(parents=True)
    make(folder, *events, **more).close()
    return folder


# results


def test_results_are_a_table_of_what_matters_with_the_state_on_stderr() -> None:
    folder = made(*eventful())
    result = call("results", str(folder))
    assert result.exit_code == 0
    header, *rows = result.stdout.splitlines()
    assert header.split() == ["trial", "state", "accuracy", "epochs", "seconds", "architecture"]
    assert rows[0].split()[:5] == ["0", "complete", "0.9000", "3", "1.5"]
    assert rows[2].split()[:5] == ["2", "failed:", "diverged", "-", "2"]
    assert "snapshot of" in result.stderr
    assert "6 trials: 1 running, 1 lost, 1 complete, 1 pruned, 2 failed" in result.stderr


def test_an_option_of_one_value_is_not_given_twice() -> None:
    done = call("export", "cells", "--trial", "1", "--trial", "2")
    assert done.exit_code == 2
    assert "--trial: given 2 times; it has one value, give it once" in done.output
    folder = made(*eventful())
    assert call("explain", str(folder), "--json", "--json").exit_code == 0, "a flag says the same twice"


@pytest.mark.slow
def test_formats_and_strategies_are_listed_by_commas_or_by_repeating_the_option(tmp_path: Path) -> None:
    folder = made(*eventful())
    done = call("export", str(folder), "--format", "safetensors", "--format", "pyy,onnx", "--out", str(tmp_path))
    assert done.exit_code == 2
    assert "format 'pyy' is unknown; did you mean 'py'" in done.output
    raced = call("bench", "--strategy", "random", "--strategy", "tpe,ppo", "--budget", "15s", "--seeds", "1", "--json")
    assert {one["strategy"] for one in json.loads(raced.stdout)["strategies"]} == {"random", "tpe", "ppo"}


def test_a_run_is_found_by_its_name_and_a_missing_one_gets_a_hint() -> None:
    made(*eventful(), name="digits")
    assert call("results", "digits").exit_code == 0
    result = call("results", "digist")
    assert result.exit_code == 4
    assert "did you mean 'digits'?" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("table", ["trials", "epochs"])
@pytest.mark.parametrize("format", ["table", "csv", "json"])
def test_an_empty_run_is_no_error(table: str, format: str) -> None:
    made()
    result = call("results", "toy", "--table", table, "--format", format)
    assert result.exit_code == 0
    assert "0 trials" in result.stderr
    if format == "json":
        assert json.loads(result.stdout) == []
    else:
        assert result.stdout.splitlines()[0].startswith("trial")
        assert len(result.stdout.splitlines()) == 1


def test_json_is_strict_and_has_every_column() -> None:
    made(begun(), *trial(0, [0.5, float("inf")]), *trial(1, [float("nan")], "failed", failure="diverged"))
    result = call("results", "toy", "--format", "json")
    rows = json.loads(result.stdout, parse_constant=lambda text: pytest.fail(f"not JSON: {text}"))
    assert [row["accuracy"] for row in rows] == [None, None]
    assert rows[1]["failure"] == "diverged"
    assert rows[0]["started"].endswith("+00:00")
    assert isinstance(rows[0]["arch.width"], int)


def test_csv_reads_back_and_formulas_are_disarmed() -> None:
    bad = {"failure": "error", "message": "=HYPERLINK(1)", "traceback": "line one\nline, two"}
    made(begun(), *trial(0, [-0.5]), *trial(1, [], "failed", **bad))
    result = call("results", "toy", "--format", "csv")
    frame = pd.read_csv(io.StringIO(result.stdout))
    assert frame["accuracy"].tolist()[0] == -0.5
    assert frame["message"].tolist()[1] == "'=HYPERLINK(1)"
    assert frame["traceback"].tolist()[1] == "line one\nline, two"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_every_start_of_a_formula_is_disarmed_in_cells_and_headers(start: str) -> None:
    made()
    text = f"{start}cmd"
    result = call("results", "toy", "--format", "csv", "--sql", f"SELECT '{text}' AS \"{text}\", -1 AS n")
    header, row = list(csv.reader(io.StringIO(result.stdout, newline="")))
    shown = text.replace("\r", "\n")
    assert header == [f"'{shown}", "n"]
    assert row == [f"'{shown}", "-1"]


def test_a_number_in_quotes_stays_one() -> None:
    made()
    numbers, others = ("-1", "+0.5", "-1e-3", "-inf"), ("-1 +2", "+cmd", "-", "-1_0")
    asked = ", ".join(f"'{text}' AS c{place}" for place, text in enumerate((*numbers, *others)))
    result = call("results", "toy", "--format", "csv", "--sql", f"SELECT {asked}")
    assert list(csv.reader(io.StringIO(result.stdout)))[1] == [*numbers, *(f"'{text}" for text in others)]


def test_epochs_and_sql() -> None:
    made(*eventful())
    epochs = call("results", "toy", "--table", "epochs").stdout.splitlines()
    assert epochs[0].split() == ["trial", "epoch", "accuracy", "seconds", "state", "loss"]
    assert len(epochs) == 10
    found = call("results", "toy", "--sql", "SELECT state, count(*) AS n FROM trials GROUP BY ALL ORDER BY ALL")
    assert found.stdout.splitlines()[1].split() == ["complete", "1"]


def test_a_wrong_query_is_a_usage_error() -> None:
    made(*eventful())
    result = call("results", "toy", "--sql", "SELECT nothing FROM trials")
    assert result.exit_code == 2
    assert "trials has: trial, state" in result.stderr
    assert call("results", "toy", "--sql", "SELECT 1", "--table", "epochs").exit_code == 2


def test_files_are_written_in_the_format_of_their_name(tmp_path: Path) -> None:
    made(*eventful())
    for name in ("a.csv", "b.json", "deep/c.parquet", "d.txt"):
        result = call("results", "toy", "--out", name)
        assert result.exit_code == 0
        assert result.stdout == ""
        assert f"6 rows written to {name}" in result.stderr
    assert pd.read_parquet("deep/c.parquet")["trial"].dtype == "Int64"
    assert len(json.loads((tmp_path / "b.json").read_text(encoding="utf-8"))) == 6
    assert (tmp_path / "d.txt").read_text(encoding="utf-8").startswith("trial")


def test_parquet_needs_a_file_and_a_bad_place_is_told() -> None:
    made(*eventful())
    refused = call("results", "toy", "--format", "parquet")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "--out FILE" in refused.stderr
    Path("file").write_text("", encoding="utf-8")
    assert call("results", "toy", "--out", "file/x.csv").exit_code == 4


def test_a_damaged_ledger_is_told_with_its_exit_code() -> None:
    folder = made(*eventful())
    ledger_path(folder).write_bytes(b"torn" * 1000)
    result = call("results", "toy")
    assert result.exit_code == 4
    assert "damaged" in result.stderr
    assert "Traceback" not in result.stderr


# best


def test_best_prints_numbers_and_the_official_strings() -> None:
    space = get("nb201")
    trees = [space.sample(seed).tree for seed in range(3)]
    events = [event for n, tree in enumerate(trees) for event in trial(n, [0.5 + n / 10], tree=tree)]
    made(begun(), *events, ended(), space="nb201")
    result = call("best", "toy", "-k", "2")
    lines = result.stdout.splitlines()
    assert lines[0] == "best 2 of 3 architectures"
    assert lines[1].split() == ["#", "trial", "accuracy", "epochs", "seconds"]
    assert [line.split()[:3] for line in lines[2:4]] == [["1", "2", "0.7000"], ["2", "1", "0.6000"]]
    assert lines[5] == f"1  {space.to_string(trees[2])}"  # type: ignore[attr-defined]
    assert "(done)" in result.stderr


def test_best_of_other_spaces_is_json_that_reads_back() -> None:
    folder = made(*eventful())
    line = call("best", str(folder)).stdout.splitlines()[-2]
    assert json.loads(line.removeprefix("1  "))["width"] == 16
    rows = json.loads(call("best", str(folder), "--format", "json").stdout)
    assert [row["trial"] for row in rows] == [0, 1]


def test_best_of_nothing_is_no_error() -> None:
    made()
    result = call("best", "toy")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "no trial with a value yet" in result.stderr
    assert call("best", "toy", "-k", "0").exit_code == 2


# spaces, strategies, doctor


def test_spaces_are_listed_with_their_sizes() -> None:
    rows = [line.split() for line in call("spaces").stdout.splitlines()]
    assert rows[0] == ["space", "architectures", "parameters", "from"]
    assert ["nb201", "15,625", "6", "nas_tune"] in rows


def test_strategies_schedulers_and_trainables_have_settings_and_defaults() -> None:
    text = call("strategies").stdout
    for part in (
        *("strategies", "schedulers", "trainables", "tasks", "population = 100, sample = (none)", "reduction = 3"),
        *('task = "auto", space = "nb201"', "context = 64", "class_weights = (none)"),  # of settings in groups
    ):
        assert part in text
    assert "image_classifier" in text
    assert "model.onnx" in text.partition("export formats")[2]
    assert text.count("from nas_tune") > 30
    assert 'data = "digits"' in text
    assert "seed = " not in text.split("schedulers")[0]
    # Who can handle several objectives says so: ten strategies, asha, asha_promote, hyperband and none.
    assert text.count("one objective or several") == 10 + 4


def test_the_doctor_looks_at_everything() -> None:
    result = call("doctor")
    found = {line.split()[1] for line in result.stdout.splitlines()}
    assert {"python", "optuna", "torch", "ray", "processors", "memory", "gpu", "disk"} <= found


def test_a_broken_part_makes_the_doctor_exit_with_1(monkeypatch: pytest.MonkeyPatch) -> None:
    from nas_tune.cli import doctor

    monkeypatch.setattr(doctor, "findings", lambda: iter([doctor.CheckResult("ray", "gone", "broken")]))
    result = call("doctor")
    assert result.exit_code == 1
    assert "X  ray" in result.stdout


# search, resume


def write_config(text: str = TOML) -> str:
    Path("c.toml").write_text(text, encoding="utf-8")
    return "c.toml"


def test_a_search_prints_its_five_best_and_where_it_lies() -> None:
    result = call("search", write_config())
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "best 5 of 6 architectures"
    assert lines[-2] == "6 trials: 6 complete"
    assert lines[-1] == "run folder: runs/toy"
    assert "(6/6, best" in result.stderr
    assert "no test metrics" in result.stderr


def test_a_quiet_search_shows_no_progress_and_new_takes_another_folder() -> None:
    config = write_config()
    assert call("search", config, "-q").exit_code == 0
    again = call("search", config, "-q")
    assert again.exit_code == 2
    assert "nas-tune resume" in again.stderr
    beside = call("search", config, "-q", "--new")
    assert beside.stdout.splitlines()[-1] == "run folder: runs/toy-2"
    assert "eta" not in beside.stderr


def test_overrides_are_applied_and_a_resume_enlarges_the_budget() -> None:
    config = write_config()
    assert "2 trials: 2 complete" in call("search", config, "--set", "max_trials=2").stdout
    more = call("resume", "toy", "--set", "max_trials=4")
    assert more.exit_code == 0
    assert "4 trials: 4 complete" in more.stdout
    assert "(4/4, best" in more.stderr


def test_what_another_run_found_is_known_and_a_list_is_tried_first() -> None:
    config = write_config()
    assert call("search", config, "-q").exit_code == 0
    best = call("best", "toy", "-k", "2", "--format", "json", "--out", "best.json")
    assert best.exit_code == 0
    known = call("search", config, "-q", "--set", "name=warm", "--from", "toy", "--set", "max_trials=3")
    assert known.exit_code == 0, known.stderr
    run = Run("runs/warm")
    assert run.config.warm_start == ("runs/toy",)
    assert any("the strategy knows 6 trials of runs/toy" in text for _, text in run.state.notes)
    tried = call("search", config, "-q", "--set", "name=tried", "--set", "max_trials=2", "--enqueue", "best.json")
    assert tried.exit_code == 0, tried.stderr
    assert Run("runs/tried").trials()["architecture_id"].tolist() == Run("runs/toy").best(2)["architecture_id"].tolist()
    more = call("resume", "tried", "-q", "--set", "max_trials=3", "--enqueue", "best.json")
    assert more.exit_code == 0
    assert sum("a trial has tried it already" in text for _, text in Run("runs/tried").state.notes) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [("{torn", "not JSON"), ('{"op": 1}', "a JSON list"), ('[{"op": 1}]', r"enqueue[0]: ")],
)
def test_a_list_that_cannot_be_tried_exits_with_2_before_anything_is_written(text: str, said: str) -> None:
    Path("list.json").write_text(text)
    result = call("search", write_config(), "--enqueue", "list.json")
    assert result.exit_code == 2
    assert said in result.stderr
    assert not Path("runs").exists()


def test_the_test_split_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    from nas_tune.results import Run

    monkeypatch.setattr(Run, "evaluate", lambda self, trial, **_: {"accuracy": 0.98765, "loss": 0.1})
    result = call("search", write_config(), "-q")
    assert "validation accuracy" in result.stdout
    assert "test split, never seen by the search: trial" in result.stdout
    assert "accuracy 0.9877  loss 0.1000" in result.stdout


def test_an_evaluation_that_raises_hides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from nas_tune.results import Run

    def evaluate(self: Run, trial: int, *, allow_code: bool) -> dict[str, float]:
        raise RuntimeError("cannot")

    monkeypatch.setattr(Run, "evaluate", evaluate)
    result = call("search", write_config(), "-q")
    assert result.exit_code == 0
    assert "run folder: runs/toy" in result.stdout
    assert "evaluate() raised RuntimeError('cannot')" in result.stderr


def test_a_budget_beyond_the_space_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from nas_tune import api
    from nas_tune.results import Run

    made(*eventful())
    monkeypatch.setattr(api, "run_config", lambda config, **more: Run("runs/toy"))
    config = write_config('space = "nb201"\nmax_trials = 1e12\nexecutor = "inline"\n')
    assert "bounded by the space: 15,625 architectures" in call("search", config, "-q").stderr
    for trials, told in ((15_625, False), (15_626, True)):
        config = write_config(f'space = "nb201"\nmax_trials = {trials}\nexecutor = "inline"\n')
        assert ("bounded by the space" in call("search", config, "-q").stderr) is told


def test_mistakes_in_the_configuration_exit_with_2_before_anything_is_written() -> None:
    result = call("search", write_config(TOML.replace("max_trials", "max_trails")))
    assert result.exit_code == 2
    assert "did you mean 'max_trials'?" in result.stderr
    assert not Path("runs").exists()
    assert call("search", "missing.toml").exit_code == 2
    assert call("serach", "c.toml").exit_code == 2


def test_a_search_without_a_usable_trial_exits_with_3() -> None:
    result = call("search", write_config(TOML + "[trainable]\n").replace("\n", ""), "-q")
    assert result.exit_code == 2
    failing = TOML.replace('trainable = "tests.nas_tune.results.made:train"\n', "")
    failing += '[trainable]\nname = "tests.nas_tune.results.made:train"\nfail = true\n'
    result = call("search", write_config(failing), "-q")
    assert result.exit_code == 3
    assert "told to fail" in result.stderr
    assert result.stdout == ""


def test_a_refused_change_exits_with_5_and_an_unknown_one_with_2() -> None:
    call("search", write_config(), "-q")
    assert call("resume", "toy", "--set", "mode=min").exit_code == 5
    assert call("resume", "toy", "--set", "strategy.population=9").exit_code == 5
    assert call("resume", "toy", "--set", "max_trails=9").exit_code == 2
    assert call("resume", "toy", "--set", "max_trials").exit_code == 2


def test_a_damaged_ledger_goes_on_from_its_backup() -> None:
    call("search", write_config(), "-q")
    ledger_path(Path("runs/toy")).write_bytes(b"torn" * 1000)
    refused = call("resume", "toy")
    assert refused.exit_code == 4
    assert "--from-backup" in refused.stderr
    assert "8 trials: 8 complete" in call("resume", "toy", "--from-backup", "--set", "max_trials=8").stdout


def test_the_budget_in_force_is_the_one_that_progress_counts_to() -> None:
    folder = made(begun(), *trial(0, [0.5]), BudgetChanged({"max_trials": 3}), ended())
    assert folder.is_dir()
    assert "(3/3, best" in call("resume", "toy").stderr


def test_interrupts_and_debugging(monkeypatch: pytest.MonkeyPatch) -> None:
    from nas_tune import api

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    def end(*_: object, **__: object) -> None:
        raise SystemExit(143)

    config = write_config()
    call("search", config, "-q")
    monkeypatch.setattr(api, "resume", stop)
    result = call("resume", "toy")
    assert result.exit_code == 130
    assert "go on with: nas-tune resume runs/toy" in result.stderr
    monkeypatch.setattr(api, "resume", end)
    assert call("resume", "toy").exit_code == 143
    debugged = call("--debug", "results", "nothing")
    assert debugged.exit_code == 4
    assert "Traceback" in debugged.stderr


def test_changes_of_a_table_keep_its_other_keys() -> None:
    config = {"resources": {"cpus": 2.0, "gpus": 0.0}, "strategy": "evolution"}
    texts = ["resources.gpus=0.5", "max_trials = 48", "storage=/mnt/x", "name='a=b'"]
    assert parse_changes(texts, config) == {
        "resources": {"cpus": 2.0, "gpus": 0.5},
        "max_trials": 48,
        "storage": "/mnt/x",
        "name": "a=b",
    }
    for wrong in ("max_trials", "=3", ".=3", "resources.=1"):
        with pytest.raises(ConfigError, match="expected key=value"):
            parse_changes([wrong], config)
