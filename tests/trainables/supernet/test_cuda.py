"""On a GPU nothing in an epoch makes the host wait."""

from __future__ import annotations

import pytest
import torch

from search_spaces import Architecture
from tests.trainables.supernet.toys import SOFT
from trainables.supernet.search import Search
from trainables.supernet.trainable import DartsTrainable
from trainables.training.loop import Tally

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA GPU here")


def watched(monkeypatch, set_mode):
    """Let every wait in an epoch raise, but for its end, where the score is read; what is between epochs may wait."""
    train, score = Search.train_epoch, Tally.finite_score

    def trained(search):
        set_mode("error")
        try:
            return train(search)
        finally:
            set_mode("default")

    def read(tally, epoch):
        set_mode("default")
        return score(tally, epoch)

    monkeypatch.setattr(Search, "train_epoch", trained)
    monkeypatch.setattr(Tally, "finite_score", read)


def searched(method, device, **settings):
    if method == "pdarts":
        settings["method_settings"] = {"added": [0, 0, 0], "options": [2, 2]}
    search = DartsTrainable(method=method, batch_size=64, warmup_epochs=0, device=device, **settings)
    search.setup(Architecture({}), seed=0, max_epochs=4)
    return search


# gdas, and methods of single paths, must know what they drew: they wait once a step, and pcdarts has its own network.
METHODS = [name for name in SOFT if name not in ("gdas", "pcdarts")]


@needs_gpu
@pytest.mark.parametrize(("method", "amp"), [*((name, False) for name in METHODS), ("darts", True)])
def test_no_step_waits_for_the_device(edges, method, amp, monkeypatch):
    search = searched(method, "cuda", space=edges, amp=amp)
    search.step()  # what is made once, such as handles of libraries, may wait
    watched(monkeypatch, torch.cuda.set_sync_debug_mode)
    search.step()
    images = search.search.data.train.images
    assert images.device.type == "cuda"
    assert all(weight.device == images.device for weight in search.supernet.parameters())


@needs_gpu
@pytest.mark.parametrize("method", ["darts", "pcdarts"])
def test_no_step_of_cells_waits_either(method, monkeypatch):
    network = {"nodes": 1, "operations": ["skip_connect", "max_pool_3x3", "sep_conv_3x3", "dil_conv_3x3"]}
    search = searched(method, "cuda", space="darts", channels=8, layers=3, network=network, amp=True)
    convolution = next(part for part in search.supernet.modules() if isinstance(part, torch.nn.Conv2d))
    assert convolution.weight.is_contiguous(memory_format=torch.channels_last)
    search.step()
    watched(monkeypatch, torch.cuda.set_sync_debug_mode)
    assert 0 <= search.step()["accuracy"] <= 1


@pytest.mark.parametrize("method", ["darts", "pdarts"])
def test_the_watch_is_on_during_every_epoch_and_off_between(edges, method, monkeypatch):
    modes = []
    search = searched(method, "cpu", space=edges)
    watched(monkeypatch, modes.append)
    for _ in range(2):
        search.step()
        assert modes[0] == "error"
        assert modes[-1] == "default"
    assert modes.count("error") == 2
