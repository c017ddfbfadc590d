"""Tables are read, typed, split, encoded and refused as in earlier versions: at the edges of every rule."""

from __future__ import annotations

import datetime
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from search_spaces.errors import NasTuneError
from tests.golden import agrees
from tests.trainables.data.tables.frames import small
from trainables.data.tables import TableSettings, described_table, is_table, kind_of_table, load_table, table_checksum
from trainables.data.tables.reading import read_rows
from trainables.data.tables.scaling import Scaling

DRAWN = np.random.default_rng(0).exponential(2.0, 3000).astype(np.float32)
KINDS = ["standard", "log", "quantile", "piecewise"]


def rows(count, distinct):
    """Whole numbers: so many, so many different."""
    return np.arange(count) % distinct


def texts(count, distinct):
    return [f"t{number}" for number in rows(count, distinct)]


def parts(*counts):
    """Names of parts: so many rows for training, for validation and for test."""
    return [name for name, count in zip(("train", "val", "test"), counts, strict=False) for _ in range(count)]


FEW = {"test_share": 0.1, "validation_share": 0.1}
SAID = {"kind": "classification", **FEW}
CASES = {
    "plain": (small(), {}),
    "whole": (small(), {"whole": True}),
    "seed": (small(), {"seed": 3, "test_share": 0.3, "validation_share": 0.1}),
    **{f"numbers {kind}": (small(120), {"numbers": kind}) for kind in KINDS},
    "columns of 10 values": (small(100, at=rows(100, 10)), {}),
    "columns of 11 values": (small(110, at=rows(110, 11)), {}),
    "columns of too few rows": (small(99, at=rows(99, 10)), {}),
    "columns of halves": (small(100, at=rows(100, 4) / 2), {}),
    "columns of 19 texts": (small(19, at=texts(19, 19)), FEW),
    "columns of 20 texts": (small(20, at=texts(20, 20)), FEW),
    "columns of whole numbers, each another": (small(20, at=np.arange(20) * 3), FEW),
    "columns of halves, each another": (small(20, at=np.arange(20) / 2), FEW),
    "columns of 1000 texts": (small(2200, at=texts(2200, 1000)), {}),
    "columns of 1001 texts": (small(2202, at=texts(2202, 1001)), {}),
    "columns of numbers as 10 texts": (small(40, at=[str(n) for n in rows(40, 10)]), {}),
    "columns of numbers as 11 texts": (small(44, at=[str(n) for n in rows(44, 11)]), {}),
    "columns of numbers as 18 of 20 texts": (small(80, at=[*map(str, range(18)), "?", "-"] * 4), {}),
    "columns of numbers as 17 of 20 texts": (small(80, at=[*map(str, range(17)), "a", "?", "-"] * 4), {}),
    "columns of dates": (small(at=pd.date_range("2020-01-01", periods=40, freq="7h")), {}),
    "columns of dates with a zone": (small(at=pd.date_range("2020-01-01", periods=40, tz="Asia/Tokyo")), {}),
    "columns of days": (small(at=[datetime.date(2020, 1, 1 + n % 19) for n in range(40)]), {}),
    "columns of durations": (small(at=pd.to_timedelta(np.arange(40) * 5, unit="h")), {}),
    "columns of objects": (small(at=pd.Series([3, 3.5, None, np.float32(2)] * 10, dtype=object)), {}),
    "columns of objects and truths": (small(at=pd.Series([3, True, None, "x"] * 10, dtype=object)), {}),
    "columns of categories": (small(at=pd.Categorical(rows(40, 4), ordered=True)), {"numeric": ["at"]}),
    "columns of nothing": (small(at=[None] * 40, all=1.0, true=True), {}),
    "columns of missing texts": (small(at=["a", None, "b", "c"] * 10), {}),
    "columns of one missing in test": (small(at=[*["a", "b"] * 15, *["c", None] * 5], fold=parts(30, 5, 5)), {}),
    "columns that are numbers, no text": (small().rename(columns={"size": 3}), {}),
    "target of 20 values": (small(100, good=rows(100, 20)), {}),
    "target of 21 values": (small(105, good=rows(105, 21)), {}),
    "target of 4 rows a value": (small(79, good=rows(79, 16)), {}),
    "target of 5 rows a value": (small(80, good=rows(80, 16)), {}),
    "target of halves": (small(good=rows(40, 3) / 2), {}),
    "target of texts, half of the rows": (small(good=texts(40, 20)), SAID),
    "target of texts, more than half": (small(good=texts(40, 21)), SAID),
    "target of two texts in three rows": (small(3, good=["a", "b", "a"]), {"whole": True, "test_share": 0.3}),
    "target of truths": (small(good=rows(40, 2) == 0), {}),
    "target of numbers that are texts": (small(good=["10", "9", "8", "7"] * 10), {}),
    "target of numbers, said to be classes": (small(good=rows(40, 4) * 1.5), SAID),
    "target of 22 classes": (small(110, good=texts(110, 22)), {}),
    "target's logarithm": (small(good=np.arange(40) + 0.5), {"log_target": True}),
    "target's logarithm, of nothing": (small(good=np.arange(40)), {"log_target": True}),
    "target's logarithm, of nothing in test": (
        small(good=[*range(1, 31), *range(10)], fold=parts(30, 0, 10)),
        {"log_target": True},
    ),
    "target missing in 1": (small(good=[*["a", "b"] * 19, "a", None]), {}),
    "target missing in 5": (small(good=["a", "b"] * 17 + ["a"] + [None] * 5), {}),
    "target missing in 6": (small(good=["a", "b"] * 17 + [None] * 6, fold=parts(30, 0, 10)), {}),
    "target infinite": (small(good=[*range(39), -np.inf]), {"fold": None}),
    "target of one value": (small(good=4.0), {}),
    "target that the test alone has": (small(good=["a", "b"] * 15 + [*"abcdefgabc"], fold=parts(30, 0, 10)), {}),
    "target that the test lacks": (small(good=["a", "b", "c"] * 10 + ["a"] * 10, fold=parts(30, 0, 10)), {}),
    "target unknown": (small(), {"target": "god"}),
    "target unknown of many": (small(**{f"c{n}": n for n in range(20)}), {"target": "zzz"}),
    "parts": (small(fold=parts(20, 10, 10)), {}),
    "parts without test": (small(subset=parts(30, 10)), {}),
    "parts by a column of their name": (small(split=["training", "testing"] * 20), {}),
    "parts by categories": (small(kept=pd.Categorical(["train", "dev"] * 20)), {}),
    "parts that none is": (small(split=["train", "all"] * 20), {}),
    "parts that are empty": (small(split=[*["train"] * 39, None]), {}),
    "parts twice": (small(split=parts(30, 0, 10), fold=parts(30, 0, 10)), {}),
    "parts of test only": (small(split=["test", "val"] * 20), {}),
    "parts of copies": (pd.concat([small(30), small(10)]).assign(split=parts(30, 0, 10)), {}),
    "groups": (small(who=texts(40, 8)), {"validation_groups": "who"}),
    "groups of two": (small(who=texts(40, 2)), {"validation_groups": "who"}),
    "groups of three": (small(who=texts(40, 3)), {"validation_groups": "who"}),
    "groups unknown": (small(), {"validation_groups": "wo"}),
    "groups in two parts": (small(who=texts(40, 2), split=parts(30, 0, 10)), {"validation_groups": "who"}),
    "drop": (small(), {"drop": ["size", "weight"]}),
    "drop all": (small(), {"drop": ["size", "weight", "level", "colour"]}),
    "drop the target": (small(), {"drop": ["good"]}),
    "missing": (small(at=["?", "1", "2", "-"] * 10), {"missing": ["?", "-"], "numeric": ["at"]}),
    "numeric of texts": (small(at=["1", "2", "x", "y"] * 10), {"numeric": ["at"]}),
    "numeric unknown": (small(), {"numeric": ["colur"]}),
    "categorical": (small(), {"categorical": ["size"]}),
    "infinite": (small(at=[*range(39), np.inf]), {"fold": None}),
    "a list": (small(at=[[1]] * 40), {}),
    "bytes": (small(at=[b"x" * 80] * 40), {}),
    "no row": (small(0), {}),
    "one row": (small(1), {}),
    "two rows": (small(2, good=["a", "b"]), {}),
    "rows twice": (pd.concat([small(), small()[["size"]]], axis=1), {}),
}
FILES = {
    "a.csv": "size,good\n1,a\n2,b\n3,a\n4,b\n5,a\n6,b\n",
    "semicolon.csv": "size;good\n1,5;a\n2;b\n3;a\n4;b\n5;a\n6;b\n",
    "tab.tsv": "size\tgood\n1\ta\n2\tb\n3\ta\n4\tb\n5\ta\n6\tb\n",
    "bar.CSV": "size|good\n1|a\n2|b\n3|a\n4|b\n5|a\n6|b\n",
    "spaces.csv": "size, good\n1, a\n2, b\n3, a\n4, b\n5, a\n6, b\n",
    "long.csv": "size,good\n1,a\n2,b,c\n",
    "short.csv": "size,good\n1,a\n2\n3,a\n4,b\n5,a\n6,b\n",
    "empty.csv": "",
    "header.csv": "size,good\n",
    "text.txt": "size,good\n1,a\n",
    "damaged.parquet": "PAR1",
}
FOLDERS = {
    "parts": {"train.csv": FILES["a.csv"], "test.csv": FILES["a.csv"], "val/a.csv": FILES["a.csv"]},
    "pieces": {"a.csv": FILES["a.csv"], "b/c.csv": FILES["a.csv"], ".hidden.csv": "x", "notes.txt": "x"},
    "others": {"a.csv": FILES["a.csv"], "b.csv": FILES["a.csv"].replace("size", "sise")},
    "no target": {"train.csv": FILES["a.csv"], "test.csv": "size\n1\n"},
    "more": {"train.csv": FILES["a.csv"], "test.csv": "size,more,good\n1,2,a\n"},
    "none": {"a.txt": "x"},
}


def refused(error):
    """The message, without what pandas and pyarrow say in it."""
    return f"{type(error).__name__}: " + re.sub(r"(no whole \w+ file) \(.*\);", r"\1 (..);", str(error))


def shown(settings):
    """What is read, and how; or why not."""
    try:
        data = load_table(settings, torch.device("cpu"))
        said = [*described_table(settings), *map(str, kind_of_table(settings)), table_checksum(settings)]
    except NasTuneError as error:
        return refused(error)
    whole = [data.train, data.validation, data.test]
    scaling = data.scaling.to_dict()
    return {
        "said": said,
        "arguments": {key: str(value) for key, value in data.arguments().items()},
        "rows": [len(part) for part in whole],
        "encoding": str(data.encoding.to_dict())[:400],
        "scaling": {name: str(np.round(scaling[name], 5).tolist())[:300] for name in ("mean", "std", "missing")},
        "target": {key: value if key == "name" else str(value)[:60] for key, value in data.target.to_dict().items()},
        "first": [[str(tensor[:3].tolist()) for tensor in (part.categories, part.targets)] for part in whole],
        "example": str(data.example())[:300],
        "groups": {part: str(found.tolist()) for part, found in data.groups.items()},
    }


@pytest.mark.slow
def test_tables_are_read_as_they_were():
    found = {}
    for name, (frame, more) in CASES.items():
        settings = {key: value for key, value in more.items() if key != "fold"}
        found[name] = shown(TableSettings(**{"data": frame, "target": "good", **settings}))
    agrees("tables", found)


def test_files_of_tables_are_read_as_they_were(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NAS_TUNE_DATA", raising=False)
    written = {f"files/{name}": text for name, text in FILES.items()}
    written |= {f"{folder}/{name}": text for folder, files in FOLDERS.items() for name, text in files.items()}
    for name, text in written.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text, encoding="utf-8")
    small().to_parquet("files/whole.parquet")
    pd.DataFrame({"image": [b"x"], "label": [1]}).to_parquet("files/images.parquet")
    places = [*sorted(map(str, Path("files").iterdir())), *FOLDERS, "nowhere.csv"]
    found = {}
    for place in places:
        settings = TableSettings(data=place, target="good", test_share=0.3, validation_share=0.3)
        found[place] = [shown(settings)]
        try:
            found[place].append(is_table(place, None))
            frame, name = read_rows(place, ["2"])
            found[place] += [name, list(map(str, frame.columns)), str(frame.head(3).values.tolist()), len(frame)]
        except NasTuneError as error:
            found[place].append(refused(error))
    agrees("tables-of-files", found)


@pytest.mark.parametrize("kind", KINDS)
def test_numbers_are_scaled_as_they_were(kind):
    columns = {
        "many": DRAWN,
        "few": DRAWN.round(),
        "missing": np.where(np.arange(3000) % 3, DRAWN, np.nan),
        "mostly zero": np.where(np.arange(3000) < 2850, 0, np.arange(3000)),
        "negative": -(DRAWN**2),
        "one": np.full(3000, 7.0),
        "nearly one": 1e9 + 64 * (np.arange(3000) % 2),
        "none": np.full(3000, np.nan),
        "48": np.arange(3000) % 48,
        "49": np.arange(3000) % 49,
        "50": np.arange(3000) % 50,
        "127": np.arange(3000) % 127,
        "128": np.arange(3000) % 128,
        "129": np.arange(3000) % 129,
    }
    numbers = np.stack(list(columns.values()), 1).astype(np.float32)
    scaling = Scaling.fit(kind, numbers.T, [name in ("missing", "none") for name in columns])
    asked = torch.tensor(numbers)[[0, 1, 2, 3, 500, 2999]]
    beyond = torch.stack([asked.nan_to_num().amin(0) - 3, asked.nan_to_num().amax(0) * 2 + 3])
    found = scaling.scaled(torch.cat([asked, beyond]))
    kept = [scaling.knots.sum(1), scaling.scores.sum(1), scaling.mean, scaling.std, found.sum(1), (found**2).sum(1)]
    told = [[round(float(value), 4) for value in each] for each in kept]
    agrees(f"scaling-{kind}", {"width": scaling.width, "shape": list(found.shape), "sums": told}, tolerance=1e-4)
