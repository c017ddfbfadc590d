"""Texts of strangers: what looks like a formula or a secret, and what only looks nearly so."""

from __future__ import annotations

import pytest

from nas_tune.results.redaction import without_formula, without_secrets


@pytest.mark.parametrize("text", ["=1+1", "+SUM(A1)", "-x", "@a", "\tx", "+-1", "-1e", "-.", "+1.5.2", "-infinity"])
def test_formulas_get_an_apostrophe(text: str) -> None:
    assert without_formula(text) == f"'{text}"


@pytest.mark.parametrize(
    "text", ["", "a=1", "1-2", "-1", "+1.5", "-.5", "-1.", "-1e-5", "+2E+3", "-inf", "+nan", "x@y"]
)
def test_numbers_and_other_texts_stay(text: str) -> None:
    assert without_formula(text) == text


def test_line_ends_are_plain() -> None:
    assert without_formula("a\r\nb\rc\nd") == "a\nb\nc\nd"
    assert without_formula("\rx") == "'\nx"


def test_credentials_are_replaced_and_all_else_stays() -> None:
    assert without_secrets("s3://me:secret@there/x and http://u@v") == "s3://***@there/x and http://***@v"
    for text in ("https://example.org/a@b", "me@there", "s3://a b@c", "x://'me@there"):
        assert without_secrets(text) == text
