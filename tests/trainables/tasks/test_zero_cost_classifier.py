"""An image classifier that scores architectures: with its own data and network, and beside its own training."""

from __future__ import annotations

import pytest
import torch

import search_spaces
from trainables.costs.zero_cost import PROXIES
from trainables.errors import TrainableError
from trainables.protocol import Scoring
from trainables.tasks.image_classifier import ImageClassifier

SPACE = search_spaces.get("nb201")


def classifier(**settings: object) -> ImageClassifier:
    return ImageClassifier(channels=4, cells=1, device="cpu", **settings)  # type: ignore[arg-type]


def test_it_scores_without_set_up_and_the_same_again() -> None:
    scoring = classifier()
    assert isinstance(scoring, Scoring)
    assert set(scoring.proxies) == set(PROXIES)
    first = [scoring.zero_cost(SPACE.sample(3), "naswot", seed=seed) for seed in (0, 1)]
    assert [classifier().zero_cost(SPACE.sample(3), "naswot", seed=seed) for seed in (0, 1)] == first
    assert first[0] != first[1]


def test_its_score_is_of_its_own_network_and_data() -> None:
    architecture = SPACE.sample(3)
    wide = ImageClassifier(channels=8, cells=1, device="cpu")
    sizes = [each.zero_cost(architecture, "parameters", seed=0) for each in (classifier(), wide)]
    wide.setup(architecture, seed=0, max_epochs=1)
    assert sizes[1] == sum(value.numel() for value in wide.network.parameters()) > sizes[0]


@pytest.mark.slow
def test_a_training_goes_on_as_if_it_had_not_been_asked() -> None:
    losses = []
    for asked in (False, True):
        training = classifier(batch_size=512)
        training.setup(SPACE.sample(3), seed=0, max_epochs=2)
        training.step()
        random = torch.get_rng_state()
        if asked:
            training.zero_cost(SPACE.sample(4), "zico", seed=0)
        assert torch.equal(torch.get_rng_state(), random)
        losses.append(training.step()["train_loss"])
    assert losses[0] == losses[1]


def test_a_misspelt_proxy_is_told_before_anything_is_built() -> None:
    with pytest.raises(TrainableError, match=r"proxy is 'sinflow'; did you mean 'synflow'\?"):
        classifier(data="digits").zero_cost(SPACE.sample(0), "sinflow", seed=0)
