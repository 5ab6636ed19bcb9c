"""Stands in for torch in workers of toy stages, which use nothing of it: they start in a blink."""

from types import SimpleNamespace

cuda = SimpleNamespace(is_available=lambda: False)


def set_num_threads(n: int) -> None: ...
