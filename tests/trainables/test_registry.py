"""Names, classes and functions become trainables, and everything else is refused with a remedy."""

from __future__ import annotations

import functools

import pytest

from search_spaces.errors import UnknownNameError
from tests.registries import kept, plugged
from trainables import adapt, registry
from trainables.errors import CheckpointError, EndOfTraining, TrainableError
from trainables.protocol import Trainable, has_checkpoints
from trainables.registry import TRAINABLES
from trainables.trial.generator import GeneratorTrainable


def train(architecture, *, width=8, seed=None, max_epochs=None):
    for epoch in range(2):
        yield {"accuracy": width + epoch, "seed": seed, "most": max_epochs, "op": architecture["op"]}


class Counter:
    def __init__(self, *, start: int, by: int = 1):
        self.value, self.by = start, by

    def setup(self, architecture, *, seed, max_epochs):
        pass

    def step(self):
        self.value += self.by
        return {"value": self.value}

    def save(self, folder):
        pass

    def load(self, folder):
        pass


@pytest.fixture(autouse=True)
def clean_registry():
    with kept(TRAINABLES):
        yield


@pytest.fixture
def plugins(monkeypatch):
    return functools.partial(plugged, monkeypatch, "trainables")


def test_generator_yields_an_epoch_a_step_and_then_ends():
    trainable = adapt(train, {"width": 3})
    trainable.setup({"op": "a"}, seed=7, max_epochs=2)
    assert trainable.step() == {"accuracy": 3, "seed": 7, "most": 2, "op": "a"}
    assert trainable.step()["accuracy"] == 4
    with pytest.raises(EndOfTraining):
        trainable.step()


def test_seed_is_passed_only_where_it_is_named():
    def plain(architecture, **settings):
        yield dict(settings)

    trainable = adapt(plain, {"depth": 2})
    trainable.setup({}, seed=1, max_epochs=1)
    assert trainable.step() == {"depth": 2}


def test_setup_begins_anew_and_ends_what_ran_before():
    ended = []

    def careful(architecture):
        try:
            yield {"x": 1}
        finally:
            ended.append(architecture["op"])

    trainable = adapt(careful)
    for op in ("a", "b"):
        trainable.setup({"op": op}, seed=0, max_epochs=1)
        trainable.step()
    assert ended == ["a"]


def test_generator_has_no_checkpoints_and_says_so(tmp_path):
    trainable = adapt(train)
    assert not has_checkpoints(trainable)
    for move in (trainable.save, trainable.load):
        with pytest.raises(CheckpointError, match="save\\(\\) and load\\(\\)"):
            move(tmp_path)


def test_step_before_setup_is_refused():
    with pytest.raises(TrainableError, match="setup"):
        adapt(train).step()


def test_class_is_made_with_its_settings():
    trainable = adapt(Counter, {"start": 4})
    assert isinstance(trainable, Trainable)
    assert has_checkpoints(trainable)
    assert trainable.step() == {"value": 5}


@pytest.mark.parametrize(
    ("target", "settings", "message"),
    [
        (train, {"widht": 3}, "'widht'; did you mean 'width'"),
        (train, {"seed": 3}, "'seed' is not a setting"),
        (Counter, {"start": 1, "zzz": 2}, "it takes: start, by"),
        (Counter, {}, "needs the setting 'start'"),
        ("image_classifier", {"chanels": 8}, "did you mean 'channels'"),
    ],
)
def test_settings_are_held_against_the_signature(target, settings, message):
    with pytest.raises(TrainableError, match=message):
        adapt(target, settings)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (lambda architecture: {"accuracy": 1}, "yield one dict"),
        (dict, "it lacks setup"),
        (Counter(start=0), "not an instance"),
        (3, "generator function"),
    ],
)
def test_what_cannot_train_is_refused(target, message):
    with pytest.raises(TrainableError, match=message):
        adapt(target)


def test_function_without_parameters_is_refused():
    def blind():
        yield {}

    with pytest.raises(TrainableError, match="architecture"):
        adapt(blind)


def test_decorated_and_partial_generator_functions_are_accepted():
    @functools.wraps(train)
    def wrapped(*args, **kwargs):
        return train(*args, **kwargs)

    for target in (wrapped, functools.partial(train, width=5)):
        trainable = adapt(target)
        trainable.setup({"op": "a"}, seed=0, max_epochs=1)
        assert trainable.step()["op"] == "a"


class Held:
    def __call__(self, architecture):
        yield {"accuracy": 0.5}


@pytest.mark.parametrize("target", [Held(), functools.partial(Held())])
def test_an_instance_is_refused_and_its_method_is_a_generator_function(target):
    with pytest.raises(TrainableError, match=r"^an instance of Held is not a trainable; give its class, if that has "):
        adapt(target)
    trainable = adapt(Held().__call__)
    trainable.setup({}, seed=0, max_epochs=1)
    assert trainable.step() == {"accuracy": 0.5}


def test_registered_name_is_found_and_taken_names_are_kept():
    registry.register("mine", train)
    registry.register("mine", train)
    assert isinstance(adapt("mine"), GeneratorTrainable)
    assert "mine" in registry.names()
    with pytest.raises(TrainableError, match="replace=True"):
        registry.register("mine", Counter)
    registry.register("mine", Counter, replace=True)
    assert registry.get("mine") is Counter


@pytest.mark.parametrize("name", ["", "../x", "a b", "x" * 100])
def test_names_follow_the_rule(name):
    with pytest.raises(TrainableError, match="a name starts with"):
        registry.register(name, train)


def test_unknown_name_has_close_ones():
    with pytest.raises(UnknownNameError, match="did you mean 'image_classifier'"):
        adapt("image_clasifier")


def test_plugin_is_loaded_when_used(plugins):
    plugins(other=f"{__name__}:train")
    assert "other" in registry.names()
    assert registry.get("other").__name__ == "train"


def test_broken_plugin_stays_listed_and_is_named_when_used(plugins):
    plugins(broken="no_such_package_at_all:x")
    assert "broken" in registry.names()
    with pytest.raises(TrainableError, match=r"'broken'.*no_such_package_at_all"):
        registry.get("broken")
