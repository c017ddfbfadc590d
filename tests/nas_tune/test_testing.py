"""The conformance suite of whole searches: a user's own task passes it, and one that is left to chance does not."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from nas_tune.testing import check_search
from search_spaces import Architecture
from tests.nas_tune.whole_tasks import growth

pytestmark = pytest.mark.slow
KEYS = 'max_trials = 4\nmax_epochs = 3\nstrategy = "random"\nscheduler = "none"\n'


def configuration(folder: Path, keys: str, rest: str) -> Path:
    file = folder / "search.toml"
    file.write_text(f"{KEYS}{keys}{rest}", encoding="utf-8")
    return file


@pytest.mark.parametrize(
    "keys", ['executor = "inline"\n', pytest.param('executor = "ray"\nworkers = 2\n', marks=pytest.mark.ray)]
)
@pytest.mark.timeout(600)
def test_a_task_of_a_user_passes(keys: str, tmp_path: Path) -> None:
    check_search(configuration(tmp_path, keys, growth(tmp_path)), tmp_path / "runs", formats=("safetensors", "onnx"))


class Lucky:
    """Reports what the hour decides."""

    def setup(self, architecture: Architecture, *, seed: int, max_epochs: int) -> None:
        """Nothing to set up."""

    def step(self) -> dict[str, float]:
        return {"accuracy": random.SystemRandom().random()}

    def save(self, folder: Path) -> None:
        """Nothing to keep."""

    def load(self, folder: Path) -> None:
        """Nothing was kept."""


def test_a_training_that_follows_from_no_seed_does_not_pass(tmp_path: Path) -> None:
    rest = 'space = "nb201"\n[trainable]\nname = "tests.nas_tune.test_testing:Lucky"\n'
    file = configuration(tmp_path, 'executor = "inline"\n', rest)
    with pytest.raises(AssertionError, match="a killed search ends as one that was not killed"):
        check_search(file, tmp_path / "runs")


def test_a_command_that_fails_is_named_with_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"(?s)`nas-tune search .*` works: broken by exit 2: .*nb202"):
        check_search(configuration(tmp_path, 'executor = "inline"\n', 'space = "nb202"\n'), tmp_path / "runs")
