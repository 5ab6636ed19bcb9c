"""Names of cells, for people, and of the random streams of measurements, which depend on settings alone."""

from bench.config.method import GOLD, MethodConfig
from bench.config.suite import SuiteConfig


def cell_name(method: str, proxy: str, beta: float | None, replicate: int) -> str:
    """The name of a cell in rows, in the store and on the screen."""
    return f"{method}-{proxy}{'' if beta is None else f'-b{beta:g}'}-r{replicate}"


def evaluation_stream(suite: SuiteConfig, settings: MethodConfig, replicate: int) -> str:
    """The name of the random stream that a policy is measured with.

    It follows from settings, so that renaming a method or a proxy changes no number. Two cells of equal settings share
    their stream.
    """
    proxy, method = settings.proxy, settings.known_as
    if proxy == GOLD:
        method += "_gold"
    else:
        config, size = suite.proxies[proxy], suite.sft.model
        model = getattr(config, "model", None)
        if config.says_nothing:
            proxy, method = "permuted", f"{method}_noise"
        elif model == size or model is None:
            proxy = "policy_sized"
        else:
            proxy = "small" if (model.layers, model.width) < (size.layers, size.width) else "large"
    return cell_name(method, proxy, getattr(settings, "beta", None), replicate)
