"""One trial: its session, checkpoints, snapshots, deadline, and the bounds of what it reports."""
