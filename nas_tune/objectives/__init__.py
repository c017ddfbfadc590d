"""What a search optimizes: objectives and their modes, Pareto fronts, and the order of results."""
