"""The lists of names: settings with their defaults, lines that break between settings, and sizes."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from nas_tune.cli import listing
from nas_tune.cli.listing import about, size_text


class Mine:
    """Does this,
    and that.

    More of it.
    """

    def __init__(self, space: Any, seed: int, needed: int, name: str = "a b", *more: int, on: bool = False) -> None:
        self.given = (space, seed, needed, name, more, on)


def generated(architecture: Any, seed: int, max_epochs: int, lr: float = 0.1, way: Any = None) -> Iterator[Any]:
    """Yields."""
    yield {}


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (None, "not counted"),
        (1, "1"),
        (15_625, "15,625"),
        (10**12 - 1, "999,999,999,999"),
        (10**12, "1.00e+12"),
        (423 * 10**20, "4.23e+22"),
    ],
)
def test_sizes_have_separators_or_are_powers_of_ten(size: int | None, said: str) -> None:
    assert size_text(size) == said


def test_the_first_paragraph_tells_what_a_thing_is() -> None:
    assert about(Mine) == "Does this, and that."
    assert about(lambda: None) == ""


def test_settings_have_their_defaults_as_a_configuration_writes_them() -> None:
    assert list(listing._settings(Mine, ("space", "seed"))) == ["needed", 'name = "a b"', "on = false"]
    assert list(listing._settings(Mine, ())) == ["space", "seed", "needed", 'name = "a b"', "on = false"]
    assert list(listing._settings(generated, ())) == ["lr = 0.1", "way = (none)"]


def test_a_setting_is_never_broken() -> None:
    def many(**_: Any) -> None:
        """Nothing."""

    import inspect

    names = [f"setting_{place}" for place in range(9)]
    kind = inspect.Parameter.KEYWORD_ONLY
    many.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(name, kind, default="x y") for name in names]
    )
    lines = list(listing._settings_lines(many, ()))
    assert len(lines) > 2
    assert all(line.startswith(" " * 20) and len(line) <= 80 for line in lines)
    joined = " ".join(line.strip() for line in lines)
    assert joined == ", ".join(f'{name} = "x y"' for name in names)
    assert all(line.count('"') % 2 == 0 for line in lines)
    assert list(listing._settings_lines(lambda: None, ())) == [f"{' ' * 20}no settings"]


def test_an_entry_begins_with_its_name_and_goes_on_below(capsys: pytest.CaptureFixture[str]) -> None:
    listing._print_entry("mine", " ".join(["word-by-word"] * 6))
    first, second = capsys.readouterr().out.splitlines()
    assert first == f"  {'mine':<18}{' '.join(['word-by-word'] * 4)}"
    assert second == f"{' ' * 20}word-by-word word-by-word"
    listing._print_entry("mine", "")
    assert capsys.readouterr().out.strip() == "mine"


def test_what_is_broken_is_told_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    listing._note_broken(SimpleNamespace(broken=lambda: {"bad": "no\x1b"}))  # type: ignore[arg-type]
    assert capsys.readouterr() == ("", "'bad' is left out: no\\x1b\n")


def test_a_registry_is_listed_with_origins_and_objectives(capsys: pytest.CaptureFixture[str]) -> None:
    from nas_tune.objectives.objective import several_objectives

    class Registry(dict[str, Any]):
        def broken(self) -> dict[str, str]:
            return {}

        def origin(self, name: str) -> str:
            return f"the place of {name}"

    class Several(Mine):
        """Takes several."""

    listing._print("strategies", Registry(one=Mine, two=several_objectives(Several)))  # type: ignore[arg-type]
    blank = " " * 20
    assert capsys.readouterr().out.splitlines() == [
        "strategies",
        f"  {'one':<18}Does this, and that.",
        f'{blank}needed, name = "a b", on = false',
        f"{blank}from the place of one",
        f"  {'two':<18}Takes several.",
        f'{blank}needed, name = "a b", on = false',
        f"{blank}from the place of two; one objective or several",
        "",
    ]
