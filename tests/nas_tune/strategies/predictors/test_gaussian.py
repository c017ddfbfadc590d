"""The Gaussian process: of few trials several shapes are asked, each weighed by its likelihood."""

from __future__ import annotations

import numpy as np
import pytest

import search_spaces
from nas_tune.strategies.predictors import Candidates, FeatureBlocks, GaussianModel
from nas_tune.strategies.predictors.gaussian import _JITTER, _rooted

NB201 = search_spaces.get("nb201")


def members(first: int, last: int) -> FeatureBlocks:
    return Candidates.of(NB201).described(NB201.sample(seed) for seed in range(first, last)).blocks


def scores(blocks: FeatureBlocks) -> np.ndarray:
    values: np.ndarray = np.sin(3.0 * blocks.decisions[:, :7]).sum(axis=1)
    return values


def test_the_shares_of_the_shapes_add_up_and_the_likeliest_stands_first() -> None:
    known = members(0, 20)
    model = GaussianModel(known, scores(known), most=5)
    shares = [share for share, _ in model.hyperparameters]
    assert len(shares) == 5
    assert np.exp(shares).sum() == pytest.approx(1.0)
    assert shares == sorted(shares, reverse=True)
    assert GaussianModel(known, scores(known)).hyperparameters[0][1] == model.hyperparameters[0][1]


def test_a_prediction_is_the_mixture_of_what_the_shapes_answer() -> None:
    known, asked = members(0, 20), members(30, 35)
    model = GaussianModel(known, scores(known), most=4)
    mean, deviation = model.predict(asked)
    means, deviations = model.predict_each(asked)
    alone = [
        GaussianModel(known, scores(known), hyperparameters=((0.0, shape),)).predict(asked)[0]
        for _, shape in model.hyperparameters
    ]
    assert np.allclose(means, alone)
    shares = np.exp([share for share, _ in model.hyperparameters])
    assert np.allclose(mean, shares @ means)
    assert (deviation**2 >= shares @ deviations**2 - 1e-12).all()


def test_it_is_surer_of_what_it_has_seen() -> None:
    known, asked = members(0, 20), members(30, 50)
    model = GaussianModel(known, scores(known))
    seen, unseen = (model.predict(blocks)[1] for blocks in (known, asked))
    assert seen.max() < unseen.mean()
    assert np.abs(model.predict(known)[0] - scores(known)).max() < scores(known).std()


def test_a_kernel_that_rounding_made_indefinite_is_rooted_with_a_little_more_noise() -> None:
    matrix = np.full((3, 3), 1.0) + np.array([[0, 1e-6, 0], [1e-6, 0, 0], [0, 0, 0]])
    assert np.linalg.eigvalsh(matrix).min() < 0
    root = _rooted(matrix, np.zeros(3))
    assert np.allclose(root @ root.T, matrix + _JITTER * np.eye(3), atol=1e-12)
    assert np.allclose(np.triu(root, 1), 0)
    assert np.allclose(_rooted(np.eye(2), np.zeros(2)), np.eye(2), atol=0), "no noise where none is needed"
