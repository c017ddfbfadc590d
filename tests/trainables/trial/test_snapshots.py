"""Checkpoints on disk: whole or absent, the newest whole one first, never another's."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from trainables.errors import CheckpointError
from trainables.trial.snapshots import Snapshots, newest


def saving(text: str) -> Callable[[Path], None]:
    """What a trainable's `save` might write, in a folder below too."""

    def save(folder: Path) -> None:
        (folder / "state.json").write_text(text, encoding="utf-8")
        (folder / "deep").mkdir()
        (folder / "deep" / "weights").write_bytes(text.encode() * 100)

    return save


def written(folder: Path, *epochs: int, owner: str | None = None) -> Snapshots:
    snapshots = Snapshots(folder, owner)
    for epoch in epochs:
        snapshots.write(epoch, {"accuracy": epoch / 10}, saving(f"state {epoch}"))
    return snapshots


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_was_written_comes_back_newest_first(tmp_path: Path) -> None:
    notes: list[str] = []
    found = list(written(tmp_path / "new" / "trial", 1, 2).newest_first(notes))
    assert [(snapshot.epoch, snapshot.metrics) for snapshot in found] == [
        (2, {"accuracy": 0.2}),
        (1, {"accuracy": 0.1}),
    ]
    assert (found[0].folder / "state.json").read_text() == "state 2"
    assert notes == []


def test_where_nothing_was_written_there_is_nothing(tmp_path: Path) -> None:
    assert list(Snapshots(tmp_path / "none").newest_first([])) == []


def test_the_last_two_are_kept(tmp_path: Path) -> None:
    written(tmp_path, 1, 2, 3, 9, 10, 11)
    assert names(tmp_path) == ["epoch-000010", "epoch-000011"]


def test_an_epoch_written_again_replaces_the_one_before(tmp_path: Path) -> None:
    snapshots = written(tmp_path, 1, 2)
    snapshots.write(2, {"accuracy": 0.9}, saving("other"))
    newest, *_ = snapshots.newest_first([])
    assert (newest.metrics, (newest.folder / "state.json").read_text()) == ({"accuracy": 0.9}, "other")


def test_a_save_that_fails_leaves_what_was_there_and_no_draft(tmp_path: Path) -> None:
    snapshots = written(tmp_path, 1)

    def full(folder: Path) -> None:
        (folder / "state.json").write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        snapshots.write(2, {}, full)
    assert names(tmp_path) == ["epoch-000001"]


def change(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize("damage", [change, cut, Path.unlink], ids=["changed", "cut", "gone"])
@pytest.mark.parametrize("file", ["state.json", "deep/weights", "snapshot.json"])
def test_a_damaged_one_is_passed_over_with_a_note(tmp_path: Path, damage: Callable[[Path], None], file: str) -> None:
    snapshots = written(tmp_path, 1, 2)
    damage(tmp_path / "epoch-000002" / file)
    notes: list[str] = []
    found = [snapshot.epoch for snapshot in snapshots.newest_first(notes)]
    assert found == [1]
    assert len(notes) == 1
    assert notes[0].startswith("checkpoint epoch-000002 ")
    assert notes[0].endswith("it is passed over")


@pytest.mark.parametrize("index", ["", "[]", "{}", '{"epoch": "x", "metrics": {}, "files": {}}', "null"])
def test_an_index_that_is_none_is_damage(tmp_path: Path, index: str) -> None:
    snapshots = written(tmp_path, 1, 2)
    (tmp_path / "epoch-000002" / "snapshot.json").write_text(index)
    notes: list[str] = []
    assert [snapshot.epoch for snapshot in snapshots.newest_first(notes)] == [1]
    assert len(notes) == 1


def test_a_draft_that_a_kill_left_is_none(tmp_path: Path) -> None:
    snapshots = written(tmp_path, 1)
    dead = subprocess.Popen(["true"])
    dead.wait()
    left = [tmp_path / name for name in (f".draft-{dead.pid}", f".draft.{dead.pid}.{socket.gethostname()}")]
    for draft in left:
        draft.mkdir()
    assert [snapshot.epoch for snapshot in snapshots.newest_first([])] == [1]
    # The next epoch that is saved removes it.
    snapshots.write(2, {}, saving("mine"))
    assert not any(draft.exists() for draft in left)


def test_another_owners_are_passed_over_and_go_with_the_first_write(tmp_path: Path) -> None:
    written(tmp_path, 8, 9, owner="one")
    other = Snapshots(tmp_path, "other")
    notes: list[str] = []
    assert list(other.newest_first(notes)) == []
    assert [("another architecture or seed" in note) for note in notes] == [True, True]
    other.write(1, {}, saving("mine"))
    assert names(tmp_path) == ["epoch-000001"]
    assert [snapshot.epoch for snapshot in other.newest_first([])] == [1]


def test_without_an_owner_all_are_taken(tmp_path: Path) -> None:
    written(tmp_path, 1, 2, owner="one")
    assert [snapshot.epoch for snapshot in Snapshots(tmp_path).newest_first([])] == [2, 1]


def test_after_a_new_beginning_the_damaged_later_ones_do_not_crowd_out_the_new(tmp_path: Path) -> None:
    snapshots = written(tmp_path, 4, 5)
    for epoch in (4, 5):
        change(tmp_path / f"epoch-00000{epoch}" / "state.json")
    for epoch in (1, 2):
        snapshots.write(epoch, {}, saving("again"))
        newest, *_ = snapshots.newest_first([])
        assert newest.epoch == epoch
    assert names(tmp_path) == ["epoch-000001", "epoch-000002"]


def test_what_is_not_finite_comes_back(tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path)
    snapshots.write(1, {"loss": float("inf")}, saving("x"))
    newest, *_ = snapshots.newest_first([])
    assert newest.metrics == {"loss": float("inf")}
    assert json.loads((tmp_path / "epoch-000001" / "snapshot.json").read_text())["epoch"] == 1


def test_remove_takes_all_and_may_be_told_twice(tmp_path: Path) -> None:
    snapshots = written(tmp_path / "trial", 1, 2)
    snapshots.remove()
    snapshots.remove()
    assert names(tmp_path) == []


def test_the_newest_whole_one_stands_for_the_folder(tmp_path: Path) -> None:
    written(tmp_path, 1, 2)
    assert newest(tmp_path) == tmp_path / "epoch-000002"
    assert newest(tmp_path / "epoch-000001") == tmp_path / "epoch-000001"
    (tmp_path / "epoch-000002" / "state.json").write_text("torn")
    assert newest(tmp_path) == tmp_path / "epoch-000001"
    (tmp_path / "epoch-000001" / "state.json").unlink()
    with pytest.raises(CheckpointError, match=r"no whole checkpoint.*epoch-000002 is damaged"):
        newest(tmp_path)
    assert newest(tmp_path / "nowhere") == tmp_path / "nowhere"
