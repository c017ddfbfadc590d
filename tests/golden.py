"""What the package computed once, kept as readable JSON: same seed, same answer, in every version.

    agrees("schedulers", {"asha": verdicts, ..})

Where an answer changes on purpose, `NAS_TUNE_GOLDEN=write make test` (or pytest on the one file) writes the new one;
read the difference before it is committed, since users' runs change with it.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["agrees"]

FOLDER = Path(__file__).parent / "assets" / "golden"


def agrees(name: str, value: object, *, tolerance: float = 1e-9) -> None:
    """Fail with the first differences of `value` from what is kept as `name`.

    Args:
        name: of the file in `tests/assets/golden`, without its ending.
        value: anything that is JSON; tuples count as lists.
        tolerance: of floats, relative to the larger one.
    """
    file = FOLDER / f"{name}.json"
    found = json.loads(json.dumps(value, sort_keys=True))
    if os.environ.get("NAS_TUNE_GOLDEN") == "write":
        file.write_text(json.dumps(found, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
    kept = json.loads(file.read_text(encoding="utf-8"))
    different = list(_differences("", kept, found, tolerance))
    assert not different, f"{name}: {len(different)} differ from {file.name}:\n" + "\n".join(different[:10])


def _differences(where: str, kept: Any, found: Any, tolerance: float) -> Iterator[str]:
    """Where two values differ, and what stands there."""
    if isinstance(kept, dict) and isinstance(found, dict):
        for key in sorted(kept.keys() | found.keys()):
            if key in kept and key in found:
                yield from _differences(f"{where}.{key}", kept[key], found[key], tolerance)
            else:
                yield f"{where}.{key}: {'missing' if key in kept else 'new'}"
    elif isinstance(kept, list) and isinstance(found, list) and len(kept) == len(found):
        for place, (one, other) in enumerate(zip(kept, found, strict=True)):
            yield from _differences(f"{where}[{place}]", one, other, tolerance)
    elif not _equal(kept, found, tolerance):
        yield f"{where}: {kept!r} was kept, {found!r} is found"


def _equal(kept: Any, found: Any, tolerance: float) -> bool:
    """Whether two leaves are the same: floats within the tolerance, all else exactly and of one type."""
    if type(kept) is float and type(found) is float:
        return math.isclose(kept, found, rel_tol=tolerance, abs_tol=tolerance) or (kept != kept and found != found)
    return type(kept) is type(found) and kept == found
