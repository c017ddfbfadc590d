"""`nas-tune retrain` in this process: the report on stdout, talk on stderr, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import nas_tune
from nas_tune.cli.app import app
from nas_tune.winners.retrain.plan import plan

HERE = "tests.nas_tune.winners.retrain.examples"


def call(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["retrain", "run", *arguments])


@pytest.fixture(autouse=True)
def _searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    nas_tune.search(
        f"{HERE}:small",
        f"{HERE}:Tiring",
        run_dir="runs/run",
        strategy={"name": "grid", "order": "lexicographic"},
        max_trials=6,
        max_epochs=1,
        scheduler="none",
        executor="inline",
    )


@pytest.mark.slow
def test_the_report_is_printed_and_printed_again() -> None:
    first = call("--top", "2", "--seeds", "1", "--epochs", "2", "--set", "slow=0.001")
    assert first.exit_code == 0
    assert first.stdout.startswith("# Retraining of run: test_accuracy after 2 epochs, 1 seed\n")
    assert "retrained: runs/run/retrain" in first.stdout
    assert "recipe: " in first.stderr
    assert "slow 0.001" in first.stderr
    assert "runs/run/retrain (to be trained): trial" in first.stderr
    again = call("--top", "2", "--seeds", "1", "--epochs", "2", "--set", "slow=0.001")
    assert again.stdout == first.stdout
    assert "(read)" in again.stderr


def test_json_is_json_and_nothing_else() -> None:
    result = call("--seeds", "2", "--epochs", "1", "--baselines", "0", "--json", "--quiet")
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert (told["seeds"], told["planned"], told["random"]) == (2, 2, [])
    assert result.stderr == ""


def test_what_cannot_be_ends_with_a_message_and_its_code() -> None:
    table = nas_tune.open_run("runs/run").trials()
    failed = str(table[table["state"] == "failed"]["trial"].iloc[0])
    for arguments, message in [
        (("--trial", failed), "those that can: "),
        (("--trial", "1", "--top", "2"), "exclude each other"),
        (("--set", "slwo=1"), "did you mean 'slow'"),
        (("--trainable", "image_clasifier"), "did you mean 'image_classifier'"),
    ]:
        result = call(*arguments)
        assert result.exit_code == 2
        assert message in result.stderr
        assert result.stdout == ""
    assert not (Path("runs") / "run" / "retrain").exists()


@pytest.mark.slow
def test_what_the_plan_had_to_change_is_noted() -> None:
    result = call("--top", "1", "--seeds", "1", "--epochs", "1", "--baselines", "9")
    assert result.exit_code == 0
    notes = plan(nas_tune.open_run("runs/run"), seeds=1, epochs=1, baselines=9).notes
    assert notes
    assert all(f"note: {note}" in result.stderr for note in notes)
