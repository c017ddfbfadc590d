"""The trainer of a group of workers: what Ray Train is asked for, and what it is not trusted with.

It starts the processes, connects them by torch.distributed (nccl for GPUs, gloo for CPUs), and starts them anew when
one dies. What to train, and how often a trial may lose its workers, is the coordinator's to say.
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

from nas_tune.executors.mailbox import Died, Mailbox
from nas_tune.executors.parcel import Parcel
from nas_tune.executors.ray_cluster import Resources
from nas_tune.executors.ray_group import take_part

if TYPE_CHECKING:
    from ray.actor import ActorHandle

__all__ = ["keep_going"]

_START_ATTEMPTS = 10
_LONGEST_REASON = 300


class Told(train.UserCallback):
    """Tells the mailbox that a group has died; a failure of a training has told so itself."""

    def __init__(self, mailbox: ActorHandle[Mailbox]) -> None:
        self._mailbox = mailbox

    def after_exception(self, run_context: object, worker_exceptions: dict[int, Exception]) -> None:
        """Ray Train is about to start another group."""
        self._mailbox.say.remote(Died(_reason(worker_exceptions)))


def keep_going(mailbox: ActorHandle[Mailbox], parcel: Parcel, needs: Resources, folder: str) -> None:
    """Start groups of workers, one after the death of another, until one may leave, or the mailbox is gone.

    It runs in the main thread of a process of its own, where Ray Train ends in good order when it is interrupted.

    Args:
        mailbox: from which the processes get their orders.
        parcel: what each of them gets, with the job and the space.
        needs: how many processes, and what each gets.
        folder: of the run, in which Ray Train keeps a folder of its own.
    """
    each = {"CPU": needs.cpus, **({"GPU": needs.gpus} if needs.gpus else {})}
    failures: Any = {"max_failures": -1, "controller_failure_limit": _START_ATTEMPTS}
    callbacks: Any = [Told(mailbox)]
    trainer = TorchTrainer(
        take_part,
        train_loop_config={"mailbox": mailbox, "parcel": parcel},
        # Small things, such as the name of the group, are no GPU's.
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
        # It leaves by sys.exit where it was interrupted.
        with suppress(KeyboardInterrupt, SystemExit):
            trainer.fit()
    finally:
        over.set()


def _interrupt_without(mailbox: ActorHandle[Mailbox], over: threading.Event) -> None:
    """Interrupt this process when the mailbox is gone, unless all is `over` by then."""
    with suppress(RayError):
        ray.get(mailbox.closed.remote())
    if not over.is_set():
        # A real SIGINT is blocked in the threads of Ray's workers.
        _thread.interrupt_main()


def _reason(errors: dict[int, Exception]) -> str:
    """What a process died of, rather than that others missed it."""
    texts = [f"process {rank}: {_first_line(errors[rank])}" for rank in sorted(errors)]
    return next((text for text in texts if "GroupLostError" not in text), texts[0] if texts else "unknown")


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:_LONGEST_REASON]
