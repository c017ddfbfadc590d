"""`search_spaces.nn` is torch.nn with choices, and costs nothing to those who do not import it."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

import search_spaces.nn as nn


def test_public_names_are_there_and_sorted():
    assert list(nn.__all__) == sorted(nn.__all__)
    assert set(nn.__all__) <= set(dir(nn))
    assert set(dir(torch.nn)) <= set(dir(nn))


def test_what_torch_has_is_passed_on():
    assert nn.Module is torch.nn.Module is nn.ModelSpace
    assert nn.Sequential is torch.nn.Sequential
    assert nn.functional is torch.nn.functional
    assert nn.Conv2d is nn.Conv2d is nn.MutableConv2d


@pytest.mark.parametrize("name", ["Conv2", "MutableConv2", "Mutable"])
def test_a_misspelt_name_is_an_attribute_error(name):
    with pytest.raises(AttributeError, match=f"neither .* has '{name}'"):
        getattr(nn, name)
    with pytest.raises(AttributeError, match="did you mean 'Conv2d'"):
        nn.conv2d  # noqa: B018


def test_spaces_alone_import_no_torch():
    code = "import sys, search_spaces.testing; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
