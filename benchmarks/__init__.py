"""How fast the harness is, each figure a ratio of sides timed in turn in one process; see docs/performance.md.

Not installed: run from the repository's top, `python -m benchmarks.all` or any one module by itself.
"""
