"""The text that identified settings in checkpoints without a version."""

from __future__ import annotations

from trainables.supernet.methods.base import SearchStage
from trainables.trial.older_identities import as_text


def test_a_stage_keeps_the_name_that_its_class_had() -> None:
    assert as_text((SearchStage(), 3)) == "(Stage(layers=0, options=None, skip_dropout=0.0), 3)"
