"""Texts: files of characters or bytes, or ids of tokens, cut into parts by position.

data = load_text(TextSettings(data="input.txt", context=64), torch.device("cpu"))
inputs, targets = data.train.rows(torch.arange(4))     # (4, 64), (4, 64): each token, and the one after it
data.arguments()                                       # {"vocabulary": 65, "context": 64}
"""

from __future__ import annotations

from trainables.data.texts.loading import described_text, load_text, text_checksum
from trainables.data.texts.reading import is_text, unit_of
from trainables.data.texts.settings import TextSettings
from trainables.data.texts.text import TextData, TextPart
from trainables.data.texts.vocabulary import Vocabulary

__all__ = [
    "TextData",
    "TextPart",
    "TextSettings",
    "Vocabulary",
    "described_text",
    "is_text",
    "load_text",
    "text_checksum",
    "unit_of",
]
