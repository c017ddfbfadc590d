"""TOML with mistakes: the line and column of each, and files that are nearly there."""

from __future__ import annotations

from pathlib import Path

import pytest

from nas_tune.config.text import parse_toml, read_text, toml_text
from nas_tune.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a = 1\nb = \n", "line 2, column 5"),
        ("a = 1\nb = [1,", "line 2, column 8"),
        ("a = ", "line 1, column 5"),
        ("a = 1\n\nc = 'x", "line 3, column 7"),
    ],
)
def test_a_mistake_has_its_line_and_column(text: str, place: str) -> None:
    with pytest.raises(ConfigError, match=rf"^FILE, {place}: not TOML: "):
        parse_toml(text, "FILE")


def test_what_is_nested_too_deeply_is_told_where_it_is_deepest() -> None:
    deep = "a = 1\nb = " + "[" * 5000 + "]" * 5000
    with pytest.raises(ConfigError, match=r"^FILE, line 2, column 5004: arrays or tables are nested too deeply"):
        parse_toml(deep, "FILE")


def test_nothing_cannot_be_written() -> None:
    assert toml_text({"a": 1, "b": {"c": [1, 2]}}) == "a = 1\n\n[b]\nc = [\n    1,\n    2,\n]\n"
    for values, path in (({"a": None}, "a"), ({"a": {"b": None}}, "a.b"), ({"a": [1, {"b": None}]}, "a.1.b")):
        with pytest.raises(ConfigError, match=rf"^{path}: got nothing \(None\), which TOML cannot write"):
            toml_text(values)


def test_files_are_read_or_it_is_said_why_not(tmp_path: Path) -> None:
    (tmp_path / "good.toml").write_bytes(b"\xef\xbb\xbfa = 1")
    assert read_text(tmp_path / "good.toml") == "a = 1"
    (tmp_path / "bad.toml").write_bytes(b"ab\xff")
    with pytest.raises(ConfigError, match=r"bad.toml: not UTF-8 \(byte 0xff at offset 2\); save the file as UTF-8"):
        read_text(tmp_path / "bad.toml")
    with pytest.raises(ConfigError, match=r"god.toml: no such file; did you mean 'good.toml'\?"):
        read_text(tmp_path / "god.toml")
    with pytest.raises(ConfigError, match=r"none.toml: no such file$"):
        read_text(tmp_path / "nowhere" / "none.toml")
    with pytest.raises(ConfigError, match=r": a directory; give the TOML file itself \(bad.toml, good.toml\)"):
        read_text(tmp_path)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ConfigError, match=r"empty: a directory; give the TOML file itself$"):
        read_text(empty)
    for number in range(7):
        (empty / f"{number}.toml").touch()
    with pytest.raises(ConfigError, match=r"\(0.toml, 1.toml, 2.toml, 3.toml, 4.toml\)$"):
        read_text(empty)
    with pytest.raises(ConfigError, match=r"cannot be read: embedded null byte"):
        read_text(Path("a\0b"))
