"""What is warned of, and what is refused, before a network is trained on odd texts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from trainables.data.texts.noticed import copied_pieces, noticed_ids
from trainables.errors import DataError
from trainables.tasks.registry import make_task

TEXT = "".join(np.random.default_rng(0).choice(list("abcdef \n"), 3000))


def said(path: Path) -> list[str]:
    task = make_task("language", {"data": str(path)})
    task.check()
    return [line for line in task.about() if line.startswith("warning")]


def test_pieces_of_other_parts_that_stand_in_training_are_counted(tmp_path: Path) -> None:
    parts = {"train": TEXT[:2000], "validation": TEXT[100:500], "test": TEXT[2000:]}
    for part, text in parts.items():
        (tmp_path / f"{part}.txt").write_text(text)
    assert said(tmp_path) == [
        "warning: 6 of 6 pieces of 64 characters for validation occur in the training part, too; remove the copies, "
        "which flatter the score"
    ]
    (tmp_path / "validation.txt").write_text(TEXT[2100:2500])
    assert said(tmp_path) == []


def test_a_phrase_that_recurs_is_no_copy() -> None:
    tokens = np.random.default_rng(0).integers(0, 9, 20_000)
    held = np.random.default_rng(1).integers(0, 9, 64 * 200)
    held[:64] = tokens[30:94]
    assert copied_pieces({"train": tokens, "validation": held}, "ids") == []
    held[64:128] = tokens[1000:1064]
    (line,) = copied_pieces({"train": tokens, "validation": held}, "ids")
    assert line.startswith("warning: 2 of 200 pieces of 64 ids for validation")
    assert copied_pieces({"train": tokens[:10], "validation": held}, "ids") == []


def test_ids_that_training_lacks_are_said(tmp_path: Path) -> None:
    train, held = np.array([0, 1, 5]), np.array([1, 3, 3])
    assert noticed_ids({"train": train, "test": held}, 6) == [
        "3 of 6 ids do not occur in the training part",
        "warning: 1 ids occur outside the training part alone (3), and are never trained; give a training part that "
        "has them",
    ]
    assert noticed_ids({"train": np.arange(6)}, 6) == []


def test_a_text_of_one_token_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a" * 2000)
    np.save(tmp_path / "b.npy", np.full(2000, 7))
    for name, what in (("a.txt", "all characters of the training part are 'a'"), ("b.npy", "all ids of the .* are 7")):
        with pytest.raises(DataError, match=f"{what}; there is nothing to learn"):
            said(tmp_path / name)
