"""Names of runs and metrics."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas_tune.config.names import (
    check_metric_name,
    check_run_name,
    default_run_name,
    metric_name_problem,
    run_name_problem,
)
from nas_tune.errors import ConfigError


@pytest.mark.parametrize("name", ["a", "0", "digits", "nb201-evolution", "a.b_c-1", "x" * 64, "console", "com10"])
def test_a_good_run_name_is_kept(name: str) -> None:
    assert check_run_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        *[
            "",
            ".",
            "..",
            "../x",
            "/x",
            "a/b",
            "a\\b",
            "a..b",
            "a.",
            ".a",
            "-a",
            "_a",
            "A",
            "ä",
            "a b",
            "a\n",
            "a\0",
        ],
        *["x" * 65, "x" * 300, "con", "nul", "com1", "lpt0", "con.txt", "aux.tar.gz", None, 7],
    ],
)
def test_a_bad_run_name_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="run name: got "):
        check_run_name(name)


def test_the_message_says_value_rule_and_remedy() -> None:
    problem = run_name_problem("My Run")
    assert problem is not None
    assert "'My Run'" in problem
    assert "a-z" in problem
    assert problem.endswith("say 'my-run'")
    assert "device on Windows" in str(run_name_problem("CON".lower()))


def test_a_huge_name_does_not_flood_the_message() -> None:
    assert len(str(run_name_problem("x" * 10_000))) < 300


def test_upper_case_devices_are_refused_without_being_suggested() -> None:
    assert "say 'con'" not in str(run_name_problem("CON"))


@pytest.mark.parametrize("name", ["accuracy", "val_loss", "arch", "_x", "F1"])
def test_a_good_metric_name_is_kept(name: str) -> None:
    assert check_metric_name(name, reserved=["trial", "epoch"]) == name


@pytest.mark.parametrize("name", ["", "val loss", "arch.op", "a.b", "ürsprung", "1st", "x" * 65, "a\n", None, "epoch"])
def test_a_bad_metric_name_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="metric: got "):
        check_metric_name(name, reserved=["trial", "epoch"])


def test_a_reserved_metric_gets_a_remedy() -> None:
    assert "'my_epoch'" in str(metric_name_problem("epoch", ["epoch"]))


def test_the_default_name_is_made_of_space_and_strategy() -> None:
    assert default_run_name("nb201", "evolution") == "nb201-evolution"
    assert default_run_name("my_package.spaces:Tiny.SPACE", "tpe") == "tiny.space-tpe"


@given(st.text(max_size=80), st.text(max_size=80))
def test_every_default_name_is_a_good_name(space: str, strategy: str) -> None:
    assert run_name_problem(default_run_name(space, strategy)) is None
