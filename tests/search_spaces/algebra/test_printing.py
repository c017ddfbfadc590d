"""Options that print alike are refused where a space is declared, and where a row of an old space may be either."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
import pytest

from search_spaces import Architecture, ArchitectureError, Space, SpaceError, choice, integer, real, subset
from search_spaces.interchange import from_frame, from_nni, from_row, from_trial, to_frame, to_nni, to_row, to_trial

ALIKE = [
    (1, "1"),
    (1, "1.0"),
    (1, "01"),
    (0.1, "0.1"),
    (0.1, "1e-1"),
    (True, "True"),
    (False, "false"),
    (None, "None"),
    (None, ""),
    (None, "NA"),
    (None, "nan"),
    (0.3, 0.30000000000000004),
    (2**53, 2**53 + 1),
    (chr(0xD800), "\\ud800"),
]
APART = [
    (2, "one", None, 2.5, True),
    ("1", "01", "1.0"),
    ("none", "None", "nan"),
    (None, "relu", 6),
    (True, "auto"),
    (0.1, 0.2, 0.30000000000000004),
    (1, 10, "1 0"),
    (1e-7, 1e-8),
    ("", "nan"),
    ("a", "a "),
]


@pytest.mark.parametrize("options", ALIKE)
def test_options_that_print_alike_are_refused(options: tuple[Any, ...]) -> None:
    with pytest.raises(SpaceError, match=r"space at k: .*print alike, so a table .* cannot tell them apart; keep one"):
        Space({"k": choice(*options)})
    with pytest.raises(SpaceError, match="print alike"):
        Space({"deep": choice({"a": {"k": choice("x", {"sub": integer(1, 2)}, *options)}})})


@pytest.mark.parametrize("options", APART)
def test_others_come_back_as_they_were_on_every_way(options: tuple[Any, ...], tmp_path: Path) -> None:
    space = Space({"k": choice(*options), "n": choice({"deep": {"k": choice(*options)}, "flat": {}})}, name="apart")
    members = list(space.enumerate())
    frame = to_frame(space, members)
    parquet = tmp_path / "frame.parquet"
    text = frame.astype("string")
    text.to_parquet(parquet)
    for way in (from_frame(space, frame), [from_row(space, to_row(space, made)) for made in members]):
        assert _trees(way) == _trees(members)
    if None not in options:
        assert _trees(from_frame(space, pd.read_parquet(parquet))) == _trees(members)
    for made in members:
        back = [
            space.validate(Architecture.from_json(made.to_json())),
            space.from_params(space.params(made)),
            from_trial(space, to_trial(space, made, 1.0)),
        ]
        assert _trees(back) == _trees([made] * 3)
        assert _trees([Space.from_spec(space.to_spec()).validate(made.tree)]) == _trees([made])


@pytest.mark.parametrize("options", APART)
def test_a_csv_file_gives_the_same_architecture_or_is_refused(options: tuple[Any, ...]) -> None:
    space = Space({"k": choice(*options)})
    for made in space.enumerate():
        file = io.StringIO(to_frame(space, [made]).to_csv(index=False))
        try:
            (back,) = from_frame(space, pd.read_csv(file))
        except ArchitectureError:
            continue
        assert _trees([back]) == _trees([made])


@pytest.mark.parametrize("options", APART)
def test_optuna_s_storage_keeps_mixed_options_apart(options: tuple[Any, ...]) -> None:
    space = Space({"k": choice(*options)})
    kept = optuna.distributions.json_to_distribution(optuna.distributions.distribution_to_json(space.to_optuna()["k"]))
    for made in space.enumerate():
        value = kept.to_external_repr(kept.to_internal_repr(made["k"]))
        assert _trees([space.from_params({"k": value})]) == _trees([made])


def test_nni_s_dictionaries_keep_them_apart() -> None:
    space = Space({"k": choice("1", "0", "x"), "s": subset([1, "x", 2], (1, 2))})
    members = list(space.enumerate())
    assert _trees([from_nni(space, to_nni(space, made)) for made in members]) == _trees(members)


def test_a_run_of_old_with_such_options_is_read_and_a_row_that_may_be_either_is_refused() -> None:
    spec = Space({"k": choice(1, "one"), "n": integer(1, 2)}).to_spec()
    spec["tree"]["items"]["k"]["options"][1][1]["value"] = "1"
    space = Space.from_spec(spec)
    assert space.validate({"k": 1, "n": 1}) != space.validate({"k": "1", "n": 1})
    with pytest.raises(ArchitectureError, match=r"'1' may be the text '1' or 1, which print alike"):
        from_row(space, {"arch.k": "1", "arch.n": 1})
    assert from_row(space, {"arch.k": 1, "arch.n": 1}).tree == {"k": 1, "n": 1}


def test_bounds_beyond_what_a_float_tells_apart_are_refused() -> None:
    for low, high in ((0, 2**53 + 1), (-(2**53) - 1, 0), (10**400, 10**400 + 1)):
        with pytest.raises(SpaceError, match=r"exact from -2\*\*53 to 2\*\*53 only; .*add a constant"):
            integer(low, high)
    space = Space({"k": integer(2**53 - 3, 2**53)})
    assert from_row(space, {"k": float(2**53)}).tree == {"k": 2**53}


def test_a_float_that_stands_for_several_ints_is_refused_in_spaces_of_old() -> None:
    spec = Space({"k": integer(0, 4)}).to_spec()
    spec["tree"]["items"]["k"].update(low=2**53, high=2**53 + 4)
    space = Space.from_spec(spec)
    assert from_row(space, {"k": 2**53 + 1}).tree == {"k": 2**53 + 1}
    with pytest.raises(ArchitectureError, match="is not allowed"):
        from_row(space, {"k": float(2**53 + 2)})


def _trees(made: list[Architecture]) -> list[str]:
    """As JSON, which tells 1 from True and from "1"."""
    return [one.to_json() for one in made]


@pytest.mark.parametrize(("low", "high", "log"), [(1e15, 1e15 + 1, False), (1e15, 1e15 + 1, True)])
def test_real_bounds_that_old_specs_have_are_read(low: float, high: float, log: bool) -> None:
    with pytest.raises(SpaceError, match="too few floats"):
        real(low, high, log=log)
    spec = Space({"k": real(0.5, 4.0, log=log)}).to_spec()
    spec["tree"]["items"]["k"].update(low=low, high=high)
    for space in (Space.from_spec(spec), Space.from_spec(spec, bare=True)):
        assert low <= space.sample(0)["k"] <= high
        assert space.to_spec() == spec


@pytest.mark.parametrize("made", [lambda: real(1.0, 2.0, log="no"), lambda: integer(1, 9, log=1)])
def test_log_is_true_or_false(made: Any) -> None:
    with pytest.raises(SpaceError, match=r"log=('no'|1) is a .*; give True or False"):
        made()
