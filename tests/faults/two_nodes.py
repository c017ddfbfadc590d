"""Run by test_cluster: a search on a cluster of two nodes on this machine, one of which is killed under it.

python -m tests.faults.two_nodes FOLDER
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ["RAY_AUTH_MODE"] = "disabled"  # before ray.cluster_utils starts a node

from ray.cluster_utils import Cluster

import nas_tune
from nas_tune.ledger import Event, Reported, RunState
from tests.faults.walker import Walker


class NodeKiller:
    """Kills the second node once trials have reported from both, one of them in the middle of its training."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.doomed = cluster.add_node(num_cpus=1)
        cluster.wait_for_nodes()
        self.nodes: set[str] = set()
        self.killed = False

    def on_event(self, event: Event, state: RunState) -> None:
        if self.killed or not isinstance(event, Reported):
            return
        self.nodes.add(event.node)
        on_doomed = self.doomed.node_id[:8] in event.node
        if len(self.nodes) == 2 and on_doomed and event.epoch == 2:
            self.killed = True
            self.cluster.remove_node(self.doomed, allow_graceful=False)


def main(folder: Path) -> None:
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    killer = NodeKiller(cluster)
    nas_tune.search(
        "nb201",
        Walker,
        settings={"log": str(folder), "slow": 0.2},
        strategy="random",
        scheduler="none",
        max_trials=10,
        max_epochs=4,
        workers=2,
        seed=3,
        address=cluster.address,
        run_dir=folder / "run",
        observers=[killer],
    )
    cluster.shutdown()
    sys.stdout.write(f"nodes {len(killer.nodes)} killed {killer.killed}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
