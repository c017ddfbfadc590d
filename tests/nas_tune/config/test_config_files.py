"""Configurations as text: TOML files, overrides and that what is written comes back equal."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nas_tune.config import Component, ConfigProblems, Resources, SearchConfig, load_config
from nas_tune.errors import ConfigError

DEMO = Path(__file__).parents[3] / "notebooks" / "digits.toml"
Write = Callable[..., Path]
"""(text, name) -> the path of a file in the test's folder that holds it."""


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(text: str | bytes, name: str = "search.toml") -> Path:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return written


# Files


def test_a_file_is_read_with_or_without_a_byte_order_mark(write: Write) -> None:
    text = 'space = "nb201"\nmax_trials = 1e3\n[resources]\ngpus = 0.5\n'
    config = load_config(write(text))
    assert (config.max_trials, config.resources.gpus) == (1000, 0.5)
    assert load_config(str(write(b"\xef\xbb\xbf" + text.encode(), "bom.toml"))) == config


def test_a_file_that_cannot_be_read_says_path_and_reason(write: Write, tmp_path: Path) -> None:
    write("", "digits.toml")
    cases = {
        tmp_path / "digit.toml": "no such file; did you mean 'digits.toml'?",
        tmp_path / "none" / "x.toml": "no such file",
        tmp_path: "a directory; give the TOML file itself (digits.toml, latin.toml)",
        write(b'name = "\xff"', "latin.toml"): "not UTF-8 (byte 0xff at offset 8)",
        tmp_path / "nul\0.toml": "cannot be read",
        tmp_path / ("x" * 300): "cannot be read: File name too long",
    }
    for path, reason in cases.items():
        with pytest.raises(ConfigError) as caught:
            load_config(path)
        assert str(caught.value).startswith(f"{path}: {reason}")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("space = nb201\n", "line 1, column 9: not TOML"),
        ('space = "a"\nspace = "b"\n', "line 2, column 12: not TOML: Cannot overwrite a value"),
        ('space = "a"\nx = [1,\n', "line 3, column 1: not TOML"),
        ("x = '''", "line 1, column 8: not TOML"),
    ],
)
def test_a_syntax_error_says_line_and_column(write: Write, text: str, place: str) -> None:
    path = write(text)
    with pytest.raises(ConfigError, match=re.escape(f"{path}, {place}")):
        load_config(path)


def test_a_key_that_strayed_below_a_table_is_explained(write: Write) -> None:
    path = write('[strategy]\nname = "evolution"\nspace = "nb201"\nmax_trials = 3\n')
    with pytest.raises(ConfigError, match=r"max_trials stands below \[strategy\].*move it above") as caught:
        load_config(path)
    assert "(space stands below [strategy]" in str(caught.value)


def test_the_problems_of_a_file_name_it(write: Write) -> None:
    path = write('space = "nb201"\nmax_trials = "ten"\n')
    with pytest.raises(ConfigProblems, match=re.escape(f"{path}: max_trials: got 'ten'")):
        load_config(path)


# Overrides


@pytest.mark.parametrize(
    ("override", "key", "value"),
    [
        ("max_trials=5", "max_trials", 5),
        ("max_trials = 5", "max_trials", 5),
        ("name=mine", "name", "mine"),
        ('name="mine"', "name", "mine"),
        ("name=2026-10-18", "name", "2026-10-18"),
        ("forever=false", "forever", False),
        ("address=ray://head:10001", "address", "ray://head:10001"),
        ("run_dir=a=b", "run_dir", "a=b"),
        ("resources.gpus=0.5", "resources", Resources(gpus=0.5)),
        ("resources={cpus = 2}", "resources", Resources(cpus=2.0)),
        ("strategy=tpe", "strategy", Component("tpe")),
        ("strategy.population=9", "strategy", Component("evolution", {"population": 9, "sample": 3})),
        ("scheduler.name=none", "scheduler", Component("none")),
        ("trainable.data=mnist", "trainable", Component("image_classifier", {"data": "mnist", "batch_size": 16})),
        (
            "trainable.a.b=[1, 2]",
            "trainable",
            Component("image_classifier", {"data": "digits", "batch_size": 16, "a": {"b": [1, 2]}}),
        ),
    ],
)
def test_an_override_changes_one_key(override: str, key: str, value: object) -> None:
    changed = load_config(DEMO, [override])
    assert getattr(changed, key) == value
    assert changed.replace(**{key: load_config(DEMO).to_dict()[key]}) == load_config(DEMO)


def test_later_overrides_win_and_add_up() -> None:
    config = load_config(DEMO, ["seed=1", "strategy.population=8", "strategy.sample=3", "seed=2"])
    assert config.seed == 2
    assert config.strategy.settings == {"population": 8, "sample": 3}


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("seed", "--set seed: expected key=value"),
        ("=3", "--set =3: expected key=value"),
        ("a..b=3", "--set a..b=3: expected key=value"),
        ("seed.x=3", "--set seed.x=3: seed is 7 (an integer), not a table with keys"),
        (
            "trainable.data.x=3",
            "--set trainable.data.x=3: trainable.data is 'digits' (a string), not a table",
        ),
        ("sead=3", "sead: unknown key; did you mean 'seed'?"),
        ("resources.cpu=3", "resources.cpu: unknown key; did you mean 'cpus'?"),
        ("forever=True", "forever: got 'True' (a string), expected true or false"),
        ("seed=1\nmax_trials=3", "seed: got '1\\nmax_trials=3' (a string)"),
    ],
)
def test_a_bad_override_says_so(override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        load_config(DEMO, [override])


def test_bad_overrides_and_bad_values_come_together() -> None:
    with pytest.raises(ConfigProblems) as caught:
        load_config(DEMO, ["nonsense", "seed=-1"])
    assert [line.split(":")[0] for line in caught.value.problems] == ["--set nonsense", "seed"]


# There and back


plain = st.recursive(
    st.text() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1), inner, max_size=3),
    max_leaves=8,
)
settings_ = st.dictionaries(st.text(min_size=1).filter(lambda key: key != "name"), plain, max_size=3)
configs = st.builds(
    SearchConfig,
    space=st.builds(Component, st.sampled_from(["nb201", "a.b:C"]), settings_),
    strategy=st.builds(Component, st.just("tpe"), settings_),
    mode=st.sampled_from(["max", "min"]),
    max_trials=st.none() | st.integers(1, 10**15),
    max_seconds=st.floats(1e-9, 1e9),
    seed=st.integers(0, 2**32 - 1),
    run_dir=st.none() | st.just("some/ünïcode 'folder'"),
    resources=st.builds(lambda cpus, gpus: {"cpus": cpus, "gpus": gpus}, st.floats(0.1, 9), st.floats(0, 9)),
)


@pytest.mark.slow
@given(configs)
@settings(max_examples=8)
def test_toml_and_json_give_an_equal_configuration_back(config: SearchConfig) -> None:
    assert SearchConfig.from_toml(config.to_toml()) == config
    assert SearchConfig.from_json(config.to_json()) == config
    assert SearchConfig(**config.to_dict()) == config
    assert pickle.loads(pickle.dumps(config)) == config


def test_json_keeps_none_in_settings_and_toml_refuses_it() -> None:
    config = SearchConfig(space="nb201", max_trials=3, trainable={"name": "x", "a": [{"limit": None}]})
    assert SearchConfig.from_json(config.to_json()) == config
    with pytest.raises(ConfigError, match=r"trainable\.a\.0\.limit: got nothing"):
        config.to_toml()


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "null"])
def test_what_is_no_json_object_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="configuration: "):
        SearchConfig.from_json(text)


@pytest.mark.parametrize("opening", ["[", "{a = "])
def test_brackets_without_end_are_told_by_their_place(opening: str, tmp_path: Path) -> None:
    path = tmp_path / "deep.toml"
    path.write_text(f"max_trials = 3\nspace = {opening * 5000}", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"deep\.toml, line 2, column \d+: arrays or tables are nested too deeply"):
        load_config(path)
    with pytest.raises(ConfigError):
        load_config(path.with_name("none.toml"), [f"space={opening * 5000}"])
