"""Statistics of over-optimization: gold and proxy against the KL that a policy has moved from its reference.

`from bench.stats import curve, peak, hump_test, at_kl, compare, fit` works on any pandas table with one row per
evaluated policy and prompt. A table holds one setting, that is, the replicates of one method at one strength:

    kl         nats per sequence, of the policy from pi_ref; 0 for pi_ref itself
    gold       the score that matters, in standard deviations of gold under pi_ref, with pi_ref's mean at 0
    proxy      the score that was optimized, in the same unit
    prompt     name of the prompt; every policy of a replicate is evaluated on the same prompts
    replicate  name of the training run; replicates differ in their seed alone
    policy     optional: which policy of the replicate, e.g. a checkpoint. Without it `step` names the policy, and
               without both, rows of equal `kl` are one policy
    split      optional: 'select' for prompts on which rows are chosen, 'report' for those that are reported

Several rows of one policy on one prompt are averaged. From three replicates on, intervals are t intervals over
replicates. With one they are clustered by prompt and hold for that replicate alone. With two they are the first one's,
since two replicates carry no interval over them. See docs/statistics.md.

The functions load when they are first used, so that importing one module of `bench.stats` loads no more than it needs.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.stats.facade import Comparison, at_kl, compare, curve, fit, hump_test, peak
    from bench.stats.frame import TableError, example_frame

__all__ = ["Comparison", "TableError", "at_kl", "compare", "curve", "example_frame", "fit", "hump_test", "peak"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'bench.stats' has no attribute {name!r}")
    from bench.stats import facade, frame

    return getattr(facade if hasattr(facade, name) else frame, name)
