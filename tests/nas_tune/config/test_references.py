"""Objects by name, and the fingerprint of their source."""

from __future__ import annotations

import collections
import functools
import json
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

from nas_tune.config.references import (
    allow_local_modules,
    is_reference,
    load_reference,
    reference_of,
    source_fingerprint,
    why_not,
)
from nas_tune.errors import ConfigError


class Outer:
    """Something with a nested class and a class method."""

    class Inner:
        """Nested."""

    @classmethod
    def make(cls) -> Outer:
        return cls()


class Child(Outer):
    """Inherits the class method."""


def local_class() -> type:
    class Local:
        pass

    return Local


@pytest.fixture
def module_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that modules can be imported from; what a test imports from it is forgotten afterwards."""
    known = set(sys.modules)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.chdir(tmp_path)
    sys.path.append(str(tmp_path))
    yield tmp_path
    for name in set(sys.modules) - known:
        del sys.modules[name]


@pytest.mark.parametrize("obj", [json.dumps, json.JSONEncoder, collections.OrderedDict, Path])
def test_library_objects_are_found_again(obj: object) -> None:
    reference = reference_of(obj)
    assert reference is not None
    assert load_reference(reference) is obj


@pytest.mark.parametrize("obj", [Outer, Outer.Inner, local_class])
def test_objects_of_a_module_are_found_again(obj: object) -> None:
    assert load_reference(str(reference_of(obj))) is obj
    assert why_not(obj) == ""


def test_a_class_method_is_found_on_the_class_that_defines_it_only() -> None:
    reference = reference_of(Outer.make)
    assert reference is not None
    assert reference.endswith(":Outer.make")
    assert load_reference(reference) == Outer.make
    assert reference_of(Child.make) is None


@pytest.mark.parametrize(
    ("obj", "reason"),
    [
        (lambda: None, "is a lambda"),
        (local_class(), "inside a function"),
        (functools.partial(print), "partial instances have no name"),
        (Outer(), "Outer instances have no name"),
        (Child.make, "is not this object"),
        (3, "int instances"),
    ],
)
def test_what_has_no_importable_name_says_why(obj: object, reason: str) -> None:
    assert reference_of(obj) is None
    assert reason in why_not(obj)


def test_main_and_made_up_modules_cannot_be_imported_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    def function() -> None: ...

    function.__qualname__ = "function"
    function.__module__ = "__main__"
    assert "notebook" in why_not(function)
    module = types.ModuleType("made_up_module")
    monkeypatch.setitem(sys.modules, "made_up_module", module)
    module.function = function  # type: ignore[attr-defined]
    function.__module__ = "made_up_module"
    assert "not a file" in why_not(function)


def test_a_replaced_object_is_not_taken_for_its_successor(monkeypatch: pytest.MonkeyPatch) -> None:
    old = Outer
    monkeypatch.setattr(sys.modules[__name__], "Outer", Child)
    assert "replaced" in why_not(old)


@pytest.mark.parametrize("text", ["a:b", "a.b:C.d", "_a:b_1"])
def test_the_form_of_a_reference(text: str) -> None:
    assert is_reference(text)


@pytest.mark.parametrize("text", ["", "nb201", ":b", "a:", "a:b:c", "a b:c", "../a:b", "a.:b", "a:b()", "a:b\n"])
def test_what_is_no_reference_is_refused(text: str) -> None:
    assert not is_reference(text)
    with pytest.raises(ConfigError, match="not a reference"):
        load_reference(text)


def test_a_missing_module_gets_a_hint_and_the_folder(module_folder: Path) -> None:
    (module_folder / "my_spaces.py").write_text("SPACE = 1\n")
    with pytest.raises(ConfigError, match="did you mean 'my_spaces'") as caught:
        load_reference("my_space:SPACE")
    assert str(module_folder) in str(caught.value)
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)


def test_a_missing_submodule_gets_a_hint() -> None:
    with pytest.raises(ConfigError, match=r"no module 'json\.decode'; did you mean 'json\.decoder'"):
        load_reference("json.decode:JSONDecoder")


def test_a_missing_attribute_gets_a_hint(module_folder: Path) -> None:
    (module_folder / "lacking.py").write_text("class Tiny:\n    space = 1\n")
    with pytest.raises(ConfigError, match=r"lacking\.py has no 'Tinny'; did you mean 'Tiny'"):
        load_reference("lacking:Tinny")
    with pytest.raises(ConfigError, match="Tiny has no 'quite_else'; it has: space"):
        load_reference("lacking:Tiny.quite_else")


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        ("import not_there_at_all\n", ModuleNotFoundError),
        ("1 / 0\n", ZeroDivisionError),
        ("def broken(:\n", SyntaxError),
    ],
)
def test_a_module_that_fails_to_import_keeps_its_cause(
    module_folder: Path, source: str, cause: type[Exception]
) -> None:
    (module_folder / "failing.py").write_text(source)
    with pytest.raises(ConfigError, match="importing 'failing' failed: ") as caught:
        load_reference("failing:thing")
    assert isinstance(caught.value.__cause__, cause)


def test_modules_of_the_current_directory_are_allowed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    monkeypatch.chdir(tmp_path)
    (tmp_path / "only_here_module.py").write_text("VALUE = 41\n")
    with pytest.raises(ConfigError, match="no module"):
        load_reference("only_here_module:VALUE")
    allow_local_modules()
    allow_local_modules()
    assert load_reference("only_here_module:VALUE") == 41
    assert sys.path.count(str(tmp_path)) == 1
    assert sys.path[-1] == str(tmp_path), "installed packages come first"
    del sys.modules["only_here_module"]


def test_the_fingerprint_follows_the_source_and_not_its_place(module_folder: Path) -> None:
    function = "def train(x):\n    yield x\n"
    (module_folder / "first.py").write_text(function)
    (module_folder / "moved.py").write_text("import json\n\n\n" + function)
    (module_folder / "indented.py").write_text(
        "if True:\n" + function.replace("def", "    def").replace("    y", "        y")
    )
    (module_folder / "other.py").write_text(function.replace("yield x", "yield x + 1"))
    prints = {
        name: source_fingerprint(load_reference(f"{name}:train")) for name in ("first", "moved", "indented", "other")
    }
    assert prints["first"] == prints["moved"] == prints["indented"] != prints["other"]
    assert len(str(prints["first"])) == 16


def test_a_version_decides_alone() -> None:
    class First:
        version = "1"

    class Second:
        version = "1"
        more = True

    class Third:
        version = 2

    class Computed:
        @property
        def version(self) -> str:
            raise AssertionError("never asked")

    assert source_fingerprint(First) == source_fingerprint(Second) == source_fingerprint(First())
    assert source_fingerprint(First) != source_fingerprint(Third)
    assert source_fingerprint(Computed) is not None


@pytest.mark.parametrize("obj", [len, functools.partial(print), 3])
def test_without_source_there_is_no_fingerprint(obj: object) -> None:
    assert source_fingerprint(obj) is None
