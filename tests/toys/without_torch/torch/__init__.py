"""Stands in for torch in workers of toy stages, which use nothing of it: they start in a blink."""

from types import SimpleNamespace

cuda = SimpleNamespace(is_available=lambda: False)
_absent = SimpleNamespace(is_available=lambda: False)
backends = SimpleNamespace(cpu=SimpleNamespace(get_cpu_capability=lambda: "none"), mkl=_absent, mkldnn=_absent)
__config__ = SimpleNamespace(show=lambda: "")


def set_num_threads(n: int) -> None: ...


def get_num_threads() -> int:
    return 1


def get_num_interop_threads() -> int:
    return 1
