"""Every help page says what a stranger asks: what an option is, and what holds without it."""

from __future__ import annotations

from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from nas_tune.cli.app import app
from nas_tune.config.starters import STARTERS

_ADDS = (
    "Also ",
    " instead of ",
    ", not of ",
    " first.",
    "needed with ",
    "A picture ",
    "A Parquet file ",
    "The column ",
)
"""Words of options that add something to what a command does anyway, or that another option needs."""

COMMANDS: dict[str, Any] = get_command(app).commands  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", COMMANDS)
def test_an_option_without_a_default_value_says_what_holds_without_it(name: str) -> None:
    for param in COMMANDS[name].params:
        assert param.help.endswith("."), param.name
        if param.param_type_name != "option" or param.is_flag or param.multiple or param.default is not None:
            continue
        if not isinstance(param.show_default, str):
            assert any(words in param.help for words in ("Default: ", *_ADDS)), param.help


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("width", [80, 120])
def test_types_are_words_and_lines_fit(name: str, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    page = CliRunner().invoke(app, [name, "--help"]).output
    for riddle in ("list[", "<bool>", "range>", "…"):
        assert riddle not in page
    assert max(map(len, page.splitlines())) <= width


def test_init_names_the_tasks_for_which_it_writes_a_configuration() -> None:
    (option,) = (param for param in COMMANDS["init"].params if param.name == "task")
    for name in STARTERS:
        assert all(word in option.help for word in name.split("_")), name
