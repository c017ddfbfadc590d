"""Vocabularies: numbers of tokens and back, at the ends of what they hold."""

from __future__ import annotations

import numpy as np
import pytest

from trainables.data.texts.vocabulary import BUCKET, Vocabulary
from trainables.errors import DataError


def points(text: str) -> np.ndarray:
    return np.array([ord(one) for one in text], dtype=np.uint32)


def test_characters_have_their_order_and_a_bucket_where_other_parts_need_one() -> None:
    plain = Vocabulary.of_characters(points("cabbage"), points("bag"))
    assert plain == Vocabulary("characters", 5, "abceg", False)
    assert plain.encode(points("gab"), "x").tolist() == [4, 0, 1]
    assert plain.decode(np.array([4, 0, 1])) == "gab"
    more = Vocabulary.of_characters(points("abc"), points("axd"))
    assert more == Vocabulary("characters", 4, "abc", True)
    assert more.encode(points("cxaz"), "x").tolist() == [2, 3, 0, 3]
    assert more.decode(np.array([2, 3, 0])) == f"c{BUCKET}a"
    assert more.encode(points("!"), "x").tolist() == [3], "before the first one"


def test_a_character_that_training_lacks_is_refused_without_a_bucket() -> None:
    plain = Vocabulary.of_characters(points("abc"), points(""))
    with pytest.raises(DataError, match=r"^title: character 1 is 'x', which the training text lacks; leave it out"):
        plain.encode(points("axy"), "title")


@pytest.mark.parametrize("unit", ["ids", "bytes"])
def test_numbers_are_below_the_size(unit: str) -> None:
    found = Vocabulary(unit, 256)
    assert found.encode(np.array([0, 255], dtype=np.uint16), "x").tolist() == [0, 255]
    assert found.encode(np.array([0, 255], dtype=np.uint16), "x").dtype == np.int64
    with pytest.raises(DataError, match="token 1 is 256, beyond the vocabulary of 256; give vocabulary = 257 or more"):
        found.encode(np.array([3, 256, 300]), "x")
    with pytest.raises(DataError, match="token 2 is -1, no id, which is 0 or more; correct it"):
        found.encode(np.array([3, 4, -1]), "x")


def test_tokens_are_written_as_people_read_them() -> None:
    assert Vocabulary("ids", 9).decode(np.array([3, 0])) == [3, 0]
    assert Vocabulary("bytes", 256).decode(np.frombuffer("aé".encode(), np.uint8)) == "aé"
    assert Vocabulary("bytes", 256).decode(np.array([97, 255])) == "a\ufffd"


def test_a_vocabulary_is_plain_data() -> None:
    one = Vocabulary.of_characters(points("abc"), points("x"))
    assert Vocabulary.from_dict(one.to_dict()) == one
    assert one.to_dict() == {"unit": "characters", "size": 4, "characters": "abc", "has_bucket": True}
