"""Facts of a machine that bear on the last bits of a number, and so on whatever grows from them.

They are in no key: two machines may make other bytes under one key. `attempt` records them with each stage that it
makes, and a comparison of two runs names those that differ. No name of a host, a user or a folder is among them.
Imports torch when it is called.
"""

import importlib.metadata
import json
import os
import platform
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

_SETTINGS = ("OMP_", "MKL_", "ATEN_", "DNNL_", "ONEDNN_", "OPENBLAS_", "KMP_", "CUBLAS_", "NVIDIA_TF32_")
_LIBRARIES = ("numpy", "scipy", "pandas", "pyarrow", "tokenizers", "safetensors")  # those that no key holds


def machine_facts(device: str) -> dict[str, Any]:
    """CPU and its capability as torch uses it, linear algebra, threads, libraries, settings, and the GPU if in use.

    `environment` holds the variables set that begin with one of `_SETTINGS`.
    """
    import torch

    built = torch.__config__.show()
    facts: dict[str, Any] = {
        "architecture": platform.machine(),
        "cpu": _cpu(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "blas": _found(r"BLAS_INFO=(\w+)", built),
        "mkl": _found(r"Math Kernel Library Version (\S+)", built) if torch.backends.mkl.is_available() else None,
        "onednn": _found(r"MKL-DNN (\S+)", built) if torch.backends.mkldnn.is_available() else None,
        "threads": torch.get_num_threads(),
        "interop_threads": torch.get_num_interop_threads(),
        "python": platform.python_version(),
        "libraries": {name: importlib.metadata.version(name) for name in _LIBRARIES},
        "environment": {name: os.environ[name] for name in sorted(os.environ) if name.startswith(_SETTINGS)},
    }
    if device == "cuda":
        facts |= {"gpu": torch.cuda.get_device_name(), "cuda": torch.version.cuda}
    return facts


def distinct_machines(manifests: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The machines that made some stages, each with the number of them, most first."""
    count = Counter(json.dumps(m["machine"], sort_keys=True) for m in manifests if m.get("machine"))
    return [{**json.loads(facts), "stages": n} for facts, n in sorted(count.items(), key=lambda item: (-item[1], item))]


def machine_line(machine: Mapping[str, Any]) -> str:
    """One of `distinct_machines` in a few words."""
    words = [machine.get(name) for name in ("cpu", "cpu_capability", "gpu", "blas")]
    return ", ".join(
        [*(str(word) for word in words if word), f"threads {machine['threads']}", f"{machine['stages']} stages"]
    )


def _cpu() -> str | None:
    """The model of the CPU, as the system names it; None where it does not."""
    try:
        return _found(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    except OSError:
        return platform.processor() or None


def _found(pattern: str, text: str) -> str | None:
    match = re.search(pattern, text)
    return match[1].strip() if match else None
