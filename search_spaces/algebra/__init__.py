"""How the tree of a space is compiled, sampled, compared, changed, written and read."""
