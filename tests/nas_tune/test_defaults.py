"""What a text says of a default is what the code does, and two doors to one thing have the same defaults."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from pydantic_core import PydanticUndefined

import nas_tune
import trainables.__main__ as by_hand
from nas_tune.benchmarks.tables import digits
from nas_tune.cli.bench import bench
from nas_tune.cli.compress import compress
from nas_tune.cli.export_winner import export
from nas_tune.cli.retrain import retrain
from nas_tune.config import Component, SearchConfig
from nas_tune.schedulers import SCHEDULERS
from nas_tune.session.initial_design import ZeroCost
from nas_tune.strategies import STRATEGIES
from nas_tune.winners.compress import compressing
from nas_tune.winners.retrain.plan import EPOCHS_FACTOR
from trainables.compression import CompressionSettings
from trainables.export import STANDARD
from trainables.tasks.image_classifier import CUTOUT_SHARE, DROP_PATH, EMA, LABEL_SMOOTHING, ImageClassifier

SMALL: dict[str, Any] = {"space": "nb201", "max_trials": 1}


def defaults(function: Callable[..., Any]) -> dict[str, Any]:
    """Of each parameter that has one; of an option of the command line what it is without being given."""
    found = inspect.signature(function).parameters.values()
    return {one.name: one.default for one in found if one.default is not inspect.Parameter.empty}


@pytest.mark.parametrize(
    ("command", "function", "others"),
    [
        (compress, nas_tune.compress, set()),
        (retrain, nas_tune.retrain, {"top"}),
        (export, nas_tune.export, set()),
    ],
)
def test_a_command_and_its_function_have_the_same_defaults(
    command: Callable[..., Any], function: Callable[..., Any], others: set[str]
) -> None:
    one, other = defaults(command), defaults(function)
    shared = (one.keys() & other.keys()) - others
    assert len(shared) >= 2
    assert {name: one[name] for name in shared} == {name: other[name] for name in shared}


def test_search_and_the_configuration_have_the_same_defaults() -> None:
    said = defaults(nas_tune.search)
    fields = SearchConfig.model_fields
    for name in ("strategy", "max_epochs", "workers", "seed", "max_trials"):
        default = fields[name].default
        assert said[name] == (default.name if isinstance(default, Component) else default), name
    # The task decides who trains; without one it is the configuration's default.
    assert said["trainable"] is None
    assert fields["trainable"].default == Component("image_classifier")
    config = SearchConfig(**SMALL)
    assert (config.scheduler.name, config.metric, config.mode) == ("asha", "accuracy", "max")
    assert all(
        field.default is not PydanticUndefined for name, field in fields.items() if name not in ("space", "mode")
    )


def test_the_numbers_of_the_configuration_are_those_that_its_users_know() -> None:
    """Each of them decides what a run without a word of its own does; a change breaks the promise of the README."""
    config = SearchConfig(**SMALL)
    assert (config.max_epochs, config.workers, config.seed, config.max_retries, config.keep_checkpoints) == (
        9,
        1,
        0,
        3,
        5,
    )
    assert (config.backup_seconds, config.warm_start_trials, config.executor) == (60.0, 5, "ray")
    assert config.resources.model_dump() == {"cpus": 1.0, "gpus": 0.0, "devices": 1}
    assert (config.max_seconds, config.epoch_timeout, config.batch, config.initial, config.storage) == (None,) * 5


def says(text: str | None, pattern: str) -> str:
    """The number that a text gives, between the words of `pattern`."""
    found = re.search(pattern, " ".join(str(text).split()))
    assert found is not None, pattern
    return found[1]


WORDS = {"a third": 3, "three": 3, "four": 4}


def test_texts_give_the_numbers_of_the_code() -> None:
    source = inspect.getsource(SearchConfig)
    assert SearchConfig(**SMALL, deterministic=True).batch == int(
        says(source, r"`deterministic` only. The default is (\d+)\.")
    )
    doc = nas_tune.compress.__doc__
    assert WORDS[says(doc, "by default (a third) of those before it")] == compressing._SHARE
    assert WORDS[says(doc, r"at least (\w+)")] == compressing._FEWEST
    assert WORDS[says(nas_tune.retrain.__doc__, r"by default (\w+) times those of the search")] == EPOCHS_FACTOR
    help_of = {
        name: one.__metadata__[0].help
        for name, one in inspect.get_annotations(retrain, eval_str=True).items()
        if hasattr(one, "__metadata__")
    }
    assert int(says(help_of["top"], r"Default: (\d+)\.")) == defaults(nas_tune.retrain)["top"]
    assert WORDS[says(help_of["epochs"], r"Default: (\w+) times the search's")] == EPOCHS_FACTOR
    budget = inspect.get_annotations(bench, eval_str=True)["budget"].__metadata__[0].help
    assert float(says(budget, r"built-in table (\d+)s\.")) == digits.BUDGET
    assert says(budget, r"Default: (\d+s),") in inspect.getsource(inspect.getmodule(bench))  # type: ignore[arg-type]
    written = inspect.getsource(by_hand)
    for option, number in re.findall(r'"--(epochs|seed)", type=int, default=(\d+)', written):
        assert number == says(written, rf'"--{option}".*?\(default (\d+)\)')


def test_the_recipes_are_those_that_their_texts_name() -> None:
    assert (EMA, DROP_PATH, LABEL_SMOOTHING, CUTOUT_SHARE) == (0.999, 0.2, 0.1, 4)
    assert defaults(CompressionSettings)["calibration"] == defaults(nas_tune.compress)["calibration"] == 256
    assert defaults(CompressionSettings)["epochs"] == compressing._FEWEST
    assert defaults(nas_tune.export)["formats"] == STANDARD
    help_of = inspect.get_annotations(export, eval_str=True)["format"].__metadata__[0].help
    assert says(help_of, r"Default: (.+)\.") == ", ".join(STANDARD)
    assert (ZeroCost().proxy, ZeroCost().candidates, ZeroCost().trials) == ("synflow", 100, 8)
    of = defaults(ImageClassifier)
    assert (of["batch_size"], of["lr"], of["weight_decay"], of["momentum"]) == (32, 0.05, 5e-4, 0.9)
    assert (of["validation_share"], of["test_share"], of["label_smoothing"], of["auxiliary_weight"]) == (
        0.2,
        0.2,
        0.1,
        0.4,
    )
    assert {"asha", "hyperband", "median", "none"} <= SCHEDULERS.keys()


def settings_text(component: Callable[..., Any], name: str) -> str:
    """What the docstring says of a setting; that of the class which has the text, where a subclass takes it over."""
    for owner in inspect.getmro(component) if inspect.isclass(component) else (component,):
        found = re.search(rf"^ +{name}: (.*?)(?=^ +\w+: |\Z)", owner.__doc__ or "", re.MULTILINE | re.DOTALL)
        if found is not None:
            return found[1]
    raise AssertionError(f"no docstring tells of {name}")


COMPONENTS = {**STRATEGIES, **SCHEDULERS}


@pytest.mark.parametrize("component", COMPONENTS)
def test_the_text_of_a_setting_gives_its_default(component: str) -> None:
    for name, default in defaults(COMPONENTS[component]).items():
        text = settings_text(COMPONENTS[component], name)
        if default is None:
            assert re.search(r"\bdefault\b", text), name
            continue
        number = says(text, r"\bdefault: ([^);]+)\)")
        assert (number.strip('"') if isinstance(default, str) else float(Fraction(number))) == default, name
