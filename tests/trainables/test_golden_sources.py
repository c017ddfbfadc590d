"""Modules are written as source as in earlier versions, and those that cannot be are refused with the same words."""

from __future__ import annotations

import hashlib
import json
import re
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.golden import agrees
from tests.sweeps import quick
from tests.trainables.export.networks import SETTINGS, inputs, member
from trainables.export import Deployed, UntraceableError, source_code_of
from trainables.export.expressions import Bracket, Entry, Number, SourceText, flat, form, numbers, replaced, written
from trainables.export.layers import constructed, literal
from trainables.export.standalone import model_text
from trainables.export.standardized import _normalization
from trainables.export.task_file import task_file_of

FAMILIES = sorted({*SETTINGS} - {"ft_transformer", "mlp", "resnet_mlp", "transformer_lm", "vit", "chain1d"})
LAYERS: dict[str, Callable[[], nn.Module]] = {
    "conv": lambda: nn.Conv2d(3, 4, 3),
    "conv of rectangles": lambda: nn.Conv2d(3, 6, (3, 1), stride=(2, 1), padding=(1, 0), groups=3, bias=False),
    "conv, same": lambda: nn.Conv2d(3, 4, 3, padding="same", dilation=2, padding_mode="circular"),
    "transposed": lambda: nn.ConvTranspose2d(3, 4, 2, 2, output_padding=1),
    "linear": lambda: nn.Linear(4, 5, bias=False),
    "group norm": lambda: nn.GroupNorm(2, 4),
    "pool": lambda: nn.MaxPool2d(3, 2, 1),
    "pool of its size": lambda: nn.MaxPool2d(2),
    "pool of rectangles": lambda: nn.AvgPool2d((2, 3), count_include_pad=False),
    "pool, ceiling": lambda: nn.MaxPool2d(2, ceil_mode=True),
    "adaptive": lambda: nn.AdaptiveAvgPool2d((1, None)),
    "adaptive to one": lambda: nn.AdaptiveAvgPool2d(1),
    "drop": lambda: nn.Dropout(0.25),
    "activation": lambda: nn.LeakyReLU(0.1, inplace=True),
    "gelu": lambda: nn.GELU("tanh"),
    "softmax": lambda: nn.Softmax(dim=-1),
    "upsampling": lambda: nn.Upsample(scale_factor=2.0, mode="bilinear", align_corners=False),
    "lstm": lambda: nn.LSTM(3, 4, num_layers=2, batch_first=True, bidirectional=True),
    "padding": lambda: nn.ZeroPad2d((1, 2, 3, 4)),
    "flatten": lambda: nn.Flatten(1, 2),
    "unflatten": lambda: nn.Unflatten(1, (2, 2)),
    "threshold": lambda: nn.Threshold(0.1, float("-inf")),
}
LITERALS = [True, None, 3, -1, 0.5, float("inf"), float("nan"), "a", 'a"b', "a\\b", (1, 2), (1,), [], ["x", 2.0]]
LITERALS += [torch.float16, torch.channels_last, torch.Size([2, 3]), 1j]


def refused(error: Exception) -> str:
    return f"{type(error).__name__}: {re.sub(r' at 0x[0-9a-f]+', '', str(error))}"


def tried(make: Callable[[], Any]) -> Any:
    try:
        return make()
    except UntraceableError as error:
        return refused(error)


def test_layers_and_values_are_written_as_they_were() -> None:
    found = {name: tried(lambda make=make: flat(constructed(make()))) for name, make in LAYERS.items()}  # type: ignore[misc]
    found |= {f"value {value!r}": tried(lambda value=value: flat(literal(value))) for value in LITERALS}  # type: ignore[misc]
    agrees("source-layers", found)


def row(*names: str, sign: str = " + ") -> Bracket:
    return Bracket("", tuple(Entry("", SourceText(name)) for name in names), "", sign)


def call(name: str, *items: Any, **more: Any) -> Bracket:
    entries = [Entry("", one if not isinstance(one, str) else SourceText(one)) for one in items]
    return Bracket(f"{name}(", (*entries, *(Entry(f"{key}=", one) for key, one in more.items())), ")")


PIECES = {
    "text": SourceText("x"),
    "number": Number(3, "size"),
    "call": call("f", "x", Number(3, "size"), k=Number(1, "kernel")),
    "empty": call("f"),
    "default": Bracket("f(", (Entry("a=", Number(1, "a"), 1), Entry("b=", Number(2, "b"), 1)), ")"),
    "default only": Bracket("f(", (Entry("a=", Number(1, "a"), 1),), ")"),
    "one": Bracket("(", (Entry("", Number(1, "a")),), ")"),
    "sum": row("a", "b", "c"),
    **{f"call of {count}": call("function", "x" * count, "y") for count in (94, 95, 96, 97, 120)},
    **{f"nested of {count}": call("f", call("g", "x" * count, call("h", "y" * 30))) for count in (70, 80)},
    **{f"sum of {count}": call("f", row(*["x" * count] * 3), "y") for count in (30, 35)},
    "list": call("torch.tensor", Bracket("[", tuple(Entry("", Number(place, "size")) for place in range(60)), "]")),
    "dict": Bracket("{", tuple(Entry(f'"{"k" * place}": ', SourceText("value")) for place in range(20)), "}"),
}

GROWING: dict[str, Callable[[int], Any]] = {
    "calls": lambda count: call("f", call("g", "x" * count, call("h", "y" * 30))),
    "sums": lambda count: call("f", row(*["x" * (count // 3)] * 3), "y"),
    "sums alone": lambda count: row(*["x" * (count // 3)] * 4),
    "lists": lambda count: Bracket("[", tuple(Entry("", Number(place, "size")) for place in range(count)), "]"),
    "dicts": lambda count: Bracket("{", (Entry('"a": ', call("f", "x" * count)), Entry('"b": ', call("g"))), "}"),
}
"""How many lines it takes."""


def test_pieces_are_compared_and_broken_into_lines_as_they_were() -> None:
    found: dict[str, Any] = {}
    for name, piece in PIECES.items():
        counts = iter([SourceText("first"), None, *[SourceText("more")] * 99])
        found[name] = {
            "lines": written(piece, 2, "y = "),
            "return": written(piece, 1, "return "),
            "form": hashlib.sha256(repr(form(piece)).encode()).hexdigest()[:8],
            "numbers": [f"{one.value} {one.role}" for one in numbers(piece)],
            "replaced": flat(replaced(piece, counts)),
        }
    for name, make in GROWING.items():
        found[name] = "".join(str(min(9, len(written(make(count), 2, "y = ")))) for count in range(20, 120))
    agrees("source-pieces", found)


class Held(nn.Module):
    """Tensors of every kind that stand in a module, "quoted" and \\ escaped.

    More about it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3, 2))
        self.fine = nn.Parameter(torch.ones(2, dtype=torch.float64))
        self.register_parameter("nothing", None)
        self.register_buffer("kept", torch.ones(()))
        self.register_buffer("none", None)
        self.register_buffer("passing", torch.tensor([1.5, -2.0]), persistent=False)
        self.register_buffer("places", torch.tensor([1, 0]), persistent=False)
        self.register_buffer("unread", torch.ones(9), persistent=False)
        self.plain = torch.tensor([True, False])
        self.short = torch.tensor([0.5], dtype=torch.float16)

    def forward(self, x: Tensor) -> Tensor:
        y = (x @ self.weight + self.fine.float() * self.kept) * self.passing
        return torch.where(self.plain, y[:, self.places], y * self.short.float())


class Long(nn.Module):
    """A class whose docstring is so long that it is broken: it tells of everything it does, of everything that it does not do, and of why."""  # noqa: E501

    def __init__(self, count: int) -> None:
        super().__init__()
        self.table = torch.arange(count, dtype=torch.float32)

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(1, keepdim=True) * self.table


class Containers(nn.Module):
    """Rows of equal layers, named layers, dicts of layers, layers that are not used and those that do nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.two = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
        self.three = nn.Sequential(*(nn.Linear(3, 3) for _ in range(3)), nn.ReLU())
        self.named = nn.Sequential(OrderedDict(first=nn.Linear(3, 3), second=nn.Tanh()))
        self.rows = nn.ModuleList([nn.Linear(3, 3), nn.Sequential(nn.ReLU(), nn.Linear(3, 3))])
        self.table = nn.ModuleDict({"a": nn.Linear(3, 3), "b_2": nn.Identity()})
        self.nothing = nn.Sequential()
        self.absent: nn.Module | None = None
        self.unused = nn.Linear(3, 3)
        self.unused_empty = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        x = self.three(self.two(x)) + self.named(x)
        for layer in self.rows:
            x = layer(x)
        x = self.nothing(self.table["a"](x) + self.table["b_2"](x))
        return self.two[0](x)


class Indexed(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        first, rest = x[:, 0], x[:, 1:]
        parts = [first, rest[..., -1], x[:, None, :2].sum((1, 2)), x[:, ::2].amax(1), x[:, 1:3:2].mean(1), rest[:, 0]]
        halves = x.chunk(2, 1)
        values, _ = x.max(dim=1)
        return torch.stack([*parts, values, halves[0].sum(1), halves[1].sum(1)], dim=-1)


class Signs(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        y = (x + 1) * (x - 2) / (x * x + 3) - (x - (x - 1)) - -x
        z = (y // 2) % 3 + 2 ** y.clamp(-1, 1) - (1 - x) * 2
        w = ((x > 0) & (y >= z)).float() + (x < y).to(x.dtype) + (x <= 0).float()
        return (w @ w.transpose(0, 1)).mean(1, keepdim=True) + torch.add(x, y, alpha=2) + torch.mul(x, z) - (-(x + y))


class Functions(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(1, 2, 3)
        self.scale = 0.5

    def forward(self, x: Tensor) -> Tensor:
        y = functional.pad(self.layer(x), (1, 1, 1, 1), value=float("-inf"))
        y = functional.max_pool2d(y, 3, stride=1, padding=0)
        y = functional.interpolate(y, scale_factor=2.0, mode="nearest")
        y = functional.dropout(y, 0.5, training=self.training) * self.scale
        y = functional.softmax(y.flatten(2), dim=-1).reshape(x.shape[0], 2, -1)
        return torch.cat([y, torch.zeros_like(y), y.new_ones(len(x), 1, y.shape[2])], 1).permute(0, 2, 1).contiguous()


class Deep(nn.Module):
    """What is nested too deeply, or is too long, or is used twice, gets a name."""

    def __init__(self) -> None:
        super().__init__()
        self.lin = nn.Linear(3, 3)
        self.self = nn.Linear(3, 3)

    def forward(self, x: Tensor) -> Tensor:
        lin = torch.relu(torch.tanh(torch.sigmoid(torch.relu(torch.tanh(self.lin(x))))))
        again = self.self(lin) + lin.sin() + torch.cos(lin) + torch.exp(lin) + torch.sqrt(lin.abs() + 1) + lin.square()
        torch_ = again.mean(1, keepdim=True)
        return (torch_ + again) * torch_ + x.sin().cos().tan().sinh().cosh().tanh().sigmoid()


class Several(nn.Module):
    """Several inputs and outputs of several kinds."""

    def forward(self, a: Tensor, b: Tensor) -> tuple[Tensor, list[Tensor], None]:
        return a + b, [a * 2, b], None


class Outer(nn.Module):
    def __init__(self, *inner: nn.Module) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(inner)

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x) + x
        return x


class Block(nn.Module):
    """A layer of some width."""

    def __init__(self, width: int, kernel: int = 1, bias: bool = True) -> None:
        super().__init__()
        self.width = nn.Conv1d(4, width, kernel, padding=kernel // 2, bias=bias)
        self.back = nn.Conv1d(width, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.back(self.width(x).relu())


class Passing(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x


class Numpy(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.tensor(x.numpy() * 2)


class Foreign(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.special.expit(x)


ROWS = (torch.rand(2, 3), torch.rand(3, 3))
IMAGES = (torch.rand(2, 1, 6, 6), torch.rand(3, 1, 6, 6))
MAPS = (torch.rand(2, 4, 5), torch.rand(3, 4, 5))
MODULES: dict[str, tuple[Callable[[], nn.Module], tuple[Any, Any]]] = {
    "held": (Held, ROWS),
    "constant of 4096": (lambda: Long(4096), ROWS),
    "constant of 4097": (lambda: Long(4097), ROWS),
    "constant of 9": (lambda: Long(9), ROWS),
    "containers": (Containers, ROWS),
    "indexed": (Indexed, (torch.rand(2, 4), torch.rand(3, 4))),
    "signs": (Signs, ROWS),
    "functions": (Functions, IMAGES),
    "deep": (Deep, ROWS),
    "several": (Several, tuple({"a": torch.rand(count, 2), "b": torch.rand(count, 2)} for count in (2, 3))),  # type: ignore[dict-item]
    "equal blocks": (lambda: Outer(Block(3), Block(3)), MAPS),
    "blocks of two widths": (lambda: Outer(Block(3), Block(5), Passing()), MAPS),
    "blocks of two kernels": (lambda: Outer(Block(3), Block(5, 3), Block(3, 3)), MAPS),
    "blocks that differ": (lambda: Outer(Block(3), Block(3, bias=False)), MAPS),
    "passing": (lambda: Outer(Passing(), nn.Identity()), MAPS),
    "a sequence": (lambda: nn.Sequential(nn.Conv1d(4, 4, 1), nn.ReLU()), MAPS),
    "a layer": (lambda: nn.Linear(3, 2), ROWS),
    "numpy": (Numpy, ROWS),
    "foreign": (Foreign, ROWS),
}


def test_modules_are_written_as_they_were() -> None:
    found = {}
    for name, (make, batches) in MODULES.items():
        torch.manual_seed(0)

        def text(make: Any = make, batches: Any = batches) -> Any:
            network = make().eval()
            source = source_code_of(network, batches)
            deployed = Deployed(network, batches[0], "any", {}, classes=("a", "b"))
            lines = model_text(deployed, source, ["a fact"]).splitlines()
            places = [place for place, line in enumerate(lines) if line.startswith(("class ", "def "))]
            reading = lines.index(next(line for line in lines if line.startswith("def read_weights")))
            own = lines[places[0] : reading]
            whole = own if len(own) < 99 else [hashlib.sha256("".join(own).encode()).hexdigest()[:12]]
            return {"call": source.call, "unused": list(source.unused), "own": whole, "loading": lines[places[-1] :]}

        found[name] = tried(text)
    agrees("source-modules", found)


@pytest.mark.parametrize("family", quick(FAMILIES, {"darts", "mobilenetv3", "nb201", "unet2d"}))
def test_classes_of_families_are_written_as_they_were(family: str) -> None:
    classes = source_code_of(member(family, 6), (inputs(family, 2), inputs(family, 3))).classes
    sizes = {}
    for text in re.split(r"\n\n\n(?=class |def )", re.sub(r'\n +"""(?:.|\n)*?"""\n', "\n", classes)):
        sizes[text.partition("(")[0]] = [text.count("\n"), hashlib.sha256(text.encode()).hexdigest()[:12]]
    agrees(f"source-classes-{family}", sizes)


def deployed(**more: Any) -> Deployed:
    given = {"network": nn.Linear(4, 2), "inputs": torch.zeros(3, 4), "space": "rows", "architecture": {}}
    return Deployed(**{**given, **more})


def test_task_files_are_what_they_were() -> None:
    class Both(nn.Module):
        def forward(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
            return {"sum": x + y, "first": x}

    two = (torch.zeros(3, 2), torch.zeros(3, 2, dtype=torch.float64))
    made = {
        "plain": deployed(),
        "scaled": deployed(mean=(0.5,), std=(2.0,), classes=("a", "b"), task="classification", task_settings={"x": 1}),
        "prepared": deployed(prepare=lambda raw: raw["a"], raw={"a": torch.zeros(3, 4, dtype=torch.uint8)}),
        "prepared from several": deployed(prepare=lambda one, other: one, raw=(torch.zeros(3, 4), torch.zeros(3, 1))),
        "finished": deployed(finish=torch.exp, reading={"window": [1, 2]}),
        "two inputs": deployed(network=Both(), inputs=two),
        "by name": deployed(network=Both(), inputs={"x": two[0], "y": two[1]}),
    }
    found = {name: json.loads(task_file_of(one, "an id", {"onnx": "raw"}).text()) for name, one in made.items()}
    for name, one in made.items():
        found[f"{name}, normalized"] = [_normalization(one, raw=raw) for raw in (True, False)]
    agrees("source-task-files", found)
