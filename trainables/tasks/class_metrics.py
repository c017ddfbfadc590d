"""The names of metrics that each class of the data has, such as `ap50_cell_phone`."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from itertools import count

__all__ = ["class_metric_names"]

_MOST = 48
"""The most characters of a name, so that a table of trials can be read."""


def class_metric_names(measure: str, classes: Sequence[str], first: int = 0) -> tuple[str, ...]:
    """Name the metric of each class.

    Args:
        measure: what is measured, such as "ap50".
        classes: the names of the classes.
        first: the number of the first class.

    Returns:
        `<measure>_<class>`, all different and of at most 48 characters: small ASCII letters and digits, and "_" for the
        others. Letters lose their accents. Classes that would be called the same have their numbers behind.
    """
    most = _MOST - len(measure) - 1
    plain = [_plain(name)[:most].strip("_") for name in classes]
    counts = Counter(plain)
    taken = {name for name, times in counts.items() if times == 1}
    found: list[str] = []
    for number, name in enumerate(plain, first):
        title = name
        if counts[name] > 1:
            tried = (_numbered(name, other, most) for other in count(number, len(classes)))
            title = next(one for one in tried if one not in taken)
            taken.add(title)
        found.append(f"{measure}_{title}")
    return tuple(found)


def _plain(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "_", letters.lower()).strip("_") or "class"


def _numbered(name: str, number: int, most: int) -> str:
    ending = f"_{number}"
    return name[: most - len(ending)].rstrip("_") + ending
