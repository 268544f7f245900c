"""Benchmarks: every figure is measured beside its baseline in one run, and printed as a ratio (docs/performance.md)."""
