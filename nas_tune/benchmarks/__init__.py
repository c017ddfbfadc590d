"""Benchmarks: tables of architectures that somebody trained, and races of strategies on them."""
