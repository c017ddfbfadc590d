"""Values of other programs are read, written and refused as in earlier versions, spelled in every way."""

from __future__ import annotations

import collections
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

import search_spaces
from search_spaces import Space, choice, integer, real, subset
from search_spaces.catalogue.literal import LONGEST_TEXT, read_fields, read_number, read_sequence, read_whole
from search_spaces.errors import NasTuneError
from search_spaces.interchange import from_frame, from_nni, from_row, to_frame, to_nni, to_row
from search_spaces.interchange.reading import is_missing, read_as
from tests.golden import agrees

SPACE = Space(
    {
        "op": choice("conv", "pool", "1"),
        "n": integer(1, 9, step=2),
        "rate": real(0.0, 1.0),
        "size": choice(3, 5, 7),
        "is": choice(True, False),
        "share": choice(0.1, 0.25),
        "odd": choice(None, "x"),
        "ins": subset(("a", "b", "c"), (1, 2)),
        "head": choice({"wide": {"width": choice(8, 16)}, "none": {}}),
    },
    name="interchanged",
)
PAIR = Space({"a": choice("x", "y"), "b": choice("x", "y")}, name="pair")
MEMBER = SPACE.sample(3)


def tried(make: Callable[[], Any]) -> Any:
    try:
        return make()
    except NasTuneError as error:
        return f"{type(error).__name__}: {error}"


EXPORT = to_nni(SPACE, MEMBER)
CHANGES: dict[str, list[Any]] = {
    "op": ["pool", 1, "1", 2, 3, -1, ["pool"], ["pool", "conv"], True, None, 1.0, "01"],
    "n": [3, "3", 3.0, 2, "x", 9, 10, [5], None],
    "rate": [0.5, "0.5", 1, 2, "1e-3", math.nan, "x"],
    "size": [3, "3", 0, "7", 7.0, [5], "x"],
    "is": [True, "true", "False", 1, 0, "1.0", "yes", 1.0],
    "share": [0.1, "0.1", 0.1000000000000001, 0.100001, 1, "x"],
    "odd": [None, "x", math.nan, "None", "y"],
    "ins": [["a"], ["a", "b"], ["b", "a"], ["a", "a"], ["a", "b", "c"], [], "a", 0, [0, 2], ["d"], [3], ("c",)],
    "head": ["wide", "none", 0, 1, "x"],
    "head/wide/width": [8, "16", 1, 9],
    "unknown": [1],
    "opp": ["conv"],
}


def test_exports_of_nni_are_read_and_written_as_they_were() -> None:
    found: dict[str, Any] = {"written": EXPORT}

    def read(exported: Any, labels: Any = None, space: Space = SPACE) -> Any:
        return from_nni(space, exported, labels).to_json()

    for key, values in CHANGES.items():
        found[f"without {key}"] = tried(lambda key=key: read({one: EXPORT[one] for one in EXPORT if one != key}))
        for value in values:
            found[f"{key}={value!r}"] = tried(lambda key=key, value=value: read({**EXPORT, key: value}))
    pairs: dict[str, tuple[Any, Any]] = {
        "numbered": ({"model_2": "y", "model_1": "x"}, None),
        "by two numbers": ({"model/1/2": "y", "model/1/10": "x"}, None),
        "one numbered": ({"a": "x", "model_1": "y"}, None),
        "one too many": ({"a": "x", "model_1": "y", "model_2": "y"}, None),
        "renamed": ({"first": "x", "second": "y"}, {"first": "a", "second": "b"}),
        "renamed into one": ({"first": "x", "second": "y"}, {"first": "a", "second": "a"}),
        "renamed nothing": ({"a": "x", "b": "y"}, {"c": "a"}),
        "prefixed": ({"model/a": "x", "model/b": "y"}, None),
        "twice": ({"a": "x", "model/a": "y", "b": "x"}, None),
        "a list": ([{"a": "x"}], None),
        "a text": ("a", None),
        "plain numbers": ({"1": "x", "2": "y"}, None),
        "global": ({"global_1": "x", "param_2_1": "y"}, None),
    }
    for name, (exported, labels) in pairs.items():
        found[name] = tried(lambda exported=exported, labels=labels: read(exported, labels, PAIR))
    for family in ("nb201", "darts", "enas_micro", "nasnet", "amoebanet", "pnas", "mlp", "resnet"):
        space = search_spaces.get(family)
        exported = tried(lambda space=space: to_nni(space, space.sample(2)))
        found[family] = exported
        if isinstance(exported, dict):
            found[f"{family} again"] = tried(lambda e=exported, s=space: from_nni(s, e).id == s.sample(2).id)
            for place, key in enumerate(list(exported)[:3]):
                rest = {one: exported[one] for one in exported if one != key}
                found[f"{family} without {place}"] = tried(lambda e=rest, s=space: from_nni(s, e).id)
                for wrong in ("xx", 99, 0, [0, 1]):
                    changed = {**exported, key: wrong}
                    found[f"{family} {place} {wrong}"] = tried(lambda e=changed, s=space: from_nni(s, e).id)
    agrees("interchange-nni", found)


def test_rows_are_read_and_written_as_they_were() -> None:
    found: dict[str, Any] = {}
    row = to_row(SPACE, MEMBER)
    plain = to_row(SPACE, MEMBER, prefix="")
    for prefix, base in (("arch.", row), ("", plain)):
        found[f"{prefix}row"] = {key: repr(value) for key, value in base.items()}
        for name in ("op", "n", "is", "share", "odd", "ins.a", "head.wide.width"):
            key = f"{prefix}{name}"
            found[f"without {key}"] = tried(
                lambda key=key, base=base: from_row(SPACE, {one: base[one] for one in base if one != key}).to_json()
            )
            for value in ("x", None, 3, "True", 1.0, pd.NA, np.int64(1)):
                changed = {**base, key: value}
                found[f"{key}={value!r}"] = tried(lambda changed=changed: from_row(SPACE, changed).to_json())
        found[f"{prefix}unknown"] = tried(lambda base=base, p=prefix: from_row(SPACE, {**base, f"{p}opp": 1}).to_json())
    frame = to_frame(SPACE, [SPACE.sample(number) for number in range(5)])
    found["kinds"] = {name: str(kind) for name, kind in frame.dtypes.items()}
    found["again"] = [one.id for one in from_frame(SPACE, frame)] == [SPACE.sample(number).id for number in range(5)]
    found["broken"] = tried(lambda: from_frame(SPACE, frame.astype(object).assign(**{"arch.n": [1, 1, 2, 1, 1]})))
    for value in (None, math.nan, pd.NA, pd.NaT, 0, "", "nan", 1.5):
        found[f"missing {value!r}"] = is_missing(value)
    for parameter in SPACE.parameters:
        for value in ("1", "x", 1, 1.0, True, None, "0.25", "0.1"):
            found[f"{parameter.name} of {value!r}"] = repr(tried(lambda p=parameter, v=value: read_as(p, v, "key")))
    agrees("interchange-rows", found)


Cell = collections.namedtuple("Cell", ("a", "b"))
TEXTS = [
    "G(a=1, b=[('x', 2)])", "X = G(1, [2])", "X: object = G(a=1)", "{'a': 1, 'b': range(3)}", "G(a=range(1, 9, 2))",
    "G(a=range(100))", "G(a=range(101))", "G(a=range())", "G(a=range(1, 2, 0))", "G(a=range('x'))",
    "G(a=range(1,2,3,4))",
    "G(a=-1, b=-1.5)", "G(a=+1)", "G(a=None, b=True)", "G(a=list(range(2)))", "G(a=np.int64(3))", "G(a=float(2))",
    "G(a=foo(2))", "G(a=rang(2))", "G(a=x)", "G(1, 2, 3)", "G(1, a=2)", "G(**{'a': 1})", "{1: 2}", "{**x}", "", "  ",
    "a = 1",
    "G(a=1); G(a=2)", "import os", "G(a=1", "G(a='\\d')", "x" * 9, "G(a=" + "[" * 300 + "]" * 300 + ")", "[1, 2]",
    "G(a=1)\nG(b=1)",
    "G(a=1j)", "G(a=b'x')", "G(a={1})", "G(a=list(1, 2))", "\x00",
]  # fmt: skip


def test_texts_are_read_as_they_were() -> None:
    found: dict[str, Any] = {}
    for text in TEXTS:
        told = tried(lambda text=text: repr(read_fields(text, ("a", "b"))))
        # What Python says of a wrong text differs from version to version.
        found[text[:60]] = "no Python" if "is not Python" in told else told
    for length in (LONGEST_TEXT, LONGEST_TEXT + 1):
        text = "G(a='" + "x" * (length - 7) + "')"
        found[f"{length}"] = str(tried(lambda text=text: len(read_fields(text, ("a", "b"))["a"])))
    for value in (Cell(1, 2), {"a": 3}, 3, None):
        found[f"fields of {value!r}"] = tried(lambda value=value: repr(read_fields(value, ("a", "b"))))
    for value in ([1], (1,), range(2), "ab", 3, {1: 2}):
        found[f"sequence {value!r}"] = tried(lambda value=value: repr(read_sequence(value, "here", "a list")))
    for value in (1, np.int64(2), True, "3", 1.0, None, -1):
        found[f"whole {value!r}"] = tried(lambda value=value: read_whole(value, "here"))
    for value in ("0", "4", "5", "-1", "x", "", "²", "01"):
        found[f"number {value!r}"] = tried(lambda value=value: read_number(["0", value], 1, 5, "here"))
    agrees("interchange-texts", found)
