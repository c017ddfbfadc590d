"""Tasks: what the data are, what is lost, and what counts."""
