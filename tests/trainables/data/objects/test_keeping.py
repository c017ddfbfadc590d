"""Objects in memory become files that are named by their content, and others are refused with the remedy."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch.utils.data import Dataset, TensorDataset

from trainables import kept_data
from trainables.data import DataSettings, load_raw
from trainables.data.objects import keep, keeping, size
from trainables.data.streaming import MappedRows, memory
from trainables.errors import DataError
from trainables.kept_data import kept_file

IMAGES = (np.arange(12 * 5 * 5 * 3) % 256).reshape(12, 5, 5, 3).astype(np.uint8)
LABELS = np.arange(12) % 3


class Pairs(Dataset[Any]):
    """Images of PIL with numbers of classes."""

    def __init__(self, sizes: tuple[int, ...] = (6,)) -> None:
        self.sizes = sizes

    def __len__(self) -> int:
        return 6

    def __getitem__(self, row: int) -> tuple[Image.Image, int]:
        if row >= 6:
            raise IndexError
        return Image.new("RGB", (self.sizes[row % len(self.sizes)], 6), (row * 20, 0, 9)), row % 2


class HuggingFace:
    """A data set with the form of those of Hugging Face."""

    def __init__(self, rows: list[dict[str, Any]], names: list[str]) -> None:
        self.rows = rows
        self.column_names = list(rows[0])
        self.features = {name: SimpleNamespace() for name in rows[0]} | {"label": SimpleNamespace(names=names)}

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, row: int) -> dict[str, Any]:
        return self.rows[row]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.rows)

    def to_pandas(self) -> pd.DataFrame:
        return pd.DataFrame(self.rows)


def arrays(data: object, **how: Any) -> dict[str, np.ndarray[Any, Any]]:
    file = kept_file(keep(data, **how).data)
    assert file is not None
    with np.load(file) as found:
        return dict(found)


def frame(data: object, **how: Any) -> pd.DataFrame:
    file = kept_file(keep(data, **how).data)
    assert file is not None
    return pd.read_parquet(file)


@pytest.mark.parametrize(
    "same",
    [
        (torch.from_numpy(IMAGES), torch.from_numpy(LABELS)),
        (list(IMAGES), LABELS.tolist()),
        [list(torch.from_numpy(IMAGES)), list(torch.from_numpy(LABELS))],
        (IMAGES, LABELS[:, None]),
        TensorDataset(torch.from_numpy(IMAGES), torch.from_numpy(LABELS)),
        {"train": (IMAGES, LABELS)},
        {"x": IMAGES, "y": LABELS},
    ],
)
def test_equal_data_of_any_form_have_one_name(same: object) -> None:
    assert keep(same).data == keep((IMAGES, LABELS)).data


def test_other_values_types_and_shapes_have_other_names() -> None:
    others = [
        (IMAGES + 1, LABELS),
        (IMAGES.astype(np.float32), LABELS),
        (IMAGES, LABELS[::-1]),
        (IMAGES[:, :4], LABELS),
    ]
    assert len({keep(other).data for other in [(IMAGES, LABELS), *others]}) == 5


@pytest.mark.parametrize(
    "images", [IMAGES[..., 0], IMAGES, IMAGES.transpose(0, 3, 1, 2), IMAGES / 255, IMAGES[..., 0].astype(np.float16)]
)
def test_images_in_every_order_of_axes_are_read(images: np.ndarray[Any, Any]) -> None:
    raw = load_raw(DataSettings(keep((images, np.array(list("cab"))[LABELS])).data))
    assert raw.name == "the given data"
    assert raw.classes == ("a", "b", "c")
    assert raw.train.labels[:3].tolist() == [2, 0, 1]
    assert tuple(raw.train.images.shape[2:]) == (5, 5)


def test_parts_are_kept_and_examples_read_once() -> None:
    found = arrays({"train": Pairs(), "val": Pairs(), "test": Pairs()})
    assert sorted(found) == ["x", "x_test", "x_val", "y", "y_test", "y_val"]
    assert found["x"].shape == (6, 6, 6, 3)
    assert found["x"][2, 0, 0].tolist() == [40, 0, 9]
    assert found["y_val"].tolist() == [0, 1] * 3


def test_images_of_several_sizes_need_resize() -> None:
    with pytest.raises(DataError, match=r"number 1 has the shape \(6, 8, 3\), the first \(6, 6, 3\).*resize="):
        keep(Pairs((6, 8)))
    assert arrays(Pairs((6, 8)), resize=4)["x"].shape == (6, 4, 4, 3)
    tall = [torch.zeros(1, 6 + row % 2, 5) for row in range(4)]
    assert arrays((tall, [0, 1, 0, 1]), resize=3)["x"].shape == (4, 3, 3, 1)


def test_rows_of_numbers_become_a_table_with_a_target() -> None:
    kept = keep((np.arange(8.0).reshape(4, 2), ["a", "b", "a", "b"]))
    assert kept.settings == {"target": "y"}
    table = frame((np.arange(8.0).reshape(4, 2), ["a", "b", "a", "b"]))
    assert list(table.columns) == ["x0", "x1", "y"]
    assert table["y"].tolist() == ["a", "b", "a", "b"]
    named = keep((pd.DataFrame({"age": [1, None]}), pd.Series([0.5, 1.5])), target="price")
    assert named.settings == {"target": "price"}
    parts = frame({"train": (np.zeros((3, 1)), [0, 1, 0]), "test": (np.ones((2, 1)), [1, 0])})
    assert parts["split"].tolist() == ["train"] * 3 + ["test"] * 2


def test_a_frame_with_texts_and_missing_cells_stays_as_it_is() -> None:
    given = pd.DataFrame({"a": [1.0, None], "b": ["x", None], "c": pd.Categorical(["u", "v"]), 4: [True, False]})
    table = frame(given)
    assert table.isna().to_numpy().tolist() == given.isna().to_numpy().tolist()
    assert list(table.columns) == ["a", "b", "c", "4"]
    assert keep(given).data == keep(given.copy()).data != keep(given.assign(a=[1.0, 2.0])).data


def test_data_sets_of_hugging_face_keep_the_names_of_their_classes() -> None:
    images = HuggingFace([{"image": Image.new("L", (4, 4)), "label": row % 2} for row in range(4)], ["cat", "dog"])
    assert arrays(images)["y"].tolist() == ["cat", "dog", "cat", "dog"]
    rows = HuggingFace([{"size": 1.5, "label": row % 2} for row in range(4)], ["cat", "dog"])
    assert frame({"train": rows, "validation": rows})["label"].tolist() == ["cat", "dog"] * 4


def test_token_ids_are_one_array() -> None:
    file = kept_file(keep(torch.arange(6)).data)
    assert file is not None
    assert np.load(file).tolist() == list(range(6))


@pytest.mark.parametrize(
    ("data", "how", "said"),
    [
        ((IMAGES, LABELS[:5]), {}, "12 inputs of train have 5 targets; each input needs one"),
        (IMAGES, {}, r"inputs without targets; give a pair \(x, y\)"),
        ((IMAGES, [None] * 12), {}, "number 0 is missing"),
        ((IMAGES, [0.5, float("nan")] * 6), {}, "number 1 is missing"),
        ((IMAGES, [object()] * 12), {}, "hold object objects; give numbers"),
        ((IMAGES[:, 0, 0], LABELS), {"task": "classification"}, r"shape \(12, 3\), which are rows of a table"),
        ((IMAGES, LABELS), {"task": "table"}, r"a table has rows of numbers, \(n, columns\)"),
        ((IMAGES[:, 0, 0], IMAGES), {"task": "table"}, "give one target for each example"),
        ((IMAGES[:, 0, 0], IMAGES[:, 0, 0]), {"target": ["a"]}, r"have 3 column\(s\), and target names a; give a name"),
        ((pd.DataFrame({"y": [1]}), [1]), {}, "x has a column 'y'"),
        ({"train": (IMAGES, LABELS), "odd": (IMAGES, LABELS)}, {}, "'odd' is not the name of a part"),
        ({"test": (IMAGES, LABELS)}, {}, "none is for training"),
        ([(1,), (2,), (3,)], {}, "a list of 3; give a path, a pair"),
        (7, {}, "a int; give a path"),
        (pd.DataFrame({"a": [1, [2]]}), {}, "the column 'a' cannot be stored"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), {}, "'a' is there twice"),
    ],
)
def test_other_objects_are_refused_with_the_remedy(data: object, how: dict[str, Any], said: str) -> None:
    with pytest.raises(DataError, match=said):
        keep(data, **how)


def test_examples_of_another_form_are_refused() -> None:
    with pytest.raises(DataError, match=r"example 0 is 1 values; an example is a pair"):
        keep(TensorDataset(torch.zeros(3, 2)))


def test_what_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(size, "_LARGEST", 500)
    with pytest.raises(DataError, match=r"write it into an \.npz file"):
        keep((IMAGES, LABELS))
    with pytest.raises(DataError, match="write it into a Parquet or CSV file"):
        keep(pd.DataFrame({"a": np.arange(500)}))


class Large(Dataset[Any]):
    """So many images that they would fill the memory; reading the second one is a failure."""

    def __len__(self) -> int:
        return 2_000_000

    def __getitem__(self, index: int) -> Any:
        assert index == 0
        return np.zeros((3, 224, 224), np.uint8), 0


def test_a_data_set_that_would_fill_the_memory_is_refused_before_it_is_read() -> None:
    with pytest.raises(
        DataError, match=r"examples that take 280\.4 GiB.* are free at .* TMPDIR .*files, <folder>/<class or number>"
    ):
        keep(Large())
    with pytest.raises(DataError, match=r"2000000 examples, which take 280\.4 GiB.*without stream = false"):
        keep(Large(), stream=False)


class Counted(Dataset[Any]):
    """Images of random values, which says how often each was read."""

    def __init__(self, kind: str = "float32") -> None:
        self.read: list[int] = []
        self.kind = kind

    def __len__(self) -> int:
        return 40

    def __getitem__(self, row: int) -> Any:
        self.read.append(row)
        image = np.random.default_rng(row).integers(0, 256, (1, 6, 5)).astype(self.kind)
        return torch.from_numpy(image), row % 2


@pytest.mark.parametrize("kind", ["uint8", "float32", "int64"])
def test_examples_that_are_written_one_by_one_make_the_file_of_those_in_memory(kind: str) -> None:
    data, other = Counted(kind), Counted(kind)
    parts = {"train": data, "test": other, "validation": TensorDataset(torch.zeros(2, 1, 6, 5), torch.arange(2))}
    if kind != "float32":
        parts.pop("validation")
    streamed = keep(parts, stream=True)
    assert data.read == other.read == list(range(40))
    names = [streamed]
    for part in (data, other):
        part.read.clear()
    names.append(keep(parts, stream=False))
    assert data.read == other.read == list(range(40))
    assert names[0] == names[1]
    raw, again = (load_raw(DataSettings(streamed.data, stream=stream)) for stream in (True, False))
    assert raw.checksum() == again.checksum()
    assert isinstance(raw.train.images, MappedRows)


def test_images_of_columns_and_of_pil_are_written_one_by_one_too() -> None:
    rows = [{"image": Image.new("L", (5, 7), row), "label": row % 2} for row in range(6)]
    for data in (HuggingFace(rows, ["no", "yes"]), Pairs((6, 8))):
        found = [keep(data, stream=stream, resize=4) for stream in (True, False)]
        assert found[0] == found[1]


def test_a_data_set_that_would_take_much_memory_is_written_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []

    def noted(parts: Any, resize: int | None) -> str:
        written.append(sum(map(len, parts.values())))
        return "data/0123456789abcdef.npz"

    monkeypatch.setattr(keeping, "write_examples", noted)
    for free, is_written in ((16 * 30 * 40 + 9, False), (16 * 30 * 40 - 9, True)):
        monkeypatch.setattr(memory, "free_memory", lambda free=free: free)
        keep(Counted())
        assert bool(written) == is_written
    keep(Counted(), stream=False)
    keep(TensorDataset(torch.zeros(9, 4), torch.arange(9) % 2), stream=True)  # rows of a table
    assert written == [40]


def test_examples_that_differ_leave_no_file() -> None:
    with pytest.raises(DataError, match=r"number 1 is uint8 of shape \(6, 8, 3\), the first uint8 of \(6, 6, 3\)"):
        keep(Pairs((6, 8)), stream=True)
    folder = kept_data.new_file("data")
    assert not [file for file in folder.iterdir() if "examples" in file.name]
