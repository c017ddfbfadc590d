"""A configuration becomes checked parts, and the same parts again from what the ledger keeps of them."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import nas_tune
import trainables
from nas_tune.config import SearchConfig
from nas_tune.errors import ConfigError, ResumeRefusedError
from nas_tune.executors.inline import InlineExecutor
from nas_tune.schedulers import Asha, Hyperband
from nas_tune.session.description import describe_run
from nas_tune.session.reopening import reopened
from nas_tune.session.search_setup import CHANGEABLE, SearchSetup
from nas_tune.session.versions import versions
from search_spaces import Space, SpaceError, choice
from search_spaces.errors import UnknownNameError
from tests import toys
from tests.toys import Climber, climb, conditional_space, tiny_space
from trainables import ImageClassifier
from trainables.errors import TrainableError
from trainables.trial.reports import RESERVED_NAMES


def config(**values: Any) -> SearchConfig:
    made = {"space": "tests.toys:tiny_space", "trainable": "tests.toys:climb", "executor": "inline", "max_trials": 4}
    return SearchConfig(**{**made, **values})


def sized(ops: str = "abc") -> Space:
    """A space with a setting."""
    return Space({"op": choice(*ops)}, name="sized")


def no_space() -> str:
    return "no space"


def takes_a_space(architecture: object, space: str, width: int = 8) -> Iterator[Any]:
    yield {"accuracy": 0.5}


# From names to parts


def test_names_and_references_lead_to_their_objects() -> None:
    recipe = SearchSetup.of(config(space="nb201", trainable="image_classifier"))
    assert (recipe.space.name, recipe.target) == ("nb201", ImageClassifier)
    recipe = SearchSetup.of(config())
    assert (recipe.space.name, recipe.target) == ("tiny", climb)


def test_a_referenced_space_is_made_with_its_settings() -> None:
    here = f"{__name__}:sized"
    assert SearchSetup.of(config(space=here)).space.size == 3
    assert SearchSetup.of(config(space={"name": here, "ops": "abcdefgh"})).space.size == 8


@pytest.mark.parametrize(
    ("values", "error", "said"),
    [
        ({"space": "nb202"}, UnknownNameError, "'nb202'; did you mean 'nb201'"),
        ({"space": {"name": "nb201", "size": 3}}, ConfigError, "space 'nb201' has no setting 'size'"),
        ({"space": f"{__name__}:no_space"}, ConfigError, "a Space, a function that returns one"),
        ({"space": "tests.toys:FAULTS"}, ConfigError, "a Space, a function that returns one"),
        ({"space": "tests.toys:tiny_spaec"}, ConfigError, "did you mean 'tiny_space'"),
        ({"trainable": "image_clasifier"}, UnknownNameError, "did you mean 'image_classifier'"),
        ({"trainable": "tests.toys:FAULTS"}, ConfigError, "a class or a generator function is needed"),
        ({"trainable": "tests.toys:quality"}, TrainableError, "not a generator function"),
        ({"trainable": {"name": "tests.toys:climb", "slwo": 1.0}}, TrainableError, "did you mean 'slow'"),
        ({"strategy": "evolutoin"}, UnknownNameError, "did you mean 'evolution'"),
        ({"strategy": {"name": "evolution", "populaton": 3}}, ConfigError, "did you mean 'population'"),
        ({"strategy": {"name": "tpe", "candidates": 0}}, ConfigError, "strategy.candidates is 0"),
        ({"scheduler": "ahsa"}, UnknownNameError, "did you mean 'asha'"),
        ({"scheduler": {"name": "asha", "grace": 99}}, ConfigError, "scheduler.grace is 99"),
        ({"metric": "seconds", "mode": "min"}, ConfigError, "'seconds' is the name of a column of the result tables"),
        ({"epoch_timeout": 5.0}, ConfigError, "the inline executor cannot end a hung epoch"),
    ],
)
def test_what_cannot_be_is_refused(values: dict[str, Any], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said) as why:
        SearchSetup.of(config(**values))
    assert why.value.exit_code == 2  # type: ignore[attr-defined]


def test_a_space_without_a_member_is_refused_before_anything_starts() -> None:
    space = Space({"op": choice("a", "b")}, valid=lambda made: False)
    with pytest.raises(SpaceError, match=r"valid"):
        SearchSetup.of(config(), space=space)


def test_a_trainable_that_takes_the_spaces_name_is_given_it() -> None:
    here = f"{__name__}:takes_a_space"
    assert SearchSetup.of(config(trainable=here)).trainable_settings == {"space": "tiny"}
    own = {"name": here, "space": "mine", "width": 3}
    assert SearchSetup.of(config(trainable=own)).trainable_settings == {"space": "mine", "width": 3}


def test_what_ray_could_not_find_again_is_refused_and_inline_takes_it() -> None:
    def local(architecture: object) -> Iterator[Any]:
        yield {"accuracy": 0.5}

    nameless = lambda architecture: (yield {"accuracy": 0.5})  # noqa: E731
    for target, said in ((local, "defined inside a function"), (nameless, "is a lambda")):
        SearchSetup.of(config(), target=target)
        with pytest.raises(ConfigError, match=f"trainable: .*{said}.*executor = 'inline'"):
            SearchSetup.of(config(executor="ray"), target=target)
    SearchSetup.of(config(executor="ray"), target=climb)


def test_the_parts_are_those_of_the_configuration(tmp_path: Path) -> None:
    recipe = SearchSetup.of(
        config(metric="loss", mode="min", max_epochs=27, max_seconds=60.0, max_retries=1, scheduler="hyperband")
    )
    (objective,) = recipe.objectives
    assert (objective.metric, objective.score(2.0)) == ("loss", -2.0)
    limits = recipe.budget
    assert (limits.max_trials, limits.max_seconds, limits.max_epochs, limits.max_retries) == (4, 60.0, 27, 1)
    scheduler = recipe.scheduler()
    assert isinstance(scheduler, Hyperband)
    assert len(scheduler.brackets) == 4
    assert recipe.scheduler() is not scheduler
    assert isinstance(recipe.executor(tmp_path), InlineExecutor)
    asha = SearchSetup.of(config(scheduler={"name": "asha", "reduction": 2}, max_epochs=8)).scheduler()
    assert isinstance(asha, Asha)
    assert asha.rungs == (1, 2, 4)


def test_the_job_has_its_checkpoints_in_the_run_folder(tmp_path: Path) -> None:
    job = SearchSetup.of(config(trainable={"name": "tests.toys:Climber", "fail_at": 3})).job(tmp_path)
    session = job.session(job.trainable(), 12, tiny_space().sample(0), 5)
    session.advance()
    assert (tmp_path / "trials" / "000012" / "epoch-000001" / "climber.json").exists()


def test_every_column_of_the_results_is_a_reserved_name() -> None:
    from nas_tune.ledger import RunState
    from nas_tune.results.tables import Tables

    tables = Tables(["accuracy"], [], None)
    columns = {*tables.trials(RunState()).column_names, *tables.epochs(RunState()).column_names}
    assert columns - {"accuracy", "epoch"} <= RESERVED_NAMES


# Into the ledger and back


def kept(recipe: SearchSetup) -> dict[str, Any]:
    """What the ledger gives back of a recipe."""
    meta: dict[str, Any] = json.loads(json.dumps(describe_run(recipe)))
    return meta


@pytest.mark.parametrize("space", ["nb201", "chain", "tests.toys:conditional_space", "tests.toys:ruled_space"])
def test_a_recipe_comes_back_from_what_is_kept(space: str) -> None:
    recipe = SearchSetup.of(config(space=space, trainable={"name": "tests.toys:Climber", "fail_at": 3}, seed=5))
    again = reopened(kept(recipe), [])
    assert again.config == recipe.config
    assert again.space.fingerprint == recipe.space.fingerprint
    assert (again.target, again.trainable_settings) == (Climber, {"fail_at": 3})


def test_objects_that_have_a_name_need_not_be_given_again() -> None:
    """The configuration says only `own_space`; the ledger keeps the space itself."""
    recipe = SearchSetup.of(config(space="own_space", trainable="climb"), space=conditional_space(), target=climb)
    again = reopened(kept(recipe), [])
    assert (again.space.fingerprint, again.target) == (conditional_space().fingerprint, climb)


def test_what_has_no_name_must_be_given_again() -> None:
    def local(architecture: object) -> Iterator[Any]:
        yield {"accuracy": 0.5}

    meta = kept(SearchSetup.of(config(trainable="local"), target=local))
    with pytest.raises(ResumeRefusedError, match=r"'local' .* cannot be imported; .*trainable=\.\.\."):
        reopened(meta, [])
    assert reopened(meta, [], target=local).target is local
    space = Space({"x": choice(1, 2)}, valid=lambda made: True)
    meta = kept(SearchSetup.of(config(space="own_space"), space=space))
    with pytest.raises(ResumeRefusedError, match=r"cannot be rebuilt from the run .*space=\.\.\."):
        reopened(meta, [])
    assert reopened(meta, [], space=space).space is space


def test_a_local_function_called_as_a_registered_one_is_not_taken_for_it() -> None:
    def image_classifier(architecture: object) -> Iterator[Any]:
        yield {"accuracy": 0.5}

    assert "image_classifier" in trainables.names()
    meta = kept(SearchSetup.of(config(trainable="image_classifier"), target=image_classifier))
    with pytest.raises(ResumeRefusedError, match="cannot be imported"):
        reopened(meta, [])


def test_changes_are_taken_in_their_order() -> None:
    meta = kept(SearchSetup.of(config()))
    again = reopened(meta, [{"max_trials": 8, "max_retries": 1}, {"max_trials": 12}])
    assert (again.budget.max_trials, again.budget.max_retries) == (12, 1)


def test_a_changed_space_is_refused_with_the_difference() -> None:
    meta = kept(SearchSetup.of(config(space="own_space"), space=Space({"op": choice("a", "b")}, name="mine")))
    with pytest.raises(ResumeRefusedError, match="the space changed since the run began") as why:
        reopened(meta, [], space=Space({"op": choice("a", "c")}, name="mine"))
    lines = [line.strip() for line in str(why.value).splitlines()]
    assert any(line.startswith("-") and '"b"' in line for line in lines)
    assert any(line.startswith("+") and '"c"' in line for line in lines)
    assert why.value.exit_code == 5


def test_changed_code_is_refused_unless_it_is_accepted() -> None:
    meta = kept(SearchSetup.of(config()))
    meta["trainable"]["fingerprint"] = "0123456789abcdef"
    with pytest.raises(
        ResumeRefusedError, match=r"code of the trainable changed .*0123456789abcdef.*--accept-code"
    ) as why:
        reopened(meta, [])
    assert why.value.exit_code == 5
    assert reopened(meta, [], accept_code_change=True).target is climb
    meta["trainable"]["fingerprint"] = None
    assert reopened(meta, []).target is climb


def test_what_may_change_are_keys_of_the_configuration() -> None:
    assert set(CHANGEABLE) <= set(SearchConfig.model_fields)
    never = {"space", "trainable", "strategy", "scheduler", "metric", "mode", "max_epochs", "seed", "name", "run_dir"}
    never |= {"deterministic", "batch", "device", "warm_start", "warm_start_trials", "initial"}
    assert set(CHANGEABLE) | never == set(SearchConfig.model_fields)


def test_versions_are_those_that_are_installed() -> None:
    found = versions()
    assert found["python"].startswith("3.")
    assert {"optuna", "torch", "numpy"} <= set(found)


def test_the_meta_tells_the_parameters_and_the_settings_in_force() -> None:
    meta = kept(SearchSetup.of(config(space="tests.toys:conditional_space", trainable=f"{__name__}:takes_a_space")))
    assert meta["parameters"] == [
        ["head", "categorical:str"],
        ["head.conv.kernel", "categorical:int"],
        ["head.conv.depth", "int"],
        ["head.attention.heads", "categorical:int"],
        ["width", "int"],
    ]
    assert meta["trainable"]["settings"] == {"space": "conditional"}
    assert meta["trainable"]["registered"] is False
    assert meta["trainable"]["reference"] == f"{takes_a_space.__module__}:takes_a_space"
    assert toys.__name__ == "tests.toys"


def test_a_module_in_folders_without_init_is_found_again_by_another_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "outer_ns" / "middle_ns" / "inner_ns"
    folder.mkdir(parents=True)
    (folder / "own.py").write_text('def train(architecture):\n    yield {"accuracy": 0.5}\n')
    monkeypatch.syspath_prepend(tmp_path)
    own = importlib.import_module("outer_ns.middle_ns.inner_ns.own")
    run = nas_tune.search(tiny_space(), own.train, max_trials=1, executor="inline", run_dir=tmp_path / "run")
    for name in [name for name in sys.modules if name.startswith("outer_ns")]:
        monkeypatch.delitem(sys.modules, name)
    assert nas_tune.resume(run.path, max_trials=2).state.trials == 2


def test_several_objectives_are_kept_as_such_and_one_is_not() -> None:
    several = describe_run(SearchSetup.of(config(metric=["accuracy", "loss"], mode=["max", "min"])))
    assert several["objectives"] == [["accuracy", "max"], ["loss", "min"]]
    assert (several["metric"], several["mode"]) == ("accuracy", "max")
    assert "objectives" not in describe_run(SearchSetup.of(config()))
