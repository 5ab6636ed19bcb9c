"""A cell that is killed while it trains, and what a folder holds to the byte."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bench.training.loop import Trainer


class Killed(BaseException):
    """Nothing catches this, as nothing catches a kill."""


def killed_at(step: int, run: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    """`run` until it would train beyond that step."""
    advance = Trainer.advance

    def dies(self):
        if self.step == step:
            raise Killed
        return advance(self)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "advance", dies)
        with pytest.raises(Killed):
            run()


def contents(folder: Path) -> dict[str, bytes]:
    """Every file's bytes, by its place."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
