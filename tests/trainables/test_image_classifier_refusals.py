"""What an image classifier refuses before it trains, and when it gives up."""

from __future__ import annotations

from pathlib import Path

import pytest

import search_spaces
from trainables.errors import DataError, DivergedError
from trainables.image_classifier import ImageClassifier


def test_data_that_are_not_there_are_told_before_any_training(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cifar10 is not below .*cifar-10-batches-py; give download=True"):
        ImageClassifier(data="cifar10", data_root=str(tmp_path)).check()
    with pytest.raises(DataError, match="does not exist"):
        ImageClassifier(data=str(tmp_path / "nothing.npz")).check()
    ImageClassifier(data="digits").check()


def test_a_loss_that_is_no_number_ends_the_training_as_diverged() -> None:
    classifier = ImageClassifier(lr=1e30, grad_clip=1e30, warmup=0.0)
    classifier.setup(search_spaces.get("nb201").sample(3), seed=0, max_epochs=2)
    with pytest.raises(DivergedError, match="after epoch 1; lower lr"):
        classifier.step()
