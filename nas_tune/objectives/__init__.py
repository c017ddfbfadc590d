"""What a search optimizes: objectives and their modes, Pareto fronts, and which of two results is better."""
