"""What importing the package promises."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import trainables

ROOT = Path(trainables.__file__).parents[1]


def test_public_names_exist():
    for name in trainables.__all__:
        assert getattr(trainables, name) is not None
    assert set(trainables.__all__) <= set(dir(trainables))


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such"):
        trainables.no_such  # noqa: B018


def test_protocol_and_registry_are_light():
    code = (
        "import sys, trainables, trainables.registry, trainables.trial.session\n"
        "from trainables.supernet.methods import METHODS\n"
        "assert 'darts' in METHODS.names()\n"
        "print([m for m in ('torch', 'ray', 'optuna', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
