"""The trainer of a group of workers, by Ray Train.

It starts the processes, connects them by torch.distributed (nccl for GPUs, gloo for CPUs), and restarts them when
one dies. The coordinator decides what to train, and how often a trial may lose its workers.
"""

from __future__ import annotations

import _thread
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import ray
from ray import train
from ray.exceptions import RayError
from ray.train.torch import TorchConfig, TorchTrainer

from nas_tune.executors.mailbox import GroupDied, Mailbox
from nas_tune.executors.parcel import Parcel
from nas_tune.executors.ray_cluster import TrialResources
from nas_tune.executors.ray_group import take_part

if TYPE_CHECKING:
    from ray.actor import ActorHandle

__all__ = ["keep_going"]

_START_ATTEMPTS = 10
_LONGEST_REASON = 300


class _DeathNotice(train.UserCallback):
    """Sends a message when a group has died. A training that failed has sent its outcome already."""

    def __init__(self, mailbox: ActorHandle[Mailbox]) -> None:
        self._mailbox = mailbox

    def after_exception(self, run_context: object, worker_exceptions: dict[int, Exception]) -> None:
        """Ray Train calls this before it starts another group."""
        self._mailbox.send.remote(GroupDied(_reason(worker_exceptions)))


def keep_going(mailbox: ActorHandle[Mailbox], parcel: Parcel, needs: TrialResources, folder: str) -> None:
    """Start a group of workers, and another one when it dies, until a group may leave or the mailbox is gone.

    This runs in the main thread of its process, where Ray Train ends in good order when it is interrupted.

    Args:
        mailbox: gives the processes their orders.
        parcel: the job and the space, for each process.
        needs: the number of processes (devices), and the cpus and gpus of each.
        folder: of the run. Ray Train writes to its folder `ray-train`.
    """
    each = {"CPU": needs.cpus, **({"GPU": needs.gpus} if needs.gpus else {})}
    failures: Any = {"max_failures": -1, "controller_failure_limit": _START_ATTEMPTS}
    callbacks: Any = [_DeathNotice(mailbox)]
    trainer = TorchTrainer(
        take_part,
        train_loop_config={"mailbox": mailbox, "parcel": parcel},
        # Small tensors in CPU memory, such as the name of the group, need gloo beside nccl.
        torch_config=TorchConfig(backend="cpu:gloo,cuda:nccl" if needs.gpus else "gloo"),
        scaling_config=train.ScalingConfig(
            num_workers=needs.devices, use_gpu=needs.gpus > 0, resources_per_worker=each
        ),
        run_config=train.RunConfig(
            name="ray-train", storage_path=folder, failure_config=train.FailureConfig(**failures), callbacks=callbacks
        ),
    )
    over = threading.Event()
    threading.Thread(target=_interrupt_without, args=(mailbox, over), daemon=True).start()
    try:
        # Ray Train calls sys.exit when it was interrupted.
        with suppress(KeyboardInterrupt, SystemExit):
            trainer.fit()
    finally:
        over.set()


def _interrupt_without(mailbox: ActorHandle[Mailbox], over: threading.Event) -> None:
    """Interrupt this process when the mailbox is gone, unless `over` is set by then."""
    with suppress(RayError):
        ray.get(mailbox.closed.remote())
    if not over.is_set():
        # A real SIGINT is blocked in the threads of Ray's workers.
        _thread.interrupt_main()


def _reason(errors: dict[int, Exception]) -> str:
    """The first line of the error that ended the group, not of those in processes that lost their group."""
    texts = []
    for rank, error in sorted(errors.items()):
        lines = str(error).strip().splitlines() or [type(error).__name__]
        texts.append(f"process {rank}: {lines[0][:_LONGEST_REASON]}")
    return next((text for text in texts if "GroupLostError" not in text), texts[0] if texts else "unknown")
