"""Code that the settings of a trainable name may not change between the sessions of a run."""

from __future__ import annotations

import linecache
import sys
from pathlib import Path

import pytest

import nas_tune
from nas_tune.errors import ResumeRefusedError
from nas_tune.session.settings_code import check_settings_code, settings_code

LOSS = "def loss(outputs, targets):\n    return ((outputs - targets) ** {power}).mean()\n"


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "losses_of_mine", raising=False)
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "losses_of_mine.py"
    file.write_text(LOSS.format(power=2))
    return file


def changed(module: Path, text: str) -> None:
    module.write_text(text)
    linecache.clearcache()
    sys.modules.pop("losses_of_mine", None)


@pytest.mark.slow
def test_a_resume_with_another_loss_under_the_same_name_is_refused(module: Path, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("rooms,price\n" + "".join(f"{n % 5},{n}.5\n" for n in range(60)))
    task = {"name": "table", "data": "rows.csv", "target": "price", "loss": "losses_of_mine:loss"}
    keys = {"max_epochs": 1, "executor": "inline", "run_dir": tmp_path / "run"}
    run = nas_tune.search("mlp", task=task, max_trials=1, **keys)
    assert len(nas_tune.resume(run.path, max_trials=2).trials()) == 2
    changed(module, LOSS.format(power=4))
    with pytest.raises(ResumeRefusedError, match="the code of losses_of_mine:loss changed since the run began"):
        nas_tune.resume(run.path, max_trials=3)
    assert len(nas_tune.resume(run.path, max_trials=3, accept_code_change=True).trials()) == 3


def test_every_kind_of_code_is_covered_and_an_older_run_passes(module: Path) -> None:
    reference = "losses_of_mine:loss"
    for settings in (
        {"task": reference},
        {"transforms": reference},
        {"loss": reference},
        {"metrics": {"m": reference}},
    ):
        assert settings_code(settings).keys() == {reference}
        check_settings_code(None, settings)
        check_settings_code({}, settings)
        with pytest.raises(ResumeRefusedError, match="--accept-code-change"):
            check_settings_code({reference: "0"}, settings)
    assert settings_code({"task": "table", "loss": "losses_of_mine:nothing", "metrics": ["torchmetrics:R2Score"]}) == {}


def test_a_loss_of_torch_may_change_with_its_version() -> None:
    assert settings_code({"loss": "torch.nn.functional:huber_loss"}) == {}
