"""Benchmarks: ``python -m tests.bench`` measures the broker beside stock netmiko in one run; see docs/benchmarks.md."""
