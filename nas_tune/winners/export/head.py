"""The YAML head of a model card, as the Hugging Face Hub reads it.

Every text is a quoted string of JSON, which is one of YAML, without characters that cannot be printed. Only known facts
are in it: a data set that has a name which the Hub allows, and metrics that were measured.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from nas_tune.winners.export.facts import Facts

__all__ = ["LIBRARY", "dataset_name", "yaml_head"]

LIBRARY = "nas-tune"
_HUB_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}(/[A-Za-z0-9][A-Za-z0-9._-]{0,95})?")
_TAGS = {"onnx": "onnx", "pt2": "pytorch", "py": "pytorch", "safetensors": "safetensors"}


def yaml_head(facts: Facts, formats: Mapping[str, bool]) -> str:
    """Write the head.

    Args:
        facts: of the network.
        formats: whether each format of the export has its files.

    Returns:
        YAML between two lines of three dashes.
    """
    return "\n".join(["---", *_lines(_content(facts, formats)), "---"])


def _content(facts: Facts, formats: Mapping[str, bool]) -> dict[str, Any]:
    deployed = facts.deployed
    tags = ["neural-architecture-search", deployed.space]
    tags += [_TAGS.get(name, name) for name, done in formats.items() if done]
    name = dataset_name(deployed.data)
    content: dict[str, Any] = {"library_name": LIBRARY, "tags": list(dict.fromkeys(tags))}
    if deployed.pipeline:
        content["pipeline_tag"] = deployed.pipeline
    is_hub_name = _HUB_NAME.fullmatch(name) is not None
    if is_hub_name:
        content["datasets"] = [name]
    measured = {metric: value for metric, value in (facts.test or {}).items() if math.isfinite(value)}
    if not measured:
        return content
    kind = deployed.pipeline or deployed.task.rpartition(":")[2] or "other"
    metrics = [{"type": metric, "name": f"test {metric}", "value": value} for metric, value in measured.items()]
    result = {
        "task": {"type": kind},
        "dataset": {"name": name or "not told", "type": name if is_hub_name else "other", "split": "test"},
        "metrics": metrics,
    }
    content["metrics"] = list(measured)
    content["model-index"] = [{"name": f"{facts.run}-{facts.trial}", "results": [result]}]
    return content


def dataset_name(data: str) -> str:
    """Shorten the name of a data set.

    Args:
        data: a name, or the path of a file or folder.

    Returns:
        The name, without the folders and the ending of a path.
    """
    last = data.replace("\\", "/").rstrip("/").rpartition("/")[2]
    return re.sub(r"\.(parquet|csv|tsv|npz|npy|txt)(\.gz)?$", "", last)


def _lines(value: Any, indent: str = "") -> Iterator[str]:
    """YAML in blocks."""
    items = value.items() if isinstance(value, dict) else ((None, one) for one in value)
    for key, one in items:
        lead = f"{indent}- " if key is None else f"{indent}{key}:"
        if not isinstance(one, dict | list):
            yield f"{lead}{'' if key is None else ' '}{_scalar(one)}"
        elif key is None:
            first, *rest = _lines(one, f"{indent}  ")
            yield f"{lead}{first.lstrip()}"
            yield from rest
        else:
            yield lead
            yield from _lines(one, f"{indent}  " if isinstance(one, dict) else indent)


def _scalar(value: object) -> str:
    if isinstance(value, str):
        plain = "".join(letter if letter.isprintable() else " " for letter in value)
        return json.dumps(plain, ensure_ascii=False)
    return json.dumps(value)
