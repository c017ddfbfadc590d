"""The scalars of a run: every epoch once, whatever happened before, and new ones as they come."""

from __future__ import annotations

import json
import socket
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tensorboardX.proto.event_pb2 import Event as Written
from tensorboardX.proto.plugin_hparams_pb2 import HParamsPluginData

import nas_tune
from nas_tune.dashboards.tensorboard import Board
from nas_tune.errors import RunFolderError, RunLockedError
from nas_tune.ledger import Asked, Ended, Found, Paused, Promoted, Reported, backup_path
from tests.nas_tune.results.made import begun, ended, eventful, make, mixed, refusing, restored, trial


def _events(folder: Path) -> list[Any]:
    """All events of a trial: each is its length (8 bytes), a checksum (4), itself, and a checksum (4)."""
    found = []
    for file in sorted(folder.iterdir()):
        data, at = file.read_bytes(), 0
        while at < len(data):
            (length,) = struct.unpack_from("<Q", data, at)
            found.append(Written.FromString(data[at + 12 : at + 12 + length]))
            at += length + 16
    return found


def _scalars(folder: Path, name: str) -> dict[str, list[tuple[int, float]]]:
    found: dict[str, list[tuple[int, float]]] = {}
    for run in sorted(folder.iterdir()):
        values = [(e.step, v.simple_value) for e in _events(run) for v in e.summary.value if v.tag == name]
        found[run.name] = [(step, round(value, 6)) for step, value in values]
    return found


def _texts(folder: Path, tag: str) -> list[str]:
    values = [value for event in _events(folder) for value in event.summary.value if value.tag == f"{tag}/text_summary"]
    return [value.tensor.string_val[0].decode() for value in values]


def _hyperparameters(folder: Path) -> tuple[Any, Any, Any]:
    """What is said of the experiment, of the start and of the end."""
    told = {
        value.tag: HParamsPluginData.FromString(value.metadata.plugin_data.content)
        for event in _events(folder)
        for value in event.summary.value
    }
    experiment, start, end = (
        told[f"_hparams_/{tag}"] for tag in ("experiment", "session_start_info", "session_end_info")
    )
    return experiment.experiment, start.session_start_info, end.session_end_info


def test_every_epoch_of_every_trial_stands_there_once(tmp_path: Path) -> None:
    make(tmp_path, *eventful()).close()
    run = nas_tune.open_run(tmp_path)
    for _ in range(2):
        with Board(run) as board:
            board.update()
            board.update()
    found = _scalars(tmp_path / "tensorboard", "accuracy")
    assert found["trial-000000"] == [(1, 0.5), (2, 0.7), (3, 0.9)]
    assert found["trial-000001"] == [(1, 0.6)]
    assert [step for step, _ in found["trial-000002"]] == [1, 2]
    assert (found["trial-000003"], found["trial-000005"]) == ([], [(1, 0.2), (2, 0.25)])
    names = {entry.name for entry in tmp_path.iterdir()}
    assert {name for name in names if "tensorboard" in name} == {"tensorboard", "tensorboard.lock"}


def test_a_trial_says_what_it_is_and_how_it_ended(tmp_path: Path) -> None:
    make(tmp_path, *eventful()).close()
    with Board(nas_tune.open_run(tmp_path)):
        pass
    good, failed = (tmp_path / "tensorboard" / f"trial-00000{number}" for number in (0, 3))
    assert json.loads(_texts(good, "architecture")[0]) == nas_tune.open_run(tmp_path).tree(0)
    assert _texts(failed, "failure") == ["    error: ValueError: no"]
    experiment, start, end = _hyperparameters(good)
    assert {info.name for info in experiment.hparam_infos} == {parameter.name for parameter in mixed().parameters}
    assert (start.hparams["width"].number_value, start.hparams["op"].string_value) == (16, "conv")
    assert (end.status, _hyperparameters(failed)[2].status) == (1, 2)
    time = nas_tune.open_run(tmp_path).epochs()["time"][0].timestamp()
    assert any(abs(event.wall_time - time) < 1e-3 and event.step == 1 for event in _events(good))


def test_what_comes_later_is_appended_until_the_search_ends(tmp_path: Path) -> None:
    ledger = make(tmp_path, begun(), *trial(0, [0.1], None))
    with Board(nas_tune.open_run(tmp_path)) as board:
        ledger.append(Reported(0, 2, {"accuracy": 0.2}, 1.0), Paused(0, 0.2), *trial(1, [0.7]))
        assert board.update() is None
        ledger.append(Promoted(0), Reported(0, 3, {"accuracy": 0.3}, 1.0), Ended(0, "complete", 0.3), ended())
        assert (board.update(), board.trials) == ("done", 2)
        found = _scalars(board.folder, "accuracy")
        assert found == {"trial-000000": [(1, 0.1), (2, 0.2), (3, 0.3)], "trial-000001": [(1, 0.7)]}
        assert len(_texts(board.folder / "trial-000000", "architecture")) == 1


def test_a_search_in_a_supernet_is_described_when_it_has_found(tmp_path: Path) -> None:
    first, second = (mixed().sample(seed).tree for seed in (1, 2))
    ledger = make(tmp_path, begun(), Asked(0, 0, 0, "0" * 16, 1, searches=True))
    with Board(nas_tune.open_run(tmp_path)) as board:
        for epoch, tree in enumerate((first, second), 1):
            ledger.append(Found(0, tree, f"{epoch:016}"), Reported(0, epoch, {"accuracy": 0.5}, 1.0))
            board.update()
        ledger.append(Ended(0, "complete", 0.5))
        board.update()
        assert [json.loads(text) for text in _texts(board.folder / "trial-000000", "architecture")] == [second]


def test_a_ledger_that_its_backup_replaces_is_written_anew(tmp_path: Path) -> None:
    ledger = make(tmp_path, begun(), *trial(0, [0.5]))
    ledger.backup(backup_path(tmp_path))
    ledger.append(*trial(1, [0.9]))
    with Board(nas_tune.open_run(tmp_path)) as board:
        restored(tmp_path, ledger)
        board.update()
        assert _scalars(board.folder, "accuracy") == {"trial-000000": [(1, 0.5)]}


def test_one_writes_at_a_time_and_the_next_may_after_it(tmp_path: Path) -> None:
    make(tmp_path, begun(), *trial(0, [0.5])).close()
    run = nas_tune.open_run(tmp_path)
    with Board(run), pytest.raises(RunLockedError, match="another `nas-tune dashboard"), Board(run):
        pass
    with Board(run) as board:
        assert board.trials == 1


def test_what_a_killed_writer_left_goes_with_the_next(tmp_path: Path) -> None:
    make(tmp_path, begun(), *trial(0, [0.5])).close()
    dead = subprocess.Popen(["true"])
    dead.wait()
    left = [tmp_path / f".tensorboard-{word}.{dead.pid}.{socket.gethostname()}" for word in ("new", "old")]
    for draft in left:
        draft.mkdir()
    with Board(nas_tune.open_run(tmp_path)):
        assert not any(draft.exists() for draft in left)
    assert not list(tmp_path.glob(".tensorboard-*"))


def test_where_nothing_can_be_written_what_was_there_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, begun(), *trial(0, [0.5])).close()
    run = nas_tune.open_run(tmp_path)
    with Board(run):
        pass

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("nas_tune.dashboards.events.TrialFile.reports", full)
    with pytest.raises(RunFolderError, match="make room"), Board(run):
        pass
    assert _scalars(tmp_path / "tensorboard", "accuracy") == {"trial-000000": [(1, 0.5)]}
    assert not list(tmp_path.glob(".tensorboard*"))


def test_costs_that_were_found_before_a_training_are_scalars_at_step_0(tmp_path: Path) -> None:
    make(tmp_path, *refusing()).close()
    with Board(nas_tune.open_run(tmp_path)):
        pass
    assert _scalars(tmp_path / "tensorboard", "latency") == {"trial-000000": [(0, 5.0)], "trial-000001": [(0, 6.0)]}
