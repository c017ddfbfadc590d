"""Data that do not fit into memory: they stay in their files, and threads decode or read them ahead of the training.

    images = StreamedImages.of(encoded, resize=224, loaders=2)   # reads every image once, and keeps what it is like
    images.shape                                                 # (n, c, h, w), as of a tensor
    images.index_select(0, rows)                                 # a tensor: these images, decoded now
    for batch in images.ahead(batches): ...                      # tensors, the coming ones decoded meanwhile

    rows = MappedRows.of(MappedArray.of_npz(path, "x"), converted, loaders=2)   # the same for plain arrays

Streamed images have the values, the order and the statistics of decoded ones, to the last bit.
"""

from __future__ import annotations

from trainables.data.streaming.images import StreamedImages
from trainables.data.streaming.mapped import MappedArray
from trainables.data.streaming.memory import by_threads, decoded_bytes, free_memory, why_streamed
from trainables.data.streaming.rows import MappedRows, read_ahead

__all__ = [
    "MappedArray",
    "MappedRows",
    "StreamedImages",
    "by_threads",
    "decoded_bytes",
    "free_memory",
    "read_ahead",
    "why_streamed",
]
