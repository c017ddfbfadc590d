"""The digits of scikit-learn: from its file, and from itself where the file lies elsewhere."""

from __future__ import annotations

import sys

import pytest
import torch

from trainables.data import named


def test_the_digits_are_those_of_scikit_learn_which_is_not_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "sklearn.datasets", None)
        read = named.load_digits()
    monkeypatch.setattr(named, "find_spec", lambda _: None)
    given = named.load_digits()
    assert read.train.images.shape == (1797, 1, 8, 8)
    assert (read.train.images.dtype, read.train.labels.dtype) == (torch.uint8, torch.int64)
    assert read.train.images.is_contiguous()
    assert torch.equal(read.train.images, given.train.images)
    assert torch.equal(read.train.labels, given.train.labels)
