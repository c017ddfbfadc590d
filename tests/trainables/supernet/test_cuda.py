"""On a GPU nothing in an epoch makes the host wait."""

from __future__ import annotations

import pytest
import torch

from search_spaces import Architecture
from tests.trainables.supernet.toys import SOFT
from trainables.darts_trainable import DartsTrainable
from trainables.training import Tally

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA GPU here")


@needs_gpu
@pytest.mark.parametrize("method", [name for name in SOFT if name not in ("gdas", "pcdarts")])
def test_no_step_waits_for_the_device(edges, method, monkeypatch):
    settings = {"method_settings": {"added": [0, 0, 0]}} if method == "pdarts" else {}
    search = DartsTrainable(space=edges, method=method, batch_size=64, warmup_epochs=0, device="cuda", **settings)
    search.setup(Architecture({}), seed=0, max_epochs=4)
    search.step()
    score = Tally.finite_score

    def allowed(tally, epoch):
        torch.cuda.set_sync_debug_mode("default")
        return score(tally, epoch)

    monkeypatch.setattr(Tally, "finite_score", allowed)
    torch.cuda.set_sync_debug_mode("error")
    try:
        search.step()
    finally:
        torch.cuda.set_sync_debug_mode("default")
