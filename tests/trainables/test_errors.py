"""How errors of other libraries are quoted."""

from __future__ import annotations

import pytest

from trainables.errors import first_line


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("", ""),
        ("\n\nno such operator\nat line 7\n", "no such operator"),
        ("x" * 150 + "y" * 150, "x" * 150 + "y" * 50),
    ],
)
def test_the_first_line_of_an_error_is_quoted_up_to_200_characters(text: str, quoted: str) -> None:
    assert first_line(ValueError(text)) == quoted
