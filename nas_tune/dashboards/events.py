"""The event file of one trial, as TensorBoard reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
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
from trainables.metrics import titled

__all__ = ["Experiment", "TrialFile"]


class Experiment:
    """The description of the whole search for TensorBoard: all hyperparameters, and the optimized metrics.

    Every trial's file contains it, because TensorBoard reads only the first description that it finds.

    Args:
        parameters: the parameters of the space.
        metrics: the names of the optimized metrics.
    """

    def __init__(self, parameters: Iterable[Parameter], metrics: Sequence[str]) -> None:
        self._numeric = {parameter.name: parameter.kind != "choice" for parameter in parameters}
        example = {name: 0.0 if numeric else "" for name, numeric in self._numeric.items()}
        self._metrics = dict.fromkeys(metrics, 0.0)
        self._about, _, _ = hparams(example, self._metrics)

    def summaries(self, decisions: Mapping[str, Any]) -> tuple[Any, Any]:
        """Make the two summaries that begin the file of a trial.

        Args:
            decisions: the active parameters of the trial, by name.

        Returns:
            The summary of the whole search, and that of the trial's hyperparameters.
        """
        plain = {name: float(value) if self._numeric[name] else _text(str(value)) for name, value in decisions.items()}
        _, session, _ = hparams(plain, self._metrics)
        return self._about, session


class TrialFile:
    """A new event file of one trial, beside those of earlier sessions.

    Args:
        folder: the folder of the trial's event files; it is created if it does not exist.
        epochs: the number of epochs that earlier files of the folder hold.
        unit: returns the unit of a metric by its name, which stands in the title of its chart.
    """

    def __init__(self, folder: Path, epochs: int, unit: Callable[[str], str]) -> None:
        self._unit = unit
        folder.mkdir(exist_ok=True)
        # The name holds the time in whole seconds; the epochs keep files apart that are opened within one second.
        self._writer = EventsWriter(str(folder / "events"), f".{epochs:06}")

    def describe(self, when: float, experiment: Experiment, decisions: Mapping[str, Any], architecture: str) -> None:
        """Write the decisions of the trial, and its architecture as text.

        Args:
            when: the time of the entries, in seconds since 1970.
            experiment: the description of the whole search.
            decisions: the active parameters of the trial, by name.
            architecture: the architecture as text.
        """
        for summary in experiment.summaries(decisions):
            self._add(when, 0, summary)
        self._add(when, 0, text("architecture", _code(architecture)))

    def costs(self, when: float, values: Mapping[str, float]) -> None:
        """Write what the architecture costs, at step 0.

        Args:
            when: the time of the entries, in seconds since 1970.
            values: the costs by name.
        """
        for name, value in values.items():
            self._scalar(when, 0, name, value)

    def reports(self, reports: Iterable[Report]) -> None:
        """Write the metrics of epochs, with the times at which they were reported.

        Args:
            reports: the reports of the epochs, in order.
        """
        for report in reports:
            for name, value in report.metrics.items():
                self._scalar(report.time, report.epoch, name, value)
        self._writer.flush()

    def end(self, trial: TrialRecord) -> None:
        """Write how the trial ended, with the error message of a failed trial.

        Args:
            trial: the trial, as the ledger records it.
        """
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
        """Write what is buffered, and close the file."""
        self._writer.close()

    def _scalar(self, when: float, step: int, name: str, value: float) -> None:
        unit = self._unit(name)
        self._add(when, step, scalar(name, float(value), display_name=titled(name, unit) if unit else ""))

    def _add(self, when: float, step: int, summary: Any) -> None:
        self._writer.write_event(Event(wall_time=when, step=step, summary=summary))


def _code(said: str) -> str:
    """Text as a Markdown code block (indented by four), so that the page shows it unchanged."""
    return "\n".join(f"    {line}" for line in _text(said).splitlines())


def _text(said: str) -> str:
    """Text with the characters escaped that UTF-8 cannot encode."""
    return said.encode(errors="backslashreplace").decode()
