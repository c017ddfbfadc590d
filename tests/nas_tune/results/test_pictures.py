"""Pictures of predictions: kept by an evaluation, read as they are, and nothing else is taken for one."""

from __future__ import annotations

from pathlib import Path

from nas_tune.results.pictures import keep_pictures, kept_pictures, left_out

PNG = b"\x89PNG\r\n\x1a\nrest"


def test_pictures_replace_those_of_an_earlier_evaluation(tmp_path: Path) -> None:
    keep_pictures(tmp_path, "test", {"scan 0: image, truth": PNG, "scan 1": PNG})
    keep_pictures(tmp_path, "validation", {"scan 0": PNG})
    titles = [one.title for one in kept_pictures(tmp_path)]
    assert titles == ["test, scan 0, image, truth", "test, scan 1", "validation, scan 0"]
    keep_pictures(tmp_path, "test", {"../../escape": PNG})
    assert len(kept_pictures(tmp_path)) == 2
    assert not list(tmp_path.parent.glob("*.png"))
    keep_pictures(tmp_path / "nowhere" / "else", "test", {"scan": PNG})


def test_what_is_no_picture_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.png").write_bytes(b"<script>")
    (tmp_path / "secret").write_bytes(PNG)
    (tmp_path / "pictures" / "b.png").symlink_to(tmp_path / "secret")
    assert kept_pictures(tmp_path) == []


def test_a_linked_folder_is_neither_read_nor_written(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "test 00 mine.png").write_bytes(PNG)
    (tmp_path / "run").mkdir()
    (tmp_path / "run/pictures").symlink_to(outside)
    keep_pictures(tmp_path / "run", "test", {"scan 0": PNG})
    assert [one.name for one in outside.iterdir()] == ["test 00 mine.png"]
    assert kept_pictures(tmp_path / "run") == []


def test_pictures_that_a_report_does_not_show_are_told(tmp_path: Path) -> None:
    assert left_out(tmp_path) == ""
    keep_pictures(tmp_path, "test", {f"scan {number}": PNG for number in range(8)})
    assert left_out(tmp_path) == ""
    keep_pictures(tmp_path, "validation", {"scan 0": PNG, "scan 1": PNG + bytes(2_000_000)})
    assert len(kept_pictures(tmp_path)) == 8
    told = "1 of more than 2 MB and 1 after the first 8; they are in pictures below the run."
    assert left_out(tmp_path) == f"Pictures that are not shown here: {told}"
