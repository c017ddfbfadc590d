"""A network pruned, trained on and quantized, each stage as an ONNX file that one engine judges and times."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from trainables.compression.measuring import BATCHES, latencies, session, single
from trainables.compression.plan import Compressed, Plan, Stage
from trainables.compression.pruning import pruned, tuned
from trainables.compression.quantization import quantized
from trainables.compression.tracing import used_parameters
from trainables.compression.tuning import Tuning
from trainables.drafts import draft_folder
from trainables.errors import TrainableError, first_line
from trainables.export import Deployed, Exported, export_network
from trainables.export.check import compared_onnx
from trainables.export.exporting import Progress
from trainables.export.onnx import ONNX, write_onnx
from trainables.export.resizing import changed_sizes
from trainables.export.standardized import raw_of, standardized

__all__ = ["INT8", "compress_network"]

INT8 = "model.int8.onnx"


def compress_network(
    deployed: Deployed,
    tuning: Tuning,
    folder: Path,
    plan: Plan,
    *,
    identifier: str = "",
    progress: Progress = lambda what, step, steps: None,
) -> Compressed:
    """Write what `plan` makes of the network into the empty `folder`; the network itself stays as it is.

    As those of an export, its files take raw inputs, where the network has a normalisation of them and the plan does
    not leave it out.

    There will be `model.onnx`, the last network before quantization; with pruning its weights, their architecture and
    where it can be written a `model.py`; with quantization `model.int8.onnx`.

    Raises:
        TrainableError: a setting that cannot be, a package that is missing, or a network that cannot be compressed so.
        DivergedError: the training after pruning did.
        NotTheSameError: a file does not compute what it should.
        OSError: the folder cannot be written.
    """
    plan.check()
    with draft_folder(folder, "aside") as aside:
        return _Work(deployed, tuning, folder, plan, identifier, progress, aside).done()


@dataclass(frozen=True)
class _Made:
    """A stage as a file."""

    name: str
    file: Path | None
    network: nn.Module


class _Work:
    def __init__(
        self,
        deployed: Deployed,
        tuning: Tuning,
        folder: Path,
        plan: Plan,
        identifier: str,
        progress: Progress,
        aside: Path,
    ) -> None:
        own = copy.deepcopy(deployed.network).cpu().to(memory_format=torch.contiguous_format).eval()
        inputs = deployed.inputs.detach().to("cpu", memory_format=torch.contiguous_format)
        self._deployed = replace(deployed, network=own, inputs=inputs)
        self._tuning, self._folder, self._plan, self._aside = tuning, folder, plan, aside
        self._identifier, self._progress = identifier, progress
        self._step, self._epochs = 0, plan.epochs if plan.prune is not None else 0
        self._course: list[Mapping[str, float]] = []
        self._notes: list[str] = []
        self._examples = tuning.examples(max(plan.calibration, *BATCHES))
        self._raw = plan.normalization and deployed.standardizes

    def done(self) -> Compressed:
        """All of it, in order."""
        made = self._floats()
        differences = self._written(made)
        if self._plan.quantize is not None:
            self._tell("quantizing to int8")
            quantized(self._folder / ONNX, self._folder / INT8, self._given(self._examples[: self._plan.calibration]))
            made.append(_Made("int8", self._folder / INT8, made[-1].network))
        stages = self._judged(made)
        if self._plan.quantize is not None:
            differences[INT8] = self._checked(self._folder / INT8)
            self._note_what_int8_costs(*stages[-2:])
        count = min(self._plan.calibration, len(self._examples)) if self._plan.quantize is not None else 0
        files = tuple(sorted(file for file in self._folder.iterdir() if file.is_file()))
        return Compressed(stages, files, differences, tuple(self._course), count, tuple(self._notes))

    def _floats(self) -> list[_Made]:
        """The network before, pruned, and trained on; the last of them is not written yet.

        What is trained on after pruning differs in its weights only, so that it stands for the size of both.
        """
        plan, network = self._plan, self._deployed.network
        networks = {"before": network}
        if plan.prune is not None:
            self._tell(f"pruning {plan.prune:g} ({plan.method})")
            networks["pruned"] = pruned(network, self._deployed.inputs, plan.prune, plan.method)
            self._note_what_stayed(networks["pruned"], plan.prune)
            if plan.epochs:
                networks["fine-tuned"] = self._tuned(networks["pruned"])
        *earlier, last = networks
        made = [self._exported(name, networks[name]) for name in earlier[:1]]
        made += [_Made(name, None, networks[name]) for name in earlier[1:]]
        return [*made, _Made(last, self._folder / ONNX, networks[last])]

    def _note_what_stayed(self, network: nn.Module, share: float) -> None:
        """Say so where structured pruning left much whole."""
        counts = [sum(one.numel() for one in self._used(each)) for each in (self._deployed.network, network)]
        left = counts[1] / max(1, counts[0])
        if self._plan.method == "structured" and left > 1 - share:
            self._notes.append(
                f"structured: {left:.0%} of the parameters are left: channels go by blocks of 16 and 8, one of each "
                "group of a convolution stays, and those of some layers (concatenated over and over, say) cannot go; "
                "--method magnitude reaches every weight"
            )

    def _note_what_int8_costs(self, float_: Stage, small: Stage) -> None:
        """Say so where int8 is no gain in time or size."""
        times = zip((float_.seconds or {}).values(), (small.seconds or {}).values(), strict=True)
        lost = ["slower"] if all(after > before for before, after in times) else []
        lost += ["larger"] if (small.bytes or 0) > (float_.bytes or 0) else []
        if lost:
            self._notes.append(
                f"int8 is {' and '.join(lost)} than {ONNX} here: in small or depthwise layers, quantizing the values "
                "on the way takes more than the sums in int8 save"
            )

    def _used(self, network: nn.Module) -> list[nn.Parameter]:
        return used_parameters(network, self._deployed.inputs)

    def _tuned(self, network: nn.Module) -> nn.Module:
        better, plan = copy.deepcopy(network), self._plan
        epochs = tuned(better, self._tuning, plan.method, seed=plan.seed, epochs=plan.epochs)
        self._tell(f"fine-tuning, epoch 1/{plan.epochs}")
        for metrics in epochs:
            self._course.append(metrics)
            if len(self._course) < plan.epochs:
                self._tell(f"fine-tuning, epoch {len(self._course) + 1}/{plan.epochs}")
        return better

    def _exported(self, name: str, network: nn.Module) -> _Made:
        """A stage that is not kept."""
        self._tell(f"exporting {name}")
        file = self._aside / f"{name}.onnx"
        self._guarded(lambda: write_onnx(self._whole(network), self._given(self._deployed.inputs[:2]), file))
        return _Made(name, file, network)

    def _written(self, made: list[_Made]) -> dict[str, float]:
        """The files of the last network, each loaded in a fresh interpreter."""
        last = made[-1].network
        sizes = changed_sizes(self._deployed.network, last)
        formats = ("onnx",) if self._plan.prune is None else ("safetensors", "py", "onnx")
        self._tell(f"exporting {made[-1].name}, and loading it in a fresh interpreter")
        results = export_network(
            replace(self._deployed, network=last, layers=sizes),
            self._folder,
            formats,
            identifier=self._identifier,
            normalization=self._plan.normalization,
        )
        found: dict[str, float] = {}
        for one in results:
            self._take(one, found)
        return found

    def _take(self, one: Exported, found: dict[str, float]) -> None:
        if one.format == "onnx" and not one.files:
            raise TrainableError(f"this network cannot be measured without ONNX: {one.problem}")
        if one.problem:
            self._notes.append(f"{one.format}: {one.problem}")
        if one.difference is not None:
            found[one.files[0].name] = one.difference

    def _judged(self, made: list[_Made]) -> tuple[Stage, ...]:
        sessions = {one.name: session(one.file, self._plan.threads) for one in made if one.file is not None}
        self._tell("judging on the test split")
        with torch.no_grad():
            runs = {one.name: self._run_of(one, sessions) for one in made}
            metrics = {name: self._tuning.judge(run, "test") for name, run in runs.items()}
        self._tell("measuring latency")
        seconds = latencies(sessions, self._given(self._examples))
        return tuple(self._stage(one, metrics[one.name], seconds.get(one.name)) for one in made)

    def _run_of(self, one: _Made, sessions: Mapping[str, Any]) -> Callable[[Tensor], Tensor]:
        """What a stage makes of inputs as the network expects them; its file may take raw ones."""
        if one.file is None:
            return one.network
        run = single(sessions[one.name])
        return lambda inputs: run(self._given(inputs))

    def _whole(self, network: nn.Module) -> nn.Module:
        """The network as files have it: with the normalisation of its inputs, or without."""
        return standardized(replace(self._deployed, network=network)) if self._raw else network

    def _given(self, inputs: Tensor) -> Tensor:
        """What a file is given for these inputs of the network."""
        return raw_of(self._deployed, inputs) if self._raw else inputs

    def _stage(self, one: _Made, metrics: Mapping[str, float], seconds: list[float] | None) -> Stage:
        parameters = self._used(one.network)
        kept = one.file.name if one.file is not None and one.file.parent == self._folder else None
        return Stage(
            one.name,
            metrics,
            sum(parameter.numel() for parameter in parameters),
            sum(int(parameter.count_nonzero()) for parameter in parameters),
            None if one.file is None else one.file.stat().st_size,
            None if seconds is None else dict(zip(BATCHES, seconds, strict=True)),
            kept,
        )

    def _checked(self, file: Path) -> float:
        """How far an ONNX file in a fresh interpreter is from what was judged here."""
        self._tell("loading int8 in a fresh interpreter")
        batches = {"1": self._given(self._examples[:1]).clone(), "all": self._given(self._examples[:64]).clone()}
        run = single(session(file, self._plan.threads))
        return compared_onnx(file, batches, {name: run(inputs) for name, inputs in batches.items()})

    def _guarded(self, export: Callable[[], Any]) -> None:
        try:
            export()
        except (OSError, TrainableError):
            raise
        except Exception as error:
            # A network may raise anything inside torch's exporter.
            raise TrainableError(
                "this network cannot be measured without ONNX: "
                f"torch cannot export it: {type(error).__name__}: {first_line(error)}"
            ) from error

    def _tell(self, what: str) -> None:
        pruning = 0 if self._plan.prune is None else 2 + self._epochs
        total = 3 + pruning + 2 * (self._plan.quantize is not None)
        self._progress(what, self._step, total)
        self._step += 1
