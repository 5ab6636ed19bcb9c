"""Speed of the harness, as ratios of two sides timed alternately in one process; see docs/performance.md.

Not installed. Run from the repository's root: `python -m benchmarks.all`, or a single module.
"""
