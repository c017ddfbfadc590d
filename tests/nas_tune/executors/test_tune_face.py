"""Ray Tune's own searchers on a space of ours: its domains go in, `from_params` decodes what comes out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ray import tune
from ray.tune.search.basic_variant import BasicVariantGenerator
from ray.tune.search.optuna import OptunaSearch

from search_spaces import Space, choice, integer, real, repeat

SPACE = Space(
    {
        "layers": repeat({"op": choice({"conv": {"kernel": choice(3, 5)}, "pool": {}})}, 1, 2),
        "width": integer(8, 32, step=8),
        "rate": real(1e-4, 1e-1, log=True),
    }
)


class Decoding(tune.Trainable):
    def setup(self, config: dict[str, Any]) -> None:
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.architecture = SPACE.from_params(new_config)
        return True

    def step(self) -> dict[str, Any]:
        return {"score": self.architecture["width"], "tree": self.architecture.tree, "done": True}

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        return None


@pytest.mark.ray
@pytest.mark.usefixtures("ray_here")
@pytest.mark.filterwarnings("ignore")  # Ray's adapter to Optuna uses what Optuna 5 deprecates
@pytest.mark.parametrize("searcher", [BasicVariantGenerator, pytest.param(OptunaSearch, marks=pytest.mark.slow)])
def test_tunes_own_searcher_draws_members_of_the_space(searcher: type, tmp_path: Path) -> None:
    found = tune.Tuner(
        Decoding,
        param_space=SPACE.to_tune(),
        tune_config=tune.TuneConfig(
            search_alg=searcher(), num_samples=6, metric="score", mode="max", reuse_actors=True, max_concurrent_trials=1
        ),
        run_config=tune.RunConfig(storage_path=str(tmp_path), verbose=0),
    ).fit()
    assert not found.errors
    trees = [result.metrics["tree"] for result in found]
    assert len(trees) == 6
    assert all(SPACE.contains(tree) for tree in trees)
    assert len({str(tree) for tree in trees}) > 1
