"""Signals, texts and objects in memory are read and refused as in earlier versions: at the edges of every rule."""

from __future__ import annotations

import io
import re
import wave
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from search_spaces.errors import NasTuneError
from tests.golden import agrees
from trainables.data.objects import keep
from trainables.data.signals import SignalSettings, described_signals, is_signals, load_signals, signals_checksum
from trainables.data.signals.loading import kind_of_signals
from trainables.data.signals.unlabelled import read_signals
from trainables.data.signals.views import SignalViews
from trainables.data.texts import TextSettings, described_text, is_text, load_text, text_checksum, unit_of
from trainables.kept_data import kept_file

CPU = torch.device("cpu")
COUNT = 24
WAVES = np.round(np.sin(np.arange(12) / (2.0 + np.arange(COUNT)[:, None])), 3)
LABELS = np.arange(COUNT) % 2
WHO = np.array([f"w{number // 3}" for number in range(COUNT)])
SPLIT = ["train"] * 14 + ["valid"] * 4 + ["test"] * 6


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NAS_TUNE_DATA", raising=False)


def tried(read):
    """What is read; or why it is refused, without what other packages say in it."""
    try:
        return read()
    except NasTuneError as error:
        text = re.sub(r"(no (?:whole|WAV|text) [^(;]*|several shapes|stored) \(.*?\)([;,])", r"\1 (..)\2", str(error))
        return f"{type(error).__name__}: {text}"


def numbers(tensor):
    return [list(tensor.shape), str(tensor.dtype), round(float(tensor.double().nan_to_num(-7).sum()), 4)]


def signals(settings):
    data = load_signals(settings, CPU)
    parts = {name: getattr(data, name) for name in ("train", "validation", "test")}
    rows = {name: part.rows(torch.arange(len(part))) for name, part in parts.items() if len(part)}
    return {
        "said": described_signals(settings),
        "kind": kind_of_signals(settings),
        "arguments": str(data.arguments()),
        "waves": {name: numbers(inputs) for name, (inputs, _) in rows.items()},
        "targets": {name: str(targets.tolist())[:80] for name, (_, targets) in rows.items()},
        "moments": [numbers(one) for one in (data.mean, data.std, data.target_mean, data.target_std)],
        "groups": {name: str(codes.tolist()) for name, codes in data.groups.items()},
        "example": numbers(data.example()),
    }


LENGTHS = [10] * 19 + [12] * 4 + [30]
BASE = {"x": WAVES, "y": LABELS}
TESTED = {**BASE, "x_test": WAVES[:4], "y_test": LABELS[:4]}
ARRAYS = {
    "plain": (BASE, {}),
    "seed": (BASE, {"seed": 4, "test_share": 0.3, "validation_share": 0.4}),
    "whole": (BASE, {"whole": True}),
    "length": (BASE, {"length": 5}),
    "longer": (BASE, {"length": 20}),
    "rate": (BASE, {"sample_rate": 100}),
    "channels": ({"x": np.stack([WAVES, WAVES * 2 + 1], 1), "y": LABELS}, {}),
    "four axes": ({"x": WAVES[:, None, None], "y": LABELS}, {}),
    "texts": ({"x": WAVES.astype(str), "y": LABELS}, {}),
    "integers": ({"x": (WAVES * 99).astype(np.int16), "y": LABELS}, {}),
    "integers and numbers": ({**TESTED, "x": (WAVES * 99).astype(np.int16)}, {}),
    "long integers": ({"x": (WAVES * 99).astype(np.int64), "y": LABELS}, {}),
    "one row": ({"x": np.full((COUNT, 12), 3.0), "y": LABELS}, {}),
    "some silent": ({"x": np.where(np.arange(COUNT)[:, None] < 5, 1.0, WAVES), "y": LABELS}, {}),
    "not finite": ({"x": np.where(WAVES > 0.99, np.nan, WAVES), "y": LABELS}, {}),
    "empty": ({"x": WAVES[:, :0], "y": LABELS}, {}),
    "too few targets": ({"x": WAVES, "y": LABELS[:23]}, {}),
    "parts": ({**TESTED, "x_val": WAVES[:5], "y_val": LABELS[:5]}, {}),
    "parts, whole": ({**TESTED, "x_val": WAVES[:5], "y_val": LABELS[:5]}, {"whole": True}),
    "other channels": ({**TESTED, "x_test": np.stack([WAVES[:4]] * 2, 1)}, {}),
    "no training": ({"x_test": WAVES, "y_test": LABELS}, {}),
    "names": ({"x": WAVES, "y": np.array(["b", "a"])[LABELS]}, {}),
    "numbered names": ({"x": WAVES, "y": np.array(["10", "9"])[LABELS]}, {}),
    "21 names": ({"x": np.repeat(WAVES, 3, 0)[:63], "y": np.arange(63) % 21}, {}),
    "one class": ({"x": WAVES, "y": LABELS * 0}, {}),
    "a class that the test alone has": ({**TESTED, "y_test": LABELS[:4] + 1}, {}),
    "a class that the test lacks": ({**TESTED, "y_test": LABELS[:4] * 0}, {}),
    "numbers": ({"x": WAVES, "y": np.arange(COUNT) / 2}, {}),
    "numbers, said": (BASE, {"kind": "regression"}),
    "numbers, said to be classes": ({"x": WAVES, "y": LABELS / 2}, {"kind": "classification"}),
    "two numbers": ({"x": WAVES, "y": np.stack([np.arange(COUNT), LABELS], 1)}, {}),
    "two numbers, one of one value": ({"x": WAVES, "y": np.stack([np.arange(COUNT), LABELS * 0 + 3], 1)}, {}),
    "a missing number": ({"x": WAVES, "y": np.where(LABELS, np.nan, 1.0)}, {}),
    "a missing number in the test": ({**TESTED, "y": np.arange(COUNT) / 2, "y_test": [1.0, np.nan, 2, 3]}, {}),
    "another target": ({**BASE, "kind": LABELS[::-1]}, {"target": "kind"}),
    "groups": ({**BASE, "who": WHO}, {"validation_groups": "who"}),
    "groups, whole": ({**BASE, "who": WHO}, {"validation_groups": "who", "whole": True}),
    "groups of parts": ({**TESTED, "who": WHO, "who_test": WHO[:4] + "t"}, {"validation_groups": "who"}),
    "groups shared": ({**TESTED, "who": WHO, "who_test": WHO[:4]}, {"validation_groups": "who"}),
    "groups lacking": (TESTED, {"validation_groups": "who"}),
    "groups too few": ({**BASE, "who": WHO[:23]}, {"validation_groups": "who"}),
    "20 groups": ({**BASE, "who": np.arange(COUNT) % 24}, {"validation_groups": "who", "test_share": 0.1}),
    "22 groups for training": (
        {**BASE, "who": np.arange(COUNT)},
        {"validation_groups": "who", "test_share": 0.05, "validation_share": 0.05},
    ),
}


def test_signals_of_arrays_are_read_as_they_were():
    found = {}
    for name, (arrays, more) in ARRAYS.items():
        path = name.replace(" ", "-").replace(",", "") + ".npz"
        np.savez(path, **arrays)
        settings = SignalSettings(data=path, **more)
        found[name] = [is_signals(path, None), tried(lambda settings=settings: signals(settings))]
    agrees("signals-of-arrays", found, tolerance=1e-5)


def sound(samples, rate=8000, channels=1, width=2):
    held = io.BytesIO()
    with wave.open(held, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(np.asarray(samples).tobytes())
    return held.getvalue()


SAMPLES = [(np.sin(np.arange(length) * (1 + place)) * 900).astype("<i2") for place, length in enumerate(LENGTHS)]
TABLE = {"audio": [one.tolist() for one in SAMPLES], "label": LABELS}
SOUNDS = {
    "8 bits": sound((SAMPLES[0] // 8 + 128).astype("u1"), width=1),
    "16 bits": sound(SAMPLES[0]),
    "24 bits": sound(SAMPLES[0].astype("<i4").view("u1").reshape(-1, 4)[:, 1:], width=3),
    "32 bits": sound(SAMPLES[0].astype("<i4") * 2**16, width=4),
    "stereo": sound(SAMPLES[0], channels=2),
    "damaged": sound(SAMPLES[0])[:20],
    "bytes": SAMPLES[0].tobytes(),
    "odd bytes": b"abc",
}
TABLES = {
    "plain": (TABLE, {}),
    "bytes": ({"audio": [one.tobytes() for one in SAMPLES], "label": LABELS}, {}),
    "structs": ({"audio": [{"bytes": sound(one)} for one in SAMPLES], "label": LABELS}, {}),
    "rates": ({"audio": [sound(one, 8000 + place % 2) for place, one in enumerate(SAMPLES)], "label": LABELS}, {}),
    "another rate": ({"audio": [sound(one) for one in SAMPLES], "label": LABELS}, {"sample_rate": 4000}),
    "channels": ({"signal": [np.stack([one, one]).tolist() for one in SAMPLES], "label": LABELS}, {}),
    "unequal channels": ({"signal": [[[1, 2], [3]]] * COUNT, "label": LABELS}, {}),
    "lists of texts": ({"signal": [["a"]] * COUNT, "label": LABELS}, {}),
    "nothing": ({"audio": [None, *TABLE["audio"][1:]], "label": LABELS}, {}),
    "two": ({"a": TABLE["audio"], "b": TABLE["audio"], "label": LABELS}, {}),
    "one that is not usual": ({"a": TABLE["audio"], "label": LABELS}, {}),
    "chosen": ({"a": TABLE["audio"], "b": TABLE["audio"], "c": LABELS}, {"signal_column": "b", "target": "c"}),
    "chosen that is none": (TABLE, {"signal_column": "label"}),
    "chosen that is not there": (TABLE, {"signal_column": "b"}),
    "no target": ({"audio": TABLE["audio"], "note": LABELS}, {}),
    "split": ({**TABLE, "fold": SPLIT}, {}),
    "split by two": ({**TABLE, "fold": SPLIT, "split": SPLIT}, {}),
    "split by an unknown": ({**TABLE, "split": [*SPLIT[:23], "all"]}, {}),
    "split of test": ({**TABLE, "split": ["test"] * COUNT}, {}),
    "groups": ({**TABLE, "who": WHO}, {"validation_groups": "who"}),
    "groups, empty": ({**TABLE, "who": [None, *WHO[1:]]}, {"validation_groups": "who"}),
    "no target of a signal": ({"audio": TABLE["audio"], "label": [None, *map(str, LABELS[1:])]}, {}),
    "half": ({"audio": TABLE["audio"][:20], "label": LABELS[:20]}, {}),
}
SERIES = {
    "steps": (WAVES[3].repeat(9), {}),
    "channels": (np.stack([WAVES[3].repeat(9), np.arange(108.0)], 1), {"target": "1"}),
    "channels, none chosen": (np.stack([WAVES[3].repeat(9), np.arange(108.0)], 1), {}),
    "an unknown channel": (np.arange(108.0), {"target": "7"}),
    "horizon": (np.arange(108.0), {"horizon": 4, "step": 3}),
    "whole": (np.arange(108.0), {"whole": True}),
    "cube": (np.zeros((9, 9, 9)), {}),
    "gap": (np.where(np.arange(108) == 50, np.nan, np.arange(108.0)), {}),
    "constant": (np.full(108, 2.0), {}),
    "short": (np.arange(40.0), {}),
    "just long enough": (np.arange(30.0), {"window": 5}),
    "too short": (np.arange(29.0), {"window": 5}),
}
RISING = {"hour": np.arange(60) % 24, "name": ["x"] * 60, "load": np.arange(60.0) ** 1.1}
FOLDERS = {
    "sounds": {f"{kind}/{number}.wav": SAMPLES[number] for kind in ("a", "b") for number in range(6)},
    "sounds of parts": {
        f"{part}/{kind}/{number}.wav": SAMPLES[number]
        for part in ("train", "test")
        for kind in ("a", "b")
        for number in range(4)
    },
    "sounds in no folder": {"0.wav": SAMPLES[0], "a/1.wav": SAMPLES[1]},
    "sounds, hidden": {f"{kind}/{number}.WAV": SAMPLES[number] for kind in ("a", "b", ".c") for number in range(6)},
}


def test_signals_of_files_are_read_as_they_were():
    found = {}

    def shown(name, data, **more):
        path = str(data)
        found[name] = [is_signals(path, None), tried(lambda: signals(SignalSettings(data=data, **more)))]
        found[name] += [tried(lambda: numbers(read_signals(path, (1, 6), torch.float32, rate=8000)[0]))]

    for name, (columns, more) in TABLES.items():
        pd.DataFrame(columns).to_parquet(f"{name}.parquet")
        shown(name, f"{name}.parquet", **more)
    for name, (series, more) in SERIES.items():
        np.save(f"{name}.npy", series)
        shown(f"series, {name}", f"{name}.npy", **{"window": 8, **more})
    pd.DataFrame(RISING).to_csv("rising.csv", index=False)
    for target in ("load", "name", None):
        shown(f"series of columns, {target}", "rising.csv", window=4, target=target)
    np.savez("several.npz", a=np.arange(60.0), b=np.arange(60.0) ** 2)
    np.savez("x.npz", a=np.arange(60.0), x=np.arange(60.0) ** 2)
    for name in ("several", "x"):
        shown(f"series of arrays, {name}", f"{name}.npz", window=4)
    shown("series of a column", "x.npz", window=4, signal_column="x")
    for folder, files in FOLDERS.items():
        for name, samples in files.items():
            Path(folder, name).parent.mkdir(parents=True, exist_ok=True)
            Path(folder, name).write_bytes(sound(samples))
        shown(folder, folder)
        shown(f"{folder}, target", folder, target="kind")
        found[folder].append(signals_checksum(SignalSettings(data=folder)))
    for name in ("nowhere", "", None, 7):
        found[f"no data, {name}"] = tried(lambda name=name: signals(SignalSettings(data=name)))
    for name, content in SOUNDS.items():
        Path(f"{name}.wav").write_bytes(content)
        found[name] = tried(lambda name=name: numbers(read_signals(f"{name}.wav", (1, 6), torch.int16, rate=None)[0]))
        found[name + " at 4000 Hz"] = tried(
            lambda name=name: numbers(read_signals(f"{name}.wav", (1, 60), torch.int16, rate=4000)[0])
        )
    agrees("signals-of-files", found, tolerance=1e-5)


UNLABELLED = {
    "array": WAVES,
    "tensor": torch.tensor(WAVES),
    "channels": np.stack([WAVES] * 2, 1),
    "lists": [[1, 2, 3], [4, 5, 6, 7, 8, 9, 10]],
    "arrays": [WAVES[0], WAVES[:2]],
    "texts": ["a"],
    "one": WAVES[0],
    "none": [],
    "empty": [[]],
    "not finite": [[1.0, np.inf]],
    "a number": 7,
    "nowhere": "nowhere.wav",
}


def test_signals_without_targets_are_read_as_they_were():
    found = {}
    for name, x in UNLABELLED.items():
        for kind in (torch.float32, torch.int16):

            def read(x=x, kind=kind):
                waves, names = read_signals(x, (1, 6), kind, rate=None)
                return [*numbers(waves), names]

            found[f"{name} {kind}"] = tried(read)
    waves = torch.tensor(WAVES[:, None], dtype=torch.float32)
    mean, std = waves.mean((0, 2), keepdim=True), waves.std((0, 2), keepdim=True)
    views = {"plain": {}, "shift": {"noise": 0, "mask": 0}, "noise": {"shift": 0, "mask": 0, "noise": 2}}
    for name, settings in {**views, "mask": {"shift": 0, "noise": 0, "mask": 0.5}, "none": {"mask": 0.0}}.items():
        for of_classes in (True, False):
            generator = torch.Generator().manual_seed(3)
            changed = SignalViews(**settings)(waves, mean, std, generator, of_classes=of_classes)
            found[f"views {name} {of_classes}"] = [numbers(changed), numbers(changed[..., :3]), numbers(changed[5:7])]
    agrees("signals-unlabelled", found, tolerance=1e-4)


TEXT = "the cat sat on the mat\n" * 12
TEXTS = {
    "plain": (TEXT, {}),
    "context": (TEXT, {"context": 9, "validation_share": 0.3, "test_share": 0.2}),
    "whole": (TEXT, {"whole": True}),
    "bytes": (TEXT + "\u00e9", {"tokens": "bytes"}),
    "tokens of a text": (TEXT, {"tokens": "ids"}),
    "vocabulary of a text": (TEXT, {"vocabulary": 9}),
    "epoch": (TEXT, {"epoch_tokens": 12}),
    "others": ("ab" * 99 + "\ncde", {}),
    "short": ("ab\n", {}),
    "just long enough": ("ab\n" * 17, {}),
    "a surrogate": ("a\n" * 40 + "\ud800", {}),
    "ids": (np.arange(120) % 7, {}),
    "ids, known": (np.arange(120) % 7, {"vocabulary": 7}),
    "ids, too many": (np.arange(120) % 7, {"vocabulary": 6}),
    "ids below 0": (np.arange(120) - 3, {}),
    "ids of numbers": (np.arange(120) / 2, {}),
    "ids in rows": (np.arange(120).reshape(12, 10), {}),
    "ids as characters": (np.arange(120) % 7, {"tokens": "characters"}),
    "nothing": (None, {}),
    "a number": (7, {}),
    "nowhere": ("nowhere.txt", {}),
}
LATIN = "caf\u00e9 noir\n" * 12
FILES = {
    "a.txt": TEXT.encode(),
    "mark.txt": ("\ufeff" + TEXT).encode(),
    "mark-alone.txt": ("a\ufeff" + TEXT).encode(),
    "empty.txt": b"",
    "latin.txt": LATIN.encode("latin-1"),
    "b.md": TEXT.encode(),
    "parts/train.txt": TEXT.encode(),
    "parts/valid.txt": TEXT[:60].encode(),
    "parts/test.txt": TEXT[:60].encode(),
    "pieces/b.txt": TEXT.encode(),
    "pieces/a/c.txt": b"xyz" * 30,
    "tests/test.txt": TEXT.encode(),
    "others/a.csv": TEXT.encode(),
    "damaged.npy": b"\x93NUMPY",
}


def text(settings):
    data = load_text(settings, CPU)
    parts = {name: getattr(data, name) for name in ("train", "validation", "test")}
    return {
        "said": described_text(settings),
        "unit": unit_of(settings),
        "checksum": text_checksum(settings),
        "arguments": str(data.arguments()),
        "tokens": {name: numbers(part.tokens) for name, part in parts.items()},
        "examples": {name: len(part) for name, part in parts.items()},
        "vocabulary": str(data.vocabulary.to_dict()),
        "epoch": data.epoch_tokens,
        "example": str(data.example().tolist()),
        "decoded": str(data.vocabulary.decode(data.test.tokens[-12:].numpy())),
    }


def test_texts_are_read_as_they_were():
    found = {}
    for name, (data, more) in TEXTS.items():
        settings = {"data": data, "context": 4, **more}
        found[name] = [is_text(data, None), tried(lambda settings=settings: text(TextSettings(**settings)))]
    for name, content in FILES.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(content)
    np.save("ids.npy", (np.arange(120) % 7).astype(np.uint16))
    np.save("rows.npy", np.zeros((4, 4)))
    np.savez("several.npz", a=np.arange(9))
    Path("several.npz").rename("several.npy")
    places = [*(name for name in FILES if "/" not in name), "parts", "pieces", "tests", "others"]
    for place in [*places, "ids.npy", "rows.npy", "several.npy"]:
        for more in ({}, {"tokens": "bytes"}, {"encoding": "latin-1"}):
            settings = TextSettings(data=place, context=4, **more)
            found[f"{place} {more}"] = [is_text(place, None), tried(lambda settings=settings: text(settings))]
    agrees("texts", found)


PIXELS = (np.arange(6 * 5 * 4) * 3 % 256).astype(np.uint8).reshape(6, 5, 4)
CLASSES = [0, 1] * 3
OBJECTS = {
    "images": ((PIXELS, CLASSES), {}),
    "images of lists": ((list(PIXELS), CLASSES), {}),
    "images, scaled": ((PIXELS, CLASSES), {"resize": 3}),
    "images, real, scaled": ((PIXELS / 255, CLASSES), {"resize": 3}),
    "images, channels first, scaled": ((PIXELS[:, None].repeat(3, 1), CLASSES), {"resize": 3}),
    "images, channels last, scaled": ((PIXELS[..., None].repeat(3, 3), CLASSES), {"resize": 3}),
    "images of five axes, scaled": ((PIXELS[:, None, None], CLASSES), {"resize": 3}),
    "images of several sizes": (([PIXELS[0], PIXELS[0, 1:]], [0, 1]), {}),
    "tensors of 16 bits": ((torch.tensor(PIXELS).to(torch.bfloat16), CLASSES), {}),
    "no image": (([], []), {}),
    "rows": ((np.arange(12.0).reshape(6, 2), CLASSES), {}),
    "rows, scaled": ((np.arange(12.0).reshape(6, 2), CLASSES), {"resize": 3}),
    "rows of objects": ((np.array([[1, "a"]] * 6, dtype=object), CLASSES), {}),
    "truths as targets": ((PIXELS, [True, False] * 3), {}),
    "truths in columns": ((PIXELS, np.array([[True, False]] * 6)), {}),
    "texts as targets": ((PIXELS, pd.Series(["a", "b"] * 3)), {}),
    "targets missing": ((PIXELS, pd.Series(["a", None] * 3)), {}),
    "targets of two columns": ((PIXELS, np.arange(12.0).reshape(6, 2)), {}),
    "targets of three axes": ((PIXELS, PIXELS), {}),
    "targets of tensors": ((PIXELS, [torch.tensor([1]), torch.tensor(2)] * 3), {}),
    "one target": ((PIXELS, 3), {}),
    "parts": ({"train": (PIXELS, CLASSES), "validation": (PIXELS[:2], [0, 1])}, {}),
    "parts of frames": ({"train": pd.DataFrame({"a": [1, 2]}), "test": pd.DataFrame({"a": [3]})}, {"target": "a"}),
    "parts of other frames": ({"train": pd.DataFrame({"a": [1]}), "test": pd.DataFrame({"b": [3]})}, {"target": "a"}),
    "parts with a column of parts": ({part: pd.DataFrame({"split": [1]}) for part in ("train", "test")}, {}),
    "parts twice": ({"train": (PIXELS, CLASSES), "training": (PIXELS, CLASSES)}, {}),
    "a frame": (pd.DataFrame({"a": [1, 2], 3: ["x", None]}), {"target": "a"}),
    "a frame of no row": (pd.DataFrame({"a": []}), {}),
    "ids": (np.arange(9), {}),
    "numbers": (np.arange(9) / 2, {}),
    "a text": ("x", {}),
    "three": ((1, 2, 3), {}),
}


def test_objects_are_kept_as_they_were():
    found = {}
    for name, (data, how) in OBJECTS.items():

        def kept(data=data, how=how):
            file = keep(data, **how)
            path = kept_file(file.data)
            if path is None:
                return [str(file)]
            if path.suffix == ".parquet":
                return [path.name, str(file.settings), pd.read_parquet(path).to_csv().splitlines()[:4]]
            content = np.load(path)
            arrays = {"ids": content} if path.suffix == ".npy" else dict(content)
            shapes = {key: f"{one.dtype} {one.shape} {one.ravel()[:9].tolist()!s}" for key, one in arrays.items()}
            return [path.name, str(file.settings), shapes]

        found[name] = tried(kept)
    agrees("objects", found)
