"""Tables: files or data frames with a target column, typed, checked, split, and turned into numbers and codes.

    data = load_table(TableSettings(data="adult.parquet", target="income"), torch.device("cpu"))
    inputs, targets = data.train.rows(torch.arange(4))     # {"numbers": (4, 6), "categories": (4, 8)}, (4,)
    data.arguments()                                       # what a network for these rows is built with

Everything that is fitted is fitted on the training rows alone, and is plain data (`Encoding.to_dict`).
"""

from __future__ import annotations

from trainables.data.tables.encoding import Encoding
from trainables.data.tables.loading import described_table, frames_of, kind_of_table, load_table, table_checksum
from trainables.data.tables.reading import is_table
from trainables.data.tables.settings import TableSettings
from trainables.data.tables.table import TableData, TablePart
from trainables.data.tables.target import Target

__all__ = [
    "Encoding",
    "TableData",
    "TablePart",
    "TableSettings",
    "Target",
    "described_table",
    "frames_of",
    "is_table",
    "kind_of_table",
    "load_table",
    "table_checksum",
]
