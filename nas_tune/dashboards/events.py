"""The event file of one trial, as TensorBoard reads it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tensorboardX.event_file_writer import EventsWriter
from tensorboardX.proto.api_pb2 import Status
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.proto.plugin_hparams_pb2 import HParamsPluginData, SessionEndInfo
from tensorboardX.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboardX.summary import hparams, scalar, text

from nas_tune.ledger import TrialRecord
from nas_tune.ledger.replay import Report
from nas_tune.results.redaction import without_secrets
from search_spaces import Parameter

__all__ = ["Experiment", "TrialFile"]


class Experiment:
    """What TensorBoard gets of the whole search: all hyperparameters that there are, and the optimized metrics.

    It stands in the file of every trial, because TensorBoard reads the first that it meets.
    """

    def __init__(self, parameters: Iterable[Parameter], metrics: Sequence[str]) -> None:
        self._numeric = {parameter.name: parameter.kind != "choice" for parameter in parameters}
        example = {name: 0.0 if numeric else "" for name, numeric in self._numeric.items()}
        self._metrics = dict.fromkeys(metrics, 0.0)
        self._about, _, _ = hparams(example, self._metrics)

    def summaries(self, decisions: Mapping[str, Any]) -> tuple[Any, Any]:
        """For a trial with these decisions."""
        plain = {name: float(value) if self._numeric[name] else _text(str(value)) for name, value in decisions.items()}
        _, session, _ = hparams(plain, self._metrics)
        return self._about, session


class TrialFile:
    """A new event file in `folder`, which may hold others with the epochs up to `epochs`."""

    def __init__(self, folder: Path, epochs: int) -> None:
        folder.mkdir(exist_ok=True)
        # The name holds the time in seconds only; the epochs keep files apart that are opened within one.
        self._writer = EventsWriter(str(folder / "events"), f".{epochs:06}")

    def describe(self, when: float, experiment: Experiment, decisions: Mapping[str, Any], architecture: str) -> None:
        """What the trial decided, and its architecture as text."""
        for summary in experiment.summaries(decisions):
            self._add(when, 0, summary)
        self._add(when, 0, text("architecture", _code(architecture)))

    def reports(self, reports: Iterable[Report]) -> None:
        """The metrics of epochs, at the times when they were measured."""
        for report in reports:
            for name, value in report.metrics.items():
                self._add(report.time, report.epoch, scalar(name, float(value)))
        self._writer.flush()

    def end(self, trial: TrialRecord) -> None:
        """How the trial ended; of a failed one the message too."""
        when = trial.ended or trial.started
        if trial.message:
            self._add(when, trial.epochs, text("failure", _code(f"{trial.failure}: {without_secrets(trial.message)}")))
        status = "STATUS_FAILURE" if trial.state == "failed" else "STATUS_SUCCESS"
        about = HParamsPluginData(
            version=0, session_end_info=SessionEndInfo(status=Status.Value(status), end_time_secs=when)
        )
        plugin = SummaryMetadata.PluginData(plugin_name="hparams", content=about.SerializeToString())
        value = Summary.Value(tag="_hparams_/session_end_info", metadata=SummaryMetadata(plugin_data=plugin))
        self._add(when, trial.epochs, Summary(value=[value]))

    def close(self) -> None:
        """Write what is left."""
        self._writer.close()

    def _add(self, when: float, step: int, summary: Any) -> None:
        self._writer.write_event(Event(wall_time=when, step=step, summary=summary))


def _code(said: str) -> str:
    """Text that the page, which reads Markdown, shows as it is: indented by four is code."""
    return "\n".join(f"    {line}" for line in _text(said).splitlines())


def _text(said: str) -> str:
    """What can be written as UTF-8."""
    return said.encode(errors="backslashreplace").decode()
