"""What a driver registers by name is known to workers, to who resumes, retrains and exports, by reference."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import nas_tune
import search_spaces
import trainables
from nas_tune.config import SearchConfig
from nas_tune.coordination.registrations import for_training, is_here, register_missing, used
from nas_tune.errors import ConfigError, ForeignCodeError, ResumeRefusedError
from nas_tune.executors.job import Job
from nas_tune.executors.parcel import Parcel
from nas_tune.results import Run
from nas_tune.schedulers import SCHEDULERS
from nas_tune.session.search_setup import SearchSetup
from nas_tune.session.trust import named_code
from nas_tune.strategies import STRATEGIES
from search_spaces import Architecture
from search_spaces.catalogue import SPACES
from search_spaces.errors import UnknownNameError
from tests import toys
from tests.nas_tune import own_nets, own_parts
from tests.registries import kept
from trainables import networks
from trainables.errors import TrainableError
from trainables.networks import NETWORKS
from trainables.registry import TRAINABLES
from trainables.supernet.methods import METHODS

HERE = "tests.nas_tune.own_nets"
NAME = "own_nets"


@pytest.fixture(autouse=True)
def _own_registries() -> Iterator[None]:
    """What a test registers is gone after it."""
    with kept(NETWORKS, SPACES, TRAINABLES, STRATEGIES, SCHEDULERS, METHODS):
        yield


def register() -> None:
    search_spaces.register(NAME, own_nets.space)
    networks.register(NAME, own_nets.build)


def forget() -> None:
    """What another process is like."""
    for registry in (NETWORKS, SPACES, TRAINABLES):
        registry.forget(NAME)


@pytest.fixture(scope="module")
def trained_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    register()
    run = nas_tune.search(
        NAME,
        {"name": "image_classifier", "data": "digits", "batch_size": 256},
        strategy="random",
        max_trials=2,
        max_epochs=1,
        executor="inline",
        run_dir=tmp_path_factory.mktemp("runs") / "own",
    )
    forget()
    return run


def test_the_ledger_keeps_the_references(trained_run: Run) -> None:
    kept = trained_run.meta["registered"]
    assert kept["spaces"] == {NAME: {"factory": f"{HERE}:space"}}
    assert kept["networks"][NAME]["builder"] == f"{HERE}:build"
    assert kept["networks"][NAME]["example"] == "trainables.networks.examples:images"
    assert set(trained_run.meta["code"]) == {f"{HERE}:build", f"{HERE}:space"}


def test_another_process_goes_on_evaluates_retrains_and_exports(trained_run: Run, tmp_path: Path) -> None:
    forget()
    run = nas_tune.open_run(trained_run.path)
    assert 0 <= run.evaluate()["accuracy"] <= 1
    forget()
    assert nas_tune.resume(run.path, max_trials=3).state.trials == 3
    forget()
    found = nas_tune.retrain(run, executor="inline", epochs=1, seeds=1, baselines=0)
    assert found.honesty.over == 1
    forget()
    made = nas_tune.export(run, formats=["safetensors"], folder=tmp_path / "out")
    assert made.complete
    assert made.formats[0].difference == 0


def test_rebuilding_by_hand_says_what_to_register(
    trained_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from trainables.export.weights import rebuilt

    register()
    # The files are loaded below; the export's own check starts another interpreter for it.
    monkeypatch.setattr("trainables.export.exporting.compared", lambda *_: 0.0)
    nas_tune.export(trained_run, formats=["safetensors"], folder=tmp_path / "out", retrained=False)
    held: Any = nas_tune.trained(trained_run)
    x = torch.randn(3, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        wanted = held.network(x)
        assert wanted.std(0).min() > 1e-3
        torch.testing.assert_close(rebuilt(tmp_path / "out")(x), wanted)
    forget()
    with pytest.raises(TrainableError, match=r"register its builder first \(trainables\.networks\.register\)"):
        rebuilt(tmp_path / "out")


def test_a_worker_knows_what_the_driver_registered() -> None:
    register()
    job = Job(own_nets.train, {}, Path(), 1, registered=used([own_nets.space()], {}))
    parcel = Parcel.of(job, own_nets.space())
    forget()
    parcel.unpack()
    assert networks.builder_of(NAME) is own_nets.build
    assert search_spaces.get(NAME).fingerprint == own_nets.space().fingerprint


def test_names_are_found_in_settings_however_deep() -> None:
    register()
    assert not used(["nb201"], {})
    assert set(used([], {"space": NAME})) == {"networks", "spaces"}
    inner = {"of": "image_classifier", "settings": {"space": NAME}, "space": '{"name": "other"}'}
    assert used(["retraining"], inner) == used([NAME], {})


def test_a_space_is_found_by_the_spec_that_a_retraining_holds() -> None:
    settings = {"of": "own", "space": json.dumps(own_nets.space().to_spec())}
    assert not used([], settings)
    register()
    assert used([], settings) == used([NAME], {})


def test_a_network_and_a_space_of_one_name_are_looked_for_each_by_itself() -> None:
    networks.register(NAME, own_nets.build)
    assert (is_here("networks", NAME), is_here("spaces", NAME)) == (True, False)
    search_spaces.register(NAME, own_nets.space)
    assert is_here("spaces", NAME)
    NETWORKS.forget(NAME)
    assert (is_here("networks", NAME), is_here("spaces", NAME)) == (False, True)
    assert (is_here("networks", "nb201"), is_here("spaces", "nb201")) == (False, False), "what the packages bring"


def local_builder() -> Any:
    return lambda architecture: torch.nn.Linear(1, 1)


@pytest.mark.parametrize("what", ["network", "space"])
def test_what_cannot_travel_is_refused_on_ray_before_the_first_trial(what: str, tmp_path: Path) -> None:
    if what == "network":
        networks.register(NAME, local_builder())
    else:
        search_spaces.register(NAME, lambda: own_nets.space())
    config = SearchConfig(space=f"{HERE}:space", trainable=f"{HERE}:train", max_trials=1, run_dir=str(tmp_path / "run"))
    with pytest.raises(ConfigError, match=rf"{what} '{NAME}': .*lambda.*no worker can import it.*inline"):
        SearchSetup.of(config)
    assert SearchSetup.of(config.replace(executor="inline")).registered


def test_what_cannot_travel_is_told_to_another_process_and_at_export(tmp_path: Path) -> None:
    networks.register(NAME, local_builder())
    kept = used([NAME], {})
    forget()
    with pytest.raises(ConfigError, match=r"was registered by a script .*trainables\.networks\.register\(name, \.\.\)"):
        register_missing(kept)
    from trainables.export.weights import unfindable

    assert unfindable("nb201") == ""
    networks.register(NAME, local_builder())
    assert "at the top level of a module file" in unfindable(NAME)


def test_a_trainable_that_was_registered_is_found_by_its_reference(tmp_path: Path) -> None:
    trainables.register(NAME, own_nets.train)
    run = nas_tune.search(
        own_nets.space(), NAME, max_trials=2, max_epochs=1, executor="inline", run_dir=tmp_path / "run"
    )
    forget()
    assert nas_tune.resume(run.path, max_trials=3).state.trials == 3
    assert nas_tune.retrain(run, executor="inline", epochs=1, seeds=1, baselines=0).recipe["of"] == f"{HERE}:train"


def test_a_trainable_of_a_notebook_that_was_registered_goes_on_by_its_name(tmp_path: Path) -> None:
    def local(architecture: Architecture) -> Iterator[dict[str, float]]:
        yield from own_nets.train(architecture)

    trainables.register(NAME, local)
    run = nas_tune.search(
        own_nets.space(), NAME, max_trials=1, max_epochs=1, executor="inline", run_dir=tmp_path / "run"
    )
    assert nas_tune.resume(run.path, max_trials=2).state.trials == 2
    forget()
    with pytest.raises(UnknownNameError, match=f"no trainable is called '{NAME}'"):
        nas_tune.resume(run.path, max_trials=3)


def test_a_network_whose_code_changed_is_refused() -> None:
    kept = {"networks": {NAME: {"builder": f"{HERE}:build", "example": None, "fingerprint": "0" * 16}}}
    with pytest.raises(ResumeRefusedError, match="code of the network 'own_nets' changed"):
        register_missing(kept, accept_code_change=False)
    register_missing(kept)


@pytest.mark.parametrize(
    "builder",
    ["subprocess:getoutput", "os:system", "nas_tune.api:resume", f"{HERE}:torch.hub.load", f"{HERE}:space", "x"],
)
def test_what_is_no_builder_is_never_registered(builder: str) -> None:
    with pytest.raises(ConfigError):
        register_missing({"networks": {NAME: {"builder": builder}}})
    assert networks.registered(NAME) is None


def test_a_builder_that_builds_no_network_is_told() -> None:
    networks.register(NAME, own_nets.nothing)  # type: ignore[arg-type]
    with pytest.raises(TrainableError, match="gave a Tensor"):
        trainables.build(NAME, {"width": 2})


def test_what_this_process_registered_stays() -> None:
    networks.register(NAME, own_nets.nothing)  # type: ignore[arg-type]
    register_missing({"networks": {NAME: {"builder": f"{HERE}:build"}}})
    assert networks.builder_of(NAME) is own_nets.nothing


PARTS = "tests.nas_tune.own_parts"


def searched(folder: Path) -> Run:
    STRATEGIES.register("own", own_parts.Seventh)
    SCHEDULERS.register("own", f"{PARTS}:FirstEpoch")
    keys = {"strategy": {"name": "own", "plus": 2}, "scheduler": "own", "max_trials": 2, "max_epochs": 3}
    return nas_tune.search(toys.tiny_space(), toys.climb, executor="inline", run_dir=folder, **keys)


def forget_parts() -> None:
    for registry in (STRATEGIES, SCHEDULERS, METHODS):
        registry.forget("own")


def test_a_strategy_and_a_scheduler_travel_with_their_run(tmp_path: Path) -> None:
    run = searched(tmp_path / "run")
    kept_of = {kind: by_name["own"]["target"] for kind, by_name in run.meta["registered"].items()}
    assert kept_of == {"strategies": f"{PARTS}:Seventh", "schedulers": f"{PARTS}:FirstEpoch"}
    assert {f"{PARTS}:Seventh", f"{PARTS}:FirstEpoch"} <= set(run.meta["code"])
    whole = searched(tmp_path / "whole")
    nas_tune.resume(whole.path, max_trials=4)
    forget_parts()
    again = nas_tune.resume(run.path, max_trials=4).trials()
    assert again["epochs"].tolist() == [1] * 4
    assert again["value"].tolist() == nas_tune.open_run(whole.path).trials()["value"].tolist()


def test_a_reader_of_the_run_needs_neither(tmp_path: Path) -> None:
    run = searched(tmp_path / "run")
    forget_parts()
    assert len(nas_tune.open_run(run.path).trials()) == 2
    assert nas_tune.report(nas_tune.open_run(run.path)).exists()
    assert "own" not in STRATEGIES


def test_a_strategy_of_a_stranger_is_listed_and_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = searched(tmp_path / "run")
    forget_parts()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another"))
    assert {f"strategy own {PARTS}:Seventh", f"scheduler own {PARTS}:FirstEpoch"} <= set(map(str, named_code(run.meta)))
    with pytest.raises(ForeignCodeError, match=rf"strategy own {PARTS}:Seventh"):
        nas_tune.resume(run.path, max_trials=4)
    assert "own" not in STRATEGIES


@pytest.mark.parametrize("kind", ["strategies", "schedulers", "methods"])
@pytest.mark.parametrize("target", ["subprocess:Popen", "nas_tune.api:resume", f"{HERE}:build", "torch.hub:load", None])
def test_what_is_no_part_of_a_search_is_never_registered(kind: str, target: str | None) -> None:
    with pytest.raises((ConfigError, TrainableError)):
        register_missing({kind: {"own": {"target": target}}})
    assert all("own" not in registry for registry in (STRATEGIES, SCHEDULERS, METHODS))


def test_a_method_is_what_workers_need_and_a_strategy_is_not() -> None:
    METHODS.register("own", own_parts.Warm)
    STRATEGIES.register("other", own_parts.Seventh)
    kept_of = used(["nb201"], {"method": "own"}, strategy="other")
    assert kept_of.keys() == {"methods", "strategies"}
    forget_parts()
    register_missing(for_training(kept_of))
    assert METHODS.get("own") is own_parts.Warm


def test_a_strategy_whose_code_changed_is_refused() -> None:
    kept_of = {"strategies": {"own": {"target": f"{PARTS}:Seventh", "fingerprint": "0" * 16}}}
    with pytest.raises(ResumeRefusedError, match="code of the strategy 'own' changed"):
        register_missing(kept_of, accept_code_change=False)
    register_missing(kept_of)


def test_a_method_that_is_called_like_a_strategy_is_refused() -> None:
    METHODS.register("tpe", own_parts.Warm)
    with pytest.raises(ConfigError, match="'tpe' is the name of a strategy and of a method"):
        SearchSetup.of(SearchConfig(space="nb201", strategy="tpe", max_trials=1, executor="inline"))


def test_what_a_family_says_travels_too() -> None:
    networks.register(NAME, networks.Family(own_nets.build, undecided=False, small={"width": 1}))
    kept_of = used([NAME], {})
    forget()
    register_missing(kept_of)
    found = networks.registered(NAME)
    assert found is not None
    assert (found.undecided, found.small) == (False, {"width": 1})
