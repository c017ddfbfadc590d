"""What older code imports is found by its former name, is the same object, and warns with the name to use."""

from __future__ import annotations

import subprocess
import sys
import warnings
from importlib import import_module

import pytest

from search_spaces.former_names import MODULES, NAMES, current_module


@pytest.mark.parametrize(("former", "now"), MODULES.items())
def test_a_former_module_is_the_module_itself(former: str, now: str) -> None:
    sys.modules.pop(former, None)
    with pytest.warns(DeprecationWarning, match=f"{former} is called {now} now: import that") as caught:
        found = import_module(former)
    assert found is import_module(now)
    assert found.__name__ == now
    assert getattr(found.__spec__, "name", "") == now
    assert caught


@pytest.mark.parametrize(
    ("module", "former", "now"), [(m, *pair) for m, names in NAMES.items() for pair in names.items()]
)
def test_a_former_name_is_the_object_itself(module: str, former: str, now: str) -> None:
    home = import_module(module)
    with pytest.warns(DeprecationWarning, match=rf"{module}\.{former} is called {module}\.{now} now") as caught:
        found = getattr(home, former)
    assert found is getattr(home, now)
    assert caught[0].filename == __file__
    assert former not in home.__all__


def test_the_statement_that_imports_a_former_module_is_warned_of() -> None:
    sys.modules.pop("search_spaces.encodings", None)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        import search_spaces.encodings  # type: ignore[import-not-found]  # noqa: F401
    assert [warning.filename for warning in caught] == [__file__]


def test_a_module_below_a_former_package_is_not_loaded_twice() -> None:
    with pytest.warns(DeprecationWarning, match=r"nas_tune\.bench\.contest is called"):
        found = import_module("nas_tune.bench.contest")
    assert found is import_module("nas_tune.benchmarks.races.contest")


@pytest.mark.filterwarnings("ignore:nas_tune.bench is called:DeprecationWarning")
def test_other_names_are_unknown_as_ever() -> None:
    assert current_module("nas_tune.benchmarks") == "nas_tune.benchmarks"
    with pytest.raises(ModuleNotFoundError, match=r"nas_tune\.benches"):
        import_module("nas_tune.benches")
    with pytest.raises(AttributeError, match="has no attribute 'loda'"):
        import_module("trainables.data").loda  # noqa: B018
    with pytest.raises(ModuleNotFoundError, match=r"nas_tune\.bench\.none"):
        import_module("nas_tune.bench.none")


def test_a_former_module_runs_as_a_program() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "nas_tune.tables.digits", "--help"], capture_output=True, text=True
    )
    assert "the Parquet file to write" in done.stdout, done.stderr
