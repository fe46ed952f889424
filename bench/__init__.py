"""Benchmarks. Each module has a command of its name beside it."""
