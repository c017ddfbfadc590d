"""The cost predictor on devices that are made up: each operation has a known cost."""

from __future__ import annotations

import json
import random

import numpy as np
import pandas as pd
import pytest
import torch

import nas_tune
import search_spaces
from search_spaces import Space, choice, integer
from search_spaces.errors import ArchitectureError
from trainables import build
from trainables.costs.cost import cost_of
from trainables.costs.liveness import peak_memory
from trainables.errors import DataError, TrainableError
from trainables.hardware.cost_predictor import CostPredictor, fit_predictor
from trainables.hardware.operation_counts import counter_of
from trainables.hardware.seeds import choose_seeds

NB201 = search_spaces.get("nb201")
SMALL = {"channels": 4, "cells": 1, "image_size": 8}
PLAIN = Space({"depth": integer(1, 6), "op": choice("fast", "slow"), "width": choice(8, 16, 32)}, name="plain_costs")


def counted(architecture, names):
    counts = counter_of(NB201, SMALL).counts(architecture).live
    found = dict(zip(counts.names, counts.values, strict=True))
    return np.array([found.get(name, 0.0) for name in names])


def device(architecture, noise=0.0):
    """Milliseconds: a start, and a price for each live operation."""
    names = ("count", "macs", "count|avg_pool2d 3x3", "count|convolution 3x3")
    prices = (0.01, 1e-5, 0.05, 0.02)
    exact = 0.2 + float(counted(architecture, names) @ np.array(prices))
    return exact * (1 + noise * random.Random(architecture.to_json()).uniform(-1, 1))


def cells(count, seed=0):
    rng = random.Random(seed)
    return list({cell.to_json(): cell for cell in (NB201.sample(rng) for _ in range(2 * count))}.values())[:count]


def frame_of(members, cost=device):
    return pd.DataFrame({"architecture": members, "latency": [cost(one) for one in members]})


def plain_cost(member):
    return member["depth"] + (3.0 if member["op"] == "slow" else 1.0) + member["width"] / 8


@pytest.fixture(scope="module")
def fitted():
    return fit_predictor(NB201, frame_of(cells(25)), **SMALL)


@pytest.mark.slow
def test_known_prices_are_learnt(fitted):
    score = fitted.score(frame_of(cells(60, seed=1)))
    assert fitted.engine == "live"
    assert score.median_error < 0.01
    assert score.tau > 0.97
    assert score.members + score.left_out == 60


@pytest.mark.slow
def test_noise_makes_the_interval_wide_enough():
    noisy = fit_predictor(NB201, frame_of(cells(40), lambda one: device(one, noise=0.1)), **SMALL)
    score = noisy.score(frame_of(cells(100, seed=1), lambda one: device(one, noise=0.1)))
    assert score.inside >= 0.8
    assert 0.02 < noisy.margin() < 0.2
    assert score.gate_with_margin.refused < 0.05
    assert score.gate_with_margin.accepted > score.gate.accepted


def test_a_dead_operation_changes_no_prediction(fitted):
    alive = dict.fromkeys(("edge_0_1", "edge_0_2", "edge_1_3", "edge_2_3"), "none") | {"edge_0_3": "nor_conv_3x3"}
    values = []
    for operation in ("none", "skip_connect", "nor_conv_3x3", "avg_pool_3x3"):
        values.append(fitted.prediction({**alive, "edge_1_2": operation}))
    assert len(set(values)) == 1
    more = {**alive, "edge_1_2": "none"}
    assert fitted.prediction({**more, "edge_0_1": "nor_conv_3x3"}) == values[0]
    assert fitted.prediction({**more, "edge_0_2": "nor_conv_3x3", "edge_2_3": "nor_conv_1x1"}).value > values[0].value


def test_the_order_of_the_rows_does_not_matter(fitted):
    shuffled = fit_predictor(NB201, frame_of(cells(25)).sample(frac=1, random_state=3), **SMALL)
    members = cells(20, seed=1)
    pd.testing.assert_frame_equal(shuffled.predict(members), fitted.predict(members), rtol=1e-6)


def test_a_device_that_runs_dead_operations_is_noticed():
    def eager(architecture):
        convolutions = sum(architecture[edge] == "nor_conv_3x3" for edge in architecture)
        pools = sum(architecture[edge] == "avg_pool_3x3" for edge in architecture)
        return 1 + convolutions + 0.7 * pools

    predictor = fit_predictor(NB201, frame_of(cells(30), eager), **SMALL)
    assert predictor.engine == "executed"
    assert predictor.score(frame_of(cells(60, seed=1), eager)).median_error < 0.02


def test_a_space_without_networks():
    members = list(PLAIN.enumerate())
    seeds = choose_seeds(PLAIN, 12, pool=members)
    predictor = fit_predictor(PLAIN, frame_of(seeds, plain_cost))
    score = predictor.score(frame_of(members, plain_cost))
    assert score.members == len(members) - 12
    assert score.tau > 0.95


def test_cells_without_networks_count_live_operations():
    space = NB201.renamed("cells_of_a_table")
    predictor = fit_predictor(space, frame_of([space.validate(one) for one in cells(25)]))
    dead = dict.fromkeys(("edge_0_1", "edge_0_2", "edge_2_3", "edge_1_2"), "none") | {"edge_0_3": "nor_conv_3x3"}
    assert predictor.engine == "live"
    assert predictor.prediction({**dead, "edge_1_3": "none"}) == predictor.prediction(
        {**dead, "edge_1_3": "nor_conv_1x1"}
    )
    assert predictor.score(frame_of(cells(60, seed=1))).tau > 0.9


@pytest.mark.slow
def test_another_device_helps():
    def elsewhere(architecture):
        return 5 * device(architecture) ** 1.1

    def here(architecture):
        """A cost that the order of the edges changes, which counts do not tell, on both devices."""
        return device(architecture) * (1.5 if architecture["edge_0_1"] == "nor_conv_3x3" else 1.0)

    def there(architecture):
        return elsewhere(architecture) * (1.5 if architecture["edge_0_1"] == "nor_conv_3x3" else 1.0)

    few, others = frame_of(cells(12), here), frame_of(cells(80), there)
    alone = fit_predictor(NB201, few, **SMALL)
    helped = fit_predictor(NB201, few, other=others, **SMALL)
    held_out = frame_of(cells(80), here)
    assert helped.uses_other
    assert helped.score(held_out).median_error < 0.5 * alone.score(held_out).median_error
    assert np.isfinite(helped.predict(cells(5, seed=9))["value"]).all(), (
        "members that the other device has no value for"
    )


def test_equal_values_are_predicted_without_a_rank(fitted):
    predictor = fit_predictor(NB201, frame_of(cells(10), lambda _: 2.5), **SMALL)
    assert predictor.predict(cells(5, seed=1)).to_numpy() == pytest.approx(2.5)
    score = predictor.score(frame_of(cells(20, seed=1), lambda _: 2.5))
    assert (score.tau, score.tau_interval, score.median_error) == (None, None, pytest.approx(0.0))


def test_every_form_of_an_architecture(fitted):
    cell = cells(1)[0]
    forms = [cell, cell.tree, cell.to_json(), NB201.to_string(cell)]
    assert fitted.predict(forms).drop_duplicates().shape == (1, 3)
    assert list(fitted.predict(pd.Series(forms, index=[3, 5, 7, 9])).index) == [3, 5, 7, 9]


def test_repeated_members_are_averaged():
    frame = frame_of(cells(10))
    doubled = pd.concat([frame.assign(latency=0.9 * frame.latency), frame.assign(latency=1.1 * frame.latency)])
    pair = [fit_predictor(NB201, one, **SMALL) for one in (frame, doubled.reset_index(drop=True))]
    assert pair[0].measured.values == pytest.approx(pair[1].measured.values)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"latency": float("nan")}, "row 3: latency is nan, and must be a number above 0"),
        ({"latency": 0.0}, "row 3: latency is 0.0, and must be"),
        ({"latency": float("inf")}, "row 3: latency is inf"),
        ({"latency": None}, "row 3: latency is None, which is no number"),
        ({"latency": "fast"}, "row 3: latency is 'fast', which is no number"),
        ({"architecture": "|conv~0|"}, "row 3: .*breaks at character"),
        ({"architecture": {"edge_0_1": "conv"}}, "row 3: .*edge_0_1"),
        ({"architecture": 7}, "row 3: .*7 is a int"),
        ({"architecture": "{'a': 1}"}, "row 3: .*the text is not JSON"),
    ],
)
def test_rows_that_cannot_be_used(change, said):
    frame = frame_of(cells(10)).astype(object)
    for column, value in change.items():
        frame.at[3, column] = value
    with pytest.raises(DataError, match=said):
        fit_predictor(NB201, frame, **SMALL)


def test_frames_that_cannot_be_used():
    frame = frame_of(cells(10))
    with pytest.raises(DataError, match="at least 8 measured members, and got 7"):
        fit_predictor(NB201, frame[:7], **SMALL)
    with pytest.raises(DataError, match="say which one has the values"):
        fit_predictor(NB201, frame.assign(energy=1.0), **SMALL)
    with pytest.raises(DataError, match="no column 'joules'; it has architecture, latency"):
        fit_predictor(NB201, frame, value="joules", **SMALL)
    with pytest.raises(DataError, match="are a list; give a pandas DataFrame"):
        fit_predictor(NB201, [1, 2], **SMALL)
    with pytest.raises(TrainableError, match="channel"):
        fit_predictor(NB201, frame, channel=3)
    with pytest.raises(TrainableError, match="has no network that takes settings"):
        fit_predictor(PLAIN, frame_of(list(PLAIN.enumerate())[:8], plain_cost), channels=3)
    assert fit_predictor(NB201, frame.assign(energy=1.0), value="latency", **SMALL).measured.name == "latency"


def test_what_is_no_confidence(fitted):
    for share in (0, 1, 1.5, float("nan")):
        with pytest.raises(TrainableError, match="confidence is"):
            fitted.predict(cells(1), confidence=share)
    with pytest.raises(ArchitectureError):
        fitted.predict([{"edge_0_1": "none"}])


def test_a_wider_confidence_is_a_wider_interval():
    predictor = fit_predictor(NB201, frame_of(cells(40), lambda one: device(one, noise=0.1)), **SMALL)
    narrow, wide = (predictor.predict(cells(20, seed=1), confidence=share) for share in (0.5, 0.9))
    assert (wide.low < narrow.low).all()
    assert (wide.high > narrow.high).all()
    assert ((narrow.low <= narrow.value) & (narrow.value <= narrow.high)).all()


@pytest.mark.slow
def test_further_measurements_lower_the_error(fitted):
    few = fit_predictor(NB201, frame_of(cells(9)), **SMALL)
    more = few.updated(frame_of(cells(40)))
    held_out = frame_of(cells(60, seed=1))
    assert len(more.measured.values) == 40
    assert more.score(held_out).high_error < few.score(held_out).high_error
    assert len(few.measured.values) == 9, "the predictor itself does not change"


def test_a_score_needs_members_that_were_not_fitted(fitted):
    with pytest.raises(DataError, match="the frame has 0"):
        fitted.score(frame_of(cells(25)))


def test_a_file_holds_the_same_predictor(tmp_path, fitted):
    fitted.save(tmp_path / "deep" / "predictor.json")
    again = nas_tune.CostPredictor.load(tmp_path / "deep" / "predictor.json")
    members = cells(20, seed=1)
    pd.testing.assert_frame_equal(again.predict(members), fitted.predict(members))
    assert again.summary() == fitted.summary()
    assert "CostPredictor of latency in nb201: 25 measured" in repr(again)


def test_a_file_holds_the_other_device(tmp_path):
    made = fit_predictor(NB201, frame_of(cells(10)), other=frame_of(cells(40), lambda one: 3 * device(one)), **SMALL)
    made.save(tmp_path / "predictor.json")
    again = CostPredictor.load(tmp_path / "predictor.json")
    assert again.uses_other == made.uses_other
    pd.testing.assert_frame_equal(again.predict(cells(60)), made.predict(cells(60)))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": "other"}, "is not the file of a cost predictor"),
        ({"version": 2}, "version 2 of the format, and this nas-tune reads 1"),
        ({"values": [1.0]}, "as many values above 0 as architectures"),
        ({"values": None}, "as many values above 0"),
        ({"settings": [1]}, "'settings' is no dict"),
        ({"space": {"tree": 1}}, "damaged, or of another space"),
        ({"other": 3}, "'other' is no dict"),
        ({"predictions": [1.0]}, "a prediction for each measured member"),
        ({"architectures": [{}] * 25}, "damaged, or of another space"),
        ({"predictions": [2.0] * 25}, "a prediction differs by"),
    ],
)
def test_files_that_cannot_be_used(tmp_path, fitted, change, said):
    path = tmp_path / "predictor.json"
    fitted.save(path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(DataError, match=said):
        CostPredictor.load(path)


def test_a_text_that_is_no_file_of_a_predictor(tmp_path):
    path = tmp_path / "predictor.json"
    for text in ("", "[1]", "{", "\x00"):
        path.write_text(text)
        with pytest.raises(DataError, match="is not the file of a cost predictor"):
            CostPredictor.load(path)


def test_a_file_of_another_space(tmp_path, fitted):
    fitted.save(tmp_path / "predictor.json")
    with pytest.raises(DataError, match="belongs to another space"):
        CostPredictor.load(tmp_path / "predictor.json", PLAIN)
    assert CostPredictor.load(tmp_path / "predictor.json", NB201).summary() == fitted.summary()


@pytest.mark.slow
def test_seeds_are_repeatable_and_different():
    first, again, others = (choose_seeds(PLAIN, 13, seed=seed) for seed in (0, 0, 1))
    assert first == again
    assert first != others
    assert len({one.id for one in first}) == 13


@pytest.mark.slow
def test_seeds_tell_more_than_random_members():
    pool = cells(150)
    held_out = frame_of(cells(100, seed=1))

    def noisy(architecture):
        return device(architecture, noise=0.1)

    errors = {"seeds": [], "random": []}
    for seed in range(3):
        chosen = {"seeds": choose_seeds(NB201, 13, seed=seed, pool=pool, **SMALL)}
        chosen["random"] = random.Random(seed).sample(pool, 13)
        for name, members in chosen.items():
            errors[name].append(fit_predictor(NB201, frame_of(members, noisy), **SMALL).score(held_out).median_error)
    assert np.mean(errors["seeds"]) < np.mean(errors["random"])


def test_seeds_that_cannot_be_chosen():
    with pytest.raises(TrainableError, match="there are only 36 different members"):
        choose_seeds(PLAIN, 50)
    with pytest.raises(TrainableError, match="count is 0"):
        choose_seeds(PLAIN, 0)
    with pytest.raises(ArchitectureError):
        choose_seeds(PLAIN, 1, pool=["{}"])


@pytest.mark.slow
def test_a_memory_is_predicted_from_the_counted_peak_and_a_latency_is_not():
    """The peak of memory is no sum over operations: here it is what PyTorch allocates, a workspace among it."""
    members = list({one.id: one for one in map(NB201.sample, range(60))}.values())
    size = {"channels": 8, "cells": 1, "image_size": 16}
    image = torch.zeros(1, 3, 16, 16)
    peaks = [peak_memory(build("nb201", one, channels=8, cells=1), image, eager=True) for one in members]
    frame = pd.DataFrame({"architecture": members, "memory": [1.2 * one + 30_000 for one in peaks]})
    predictor = fit_predictor("nb201", frame.iloc[:20], **size)
    assert predictor.uses_peak
    score = predictor.score(frame.iloc[20:])
    assert score.median_error < 0.02
    assert score.gate_with_margin.infeasible < 0.05
    macs = [cost_of(build("nb201", one, channels=8, cells=1), image).macs for one in members]
    times = pd.DataFrame({"architecture": members, "latency": [0.1 + 1e-7 * one for one in macs]})
    assert not fit_predictor("nb201", times.iloc[:20], **size).uses_peak


@pytest.mark.slow
def test_a_predictor_of_memory_is_the_same_from_its_file(tmp_path):
    members = list({one.id: one for one in map(NB201.sample, range(30))}.values())
    image = torch.zeros(1, 3, 16, 16)
    peaks = [float(peak_memory(build("nb201", one, channels=8, cells=1), image)) for one in members]
    frame = pd.DataFrame({"architecture": members, "memory": peaks})
    predictor = fit_predictor("nb201", frame.iloc[:20], channels=8, cells=1, image_size=16)
    predictor.save(tmp_path / "memory.json")
    again = CostPredictor.load(tmp_path / "memory.json")
    assert again.predict(members[20:]).equals(predictor.predict(members[20:]))
    assert (predictor.predict(members[20:])["value"] / peaks[20:] - 1).abs().max() < 0.02
