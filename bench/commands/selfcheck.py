"""`bench selfcheck`: every estimator and loss against known answers, or the losses of a plugin against the contract."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from bench.commands.options import Options, parse
from bench.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from bench.config.plugins import FileLoss, LossDefinition


class SelfcheckOptions(Options):
    """Check every estimator and loss against closed-form answers: all checks, some groups, or single checks by name.

    With plugin=FILE.py, or the names of losses that installed packages provide: check that those losses satisfy what
    the harness relies on.
    """

    example: ClassVar[tuple[str, ...]] = (
        "bench selfcheck",
        "bench selfcheck kl online 'units/pi_ref at 0'",
        "bench selfcheck plugin=losses.py",
    )

    plugin: Path | None = Field(default=None, description="a Python file of preference losses: check these instead")


OPTIONS = SelfcheckOptions


def main(words: Sequence[str]) -> int:
    from bench.config.plugins import FileLoss, added_losses

    settings = [word for word in words if word.startswith(("plugin=", "-"))]
    names = [word for word in words if word not in settings]  # the name of a check may contain =
    known = added_losses(parse(settings, SelfcheckOptions)[1].plugin)
    chosen = [known[name] for name in names if name in known]
    if not names:
        chosen = _losses_of_file([loss for loss in known.values() if isinstance(loss, FileLoss)])
    if not chosen:
        from bench.checks.estimators.run import selfcheck

        return selfcheck(names)
    for name in names:
        if name not in known:
            raise ConfigError(f"unknown loss {name!r}; choose from {', '.join(known)}{did_you_mean(name, known)}")
    from bench.checks.plugins.user_losses import check_user_losses

    return check_user_losses(chosen)


def _losses_of_file(defined: "Sequence[FileLoss]") -> "list[LossDefinition]":
    """A plugin file's functions that are losses; all of them where none is. Prints the others with the reason."""
    from bench.config.plugins import helpers

    left_out = helpers(defined[0].path) if defined else {}
    losses: list[LossDefinition] = [loss for loss in defined if loss.name not in left_out]
    if not losses:
        return list(defined)
    for name, reason in left_out.items():
        print(f"not checked: {name!r} ({reason}); give its name to check it as a loss")
    return losses
