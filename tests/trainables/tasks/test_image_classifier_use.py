"""What an image classifier refuses before it trains, when it gives up, and what is taken home from it."""

from __future__ import annotations

from pathlib import Path

import pytest

import search_spaces
from trainables.errors import DataError, DivergedError
from trainables.tasks.image_classifier import ImageClassifier

CELL = "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|skip_connect~0|none~1|avg_pool_3x3~2|"


def test_data_that_are_not_there_are_told_before_any_training(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cifar10 is not below .*cifar-10-batches-py; give download=True"):
        ImageClassifier(data="cifar10", data_root=str(tmp_path)).check()
    with pytest.raises(DataError, match="does not exist"):
        ImageClassifier(data=str(tmp_path / "nothing.npz")).check()
    ImageClassifier(data="digits").check()


@pytest.mark.slow
def test_a_loss_that_is_no_number_ends_the_training_as_diverged() -> None:
    classifier = ImageClassifier(channels=2, cells=1, lr=1e30, grad_clip=1e30, warmup=0.0)
    classifier.setup(search_spaces.get("nb201").sample(3), seed=0, max_epochs=2)
    with pytest.raises(DivergedError, match="after epoch 1; lower lr"):
        classifier.step()


@pytest.mark.slow
def test_the_network_at_home_sees_images_as_it_did_in_training() -> None:
    import torch
    from sklearn.datasets import load_digits

    classifier = ImageClassifier(channels=8, cells=1)
    classifier.setup(search_spaces.get("nb201").sample(3), seed=0, max_epochs=1)
    accuracy = classifier.step()["accuracy"]
    images, labels = (torch.as_tensor(part) for part in (load_digits().images, load_digits().target))
    with torch.no_grad():
        said = classifier.network.eval()(classifier.normalize(images[:, None])).argmax(1)
    # All images, the training's among them: about as good as on the validation split, far above chance.
    assert (said == labels).double().mean() > accuracy - 0.1 > 0.2


@pytest.mark.slow
def test_it_learns_digits_and_reports_what_it_promises() -> None:
    classifier = ImageClassifier(channels=8, cells=2, batch_size=32)
    cell = search_spaces.get("nb201").from_string(CELL)  # type: ignore[attr-defined]
    classifier.setup(cell, seed=0, max_epochs=3)
    *_, metrics = (classifier.step() for _ in range(3))
    assert metrics["accuracy"] > 0.9
    assert classifier.evaluate("test")["accuracy"] > 0.9
    assert set(metrics) == {
        "accuracy", "loss", "train_loss", "train_accuracy", "lr", "parameters", "macs", "model_bytes"
    }  # fmt: skip
    assert {type(value) for value in metrics.values()} == {int, float}
    assert metrics["parameters"] == sum(p.numel() for p in classifier.network.parameters())
