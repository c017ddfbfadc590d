"""The configuration: what it accepts, what it refuses and in which words."""

from __future__ import annotations

import pickle
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from nas_tune.config import Component, ConfigProblems, Resources, SearchConfig, load_config
from nas_tune.config.problems import Expected
from nas_tune.config.schema import Decides
from nas_tune.errors import ConfigError
from trainables.hardware.device import Device

DEMO = Path(__file__).parents[3] / "notebooks" / "digits.toml"
SMALL: dict[str, object] = {"space": "nb201", "max_trials": 3}


def problems(**values: object) -> tuple[str, ...]:
    """What is wrong with these keys, on top of a small good configuration."""
    with pytest.raises(ConfigProblems) as caught:
        SearchConfig(**{**SMALL, **values})
    return caught.value.problems


# What it accepts


def test_the_demo_says_what_the_readme_promises() -> None:
    config = load_config(DEMO)
    assert (config.name, config.space.name, config.strategy.name) == ("digits", "nb201", "evolution")
    assert (config.scheduler.name, config.trainable.settings) == ("asha", {"data": "digits", "batch_size": 16})
    assert (config.max_trials, config.max_epochs, config.workers, config.metric) == (24, 9, 2, "accuracy")


def test_defaults() -> None:
    config = SearchConfig(**SMALL)
    assert config.trainable == Component("image_classifier")
    assert (config.strategy.name, config.scheduler.name) == ("auto", "asha")
    assert (config.metric, config.mode, config.executor) == ("accuracy", "max", "ray")
    assert config.resources == Resources(cpus=1.0, gpus=0.0)
    assert (config.run_name, config.run_folder) == ("nb201-auto", Path("runs/nb201-auto"))


def test_the_run_folder_follows_name_and_run_dir(tmp_path: Path) -> None:
    assert SearchConfig(**SMALL, name="mine").run_folder == Path("runs/mine")
    assert SearchConfig(**SMALL, name="mine", run_dir=tmp_path).run_folder == tmp_path
    assert SearchConfig(**SMALL, run_dir="~/x").run_folder == Path.home() / "x"


@pytest.mark.parametrize(
    "value",
    ["evolution", {"name": "evolution"}, Component("evolution")],
)
def test_a_component_is_a_name_a_table_or_a_component(value: object) -> None:
    assert SearchConfig(**SMALL, strategy=value).strategy == Component("evolution")


def test_every_other_key_of_a_component_is_a_setting() -> None:
    config = SearchConfig(**SMALL, strategy={"name": "evolution", "population": 8, "settings": [1, (2, {"a": None})]})
    assert config.strategy == Component("evolution", {"population": 8, "settings": [1, [2, {"a": None}]]})
    assert str(config.strategy) == "evolution(population=8, settings=[1, [2, {'a': None}]])"


def test_a_component_does_not_share_its_settings() -> None:
    sizes = [1, 2]
    component = Component("x", {"sizes": sizes})
    sizes.append(3)
    plain = component.plain()
    assert isinstance(plain, dict)
    assert isinstance(plain["sizes"], list)
    plain["sizes"].append(4)
    assert component.settings == {"sizes": [1, 2]}


def test_spaces_and_trainables_may_be_references() -> None:
    config = SearchConfig(space="my.spaces:TINY", trainable="my.tasks:train", max_trials=1)
    assert config.run_name == "tiny-auto"


@pytest.mark.parametrize(("given", "expected"), [(10**12, 10**12), (1e12, 10**12)])
def test_a_huge_budget_is_allowed_also_as_toml_writes_it(given: object, expected: int) -> None:
    max_trials = SearchConfig(space="nb201", max_trials=given).max_trials
    assert (max_trials, type(max_trials)) == (expected, int)


def test_the_edges_are_inside() -> None:
    SearchConfig(**SMALL, seed=0, workers=-1, max_epochs=1, max_retries=0, keep_checkpoints=0)
    SearchConfig(**SMALL, seed=2**32 - 1, workers=10_000, resources={"cpus": 0.01, "gpus": 0})
    SearchConfig(space="nb201", max_seconds=1)
    SearchConfig(space="nb201", forever=True)


def test_it_is_immutable_and_replace_checks_again() -> None:
    config = SearchConfig(**SMALL)
    with pytest.raises(ValidationError):
        config.seed = 3
    assert config.replace(seed=3) == SearchConfig(**SMALL, seed=3)
    with pytest.raises(ConfigProblems, match="max_trials"):
        config.replace(max_trials=0)


# What it refuses


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("max_trials", "ten", "got 'ten' (a string), expected a whole number above 0"),
        ("max_trials", True, "got true (a boolean), expected a whole number above 0"),
        ("max_trials", 0, "got 0 (an integer), expected a whole number above 0"),
        ("max_trials", -1, "got -1 (an integer)"),
        ("max_trials", 2.5, "got 2.5 (a float)"),
        ("max_trials", float("inf"), "got inf (a float)"),
        ("max_seconds", float("nan"), "got nan (a float), expected a number of seconds above 0"),
        ("max_seconds", 0, "expected a number of seconds above 0"),
        ("max_seconds", "1h", "got '1h' (a string)"),
        ("max_epochs", 0, "expected a whole number, at least 1"),
        ("max_epochs", 9.0, "got 9.0 (a float)"),
        ("workers", 0, "got 0 (an integer), expected a whole number, at least 1, or -1 for all"),
        ("workers", -2, "got -2"),
        ("seed", -1, "expected a whole number from 0 to 4294967295"),
        ("seed", 2**32, "got 4294967296"),
        ("seed", "abc", "got 'abc' (a string)"),
        ("max_retries", -1, "expected a whole number, 0 or more"),
        ("keep_checkpoints", -1, "expected a whole number, 0 or more"),
        ("epoch_timeout", 0, "expected a number of seconds above 0"),
        ("backup_seconds", None, "got None (nothing)"),
        ("forever", "yes", "expected true or false"),
        ("executor", "rya", "expected one of 'ray', 'inline', 'simulated'; did you mean 'ray'?"),
        ("mode", "maximise", "got 'maximise' (a string), expected one of 'max', 'min'; did you mean 'max'?"),
        ("mode", "Minimize", "did you mean 'min'?"),
        ("mode", "up", "expected one of 'max', 'min'"),
        ("metric", "val loss", "got 'val loss'; a name starts with a letter"),
        ("metric", "arch.op", "got 'arch.op'"),
        ("metric", 3, "got 3"),
        ("name", "../x", "got '../x'; a run name has"),
        ("name", "/tmp/x", "a run name has"),
        ("name", "con", "device on Windows"),
        ("name", "a/b", "a run name has"),
        ("name", "x" * 300, "(302 characters)"),
        ("name", "", "got ''; a run name has"),
        ("run_dir", "", "expected the path of a folder"),
        ("run_dir", "a\0b", "expected the path of a folder"),
        ("storage", 3, "got 3 (an integer), expected the path of a folder"),
        ("address", "", "expected the address of a Ray cluster"),
        ("resources", 3, "expected a table with cpus, gpus and devices"),
        ("space", 3, "expected a name, or a table with a name and settings"),
    ],
)
def test_a_bad_value_is_refused_with_key_value_and_rule(key: str, value: object, message: str) -> None:
    mode = {"mode": "max"} if key == "metric" else {}
    [line] = problems(**mode, **{key: value})
    assert line.startswith(f"{key}: ")
    assert message in line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"max_trails": 3}, "max_trails: unknown key; did you mean 'max_trials'?"),
        ({"sampler": "tpe"}, "sampler: unknown key; here it is called 'strategy'"),
        ({"estimator": "shared", "trainable": "table"}, "estimator: unknown key; "),
        ({"cpus": 3}, "cpus: unknown key; did you mean 'resources.cpus'?"),
        ({"resources": {"cpu": 3}}, "resources.cpu: unknown key; did you mean 'cpus'?"),
        ({"self": 3}, "self: unknown key; the keys are: address, "),
    ],
)
def test_an_unknown_key_gets_a_hint(values: dict[str, object], line: str) -> None:
    [found] = problems(**values)
    assert found.startswith(line)


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("", "strategy.name: got ''"),
        ("has space", "strategy.name: got 'has space'"),
        ("x" * 300, "strategy.name: got 'xxx"),
        ({"population": 8}, "strategy.name: missing"),
        ({"name": 3}, "strategy.name: got 3 (an integer), expected a string"),
        (
            {"name": "tpe", "a": {"b": [1, float("nan")]}},
            "strategy.a.b.1: got nan (a float), expected a finite number",
        ),
        (
            {"name": "tpe", "a": object},
            "strategy.a: got <class 'object'> (of type type), expected plain data",
        ),
        ({"name": "tpe", "a": {3: 4}}, "strategy.a: got the key 3 (an integer)"),
        ("my.module:strategy", "strategy: got 'my.module:strategy', a reference; only a registered name"),
    ],
)
def test_a_bad_component_is_refused_with_the_path_inside_it(value: object, line: str) -> None:
    [found] = problems(strategy=value)
    assert found.startswith(line)


def test_a_component_made_by_hand_is_checked_too() -> None:
    with pytest.raises(ConfigError, match="a: got inf"):
        Component("tpe", {"a": float("inf")})
    with pytest.raises(ConfigError, match="name: got 3"):
        Component("tpe", {"name": 3})


def test_all_problems_come_at_once_one_line_each() -> None:
    with pytest.raises(ConfigProblems) as caught:
        SearchConfig(max_trails=3, seed=-1, resources={"cpus": 0, "gpu": 1}, strategy={"name": "", "x": object()})
    found = caught.value
    keys = [line.split(":")[0] for line in found.problems]
    assert sorted(keys) == [
        "max_trails",
        "resources.cpus",
        "resources.gpu",
        "seed",
        "space",
        "strategy.name",
        "strategy.x",
    ]
    assert str(found) == "\n  ".join(["configuration: 7 problems", *found.problems])
    assert found.exit_code == 2


def test_no_budget_is_refused_unless_forever() -> None:
    with pytest.raises(ConfigError, match=r"no budget: .*--forever"):
        SearchConfig(space="nb201")
    [line] = problems(forever=True)
    assert "forever: true contradicts max_trials" in line


def test_what_evaluates_may_be_called_an_estimator() -> None:
    made = SearchConfig(space="nb201", max_trials=1, estimator={"name": "shared", "checkpoint": "runs/a"})
    assert (made.trainable.name, made.trainable.settings) == ("shared", {"checkpoint": "runs/a"})
    assert SearchConfig(**made.to_dict()) == made
    assert "estimator" not in made.to_dict()


def test_a_misspelt_budget_is_one_problem_not_two() -> None:
    with pytest.raises(ConfigProblems) as caught:
        SearchConfig(space="nb201", max_trails=3)
    assert len(caught.value.problems) == 1


def test_a_metric_of_unknown_direction_needs_a_mode() -> None:
    [line] = problems(metric="loss")
    assert line == "mode: missing; expected one of 'max', 'min'"
    assert SearchConfig(**SMALL, metric="loss", mode="min").mode == "min"
    assert SearchConfig(**SMALL, mode=None).mode == "max"
    assert SearchConfig(**SMALL, metric=["accuracy"]).mode == "max"
    [line] = problems(metric=["accuracy", "loss"])
    assert line.startswith("mode: missing")
    with pytest.raises(ConfigProblems, match="mode: missing"):
        SearchConfig(**{**SMALL, "strategy": "gdas"}, metric="loss")
    with pytest.raises(ConfigProblems, match="mode: missing"):
        SearchConfig(**SMALL).replace(metric="loss")
    assert SearchConfig(**SMALL).replace(metric="loss", mode="min", seed=1).mode == "min"


def test_devices_that_train_together_are_whole_ones_and_train_one_architecture_at_a_time() -> None:
    config = SearchConfig(**SMALL, resources={"devices": 2, "gpus": 1})
    assert config.resources.devices == 2
    assert SearchConfig.from_json(config.to_json()) == config
    assert problems(resources=Resources(devices=2, gpus=0.5), workers=2) == (
        "workers: got 2 (an integer), but 2 devices train one architecture together; set workers = 1",
        "resources.gpus: got 0.5 (a float), but each of 2 devices is one whole GPU, or none; set 1 or 0",
    )
    (line,) = problems(resources={"devices": 3}, executor="inline")
    assert line == "resources.devices: got 3, but the inline executor has one process; use executor = 'ray'"
    assert problems(resources={"devices": 0}) == (
        "resources.devices: got 0 (an integer), expected a whole number, at least 1",
    )


def test_the_inline_executor_takes_neither_workers_nor_cluster() -> None:
    lines = problems(executor="inline", workers=4, address="auto")
    assert [line.split(":")[0] for line in lines] == ["workers", "address"]
    assert SearchConfig(**SMALL, executor="inline", workers=-1).workers == -1


def test_a_deterministic_search_has_batches_of_its_own_size() -> None:
    config = SearchConfig(**SMALL, deterministic=True, workers=4)
    assert (config.batch, config.to_dict()["batch"]) == (8, 8)
    assert SearchConfig(**SMALL).batch is None
    assert SearchConfig(**SMALL, deterministic=True, batch=16, workers=16).batch == 16
    assert SearchConfig(**SMALL, deterministic=True, workers=-1).batch == 8


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"batch": 4}, r"batch: got 4 .*set deterministic = true"),
        ({"deterministic": True, "workers": 16}, r"workers: got 16, more than a batch has .*set batch = 16"),
        ({"deterministic": True, "max_trials": None, "forever": True}, "deterministic: needs max_trials"),
        ({"deterministic": True, "max_seconds": 9.0}, "deterministic: max_seconds contradicts it"),
        ({"deterministic": "yes"}, "deterministic: got 'yes'"),
    ],
)
def test_what_no_deterministic_search_can_be_is_refused(values: dict[str, object], said: str) -> None:
    [line] = problems(**values)
    assert re.match(said, line)


def test_problems_can_be_sent_to_another_process() -> None:
    with pytest.raises(ConfigProblems) as caught:
        SearchConfig(seed=-1)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.problems) == (str(caught.value), caught.value.problems)
    with pytest.raises(ConfigError) as alone:
        Component("", {"a": object})
    assert str(pickle.loads(pickle.dumps(alone.value))) == str(alone.value)


def test_every_key_says_what_it_expects() -> None:
    for model in (SearchConfig, Resources):
        for key, field in model.model_fields.items():
            assert any(isinstance(item, Expected) for item in field.metadata), key


def test_importing_it_costs_nothing_heavy() -> None:
    heavy = ("numpy", "pandas", "torch", "ray", "optuna", "typer", "rich", "tomli_w")
    code = f"import nas_tune.config, sys; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=DEMO.parents[1])
    assert done.stdout.strip() == "[]"


def test_every_key_says_once_what_it_decides() -> None:
    kinds: tuple[Decides, ...] = ("result", "length", "limits", "trials", "care", "folder")
    keys = {decides: SearchConfig.keys_that_decide(decides) for decides in kinds}
    assert sorted(key for found in keys.values() for key in found) == sorted(SearchConfig.model_fields)
    assert keys["length"] == ["max_trials", "max_seconds", "forever"]
    assert keys["limits"] == ["limits", "audit"]
    assert keys["trials"] == ["workers", "executor", "address", "resources"]
    assert keys["care"] == ["max_retries", "epoch_timeout", "keep_checkpoints", "storage", "backup_seconds"]
    assert keys["folder"] == ["name", "run_dir"]
    assert SearchConfig.keys_that_decide("folder", "length") == [
        "name",
        "run_dir",
        "max_trials",
        "max_seconds",
        "forever",
    ]
    assert SearchConfig.keys_that_lead_out() == ["address", "device", "storage"]


def test_it_is_no_mapping_without_keys() -> None:
    config = SearchConfig(space="nb201", max_trials=3)
    assert dict(config)["max_trials"] == 3


def test_a_device_is_a_table_and_is_kept() -> None:
    config = SearchConfig(space="nb201", max_trials=1, device={"engine": "torch", "batch": 8})
    assert config.device == Device("torch", batch=8)
    assert SearchConfig.from_json(config.to_json()) == config
    assert SearchConfig(space="nb201", max_trials=1).device is None


@pytest.mark.parametrize(
    ("device", "said"),
    [
        ({"engine": "onnxruntimes"}, "device: engine is 'onnxruntimes'; did you mean 'onnxruntime'"),
        ({"engin": "torch"}, "device: unknown key 'engin'; did you mean 'engine'"),
        ("cuda", "the device on which a trial trains is trainable.device"),
        (7, "device: is 7; it must be a table"),
    ],
)
def test_a_device_that_is_none_is_refused(device: object, said: str) -> None:
    with pytest.raises(ConfigProblems) as refused:
        SearchConfig(space="nb201", max_trials=1, device=device)
    assert said in str(refused.value)


def test_only_a_device_with_a_command_leads_out() -> None:
    own = {"engine": "command", "command": "python phone.py"}
    assert SearchConfig(space="nb201", max_trials=1, device={"engine": "torch"}).reaches("device", "address") == {}
    found = SearchConfig(space="nb201", max_trials=1, device=own, address="auto").reaches("device", "address")
    assert found == {"device": own, "address": "auto"}
