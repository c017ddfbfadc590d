"""A control is kept as a line of text, from which it is read again."""

from __future__ import annotations

import pytest

from trainables.controls import Control, read_control

TREES = Control("Trees", {"validation": {"auc": 0.9208591, "loss": 1e-05}, "test": {"auc": 0.5, "loss": -2.0}}, 0.7034)


def test_a_line_is_read_as_it_was_written():
    assert TREES.line() == (
        "control Trees: validation auc=0.920859 loss=1e-05, test auc=0.5 loss=-2; 0.703 CPU seconds"
    )
    found = read_control(TREES.line())
    assert found is not None
    assert found.scores == {"validation": {"auc": 0.920859, "loss": 1e-05}, "test": {"auc": 0.5, "loss": -2.0}}
    assert (found.name, found.seconds) == ("Trees", 0.703)
    assert read_control(found.line()) == found


@pytest.mark.parametrize(
    "text",
    [
        "a note",
        "control Trees failed: no rows",
        Control("Trees", {}, 1.0, "no rows").line(),
        "control Trees: ; 1 CPU seconds",
        "control Trees: test auc=high; 1 CPU seconds",
        "control Trees: test auc=1; e CPU seconds",
        "control Trees: test; 1 CPU seconds",
    ],
)
def test_other_notes_are_no_controls(text):
    assert read_control(text) is None
