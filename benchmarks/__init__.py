"""Benchmarks: ``python -m benchmarks fit|sweep|mlp|memory|all``."""
