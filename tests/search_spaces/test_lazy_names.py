from __future__ import annotations

import json

import pytest

from search_spaces.lazy_names import lazy_names


def test_a_name_is_found_in_its_module_and_may_be_called_otherwise_there() -> None:
    found = lazy_names("shop", {"loads": "json", "Reader": "json:JSONDecoder"})
    assert found("loads") is json.loads
    assert found("Reader") is json.JSONDecoder


def test_an_unknown_name_is_no_attribute_of_the_package() -> None:
    with pytest.raises(AttributeError, match="module 'shop' has no attribute 'dumps'"):
        lazy_names("shop", {"loads": "json"})("dumps")
