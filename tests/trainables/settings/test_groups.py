"""Settings in groups: declared once, given side by side, with the defaults and the fixed values of each learner."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, get_type_hints

import pytest

from nas_tune.config.field_texts import field_texts
from trainables.settings.groups import (
    OPTIONAL,
    flat_name,
    flat_settings,
    from_flat,
    group,
    settings_of,
    takes,
    with_defaults,
)
from trainables.supernet.settings import SearchSettings
from trainables.supernet.trainable import DartsTrainable
from trainables.tasks.classifier_settings import ClassifierKeywords, ClassifierSettings
from trainables.tasks.image_classifier import ImageClassifier


@dataclass(frozen=True)
class Engine:
    power: int = 3
    fuel: str = "gas"
    seed: int = field(default=0, metadata=flat_name("engine_seed"))


@dataclass(frozen=True, kw_only=True)
class Car:
    name: str
    engine: Engine = field(metadata=group(Engine, defaults={"power": 5}, fixed={"fuel": "oil"}, optional=("power",)))
    wheels: int = field(default=4, metadata=OPTIONAL)


class Drive:
    @takes(Car)
    def __init__(self, **settings: Any) -> None:
        self.car = from_flat(Car, settings)


def test_flat_settings_become_objects() -> None:
    assert Drive(name="a").car == Car(name="a", engine=Engine(5, "oil", 0), wheels=4)
    assert Drive(name="a", power=1, engine_seed=2, wheels=3).car == Car(name="a", engine=Engine(1, "oil", 2), wheels=3)
    assert Drive(name="a", power=None, wheels=None).car == Drive(name="a").car


def test_the_signature_has_every_flat_setting() -> None:
    parameters = inspect.signature(Drive).parameters
    defaults = {name: one.default for name, one in parameters.items()}
    assert defaults == {"name": inspect.Parameter.empty, "power": None, "engine_seed": 0, "wheels": None}
    assert {name: one.annotation for name, one in parameters.items()} == {
        "name": "str",
        "power": "int | None",
        "engine_seed": "int",
        "wheels": "int | None",
    }


def test_every_setting_of_a_learner_has_a_text() -> None:
    for learner in (ImageClassifier, DartsTrainable):
        settings = settings_of(learner)
        assert settings
        assert not [name for name, one in settings.items() if not field_texts(one.owner).get(one.field)]
    assert settings_of(int) == {}


def test_a_class_derived_from_a_learner_has_its_own_signature() -> None:
    class Fast(Drive):
        def __init__(self, speed: int) -> None:
            super().__init__(name="fast")

    assert list(inspect.signature(Fast).parameters) == ["speed"]


def test_defaults_complete_what_is_given() -> None:
    assert with_defaults(Car, {"name": "a", "power": 1}) == {"name": "a", "power": 1, "engine_seed": 0, "wheels": None}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"name": "a", "powr": 1}, "'powr' is not a setting; did you mean 'power'"),
        ({"name": "a", "fuel": "gas"}, "'fuel' is not a setting; the settings: name, power, engine_seed, wheels"),
        ({}, "the setting 'name' is missing"),
    ],
)
def test_other_names_are_refused(given: Mapping[str, object], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        from_flat(Car, given)


def test_two_settings_of_one_name_are_refused() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Twice:
        power: int = 1
        engine: Engine = field(metadata=group(Engine))

    with pytest.raises(TypeError, match="two settings called 'power'"):
        flat_settings(Twice)


def test_keywords_have_the_types_of_the_settings() -> None:
    types, settings = get_type_hints(ClassifierKeywords), flat_settings(ClassifierSettings)
    assert types.keys() == settings.keys()
    for name, one in settings.items():
        declared = get_type_hints(one.owner)[one.field]
        assert types[name] == (declared | None if one.is_optional else declared), name
    assert inspect.signature(ImageClassifier).parameters.keys() == types.keys()


def test_learners_share_the_groups_and_differ_in_what_they_say() -> None:
    classifier, search = from_flat(ClassifierSettings, {}), from_flat(SearchSettings, {})
    assert classifier.network == search.network
    assert (search.weights.lr, search.weights.lr_min, search.weights.nesterov, search.batch_size) == (
        0.025,
        0.001,
        False,
        64,
    )
    assert (search.architect.lr, search.architect.weight_decay) == (3e-4, 1e-3)
