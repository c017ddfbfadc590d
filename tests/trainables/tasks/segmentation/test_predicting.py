"""Masks are predicted few scans at a time: outputs have a number for each class and position."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import search_spaces
from trainables.data.volumes.blobs import drawn_blobs
from trainables.tasks import predictor as predicting
from trainables.tasks.learner import Learner
from trainables.tasks.predictor import learner_predictor
from trainables.tasks.segmentation import Segmentation

SPACE = search_spaces.get("unet2d", widths=(4, 4), levels=(2, 2), blocks=(1, 1), operations=("conv_3x3",))


def test_the_outputs_of_all_scans_are_never_in_memory_together(monkeypatch: pytest.MonkeyPatch) -> None:
    learner = Learner(task="segmentation", data="blobs2d", space=SPACE, device="cpu")
    learner.setup(SPACE.sample(0), seed=0, max_epochs=1)
    predictor = learner_predictor(learner)
    scans = drawn_blobs(2).images[:7]
    whole = predictor.predict(scans)
    assert whole.shape == (7, 40, 40)
    assert whole.dtype == np.uint8
    assert np.array_equal(whole, predictor.outputs(scans).argmax(1).numpy())
    seen: list[int] = []
    plain = Segmentation.decode

    def decode(self: Segmentation, outputs: torch.Tensor, data: Any) -> torch.Tensor:
        seen.append(len(outputs))
        return plain(self, outputs, data)

    monkeypatch.setattr(Segmentation, "decode", decode)
    monkeypatch.setattr(predicting, "_VALUES", 3 * 40 * 40)
    assert np.array_equal(predictor.predict(scans), whole)
    assert seen == [3, 3, 1]
    found = predictor.predictions(scans)
    assert found.probabilities is None
    assert found.count == 7
