"""The result of a compression, as a table, as Markdown and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from trainables.compression import BATCHES, ENGINE, Compressed, CompressionSettings, CompressionStage
from trainables.export import Deployed
from trainables.export.standardized import described_inputs

__all__ = ["CompressedTrial", "Compression"]

_PACKAGES = ("onnxruntime", "torch-pruning")


@dataclass(frozen=True)
class CompressedTrial:
    """The network that is compressed.

    Attributes:
        run: the name of the run.
        trial: its number.
        origin: where the weights come from, in words.
        retrained: whether the weights are those of a training from scratch.
        deployed: the network before, with its data and inputs.
        identifier: the canonical id of the architecture.
    """

    run: str
    trial: int
    origin: str
    retrained: bool
    deployed: Deployed
    identifier: str
    supernet_parameters: int | None = None
    """The number of parameters of the supernet in which it was found; None for a network that a trial trained."""


@dataclass(frozen=True)
class Compression:
    """A compressed network.

    Attributes:
        folder: of its files.
        made: the network that was compressed.
        plan: the settings.
        result: the measured stages and the files.
        machine: where the latencies were measured, in words.
        versions: of packages, by name.
    """

    folder: Path
    made: CompressedTrial
    plan: CompressionSettings
    result: Compressed
    machine: str
    versions: Mapping[str, str]

    @property
    def stages(self) -> tuple[CompressionStage, ...]:
        """The measured networks: before, after each step, and last the one that is kept."""
        return self.result.stages

    @property
    def steps(self) -> tuple[str, ...]:
        """The steps, in words."""
        plan, done = self.plan, []
        if plan.prune is not None:
            what = "of the channels of each layer" if plan.method == "structured" else "of the weights"
            done.append(f"pruned {plan.prune:g} {what} ({plan.method})")
            if plan.epochs:
                epochs = f"{plan.epochs} epoch{'' if plan.epochs == 1 else 's'}"
                done.append(f"trained on for {epochs} on the training inputs (seed {plan.seed})")
        if plan.quantize is not None:
            done.append(f"quantized to {plan.quantize}, calibrated on {self.result.calibration} training inputs")
        return tuple(done)

    @property
    def measured(self) -> str:
        """The way in which the latencies were measured, in words."""
        threads = f"{self.plan.threads} thread" + ("s" if self.plan.threads > 1 else "")
        return f"{ENGINE}, {threads}, median of 100 runs, the networks taking turns; {self.machine}"

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Make the table of the stages.

        Returns:
            Headers and rows: metrics on the test split, parameters, bytes of the ONNX file, latencies.
        """
        metrics = list(self.stages[0].metrics)
        headers = ["", *(f"test {name}" for name in metrics), "parameters", "non-zero", "file"]
        headers += [f"batch {batch}" for batch in BATCHES]
        return headers, [_row(stage, metrics) for stage in self.stages]

    def summary(self) -> str:
        """Compare the last network with the first.

        Returns:
            One line.
        """
        first, last = self.stages[0], self.stages[-1]
        parts = [f"{name} {last.metrics[name] - first.metrics[name]:+.4f}" for name in first.metrics]
        if first.bytes and last.bytes:
            parts.append(f"file {last.bytes / first.bytes:.0%}")
        if first.seconds and last.seconds:
            times = [f"{last.seconds[batch] / first.seconds[batch]:.0%} (batch {batch})" for batch in BATCHES]
            parts.append(f"time {', '.join(times)}")
        return f"{last.name} against before: {', '.join(parts)}"

    @property
    def doubt(self) -> str:
        """The precision of the metrics: the number of test examples, in words."""
        count = self.made.deployed.splits.get("test", 0)
        if not count:
            return "the number of test examples is not recorded"
        share = f": one of them is {1 / count:.4f} of accuracy" if "accuracy" in self.stages[0].metrics else ""
        return f"{count:,} test examples{share}"

    @property
    def supernet(self) -> str:
        """The size that a supernet run's tables give, which is that of the supernet, in words; empty for other runs."""
        count = self.made.supernet_parameters
        said = "parameters in the tables of the run: those of the supernet in which this network was found"
        return "" if count is None else f"{count:,} {said}"

    @property
    def inputs(self) -> str:
        """The inputs of "model.py" and the ONNX files, in words."""
        deployed = self.made.deployed
        return described_inputs(deployed, raw=self.plan.normalization and deployed.standardizes)

    def text(self) -> str:
        """Write the report.

        Returns:
            Markdown.
        """
        return "\n".join(self._lines()).rstrip() + "\n"

    def to_dict(self) -> dict[str, Any]:
        """Make plain data of the report.

        Returns:
            What "compression.json" holds.
        """
        made, result = self.made, self.result
        return {
            "run": made.run,
            "trial": made.trial,
            "weights": made.origin,
            "retrained": made.retrained,
            "space": made.deployed.space,
            "architecture_id": made.identifier,
            "data": made.deployed.data,
            "folder": str(self.folder),
            "plan": asdict(self.plan),
            "supernet_parameters": made.supernet_parameters,
            "inputs": self.inputs,
            "calibration_examples": result.calibration,
            "stages": [stage.to_dict() for stage in result.stages],
            "tuning": [dict(epoch) for epoch in result.tuning],
            "files": [file.name for file in result.files],
            "greatest_differences": dict(result.differences),
            "measured": self.measured,
            "versions": {**self.versions, **dict(_installed())},
            "notes": list(result.notes),
        }

    def _lines(self) -> Iterator[str]:
        made, result = self.made, self.result
        yield f"# {made.deployed.space}, trial {made.trial} of {made.run}, compressed"
        yield f"\nWeights: {made.origin}.\n"
        yield from (f"- {step}" for step in self.steps)
        headers, rows = self.table()
        yield f"\n| {' | '.join(headers)} |"
        yield f"|---|{'---:|' * (len(headers) - 1)}"
        yield from (f"| {' | '.join(row)} |" for row in rows)
        yield f"\n{self.summary()}."
        yield f"\n- Metrics: of the test split, by the ONNX file of each row that has one; {self.doubt}."
        if any(stage.bytes is None for stage in self.stages):
            yield "- Pruned: its size and speed are those of the fine-tuned network; only the weights differ."
        yield "- Parameters: those that the outputs depend on, so none of heads that only training uses."
        if self.supernet:
            yield f"- {self.supernet}."
        yield f"- Latency: {self.measured}."
        yield "- Nothing of the compression was decided by the test split."
        yield "\n## Files\n"
        yield f"They take {self.inputs}.\n"
        for file in result.files:
            difference = result.differences.get(file.name)
            checked = "" if difference is None else f": loaded in a fresh interpreter, it differs by {difference:.2g}"
            yield f"- `{file.name}`{checked}"
        if result.notes:
            yield "\n## Notes\n"
            yield from (f"- {note}" for note in result.notes)


def _row(stage: CompressionStage, metrics: list[str]) -> list[str]:
    numbers = [f"{stage.metrics[name]:.4f}" for name in metrics]
    size = "-" if stage.bytes is None else f"{stage.bytes / 1000:,.0f} kB"
    times = ["-" if stage.seconds is None else f"{stage.seconds[batch] * 1000:.3f} ms" for batch in BATCHES]
    return [stage.name, *numbers, f"{stage.parameters:,}", f"{stage.nonzero:,}", size, *times]


def _installed() -> Iterator[tuple[str, str]]:
    for name in _PACKAGES:
        try:
            yield name, version(name)
        except PackageNotFoundError:
            continue
