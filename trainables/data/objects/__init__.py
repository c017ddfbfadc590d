"""Data that are objects in memory: arrays, tensors, data frames, data sets of PyTorch and of Hugging Face.

    keep((x, y))           # Kept("data/0123456789abcdef.npz", {}, ...)

An object becomes a file that the tasks read as any other: an `.npz` of plain arrays, a Parquet file of a table, or an
`.npy` of token ids. `trainables.kept_data` says where it is.
"""

from __future__ import annotations

from trainables.data.objects.keeping import Kept, keep

__all__ = ["Kept", "keep"]
