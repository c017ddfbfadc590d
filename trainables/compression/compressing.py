"""Prune, fine-tune and quantize a network; each stage is an ONNX file, and one engine evaluates and times them all."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from trainables.compression.measuring import BATCHES, as_function, latencies, session
from trainables.compression.pruning import pruned, tuned
from trainables.compression.settings import Compressed, CompressionSettings, CompressionStage
from trainables.compression.tracing import used_parameters
from trainables.compression.tuning import Tuning
from trainables.drafts import draft_folder
from trainables.errors import TrainableError, first_line
from trainables.export import Deployed, export_network
from trainables.export.check import compared_onnx
from trainables.export.exporting import ProgressCallback
from trainables.export.naming import named_inputs, with_names
from trainables.export.onnx import ONNX, write_onnx
from trainables.export.quantization import quantized
from trainables.export.resizing import changed_sizes
from trainables.export.standardized import described_inputs, raw_of, standardized
from trainables.training.batches import Batch, called, length, mapped
from trainables.training.carrying import is_recurrent

__all__ = ["INT8", "compress_network"]

INT8 = "model.int8.onnx"


def compress_network(
    deployed: Deployed,
    tuning: Tuning,
    folder: Path,
    settings: CompressionSettings,
    *,
    identifier: str = "",
    progress: ProgressCallback = lambda what, step, steps: None,
) -> Compressed:
    """Prune, fine-tune and quantize a network as the settings say, and measure each stage; the network does not change.

    The files are `model.onnx`, the last network before quantization; with pruning also its weights, their architecture
    and a `model.py` if it can be written; with quantization `model.int8.onnx`. Like the files of an export, they take
    raw inputs if the network has a normalisation of its inputs and the settings do not leave it out.

    Args:
        deployed: the trained network with examples of its inputs.
        tuning: calibration examples, evaluation and training for the task of the network.
        folder: an empty folder for the files.
        settings: how to compress.
        identifier: the id of the architecture, which the files carry; default none.
        progress: called with what is done, the step (from 0) and the number of steps; default does nothing.

    Returns:
        The measured stages and the files.

    Raises:
        TrainableError: a setting is invalid, a package is missing, or the network cannot be compressed so.
        DivergedError: the training after pruning diverged.
        NotTheSameError: a file computes other outputs than the network.
        OSError: the folder cannot be written.
    """
    settings.check()
    with draft_folder(folder, "aside") as aside:
        return _Compression(deployed, tuning, folder, settings, identifier, progress, aside).run()


def _on_cpu(tensor: Tensor) -> Tensor:
    return tensor.detach().to("cpu", memory_format=torch.contiguous_format)


@dataclass(frozen=True)
class _Made:
    """The network of a stage, and its ONNX file if there is one."""

    name: str
    file: Path | None
    network: nn.Module


class _Compression:
    """One call of `compress_network`; `aside` is a folder for the files of stages that are not kept."""

    def __init__(
        self,
        deployed: Deployed,
        tuning: Tuning,
        folder: Path,
        settings: CompressionSettings,
        identifier: str,
        progress: ProgressCallback,
        aside: Path,
    ) -> None:
        own = copy.deepcopy(deployed.network).cpu().to(memory_format=torch.contiguous_format).eval()
        self._deployed = replace(deployed, network=own, inputs=mapped(_on_cpu, deployed.inputs))
        self._tuning, self._folder, self._settings, self._aside = tuning, folder, settings, aside
        self._identifier, self._progress = identifier, progress
        self._step, self._epochs = 0, settings.epochs if settings.prune is not None else 0
        self._fine_tuning: list[Mapping[str, float]] = []
        self._notes: list[str] = []
        self._examples = tuning.examples(max(settings.calibration, *BATCHES))
        self._raw = settings.normalization and deployed.standardizes
        if deployed.prepare is not None or deployed.finish is not None:
            self._notes.append(
                f"the files take {described_inputs(deployed, raw=False)}; nas-tune export writes files for raw inputs"
            )
        with torch.no_grad():
            self._form = called(own, self._deployed.inputs)

    def run(self) -> Compressed:
        """Make, write and measure all stages, in order."""
        settings = self._settings
        made = self._float_stages()
        differences = self._written(made)
        if settings.quantize is not None:
            self._report("quantizing to int8")
            given = self._file_inputs(self._first(settings.calibration))
            quantized(self._folder / ONNX, self._folder / INT8, given)
            made.append(_Made("int8", self._folder / INT8, made[-1].network))
        stages = self._measured(made)
        if is_recurrent(made[0].network):
            self._note_state(made[0].network)
        if settings.quantize is not None:
            differences[INT8] = self._difference(self._folder / INT8)
            self._note_costs_of_int8(*stages[-2:])
        count = min(settings.calibration, length(self._examples)) if settings.quantize is not None else 0
        files = tuple(sorted(file for file in self._folder.iterdir() if file.is_file()))
        return Compressed(stages, files, differences, tuple(self._fine_tuning), count, tuple(self._notes))

    def _float_stages(self) -> list[_Made]:
        """Return the network before pruning, pruned, and fine-tuned; the file of the last one is not written yet.

        The fine-tuned network differs from the pruned one in its weights only: its file gives the size of both.
        """
        settings, network = self._settings, self._deployed.network
        networks = {"before": network}
        if settings.prune is not None:
            self._report(f"pruning {settings.prune:g} ({settings.method})")
            networks["pruned"] = pruned(network, self._deployed.inputs, settings.prune, settings.method)
            self._note_low_reduction(networks["pruned"], settings.prune)
            if settings.epochs:
                networks["fine-tuned"] = self._fine_tuned(networks["pruned"])
        *earlier, last = networks
        made = [self._exported(name, networks[name]) for name in earlier[:1]]
        made += [_Made(name, None, networks[name]) for name in earlier[1:]]
        return [*made, _Made(last, self._folder / ONNX, networks[last])]

    def _note_low_reduction(self, network: nn.Module, share: float) -> None:
        """Add a note if structured pruning has left more than `1 - share` of the parameters."""
        before = sum(parameter.numel() for parameter in self._used(self._deployed.network))
        after = sum(parameter.numel() for parameter in self._used(network))
        left = after / max(1, before)
        if self._settings.method == "structured" and left > 1 - share:
            self._notes.append(
                f"structured: {left:.0%} of the parameters are left: channels go by blocks of 16 and 8, one of each "
                "group of a convolution stays, and those of some layers (concatenated over and over, say) cannot go; "
                "--method magnitude reaches every weight"
            )

    def _note_state(self, network: nn.Module) -> None:
        """Add a note on the state that the files of a recurrent network do not carry, and what it is worth."""
        with torch.no_grad():
            metrics = self._tuning.judge(network, "test")
        listed = ", ".join(f"{name} {value:.4f}" for name, value in metrics.items())
        self._notes.append(
            "the network is recurrent, and its files begin each example without a state, so that each stage is judged "
            f"without one; with its state carried, the network before compression has {listed} on the test split"
        )

    def _note_costs_of_int8(self, float_: CompressionStage, small: CompressionStage) -> None:
        """Add a note if the int8 file is slower at every batch size, or larger, than the float one."""
        times = zip((float_.seconds or {}).values(), (small.seconds or {}).values(), strict=True)
        lost = ["slower"] if all(after > before for before, after in times) else []
        lost += ["larger"] if (small.bytes or 0) > (float_.bytes or 0) else []
        if lost:
            self._notes.append(
                f"int8 is {' and '.join(lost)} than {ONNX} here: in small or depthwise layers, quantizing the "
                "activations costs more than the arithmetic in int8 saves"
            )

    def _used(self, network: nn.Module) -> list[nn.Parameter]:
        return used_parameters(network, self._deployed.inputs)

    def _fine_tuned(self, network: nn.Module) -> nn.Module:
        better, settings = copy.deepcopy(network), self._settings
        epochs = tuned(better, self._tuning, settings.method, seed=settings.seed, epochs=settings.epochs)
        self._report(f"fine-tuning, epoch 1/{settings.epochs}")
        for metrics in epochs:
            self._fine_tuning.append(metrics)
            if len(self._fine_tuning) < settings.epochs:
                self._report(f"fine-tuning, epoch {len(self._fine_tuning) + 1}/{settings.epochs}")
        return better

    def _exported(self, name: str, network: nn.Module) -> _Made:
        """Write the ONNX file of a stage that is measured and not kept."""
        self._report(f"exporting {name}")
        file = self._aside / f"{name}.onnx"
        try:
            whole = standardized(replace(self._deployed, network=network)) if self._raw else network
            two = mapped(lambda one: one[:2], self._deployed.inputs)
            write_onnx(whole, raw_of(self._deployed, two) if self._raw else two, file)
        except (OSError, TrainableError):
            raise
        except Exception as error:
            # A network may raise anything inside torch's exporter.
            raise TrainableError(
                "compression measures networks as ONNX files, and torch cannot export this one: "
                f"{type(error).__name__}: {first_line(error)}"
            ) from error
        return _Made(name, file, network)

    def _written(self, made: list[_Made]) -> dict[str, float]:
        """Write the files of the last float network.

        Returns:
            By name of a file, the greatest difference of its outputs in a fresh interpreter.
        """
        last = made[-1].network
        sizes = changed_sizes(self._deployed.network, last)
        formats = ("onnx",) if self._settings.prune is None else ("safetensors", "py", "onnx")
        self._report(f"exporting {made[-1].name}, and loading it in a fresh interpreter")
        results = export_network(
            replace(self._deployed, network=last, layers=sizes),
            self._folder,
            formats,
            identifier=self._identifier,
            normalization=self._raw,
        )
        differences: dict[str, float] = {}
        for one in results:
            if one.format == "onnx" and not one.files:
                raise TrainableError(
                    f"compression measures networks as ONNX files, and this one has none: {one.problem}"
                )
            if one.problem:
                self._notes.append(f"{one.format}: {one.problem}")
            if one.difference is not None:
                differences[one.files[0].name] = one.difference
        return differences

    def _measured(self, made: list[_Made]) -> tuple[CompressionStage, ...]:
        """Evaluate all stages on the test split, and measure the latency of those with a file."""
        sessions = {one.name: session(one.file, self._settings.threads) for one in made if one.file is not None}
        self._report("evaluating on the test split")
        with torch.no_grad():
            metrics = {one.name: self._tuning.judge(self._run_of(one, sessions), "test") for one in made}
        self._report("measuring latency")
        seconds = latencies(sessions, self._file_inputs(self._examples))
        return tuple(self._stage(one, metrics[one.name], seconds.get(one.name)) for one in made)

    def _run_of(self, one: _Made, sessions: Mapping[str, Any]) -> Callable[..., Batch]:
        """Return a stage as a function of inputs in the form that the network expects; its file may take raw ones."""
        if one.file is None:
            # Without its method `unroll`, so that no state is carried, as by a file.
            return one.network.__call__
        run, own = as_function(sessions[one.name]), self._deployed
        kept = one.file.parent == self._folder

        def judged(*inputs: Tensor, **named: Tensor) -> Batch:
            outputs = run(self._file_inputs(named or (inputs if len(inputs) > 1 else inputs[0])))
            if kept and own.output_mean and not own.is_scaled:
                # A kept file gives the targets in their own units, and the task judges what the network gives.
                outputs = (outputs - torch.tensor(own.output_mean)) / torch.tensor(own.output_std)
            return with_names(self._form, outputs) if isinstance(outputs, dict) else outputs

        return judged

    def _file_inputs(self, inputs: Batch) -> dict[str, Tensor]:
        """Return the inputs of a file, by name, that correspond to these inputs of the network."""
        given = raw_of(self._deployed, inputs) if self._raw else inputs
        return named_inputs(self._deployed.network, given)

    def _first(self, count: int) -> Batch:
        """Return the first examples for calibration."""
        return mapped(lambda one: one[:count], self._examples)

    def _stage(self, one: _Made, metrics: Mapping[str, float], seconds: list[float] | None) -> CompressionStage:
        parameters = self._used(one.network)
        kept = one.file.name if one.file is not None and one.file.parent == self._folder else None
        return CompressionStage(
            one.name,
            metrics,
            sum(parameter.numel() for parameter in parameters),
            sum(int(parameter.count_nonzero()) for parameter in parameters),
            None if one.file is None else one.file.stat().st_size,
            None if seconds is None else dict(zip(BATCHES, seconds, strict=True)),
            kept,
        )

    def _difference(self, file: Path) -> float:
        """Return the greatest difference between an ONNX file's outputs in a fresh interpreter and in this process."""
        self._report("loading int8 in a fresh interpreter")
        batches = {"1": self._file_inputs(self._first(1)), "all": self._file_inputs(self._first(64))}
        run = as_function(session(file, self._settings.threads))
        return compared_onnx(file, batches, {name: run(inputs) for name, inputs in batches.items()})

    def _report(self, what: str) -> None:
        """Report the next step, with its number and the number of all steps."""
        pruning = 0 if self._settings.prune is None else 2 + self._epochs
        total = 3 + pruning + 2 * (self._settings.quantize is not None)
        self._progress(what, self._step, total)
        self._step += 1
