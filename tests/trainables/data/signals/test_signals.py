"""Signals are read, split and brought to one length; what cannot be learned from is refused with a remedy."""

from __future__ import annotations

import io
import wave

import numpy as np
import pandas as pd
import pytest
import torch

from trainables.data.signals import SignalSettings, described_signals, is_signals, load_signals, signals_checksum
from trainables.data.signals.unlabelled import read_signals
from trainables.data.signals.views import SignalViews
from trainables.errors import DataError, TrainableError

CPU = torch.device("cpu")
WAVES = np.sin(np.arange(30) / (2.0 + np.arange(40)[:, None]))
LABELS = np.arange(40) % 2


def loaded(data, **settings):
    return load_signals(SignalSettings(data=str(data), **settings), CPU)


def npz(folder, **arrays):
    np.savez(folder / "w.npz", **{"x": WAVES, "y": LABELS, **arrays})
    return folder / "w.npz"


def sound(samples, rate=8000, channels=1, width=2):
    held = io.BytesIO()
    with wave.open(held, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(np.asarray(samples).tobytes())
    return held.getvalue()


def parquet(folder, **columns):
    pd.DataFrame(columns).to_parquet(folder / "w.parquet")
    return folder / "w.parquet"


def test_endings_of_parquet_files_may_be_short_and_capitals(tmp_path):
    file = parquet(tmp_path, wave=WAVES.tolist(), label=LABELS)
    whole = loaded(file)
    assert len(loaded(file.rename(tmp_path / "W.PQ")).train) == len(loaded(tmp_path).train) == len(whole.train)


def test_arrays_are_split_by_class_and_standardized_by_training(tmp_path):
    data = loaded(npz(tmp_path, y=np.array(["no", "yes"])[LABELS]))
    assert [len(part) for part in (data.train, data.validation, data.test)] == [26, 6, 8]
    assert data.classes == ("no", "yes")
    assert data.arguments() == {"num_classes": 2, "in_channels": 1, "length": 30, "sample_rate": None}
    assert data.test.targets.bincount().tolist() == [4, 4]
    values = data.normalize(data.train.waves)
    assert float(values.mean()) == pytest.approx(0, abs=1e-5)
    assert float(values.std(correction=0)) == pytest.approx(1, abs=1e-5)
    stereo = loaded(npz(tmp_path, x=np.stack([WAVES, 5 + WAVES], 1)), whole=True)
    assert stereo.arguments()["in_channels"] == 2
    assert stereo.mean.flatten().diff().item() == pytest.approx(5, abs=1e-5)
    assert (len(stereo.train), len(stereo.validation)) == (32, 0)


def test_numbers_are_a_regression_with_their_scale(tmp_path):
    data = loaded(npz(tmp_path, y=np.stack([np.arange(40) + 0.5, np.ones(40)], 1)))
    assert data.classes == ()
    assert data.arguments()["num_classes"] == 2
    assert data.target_std[1] == 1
    assert data.target_mean[0] == pytest.approx(data.train.targets[:, 0].mean().item(), rel=1e-6)
    assert loaded(npz(tmp_path), kind="regression").train.targets.shape == (26, 1)
    given = loaded(npz(tmp_path, x_test=WAVES[:4], y_test=LABELS[:4]))
    assert len(given.test) == 4


def test_a_group_is_on_one_side_even_where_the_given_parts_share_it(tmp_path):
    speaker = np.array(["ann", "bob", "cid", "dan", "eve"])[np.arange(40) // 8]
    file = parquet(
        tmp_path, audio=list(WAVES), label=LABELS, who=speaker, split=["train", "train", "test", "test"] * 10
    )
    data = loaded(file, validation_groups="who")
    seen = [set(data.groups[part].tolist()) for part in ("train", "validation", "test")]
    assert sum(map(len, seen)) == len(set.union(*seen)) == 5
    assert "the given parts share groups, such as 'ann' of who; these parts are not used" in data.notes[0]
    assert any(note.startswith("groups for test: ") for note in data.notes)
    kept = loaded(file)
    assert len(kept.test) == 20
    same = loaded(npz(tmp_path, who=speaker), validation_groups="who")
    assert torch.equal(same.groups["test"], data.groups["test"])
    with pytest.raises(DataError, match=r"has no array nobody; .* the arrays are x, y"):
        loaded(npz(tmp_path), validation_groups="nobody")


def test_bytes_of_several_lengths_are_padded_and_cut_and_it_is_said(tmp_path):
    lengths = [10] * 30 + [20] * 9 + [90]
    clips = [np.arange(1, length + 1, dtype="<i2").tobytes() for length in lengths]
    file = parquet(tmp_path, audio=clips, label=LABELS)
    data = loaded(file)
    assert data.train.waves.dtype == torch.int16
    assert data.train.waves.shape[1:] == (1, 20)
    assert "signals have 10 to 90 steps; 1 of 40 are cut at 20, shorter ones are padded with zeros" in data.notes[0]
    short = next(wave for wave in data.train.waves if wave[0, 10] == 0)
    assert short[0, :12].tolist() == [*range(1, 11), 0, 0]
    assert loaded(file, length=5).arguments()["length"] == 5


def test_wav_files_in_folders_of_classes(tmp_path):
    for number in range(20):
        folder = tmp_path / ("low" if number % 2 else "high")
        folder.mkdir(exist_ok=True)
        tone = np.sin(np.arange(40) * (0.1 if number % 2 else 1.5)) * 9000
        (folder / f"{number}.wav").write_bytes(sound(tone.astype("<i2")))
    assert is_signals(str(tmp_path), None)
    data = loaded(tmp_path)
    assert (data.classes, data.sample_rate) == (("high", "low"), 8000)
    with pytest.raises(DataError, match=r"sample_rate is 16000, and the WAV files .* have 8000 Hz"):
        loaded(tmp_path, sample_rate=16000)
    (tmp_path / "low" / "odd.wav").write_bytes(sound(np.zeros(40, "<i2"), rate=44100))
    with pytest.raises(DataError, match="signals of 8000 Hz and 44100 Hz; resample"):
        loaded(tmp_path)
    (tmp_path / "low" / "odd.wav").write_bytes(sound(np.zeros(40, "<i2"), channels=2))
    with pytest.raises(
        DataError, match="has 2 channels, and the first of training 1; give all signals the same number"
    ):
        loaded(tmp_path)


def test_samples_of_8_and_32_bits_are_brought_to_16(tmp_path):
    clips = [sound(np.array([129, 130], "u1"), width=1), sound(np.array([256, 512], "<i4") << 16, width=4)] * 10
    data = loaded(parquet(tmp_path, audio=clips, label=LABELS[:20]))
    assert set(data.train.waves.unique().tolist()) == {256, 512}


def series(folder, **columns):
    steps = np.arange(200)
    pd.DataFrame({"load": np.sin(steps / 5), "heat": steps % 7, **columns}).to_csv(folder / "s.csv", index=False)
    return folder / "s.csv"


def test_windows_of_a_series_and_what_follows_them(tmp_path):
    data = loaded(series(tmp_path, day=["mon"] * 200), target="load", window=10, horizon=2, step=3)
    assert [len(part) for part in (data.train, data.validation, data.test)] == [37, 10, 10]  # of 120, 40, 40 steps
    assert data.arguments() == {"num_classes": 2, "in_channels": 2, "length": 10, "sample_rate": None}
    waves, targets = data.validation.rows(torch.tensor([1, 0]))
    assert waves[0, 0].tolist() == pytest.approx(np.sin(np.arange(123, 133) / 5), abs=1e-6)
    assert waves[1, 1].tolist() == pytest.approx(np.arange(120, 130) % 7)
    assert targets[0].tolist() == pytest.approx(np.sin(np.array([133, 134]) / 5), abs=1e-6)
    assert torch.equal(data.validation.targets[:2], targets.flip(0))
    assert data.notes == ("columns that are not numbers are left out: day",)
    np.save(tmp_path / "s.npy", np.sin(np.arange(99) / 5))
    assert len(loaded(tmp_path / "s.npy", window=4, whole=True).train) == 75


@pytest.mark.parametrize(
    ("columns", "settings", "message"),
    [
        ({"load": [1.0, np.nan] * 100}, {"target": "load"}, r"load is nan at step 1 \(100 gaps in all\); fill them in"),
        ({}, {}, "has the columns load, heat; give the one that is predicted as target"),
        ({}, {"target": "lod"}, "no column 'lod' of numbers; it has load, heat"),
        ({}, {"target": "load", "window": 50}, r"takes window \+ horizon = 51; give a longer series, or a smaller"),
        ({"load": np.ones(200)}, {"target": "load"}, "load is 1 at every step of training"),
    ],
)
def test_series_that_cannot_be_forecast_are_refused(tmp_path, columns, settings, message):
    with pytest.raises(DataError, match=message):
        loaded(series(tmp_path, **columns), **{"window": 10, **settings})


NAN = np.where(np.arange(40)[:, None] == 3, np.nan, WAVES)


@pytest.mark.parametrize(
    ("arrays", "settings", "message"),
    [
        ({"x": NAN}, {}, r"train: signal 3 is \[nan\] at step 0; fill it in"),
        ({"x": np.zeros((40, 30))}, {}, r"every signal of training is constant \(silence\)"),
        ({"x": WAVES[:30]}, {}, "has 30 signals and y 40 targets; give one for each"),
        ({"x": WAVES[..., None, None]}, {}, r"signals are numbers of shape \(n, steps\) or \(n, channels, steps\)"),
        ({"y": np.zeros(40, int)}, {}, "every signal of training has the class '0'; there is nothing to learn"),
        ({"y": np.where(LABELS, np.nan, 1.5)}, {}, "signal 1 of training has the target nan; fill it in"),
        ({"x_test": WAVES[:2], "y_test": [7, 7]}, {}, "the part for test has the class '7', which no training signal"),
        (
            {"who": ["ann"] * 40},
            {"validation_groups": "who"},
            "validation_groups has 1 group left and each part needs one",
        ),
    ],
)
def test_arrays_that_cannot_be_learned_from_are_refused(tmp_path, arrays, settings, message):
    with pytest.raises(DataError, match=message):
        loaded(npz(tmp_path, **arrays), **settings)


def test_parquet_files_of_another_kind_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"row 0 has 3 bytes; 16-bit samples have an even number"):
        loaded(parquet(tmp_path, audio=[b"abc"] * 4, label=[0, 1, 0, 1]))
    with pytest.raises(DataError, match=r"is not a WAV file of plain samples"):
        loaded(parquet(tmp_path, audio=[b"RIFFabcd"] * 4, label=[0, 1, 0, 1]))
    with pytest.raises(DataError, match="signal 0 is empty; leave it out"):
        loaded(parquet(tmp_path, audio=[b""] * 4, label=[0, 1, 0, 1]))
    with pytest.raises(DataError, match=r"none of the columns one, two is clearly the one; give target = <column>"):
        loaded(parquet(tmp_path, one=[[1.0, 2.0]] * 4, two=[0, 1, 0, 1]))
    with pytest.raises(DataError, match=r"there are no signals 'nowhere.npz'"):
        loaded("nowhere.npz")


def test_silent_signals_are_warned_of(tmp_path):
    waves = np.where(np.arange(40)[:, None] < 4, 0, WAVES)
    told = described_signals(SignalSettings(data=str(npz(tmp_path, x=waves))))
    assert told[0].endswith("26 signals to train on, 6 for validation, 8 for test; 1 channel of 30 steps")
    assert any("signals are constant (silence)" in line for line in told)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "clustering"}, "kind"),
        ({"window": 5, "kind": "classification"}, "which forecasts numbers"),
        ({"window": 5, "validation_groups": "who"}, "validation_groups is a setting of many signals"),
        ({"length": 0}, "length"),
    ],
)
def test_settings_that_cannot_be_are_refused_before_reading(settings, message):
    with pytest.raises(TrainableError, match=message):
        SignalSettings(data="x.npz", **settings)


def test_signals_are_told_from_other_data(tmp_path):
    np.savez(tmp_path / "images.npz", x=np.zeros((4, 5, 5)), y=np.zeros(4))
    parquet(tmp_path, audio=[b"ab"] * 4, label=[0, 1, 0, 1])
    npz(tmp_path)
    pd.DataFrame({"image": [b"ab"], "label": [1]}).to_parquet(tmp_path / "images.parquet")
    assert [is_signals(name, str(tmp_path)) for name in ("w.npz", "w.parquet")] == [True, True]
    others = ("images.npz", "images.parquet", "digits", None, "nowhere.npz")
    assert [is_signals(name, str(tmp_path)) for name in others] == [False] * 5


def test_a_changed_file_is_read_again(tmp_path):
    file = npz(tmp_path)
    before = signals_checksum(SignalSettings(data=str(file)))
    assert signals_checksum(SignalSettings(data=str(file), test_share=0.3)) == before
    npz(tmp_path, y=1 - LABELS)
    assert signals_checksum(SignalSettings(data=str(file))) != before


def test_views_shift_add_noise_and_mask_but_never_reverse():
    signals = torch.arange(1.0, 21.0).expand(6, 1, 20)
    mean, std = torch.full((1, 1, 1), -5.0), torch.ones(1, 1, 1)

    def seen(**settings):
        generator = torch.Generator().manual_seed(1)
        off = {"shift": 0.0, "noise": 0.0, "mask": 0.0}
        return SignalViews(**{**off, **settings})(signals, mean, std, generator, of_classes=True)

    assert seen() is signals
    shifted = seen(shift=0.5)
    for row in shifted[:, 0]:
        kept = row[row != -5]
        assert 10 <= len(kept) <= 20
        assert torch.equal(kept, torch.arange(float(kept[0]), float(kept[-1]) + 1))
        assert kept[0] == 1 or kept[-1] == 20
    masked = seen(mask=0.5)
    hidden = (masked == -5).sum(2).flatten()
    assert 0 < hidden.max() <= 11
    assert torch.equal(masked[masked != -5], signals[masked != -5])
    noisy = seen(noise=0.1)
    assert 0 < float((noisy - signals).abs().max()) < 1
    generator = torch.Generator().manual_seed(1)
    assert SignalViews()(signals, mean, std, generator, of_classes=False) is signals
    assert not torch.equal(SignalViews()(signals, mean, std, generator, of_classes=True), signals)


def test_signals_to_predict_from_are_brought_to_the_length_of_training(tmp_path):
    shape, kind = (1, 4), torch.int16

    def read(x, rate=8000, dtype=kind):
        return read_signals(x, shape, dtype, rate=rate)

    found, names = read([[1, 2, 3, 4, 5, 6], np.array([7, 8])])
    assert found[:, 0].tolist() == [[1, 2, 3, 4], [7, 8, 0, 0]]
    assert (found.dtype, names) == (kind, [])
    assert torch.equal(read(np.ones((2, 1, 4)))[0], torch.ones(2, 1, 4, dtype=kind))
    for name in ("one", "two"):
        (tmp_path / f"{name}.wav").write_bytes(sound(np.arange(3, dtype="<i2")))
    assert read(tmp_path / "one.wav")[0].tolist() == [[[0, 1, 2, 0]]]
    assert read(tmp_path)[1] == ["one.wav", "two.wav"]
    parquet(tmp_path, audio=[b"ab", b"cd"])
    assert read(tmp_path / "w.parquet")[1] == ["w.parquet, row 0", "w.parquet, row 1"]
    np.savez(tmp_path / "x.npz", x=np.ones((3, 4)), other=np.ones(2))
    assert len(read(tmp_path / "x.npz")[0]) == 3
    for x, message in (
        (np.ones(4), r"a single signal is given as x\[None\]"),
        (np.ones((2, 2, 4)), r"x, signal 0 has the shape \(2, 4\); the network takes 1 channels"),
        (np.full((1, 4), 0.5), "has values that int16 cannot hold, .* scale them alike"),
        (np.full((1, 4), np.nan), "x, signal 0 holds NaN"),
        ([], "holds no signal; give at least one"),
        (7, "x is a int; give an array"),
        (tmp_path / "nowhere", "correct the path"),
    ):
        with pytest.raises(DataError, match=message):
            read(x)
    with pytest.raises(DataError, match=r"has signals of 8000 Hz, and the network was trained at 16000 Hz; resample"):
        read(tmp_path, rate=16000)
