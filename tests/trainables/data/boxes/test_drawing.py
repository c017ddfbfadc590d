"""Boxes that are drawn into pictures."""

from __future__ import annotations

import numpy as np

from trainables.data.boxes.unlabelled import Corners, _drawn, _place, _shared

PICTURE = np.full((480, 480, 3), 200, dtype=np.uint8)


def test_labels_lie_beside_each_other_and_in_the_picture() -> None:
    taken: list[Corners] = []
    for _ in range(4):
        place = _place([100, 100, 300, 300], (60, 14), (480, 480), 1, taken)
        assert all(_shared(place, other) == 0 for other in taken)
        taken.append(place)
    for box in ([470.0, 0.0, 480.0, 9.0], [-5.0, 470.0, 3.0, 485.0]):
        left, top, right, bottom = _place(box, (60, 14), (480, 480), 1, [])
        assert min(left, top) >= 0
        assert max(right, bottom) <= 480


def test_no_line_of_another_box_crosses_a_label() -> None:
    sure = {"label": "cell", "score": 0.9, "box": [100, 100, 300, 300]}
    other = {"label": "cell", "score": 0.1, "box": [60, 93, 400, 400]}  # its upper side runs through the label
    alone, both = (np.asarray(_drawn(PICTURE, boxes, ["cell"])) for boxes in ([sure], [sure, other]))
    left, top, right, bottom = map(int, _place(sure["box"], (40, 9), (480, 480), 1, []))  # type: ignore[arg-type]
    assert (alone != 200).any(2)[top:bottom, left:right].all()
    assert (alone[top:bottom, left:right] == both[top:bottom, left:right]).all()
