"""Costs of a network, counted without training it, and its scores by zero-cost proxies."""
