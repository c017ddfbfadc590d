"""A decision in the words of a picture."""

from __future__ import annotations

import pytest

from search_spaces.architecture import Scalar
from search_spaces.graphs.outline import decision_text


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("depth", 3, "depth 3"),
        ("rate", 0.12345, "rate 0.123"),
        ("op", "conv_3x3", "conv_3x3"),
        ("activation", "relu", "relu"),
        ("", "conv_3x3", "conv_3x3"),
        ("skip", True, "skip"),
        ("skip", False, "no skip"),
        ("", True, "true"),
        ("norm", None, "norm none"),
    ],
)
def test_one_decision_in_words(key: str, value: Scalar, words: str) -> None:
    assert decision_text(key, value) == words
