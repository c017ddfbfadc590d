"""Texts are read, cut by position and numbered; what cannot be learned from is refused with a remedy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from trainables.data.texts import TextSettings, Vocabulary, described_text, is_text, load_text, text_checksum, unit_of
from trainables.errors import DataError, TrainableError

CPU = torch.device("cpu")
LINES = "abcabcabd\n" * 20


def loaded(data=LINES, **settings):
    return load_text(TextSettings(data=data, **{"context": 4, **settings}), CPU)


def test_parts_are_cut_by_position_and_examples_predict_the_next_token():
    data = loaded(validation_share=0.2, test_share=0.1)
    assert [len(part.tokens) for part in (data.train, data.validation, data.test)] == [140, 40, 20]
    assert data.arguments() == {"vocabulary": 5, "context": 4}
    assert data.vocabulary.decode(data.test.tokens.numpy()) == LINES[-20:]
    # Training may draw an example at any token; those of the other parts do not overlap.
    assert [len(part) for part in (data.train, data.validation, data.test)] == [136, 9, 4]
    inputs, targets = data.validation.rows(torch.tensor([2, 0]))
    assert data.vocabulary.decode(inputs[0].numpy()) == LINES[148:152]
    assert data.vocabulary.decode(targets[1].numpy()) == LINES[141:145]
    assert inputs.dtype == torch.int64
    whole = loaded(validation_share=0.2, test_share=0.1, whole=True)
    assert (len(whole.train.tokens), len(whole.validation)) == (180, 0)
    with pytest.raises(DataError, match=r"no example is for validation"):
        whole.split("validation")


def test_characters_that_training_lacks_share_one_token(tmp_path):
    path = tmp_path / "t.txt"
    path.write_text("\n" + "aabb" * 20 + "a" * 9 + "éß", encoding="utf-8")
    data = loaded(str(path))
    assert data.vocabulary.size == 4  # "\n", "a", "b" and the bucket
    assert data.vocabulary.decode(data.test.tokens.numpy()).endswith("a\ufffd\ufffd")
    assert "2 characters outside the training part do not occur in it ('ß', 'é')" in data.notes[0]
    assert Vocabulary.from_dict(data.vocabulary.to_dict()) == data.vocabulary
    with pytest.raises(DataError, match=r"new: character 1 is 'x', which the training text lacks; leave it out"):
        loaded().vocabulary.encode(np.array([ord("a"), ord("x")]), "new")


def test_bytes_and_ids(tmp_path):
    path = tmp_path / "t.bin"
    path.write_bytes(bytes(range(256)) * 2)
    data = loaded(str(path), tokens="bytes")
    assert data.vocabulary.size == 256
    assert data.train.tokens[:3].tolist() == [0, 1, 2]
    np.save(tmp_path / "ids.npy", (np.arange(200) % 9).astype("uint16"))
    data = loaded("ids.npy", root=str(tmp_path))
    assert data.vocabulary == Vocabulary("ids", 9)
    assert data.vocabulary.decode(np.array([3, 1])) == [3, 1]
    assert loaded(np.arange(200) % 9, vocabulary=50).arguments()["vocabulary"] == 50
    assert unit_of(TextSettings(data="ids.npy")) == "ids"
    assert unit_of(TextSettings(data="anything.md")) == "characters"


def test_given_files_of_parts_are_kept(tmp_path):
    for name, text in (("train_1", "abc\n" * 9), ("train_2", "cab\n" * 9), ("test", "bca\n" * 4)):
        (tmp_path / f"{name}.txt").write_text(text)
    data = loaded(str(tmp_path))
    assert [len(part.tokens) for part in (data.train, data.validation, data.test)] == [65, 7, 16]
    assert data.notes == ["3 files are joined in the order of their names"]
    assert "16 for test as given" in described_text(TextSettings(data=str(tmp_path), context=4))[0]


def test_a_changed_file_is_read_again(tmp_path):
    path = tmp_path / "t.txt"
    path.write_text(LINES)
    before = text_checksum(TextSettings(data=str(path)))
    assert text_checksum(TextSettings(data=str(path), test_share=0.3)) == before
    path.write_text(LINES + "z")
    assert text_checksum(TextSettings(data=str(path))) != before


@pytest.mark.parametrize(
    ("data", "settings", "message"),
    [
        (None, {}, "data is not given; give the path of a text file"),
        ("nowhere.txt", {}, r"there is no text 'nowhere.txt': .* does not exist; correct it"),
        ("ab\n" * 4, {}, r"the part for test has 1 characters, and an example takes context \+ 1 = 5; .* test_share"),
        (np.array([0.5] * 99), {}, r"array of float64 of shape \(99,\); token ids are whole numbers in one dimension"),
        (np.zeros((9, 9), int), {}, r"shape \(9, 9\); token ids are whole numbers in one dimension"),
        (np.array([*range(99), -1]), {}, "token 99 is -1; an id is 0 or more"),
        (np.arange(99), {}, r"validation: token 0 is 79, beyond the vocabulary of 79; give vocabulary = 80 or more"),
        (np.arange(99) % 5, {"vocabulary": 3}, r"train: token 3 is 3, beyond the vocabulary of 3"),
        (LINES, {"epoch_tokens": 1000}, r"epoch_tokens is 1,000; .* at most the training part, 160: .* more epochs"),
        (LINES, {"tokens": "ids"}, "tokens is 'ids', and the data are a text"),
    ],
)
def test_data_that_cannot_be_learned_from_are_refused(data, settings, message):
    with pytest.raises(DataError, match=message):
        loaded(data, **settings)


def test_files_of_another_kind_are_refused(tmp_path):
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9 " * 40)
    with pytest.raises(DataError, match=r'in utf-8: byte 3 is 0xe9 .*; give its encoding.*tokens = "bytes"'):
        loaded(str(tmp_path / "latin.txt"))
    assert "é" in loaded(str(tmp_path / "latin.txt"), encoding="latin-1").vocabulary.characters
    np.save(tmp_path / "objects.npy", np.array([{}] * 9, dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match=r"is not a complete \.npy file of plain numbers"):
        loaded(str(tmp_path / "objects.npy"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no text"):
        loaded(str(tmp_path / "empty"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"encoding": "utf-9"}, r"encoding is 'utf-9', which Python does not know; .* tokens = \"bytes\""),
        ({"tokens": "words"}, "tokens"),
        ({"tokens": "bytes", "vocabulary": 9}, "it is a setting of ids alone"),
        ({"validation_share": 0.6, "test_share": 0.5}, "at least 0.05 of the text is left for training"),
        ({"context": 0}, "context"),
    ],
)
def test_settings_that_cannot_be_are_refused_before_reading(settings, message):
    with pytest.raises(TrainableError, match=message):
        TextSettings(data="x.txt", **settings)


def test_texts_are_told_from_other_data(tmp_path):
    np.save(tmp_path / "ids.npy", np.arange(9))
    np.save(tmp_path / "images.npy", np.zeros((9, 4, 4)))
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("a")
    known = ["ids.npy", "texts", "new.txt"]
    assert [is_text(one, str(tmp_path)) for one in known] == [True] * 3
    assert is_text(np.arange(3), None)
    assert is_text("two\nlines", None)
    others = ["images.npy", "digits", "rows.csv", None, np.zeros(3)]
    assert [is_text(one, str(tmp_path)) for one in others] == [False] * 5
