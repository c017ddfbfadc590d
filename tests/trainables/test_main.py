"""`python -m trainables` trains by hand, without Ray and Optuna, and says clearly what is wrong."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import trainables
from trainables.__main__ import main
from trainables.errors import TrainableError
from trainables.registry import TRAINABLES
from trainables.settings import parse_settings

ROOT = Path(trainables.__file__).parents[1]
CELL = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|skip_connect~0|none~1|skip_connect~2|"
FAST = ["--set", "channels=2", "--set", "cells=1", "--set", "batch_size=256"]

BLOCKED = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("ray", "optuna"):
            raise ImportError(f"{name} is blocked")

sys.meta_path.insert(0, Blocker())
from trainables.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


def train(*arguments, arch=CELL):
    return main(["train", "--arch", arch, *FAST, *arguments])


def _is_engine(name):
    return name.partition(".")[0] in ("ray", "optuna")


class Refusing:
    """An import system in which the engines are not installed."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if _is_engine(name):
            raise ImportError(f"{name} is blocked")


@pytest.fixture
def nothing_imported(monkeypatch):
    """As if neither this project nor the engines had been imported, and the engines could not be."""
    names = ("ray", "optuna", "trainables", "search_spaces")
    mine = [name for name in sys.modules if name.partition(".")[0] in names]
    known = {name: sys.modules.pop(name) for name in mine}
    monkeypatch.setattr(sys, "meta_path", [Refusing, *sys.meta_path])
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] in names]:
        del sys.modules[name]
    sys.modules.update(known)


@pytest.mark.slow
def test_the_modules_that_train_are_imported_anew_without_ray_and_optuna(nothing_imported, capsys):
    again = importlib.import_module("trainables.__main__").main
    assert again(["train", "--arch", CELL, *FAST, "--epochs", "1", "--json"]) == 0
    assert [json.loads(line)["epoch"] for line in capsys.readouterr().out.splitlines()[:1]] == [1]
    assert not any(map(_is_engine, sys.modules))
    with pytest.raises(ImportError, match="ray is blocked"):
        importlib.import_module("ray")


@pytest.mark.slow
def test_trains_with_ray_and_optuna_blocked():
    command = [sys.executable, "-c", BLOCKED, "train", "--space", "nb201", "--arch", CELL, "--epochs", "2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run([*command, *FAST], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [["epoch", "1"], ["epoch", "2"], ["split", "test"]]


@pytest.mark.slow
def test_json_lines(capsys):
    assert train("--epochs", "1", "--json") == 0
    epoch, test = map(json.loads, capsys.readouterr().out.splitlines())
    assert epoch["epoch"] == 1
    assert epoch["parameters"] > 0
    assert test["split"] == "test"
    assert 0 <= test["accuracy"] <= 1


@pytest.mark.slow
def test_architecture_as_json_is_the_same(capsys):
    import search_spaces

    space = search_spaces.get("nb201")
    train("--epochs", "1", "--json")
    text = capsys.readouterr().out
    train("--epochs", "1", "--json", arch=space.from_string(CELL).to_json())
    again = capsys.readouterr().out
    without = [{k: v for k, v in json.loads(line).items() if k != "seconds"} for line in text.splitlines()]
    assert without == [{k: v for k, v in json.loads(line).items() if k != "seconds"} for line in again.splitlines()]


@pytest.mark.slow
def test_goes_on_from_its_checkpoints(tmp_path, capsys):
    folder = str(tmp_path / "saved")
    assert train("--epochs", "2", "--json", "--checkpoint-dir", folder) == 0
    first = capsys.readouterr().out.splitlines()
    assert train("--epochs", "2", "--json", "--checkpoint-dir", folder) == 0
    again = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["epoch"] for line in again[:-1]] == [2]
    assert again[-1] == first[-1]


def test_own_trainable_by_name(monkeypatch, capsys):
    def counted(architecture, *, step=1):
        yield {"seen": step}
        yield {"seen": 2 * step}

    monkeypatch.setattr(TRAINABLES, "_registered", {"counted": counted})
    assert main(["train", "--trainable", "counted", "--arch", CELL, "--set", "step=4", "--json"]) == 0
    assert [json.loads(line)["seen"] for line in capsys.readouterr().out.splitlines()] == [4, 8]


def test_a_table_can_be_named_before_nas_tune_is_imported(capsys):
    assert main(["train", "--trainable", "table", "--arch", CELL]) == 2
    assert "Table needs the setting" in capsys.readouterr().err


def test_list(capsys):
    assert main(["list"]) == 0
    out = capsys.readouterr().out
    assert "image_classifier" in out
    assert "nb201" in out
    assert "digits" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--arch", "|bad|"], "bad"),
        (["--arch", "{"], "not JSON"),
        (["--arch", "{}"], "edge_0_1"),
        (["--space", "nb20l"], "did you mean 'nb201'"),
        (["--space", "chain"], "no string form"),
        (["--data", "digitz"], "did you mean 'digits'"),
        (["--set", "lrr=1"], "did you mean 'lr'"),
        (["--set", "lr"], "key=value"),
        (["--set", "lr=-1"], "above 0"),
        (["--epochs", "0"], "max_epochs is 0"),
        (["--seed", "-1"], "seed is -1"),
        (["--trainable", "image_clasifier"], "did you mean"),
    ],
)
def test_what_is_wrong_goes_to_stderr_with_exit_2(arguments, message, capsys):
    assert train(*arguments) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert "Traceback" not in captured.err
    assert captured.out == ""


def test_usage_errors_exit_2(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["train"])
    assert caught.value.code == 2
    assert "--arch" in capsys.readouterr().err


def test_settings_are_read_as_json_or_text():
    texts = ["lr=0.5", "flip=true", "data=a=b", 'network={"width": 2}', "name=abc"]
    assert parse_settings(texts) == {
        "lr": 0.5,
        "flip": True,
        "data": "a=b",
        "network": {"width": 2},
        "name": "abc",
    }
    with pytest.raises(TrainableError):
        parse_settings(["=3"])


def darts(*arguments):
    small = [
        "--space",
        "nb201",
        "--set",
        "channels=1",
        "--set",
        "cells=1",
        "--set",
        "batch_size=512",
        "--set",
        "augment=false",
    ]
    return main(["darts", *small, "--epochs", "1", *arguments])


@pytest.mark.slow
def test_darts_says_every_epoch_and_what_it_found(capsys):
    assert darts("--json") == 0
    said = capsys.readouterr()
    epoch, test, found = map(json.loads, said.out.splitlines())
    assert [epoch["epoch"], test["split"]] == [1, "test"]
    assert {"accuracy", "discrete_accuracy", "gap", "entropy", "skips"} <= set(epoch)
    assert found["genotype"].count("|") == 9
    assert set(found["architecture"]) == {"edge_0_1", "edge_0_2", "edge_1_2", "edge_0_3", "edge_1_3", "edge_2_3"}
    assert said.err == ""


def test_darts_says_what_is_wrong(capsys):
    assert darts("--method", "pcdart") == 2
    assert "did you mean 'pcdarts'" in capsys.readouterr().err
    assert darts("--set", "epochs=3") == 2
    assert "takes no setting 'epochs'" in capsys.readouterr().err
    assert main(["darts", "--space", "nb101"]) == 2
    assert "no supernet" in capsys.readouterr().err
