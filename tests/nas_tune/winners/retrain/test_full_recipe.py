"""By which settings an image classifier is retrained, and what trains the finds of searches in supernets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import search_spaces
from nas_tune.config import SearchConfig
from nas_tune.errors import ConfigError
from nas_tune.ledger import Asked, Ended, Found, Ledger, Reported
from nas_tune.results import Run
from nas_tune.session.description import describe_run
from nas_tune.session.search_setup import SearchSetup
from nas_tune.winners.retrain.full_recipe import recipe_of
from nas_tune.winners.retrain.origin import Origin
from nas_tune.winners.retrain.plan import plan
from trainables.tasks.image_classifier import ImageClassifier


def origin(space: str, **settings: Any) -> Origin:
    given = {"space": space, "channels": 4, **settings}
    return Origin("image_classifier", ImageClassifier, given, search_spaces.get(space))


def test_all_that_a_network_takes_is_added() -> None:
    settings, notes = recipe_of(origin("darts", layers=2), {})
    assert settings == {
        "space": "darts",
        "channels": 4,
        "layers": 2,
        "whole": True,
        "cutout": 2,
        "ema": 0.999,
        "label_smoothing": 0.1,
        "network": {"auxiliary": True, "drop_path": 0.2},
    }
    assert notes == []
    assert "network" not in recipe_of(origin("nb201"), {})[0]


def test_what_was_said_stays_and_changes_decide() -> None:
    said = origin("darts", layers=2, cutout=3, network={"drop_path": 0.1})
    settings, _ = recipe_of(said, {"ema": 0.5, "whole": False})
    assert (settings["cutout"], settings["ema"], settings["whole"]) == (3, 0.5, False)
    assert settings["network"] == {"auxiliary": True, "drop_path": 0.1}


def found_twice(folder: Path) -> Run:
    """Three searches by gdas, of which two found the same cell."""
    config = SearchConfig(
        space="nb201",
        strategy="gdas",
        trainable={"name": "image_classifier", "data": "digits", "batch_size": 64},
        executor="inline",
        max_trials=3,
        max_epochs=2,
    )
    folder.mkdir()
    ledger = Ledger.create(folder, describe_run(SearchSetup.of(config)))
    for trial, (seed, value) in enumerate([(1, 0.5), (2, 0.7), (1, 0.6)]):
        cell = search_spaces.get("nb201").sample(seed)
        ledger.append(
            Asked(trial, trial, {"search": trial}, f"search {trial}", trial, True),
            Found(trial, cell.tree, cell.id),
            Reported(trial, 2, {"discrete_accuracy": value, "accuracy": 0.1}, 1.0, "here"),
            Ended(trial, "complete", value),
        )
    ledger.close()
    return Run(folder)


def test_what_searches_found_is_trained_by_what_the_configuration_names(tmp_path: Path) -> None:
    run = found_twice(tmp_path / "run")
    decided = plan(run, top=3, baselines=0)
    assert [one.trial for one in decided.candidates] == [1, 2]
    assert decided.candidates[0].tree == search_spaces.get("nb201").sample(2).tree
    assert decided.candidates[0].search_score == 0.7
    assert decided.of == "image_classifier"
    assert (decided.settings["batch_size"], decided.settings["space"]) == (64, "nb201")
    assert (decided.config.metric, decided.config.max_epochs) == ("test_accuracy", 8)
    with pytest.raises(ConfigError, match="metric is 'f1'; of the test split image_classifier has accuracy and loss"):
        plan(run, metric="f1")
