"""The format `model.py`: the source of a network with functions that read its weights and normalise its inputs."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from trainables.export.deployed import Deployed
from trainables.export.expressions import Bracket, Entry, SourceText, written
from trainables.export.format import Format, Work
from trainables.export.layers import literal
from trainables.export.source import SourceCode, source_code_of
from trainables.export.standardized import described_inputs, raw_examples, with_raw_inputs
from trainables.export.weights import WEIGHTS, write_weights
from trainables.training.batches import Batch, called, mapped

__all__ = ["FORMAT", "MODEL", "model_text", "write_model"]

MODEL = "model.py"
_OPERATIONS = "torchvision.ops."

_READ = '''
def read_weights(path: str | Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file: a length, a JSON header with types, shapes and places, then the numbers."""
    content = bytearray(Path(path).read_bytes())
    start = 8 + int.from_bytes(content[:8], "little")
    weights = {}
    for name, entry in json.loads(content[8:start]).items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        numbers = torch.frombuffer(content[start + begin : start + end], dtype=DTYPES[entry["dtype"]])
        weights[name] = numbers.reshape(entry["shape"])
    return weights
'''

_STANDARDIZED = '''
class Standardized(nn.Module):
    """A network for raw inputs."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, raw: Tensor) -> Tensor:
        return self.network(normalize(raw))
'''

_DTYPES = """
DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
"""


def write_model(
    deployed: Deployed, batches: tuple[Any, Any], facts: Sequence[str], path: Path, *, raw: bool = True
) -> None:
    """Write `model.py`.

    Args:
        deployed: the network.
        batches: two batches of inputs of different sizes, (n, ...), each a tensor, a tuple, or a dict; raw ones if the
            file takes raw inputs by a `prepare` or `finish` of the network.
        facts: lines for the docstring of the file.
        path: the file.
        raw: whether its `load` gives a network for raw inputs, by default, if the network says how they are changed.

    Raises:
        UntraceableError: the network cannot be written as source.
    """
    inside = raw and (deployed.prepare is not None or deployed.finish is not None)
    whole = with_raw_inputs(deployed) if inside else deployed.network
    text = model_text(deployed, source_code_of(whole, batches), facts, raw=raw)
    path.write_text(text, encoding="utf-8")


def model_text(deployed: Deployed, source: SourceCode, facts: Sequence[str], *, raw: bool = True) -> str:
    """Write the text of `model.py`.

    Args:
        deployed: the network.
        source: the source of the network.
        facts: lines for the docstring of the file.
        raw: the default of `raw` in its `load`, if the network has a mean and a deviation of raw inputs.

    Returns:
        The text.
    """
    composed = raw and (deployed.prepare is not None or deployed.finish is not None)
    if composed:
        return _composed(deployed, source, facts)
    raw = raw and deployed.standardizes
    head = [
        _document(deployed, source, facts, raw),
        _imports(source),
        f"{_DTYPES.strip()}\n",
        *_constants(deployed, source),
    ]
    normalize = [_normalize(deployed), _STANDARDIZED] if deployed.standardizes else []
    functions = [source.classes, *normalize, _READ, _load(deployed, source, raw), _main(deployed, deployed.inputs)]
    return "\n".join([*head, *(f"\n{part.strip()}\n" for part in functions)])


def _composed(deployed: Deployed, source: SourceCode, facts: Sequence[str]) -> str:
    """The text of a file whose root prepares raw inputs, calls the network, and finishes its outputs."""
    used = tuple(name.removeprefix("network.") for name in source.unused)
    own = replace(source, unused=used)
    head = [_document(deployed, own, facts, True), _imports(own), f"{_DTYPES.strip()}\n", *_constants(deployed, own)]
    kept = (
        "    weights = {name: tensor for name, tensor in weights.items() if not name.startswith(UNUSED)}\n"
        if own.unused
        else ""
    )
    load = f'''def load(path: str | Path | None = None, *, raw: bool = True) -> nn.Module:
    """The trained network, in evaluation mode on the CPU; by default with the weights beside this file.

    It takes raw inputs, or without `raw` those that `{source.call.partition("(")[0]}` makes of them.
    """
    whole = {source.call}
    weights = read_weights(path or Path(__file__).with_name("{WEIGHTS}"))
{kept}    whole.network.load_state_dict(weights, assign=True)
    return (whole if raw else whole.network).eval()
'''
    functions = [source.classes, _READ, load, _main(deployed, raw_examples(deployed))]
    return "\n".join([*head, *(f"\n{part.strip()}\n" for part in functions)])


def _document(deployed: Deployed, source: SourceCode, facts: Sequence[str], raw: bool) -> str:
    if isinstance(deployed.inputs, Tensor):
        shape = ", ".join(["n", *map(str, deployed.inputs.shape[1:])])
        given, call = f"inputs ({shape})", "network(inputs)"
    else:
        examples = raw_examples(deployed) if raw else deployed.inputs
        names = list(examples) if isinstance(examples, dict) else list(deployed.named)
        given = "inputs " + ", ".join(names)
        call = f"network({', '.join(f'{one}={one}' if isinstance(examples, dict) else one for one in names)})"
    title = f"A network of the space {_safe(deployed.space)}: {given} to outputs, in evaluation mode."
    lines = [title, ""]
    for fact in facts:
        lines += textwrap.wrap(_safe(fact), 116, subsequent_indent="    ", break_on_hyphens=False) or [""]
    lines += [
        "",
        "Needs torch and torchvision only:" if _OPERATIONS in source.classes else "Needs torch only:",
        "",
        "    from model import load",
        "",
        f"    network = load()  # weights from {WEIGHTS} beside this file",
        f"    outputs = {call}",
        "",
        *textwrap.wrap(f"Inputs are {described_inputs(deployed, raw=raw)}.", 116),
    ]
    if deployed.standardizes:
        other = ["load(raw=True) takes raw inputs.", "load(raw=False) takes what `normalize` makes of raw inputs."][raw]
        lines.append(other)
    return '"""' + "\n".join(lines).rstrip() + '\n"""\n'


def _imports(source: SourceCode) -> str:
    own = "from collections import OrderedDict\n" if "OrderedDict(" in source.classes else ""
    functional = "import torch.nn.functional as F\n" if "F." in source.classes else ""
    operations = "import torchvision\n" if _OPERATIONS in source.classes else ""
    return (
        f"from __future__ import annotations\n\nimport json\n{own}from pathlib import Path\n\n"
        f"import torch\n{functional}{operations}from torch import Tensor, nn\n"
    )


def _constants(deployed: Deployed, source: SourceCode) -> list[str]:
    found = []
    if deployed.classes:
        found.append(_tuple("CLASSES", deployed.classes))
    if deployed.standardizes:
        said = "# Of raw inputs, a channel each: the network was trained on (raw - MEAN) / STD.\n"
        found += [said + _tuple("MEAN", deployed.mean) + _tuple("STD", deployed.std)]
    if source.unused:
        said = "# What only training uses, and the file of weights holds too.\n"
        found.append(said + _tuple("UNUSED", source.unused))
    return found


def _tuple(name: str, values: Sequence[Any]) -> str:
    items = tuple(Entry("", SourceText(repr(one)) if isinstance(one, float) else literal(one)) for one in values)
    return "\n".join(written(Bracket("(", items, ")"), 0, f"{name} = ")) + "\n"


def _normalize(deployed: Deployed) -> str:
    shape = ", ".join(["1", str(len(deployed.mean)), *["1"] * (deployed.inputs.dim() - 2)])
    return f'''
def normalize(raw: Tensor) -> Tensor:
    """Raw inputs, with the values that the data set has, as the network was trained on them."""
    mean = torch.tensor(MEAN, dtype={deployed.inputs.dtype}, device=raw.device).view({shape})
    std = torch.tensor(STD, dtype={deployed.inputs.dtype}, device=raw.device).view({shape})
    return (raw.to({deployed.inputs.dtype}) - mean) / std
'''


def _load(deployed: Deployed, source: SourceCode, raw: bool) -> str:
    root = source.call.partition("(")[0]
    kept = (
        "    weights = {name: tensor for name, tensor in weights.items() if not name.startswith(UNUSED)}\n"
        if source.unused
        else ""
    )
    signature, given, said = f"path: str | Path | None = None) -> {root}", "network", ""
    if deployed.standardizes:
        signature = f"path: str | Path | None = None, *, raw: bool = {raw}) -> nn.Module"
        given = "(Standardized(network) if raw else network)"
        said = "\n\n    It takes raw inputs, or without `raw` those that `normalize` gives.\n    "
    return f'''def load({signature}:
    """The trained network, in evaluation mode on the CPU; by default with the weights beside this file.{said}"""
    network = {source.call}
    weights = read_weights(path or Path(__file__).with_name("{WEIGHTS}"))
{kept}    network.load_state_dict(weights, assign=True)
    return {given}.eval()
'''


def _main(deployed: Deployed, examples: Batch) -> str:
    if isinstance(examples, dict):
        given = ", ".join(f"{name}={_made(one)}" for name, one in examples.items())
    else:
        given = ", ".join(_made(one) for one in (examples if isinstance(examples, tuple) else (examples,)))
    with torch.no_grad():
        outputs = called(deployed.network, deployed.inputs)
    shown = f"tuple(load()({given}).shape)" if isinstance(outputs, Tensor) else f"load()({given})"
    return f"""
if __name__ == "__main__":
    with torch.no_grad():
        print({shown})
"""


def _made(tensor: Tensor) -> str:
    """Source of two inputs of a shape."""
    shape = ", ".join(map(str, (2, *tensor.shape[1:])))
    if tensor.is_floating_point():
        return f"torch.rand({shape})"
    return f"torch.zeros({shape}, dtype={tensor.dtype})"


def _safe(text: str) -> str:
    return text.replace("\\", "/").replace('"""', "'''")


def _write(work: Work, folder: Path) -> None:
    write_weights(work.own.network, folder / WEIGHTS)
    composed = work.own.prepare is not None or work.own.finish is not None
    examples = work.given_examples if composed else work.own.inputs
    batches = mapped(lambda one: one[:2], examples), mapped(lambda one: one[:3], examples)
    write_model(work.own, batches, work.facts, folder / MODEL, raw=work.raw)


FORMAT = Format(
    files=(MODEL, WEIGHTS),
    write=_write,
    loads="sys.path.insert(0, place)\nimport model\nrun = model.load()",
    shows="python model.py                 # prints the shape of its outputs; in code: from model import load",
)
