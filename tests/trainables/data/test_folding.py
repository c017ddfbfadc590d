"""Folds of a cross-validation: who is in which, and which data have none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow
import pytest
import torch
from pyarrow import parquet

from tests.registries import kept
from tests.trainables.tasks.own_task import SPACE, Growth, build
from trainables.data import DataSettings, load_images, load_raw
from trainables.data.chosen import ChosenRows, as_tensor
from trainables.data.folding import Fold, FoldCache, folds_of
from trainables.data.images import Split
from trainables.data.loading import check_data, described_images, load_numbers
from trainables.data.pixels import value_range
from trainables.data.signals import SignalSettings, load_signals
from trainables.data.split import moments
from trainables.data.tables import TableSettings, described_table, load_table
from trainables.errors import DataError, TrainableError
from trainables.networks import NETWORKS
from trainables.networks.family import Family
from trainables.registry import adapt, get, one_training
from trainables.tasks.registry import TASKS, make_task
from trainables.trial.repeated import Repeated

CPU = torch.device("cpu")
CLASSES = np.repeat([0, 1, 2], [40, 23, 7])


def parts(folds: int, **how: Any) -> np.ndarray[Any, Any]:
    """Which examples are for validation, (folds, n)."""
    return np.stack([folds_of(Fold(number, folds), 0, "it", **{"count": 70, **how}) for number in range(folds)])


# Which examples


@pytest.mark.parametrize("how", [{}, {"classes": CLASSES}, {"groups": np.arange(70) // 4}])
def test_each_example_is_once_for_validation(how: dict[str, Any]) -> None:
    found = parts(5, **how)
    assert (found.sum(0) == 1).all()
    assert (found == parts(5, **how)).all()


def test_folds_are_of_one_size_and_their_classes_too() -> None:
    found = parts(5, classes=CLASSES)
    assert set(found.sum(1)) == {14}
    for kind in range(3):
        of_kind = found[:, kind == CLASSES].sum(1)
        assert of_kind.max() - of_kind.min() <= 1
    assert parts(3).sum(1).tolist() == [24, 23, 23]


def test_another_seed_gives_other_folds() -> None:
    one, other = (folds_of(Fold(0, 5), seed, "it", count=70, classes=CLASSES) for seed in (0, 1))
    assert (one != other).any()


def test_a_group_is_in_one_fold_and_classes_keep_their_share() -> None:
    groups = np.arange(120) // 6
    classes = groups % 2  # each group has one class
    found = parts(5, count=120, groups=groups, classes=classes)
    for fold in found:
        assert not {*groups[fold]} & {*groups[~fold]}
        assert fold.sum() == 24
        assert classes[fold].sum() == 12
    uneven = np.repeat(np.arange(8), [40, 10, 10, 10, 10, 10, 10, 10])
    sizes = parts(3, count=110, groups=uneven).sum(1)
    assert sorted(sizes) == [30, 40, 40]


def test_no_fold_is_empty_where_groups_are_few() -> None:
    found = parts(3, count=12, groups=np.repeat([0, 1, 2], [10, 1, 1]))
    assert sorted(found.sum(1)) == [1, 1, 10]


def test_too_few_examples_are_refused_with_a_remedy() -> None:
    with pytest.raises(DataError, match=r"it: folds is 8, and class 'c' has 7 examples .* give folds = 7 at most"):
        folds_of(Fold(0, 8), 0, "it", count=70, classes=CLASSES, names="abc")
    with pytest.raises(DataError, match=r"folds is 3, and the data have 2 examples .* give folds = 2 at most"):
        folds_of(Fold(0, 3), 0, "it", count=2)
    with pytest.raises(DataError, match=r"class 'b' has 1 example .* give more, or leave that class out"):
        folds_of(Fold(0, 2), 0, "it", count=4, classes=np.array([0, 0, 0, 1]), names="ab")
    with pytest.raises(DataError, match=r"folds is 4, and there are 3 groups"):
        folds_of(Fold(0, 4), 0, "it", count=6, groups=np.arange(6) // 2)


@pytest.mark.parametrize("kind", [DataSettings, TableSettings, SignalSettings])
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"folds": 1}, "folds is 1; it must be a whole number at least 2"),
        ({"folds": 2.5}, "folds is 2.5"),
        ({"folds": 3, "fold": 3}, "fold is 3; it must be a whole number at least 0 and at most 2"),
        ({"fold": 0}, "folds is not given"),
        ({"folds": 3, "whole": True}, "leave one of them out"),
    ],
)
def test_settings_that_cannot_be_are_refused(kind: Any, given: dict[str, Any], message: str) -> None:
    with pytest.raises(TrainableError, match=message):
        kind(**given)


# Of each kind of data


def test_the_test_part_of_images_stays_as_it_is() -> None:
    once, found = load_images(DataSettings("digits"), CPU), [load_images(fold(number), CPU) for number in range(3)]
    whole = sum(len(part) for part in (once.train, once.validation))
    assert sum(len(data.validation) for data in found) == whole
    for data in found:
        assert all(map(torch.equal, rows_in(data.test), rows_in(once.test)))
        assert len(data.train) + len(data.validation) == whole
        assert abs(len(data.validation) - whole / 3) < 1
    assert load_images(fold(0), CPU) is found[0]
    assert load_images(DataSettings("digits", folds=3), CPU).train.labels.equal(found[0].train.labels)
    check_data(DataSettings("digits", folds=3))
    with pytest.raises(DataError, match=r"digits: folds is 500, and class '8' has 139 examples"):
        check_data(DataSettings("digits", folds=500))


def fold(number: int) -> DataSettings:
    return DataSettings("digits", folds=3, fold=number)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 255, (24, 4, 4), dtype=np.uint8), np.arange(24) % 2
    np.savez(tmp_path / "images.npz", x=x, y=y, angle=rng.normal(size=24), speaker=np.arange(24) // 3)
    np.savez(tmp_path / "given.npz", x=x, y=y, x_val=x[:4] + 1, y_val=y[:4])
    return tmp_path


def test_images_with_groups_and_images_with_numbers_have_folds(images: Path) -> None:
    path = str(images / "images.npz")
    held: list[int] = []
    for number in range(3):
        data = load_images(DataSettings(path, validation_groups="speaker", folds=3, fold=number), CPU)
        held += data.groups["validation"].tolist()
        assert not {*data.groups["train"].tolist()} & {*data.groups["validation"].tolist()}
    assert len(held) == 24 - len(data.test)
    numbers = load_numbers(DataSettings(path, label_column="angle", folds=2, fold=1), CPU)
    assert abs(len(numbers.train) - len(numbers.validation)) <= 1
    assert "for validation, fold 1 of 3" in described_images(DataSettings(path, folds=3))[0]


def test_data_with_a_validation_part_have_no_folds(images: Path) -> None:
    settings = DataSettings(str(images / "given.npz"), folds=3)
    with pytest.raises(DataError, match=r"folds is 3, and .*given.npz comes with a part for validation; leave folds"):
        check_data(settings)


def rows(count: int = 30) -> pd.DataFrame:
    return pd.DataFrame({"size": np.arange(count, dtype=float), "kind": ["a", "b", "b"] * (count // 3)})


def test_a_table_has_folds() -> None:
    frame = rows()
    held = []
    for number in range(3):
        data = load_table(TableSettings(data=frame, target="kind", folds=3, fold=number), CPU)
        held += as_tensor(data.validation.numbers)[:, 0].tolist()
        of_classes = data.validation.targets.bincount().tolist()
        assert of_classes[0] in (2, 3)
        assert of_classes[1] in (5, 6)
    tested = as_tensor(data.test.numbers)[:, 0].tolist()
    assert sorted(held + tested) == frame["size"].tolist()
    assert (
        "8 for validation (fold 2 of 3)"
        in described_table(TableSettings(data=frame, target="kind", folds=3, fold=1))[0]
    )
    with pytest.raises(DataError, match=r"class 'a' has 8 examples outside the test part; .* folds = 8 at most"):
        load_table(TableSettings(data=frame, target="kind", folds=9), CPU)
    given = TableSettings(data=frame.assign(split=["train"] * 20 + ["validation"] * 10), target="kind", folds=3)
    with pytest.raises(DataError, match="comes with a part for validation"):
        load_table(given, CPU)


def test_a_table_keeps_groups_together() -> None:
    frame = rows().assign(patient=np.arange(30) // 3)
    for number in range(4):
        settings = TableSettings(data=frame, target="kind", validation_groups="patient", folds=4, fold=number)
        groups = load_table(settings, CPU).groups
        assert not {*groups["train"].tolist()} & {*groups["validation"].tolist()}


def test_signals_have_folds_and_forecasts_none(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    path = str(tmp_path / "waves.npz")
    np.savez(path, x=rng.normal(size=(30, 16)), y=np.arange(30) % 3, speaker=np.arange(30) // 3)
    for groups in (None, "speaker"):
        held = 0
        for number in range(2):
            settings = SignalSettings(data=path, validation_groups=groups, folds=2, fold=number)
            data = load_signals(settings, CPU)
            held += len(data.validation)
        assert held == 30 - len(data.test)
    assert "the part for validation is fold 2 of 2" in data.notes
    with pytest.raises(TrainableError, match=r"folds is 3 and window is set: .* leave folds out"):
        SignalSettings(data=path, window=4, folds=3)


def test_a_text_has_no_folds() -> None:
    with pytest.raises(TrainableError, match=r"folds is 5: the parts of a text follow each other.* leave folds out"):
        make_task("language", {"data": "a.txt", "folds": 5})


# Of a training


def test_a_learner_is_trained_on_each_fold() -> None:
    made = adapt("learner", {"task": "classification", "data": "digits", "folds": 4, "repeats": 2})
    assert isinstance(made, Repeated)
    assert made.words == "2 seeds x 4 folds"
    folds = [training.task.data.fold for training in made.trainings]  # type: ignore[attr-defined]
    assert folds == [0, 1, 2, 3] * 2
    one = adapt("learner", {"task": "classification", "data": "digits", "folds": 4, "fold": 2})
    assert one.task.data.fold == 2  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["image_classifier", "learner"])
def test_without_folds_the_identity_is_as_before(name: str) -> None:
    made: Any = adapt(name, {"data": "digits"})
    identity = made.task.identity()
    assert not any("fold" in key for key in identity)
    folded: Any = adapt(name, {"data": "digits", "folds": 3, "fold": 1})
    assert folded.task.identity() == {**identity, "data.folds": 3, "data.fold": 1}


def test_the_cache_holds_the_folds_of_one_data_set() -> None:
    cache, shared, loaded = FoldCache[str, str](), [], []
    for key, number in (("a", 0), ("a", 1), ("a", 0), ("b", 0), ("a", 0)):

        def load(key: str = key) -> str:
            shared.append(key)
            return key

        def choose(whole: str, number: int = number) -> str:
            loaded.append(f"{whole}{number}")
            return loaded[-1]

        assert cache.get(key, Fold(number, 2), load, choose) == f"{key}{number}"
    assert shared == ["a", "b", "a"]
    assert loaded == ["a0", "a1", "b0", "a0"]


def test_what_could_not_be_loaded_is_tried_again() -> None:
    cache = FoldCache[int, int]()

    def fail() -> int:
        raise DataError("it is not there")

    cache.get("a", Fold(0, 2), lambda: 1, lambda whole: whole)
    with pytest.raises(DataError):
        cache.get("b", Fold(0, 2), fail, lambda whole: whole)
    assert cache.get("b", Fold(0, 2), lambda: 2, lambda whole: whole) == 2


# Memory: folds are rows of one tensor


def storages(rows: Any) -> set[int]:
    """Where the whole tensors are of which the parts of some folds are rows."""
    found = list(rows)
    assert all(isinstance(one, ChosenRows) for one in found)
    return {one.whole.untyped_storage().data_ptr() for one in found}


def parts_of(data: Any) -> list[Any]:
    return [data.train, data.validation, data.test]


def test_folds_of_images_share_the_memory_of_the_data_set(images: Path) -> None:
    found = [load_images(fold(number), CPU) for number in range(3)]
    read = load_raw(fold(0)).train.images
    assert isinstance(read, torch.Tensor)
    assert storages(part.images for data in found for part in parts_of(data)) == {read.untyped_storage().data_ptr()}
    numbers = [
        load_numbers(DataSettings(str(images / "images.npz"), label_column="angle", folds=2, fold=number), CPU)
        for number in range(2)
    ]
    assert len(storages(part.images for data in numbers for part in parts_of(data))) == 1


def test_folds_have_the_numbers_of_copies() -> None:
    data = load_images(fold(1), CPU)
    copied = Split(as_tensor(data.train.images), data.train.labels)  # type: ignore[arg-type]
    mean, std = moments(copied.images)
    assert torch.equal(data.mean, mean)
    assert torch.equal(data.std, std)
    rows = torch.tensor([7, 0, 3, 3])
    assert all(map(torch.equal, data.train.rows(rows), copied.rows(rows)))
    assert all(map(torch.equal, rows_in(data.train.take(rows, CPU)), copied.rows(rows)))
    assert value_range(data.train.images) == value_range(copied.images)


def test_folds_of_signals_share_their_memory_and_have_one_length(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    lengths = np.r_[np.full(20, 16), 40, np.full(19, 16)]
    table = pyarrow.table(
        {"wave": [rng.normal(size=one).tolist() for one in lengths], "label": ["ab"[row % 2] for row in range(40)]}
    )
    parquet.write_table(table, tmp_path / "words.parquet")
    found = [load_signals(SignalSettings(data=str(tmp_path / "words.parquet"), folds=4, fold=n), CPU) for n in range(4)]
    assert len(storages(part.waves for data in found for part in (data.train, data.validation))) == 1
    assert len({data.test.waves.untyped_storage().data_ptr() for data in found}) == 1  # type: ignore[union-attr]
    assert len({data.arguments()["length"] for data in found}) == 1
    whole = torch.cat([rows_in(data.validation)[0] for data in found])
    assert len(whole.unique(dim=0)) == len(whole) == 40 - len(found[0].test)


@pytest.mark.slow
def test_folds_of_a_table_share_their_memory_where_their_training_rows_decide_the_same_codes() -> None:
    frame = rows(60).assign(rare=["x"] + ["y", "z"] * 29 + ["y"])
    for dropped, copies in ((["rare"], 1), ([], 2)):
        settings = [TableSettings(data=frame, target="kind", folds=3, fold=n, drop=tuple(dropped)) for n in range(3)]
        found = [load_table(one, CPU) for one in settings]
        assert len(storages(part.numbers for data in found for part in (data.train, data.validation))) == copies
        assert len(storages(part.categories for data in found for part in (data.train, data.validation))) <= copies
    whole = [as_tensor(part.numbers) for part in (found[1].train, found[1].validation, found[1].test)]
    assert sorted(torch.cat(whole)[:, 0].tolist()) == frame["size"].tolist()


def rows_in(part: Any) -> Any:
    return part.rows(torch.arange(len(part)))


def test_a_task_of_ones_own_with_these_settings_has_folds() -> None:
    class Folded(Growth):
        def __init__(self, *, folds: int | None = None, fold: int | None = None) -> None:
            super().__init__()
            self.folds, self.fold = folds, fold

    with kept(TASKS, NETWORKS):
        NETWORKS.register(SPACE.name, Family(build))
        TASKS.register("folded", Folded)
        made = adapt("learner", {"task": "folded", "folds": 2, "space": SPACE.name})
        assert isinstance(made, Repeated)
        assert [training.task.fold for training in made.trainings] == [0, 1]  # type: ignore[attr-defined]
        assert "folds" not in one_training(get("learner"), {"task": "folded", "folds": 2, "fold": 1})
