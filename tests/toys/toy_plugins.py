"""Preference losses as users bring them: plugin files, and an installed package with an entry point."""

from pathlib import Path

LOSSES = '''"""Mine."""

import torch


def mine(x):
    """log(1 + e^-x), written out."""
    return torch.nn.functional.softplus(-x)


def steep(x):
    return torch.exp(-2 * x)
'''


def plugin(folder: Path, text: str = LOSSES, name: str = "own.py") -> Path:
    """A plugin file."""
    path = folder / name
    path.write_text(text)
    return path


def install(site: Path, losses: str = "packaged = toy_losses.inner.f:packaged", version: str = "0.1") -> Path:
    """A package under `site` as pip leaves one: modules, and metadata with entry points. Returns the loss's module."""
    code, metadata = site / "toy_losses" / "inner", site / "goldbench_toy-0.1.dist-info"
    code.mkdir(parents=True)
    metadata.mkdir()
    for folder in (code, code.parent):
        (folder / "__init__.py").write_text("")
    (code / "f.py").write_text("import torch\n\n\ndef packaged(x):\n    return torch.exp(-x)\n")
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: goldbench-toy\nVersion: {version}\n")
    (metadata / "entry_points.txt").write_text(f"[goldbench.losses]\n{losses}\n")
    (metadata / "RECORD").write_text("")
    return code / "f.py"
