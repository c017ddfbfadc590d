"""The Gaussian process: of few trials several shapes are asked, each weighed by its likelihood."""

from __future__ import annotations

import numpy as np
import pytest

import search_spaces
from nas_tune.strategies.predictors import Candidates, FeatureBlocks, GaussianModel
from nas_tune.strategies.predictors.gaussian import (
    _JITTER,
    Hyperparameters,
    _frames,
    _median_square,
    _mixed,
    _rooted,
)

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


# In numbers


def plain(numbers: list[float]) -> FeatureBlocks:
    """One decision, nothing else."""
    column = np.array(numbers)[:, None]
    return FeatureBlocks(column, np.zeros((len(numbers), 0)), np.zeros((len(numbers), 0)))


ONE = Hyperparameters((1.0, 0.0, 0.0), scale=2.0, noise=0.03)


def test_a_prediction_solves_the_normal_equations() -> None:
    """Squared distances 1, 9 and 4 have the median 4, so that distances count in units of 2."""
    known, targets, factors = [0.0, 1.0, 3.0], np.array([1.0, 2.0, 6.0]), np.array([1.0, 1.0, 5.0])
    model = GaussianModel(plain(known), targets, factors, hyperparameters=((0.0, ONE),))
    matrix = np.exp(-((np.subtract.outer(known, known) / 2.0) ** 2) / 4.0) + np.diag(0.03 * factors)
    normal = (targets - 3.0) / targets.std()
    across = np.exp(-((np.subtract.outer([2.0, 9.0], known) / 2.0) ** 2) / 4.0)
    mean, deviation = model.predict(plain([2.0, 9.0]))
    assert mean == pytest.approx(3.0 + targets.std() * across @ np.linalg.solve(matrix, normal))
    left = 1.0 - np.einsum("ij,ji->i", across, np.linalg.solve(matrix, across.T))
    variance = normal @ np.linalg.solve(matrix, normal) / 3
    assert deviation == pytest.approx(targets.std() * np.sqrt(left * variance))


def test_the_kernels_of_the_blocks_are_mixed() -> None:
    squares = [np.full((1, 1), 4.0), np.full((1, 1), 2.0), np.full((1, 1), 6.0)]
    mixtures = [Hyperparameters((0.2, 0.3, 0.5), scale) for scale in (1.0, 2.0)]
    found = [float(matrix[0, 0]) for matrix in _mixed([*mixtures, Hyperparameters((1.0, 0.0, 0.0), 2.0)], squares)]
    wanted = [0.2 * np.exp(-4 / s**2) + 0.3 * np.exp(-2 / 2 / s**2) + 0.5 * np.exp(-6 / 2 / s**2) for s in (1.0, 2.0)]
    assert found == pytest.approx([*wanted, np.exp(-1.0)])


def test_columns_of_pools_count_in_standard_deviations_and_those_without_any_not_at_all() -> None:
    pooled = np.array([[0.0, 7.0], [2.0, 7.0], [4.0, 7.0]])
    frames = _frames(FeatureBlocks(np.zeros((3, 2)), pooled, np.array([[0.0], [3.0], [3.0]])))
    deviation = pooled[:, 0].std()
    assert frames[0].factors.tolist() == [1.0, 1.0], "no distance: as they are"
    assert frames[1].factors == pytest.approx([1 / deviation / (2.0 / deviation), 0.0])
    assert frames[2].factors == pytest.approx([1 / 3.0])
    none = _frames(FeatureBlocks(np.zeros((0, 2)), np.zeros((0, 1)), np.zeros((0, 0))))
    assert [frame.factors.shape for frame in none] == [(2,), (1,), (0,)]


def test_the_median_is_that_of_the_distances_that_are_none_of_zero() -> None:
    assert _median_square(np.array([[0.0], [0.0], [2.0], [5.0]])) == pytest.approx(np.median([4, 25, 4, 25, 9]))
    assert _median_square(np.zeros((4, 2))) == 1.0


def test_the_likeliest_choice_is_that_of_the_log_likelihood() -> None:
    known = plain([0.0, 0.4, 1.0, 1.5, 2.2, 3.0])
    targets = np.sin(known.decisions[:, 0])
    model = GaussianModel(known, targets, most=100)
    assert len(model.hyperparameters) == 4 * 3, "without pools and paths one mixture is left"
    column = known.decisions[:, 0] / np.sqrt(_median_square(known.decisions))
    squares = np.subtract.outer(column, column) ** 2
    normal = (targets - targets.mean()) / targets.std()
    logs = {}
    for _, one in model.hyperparameters:
        matrix = np.exp(-squares / one.scale**2) + one.noise * np.eye(6)
        fit = normal @ np.linalg.solve(matrix, normal) / 6
        logs[one] = -3.0 * np.log(fit) - 0.5 * np.linalg.slogdet(matrix)[1]
    total = np.logaddexp.reduce(list(logs.values()))
    assert [share for share, _ in model.hyperparameters] == pytest.approx(
        [logs[one] - total for _, one in model.hyperparameters]
    )
    assert {one.scale for one in logs} == {0.6, 1.0, 1.7, 3.0}
    assert {one.noise for one in logs} == {0.003, 0.03, 0.2}


def test_equal_scores_are_predicted_as_they_are() -> None:
    mean, deviation = GaussianModel(plain([0.0, 1.0, 2.0]), np.full(3, 0.7)).predict(plain([0.5]))
    assert mean.tolist() == pytest.approx([0.7])
    assert 0 < deviation[0] < 1e-3
