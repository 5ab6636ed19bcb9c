"""The training loop: one, for every method. It knows samplers and losses, and no algorithm.

Every random draw comes from a stream named by seed and step, so the state of a run is its weights,
its optimizer, what its sampler keeps, its step and its counts.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any, final

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from bench.core.finite import at_step, clip_gradients, demand_finite, demand_finite_weights
from bench.core.seeds import stream
from bench.core.types import Counts, Rows
from bench.lm.policy import Policy, TransformerPolicy
from bench.losses.base import Loss
from bench.samplers.base import Sampler
from bench.training.learner import Learner

WARMUP_STEPS = 10


@final
class Trainer(Learner):
    """A policy under a sampler and a loss, advanced a step at a time. `pace` multiplies the learning rates."""

    def __init__(
        self, policy: Policy, sampler: Sampler, loss: Loss, lr: float, max_grad_norm: float, seed: int
    ) -> None:
        self.policy, self.sampler, self.loss = policy, sampler, loss
        self.max_grad_norm, self.seed = max_grad_norm, seed
        groups = [{"params": list(policy.parameters()), "lr": lr}, *loss.parameter_groups()]
        self.optimizer = torch.optim.AdamW(groups, weight_decay=0.0, fused=True)
        modules = {"policy": policy, "loss": loss}
        self.names = {id(p): f"{k}.{n}" for k, module in modules.items() for n, p in module.named_parameters()}
        self.rates = [group["lr"] for group in self.optimizer.param_groups]
        self.counts, self.step, self.pace = Counts(), 0, 1.0

    def advance(self) -> dict[str, float]:
        """One step: a batch from the sampler, and every pass the loss makes over it. Returns means to log.

        Raises DivergedError, which names the first number that is not finite, and the step.
        """
        with at_step(self.step):
            infos = self._updates()
        self.counts.tokens_trained += int(sum(info.pop("tokens") for info in infos))
        self.step += 1
        return {name: sum(info[name] for info in infos) / len(infos) for name in infos[0]}

    def _updates(self) -> list[dict[str, float]]:
        batch = self.sampler.draw(self.policy, self.step, self.counts)
        _demand_finite_rows("the batch", batch, f"look at the sampler {self.sampler.name!r} and the data it reads")
        for group, rate in zip(self.optimizer.param_groups, self.rates, strict=True):
            group["lr"] = rate * self.pace * min(1.0, (self.step + 1) / WARMUP_STEPS)
        infos = []
        generator = stream("minibatches", self.seed, self.step)
        for minibatch in self.loss.minibatches(self.policy, batch, generator):
            _demand_finite_rows("the minibatch", minibatch, f"look at {type(self.loss).__name__}.minibatches")
            loss, info = self.loss(self.policy, minibatch)
            demand_finite("the loss", loss, f"all that enters it is finite: look at {type(self.loss).__name__}.forward")
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            groups = [self._named(group) for group in self.optimizer.param_groups]
            for group in groups:
                clip_gradients(group, self.max_grad_norm)
            self.optimizer.step()
            for group, settings in zip(groups, self.optimizer.param_groups, strict=True):
                demand_finite_weights(group, settings["lr"])
            infos.append({"loss": loss.item(), **info})
        return infos

    def _named(self, group: dict[str, Any]) -> dict[str, Tensor]:
        """The parameters of an optimizer group by name."""
        return {self.names[id(parameter)]: parameter for parameter in group["params"]}

    @property
    def drawn_kl(self) -> float | None:
        """KL of the policy that wrote the sampler's last batch."""
        return self.sampler.drawn_kl

    def save_policy(self, folder: Path) -> None:
        """Write the policy as a Hugging Face folder."""
        assert isinstance(self.policy, TransformerPolicy), "only a transformer has a folder"
        self.policy.save(folder)

    def save(self, file: Path) -> dict[str, Any]:
        """Write weights and optimizer as safetensors; return the rest of the state as JSON values."""
        tensors = {f"policy.{k}": v for k, v in self.policy.state_dict().items()}
        tensors |= {f"loss.{k}": v for k, v in self.loss.state_dict().items()}
        tensors |= {f"sampler.{k}": v for k, v in self.sampler.state().items()}
        for index, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{k}": v for k, v in state.items()}
        save_file({k: v.detach().cpu().clone().contiguous() for k, v in tensors.items()}, file)
        return {"step": self.step, "counts": asdict(self.counts)}

    def load(self, file: Path, state: dict[str, Any]) -> None:
        """Continue from what `save` wrote."""
        tensors = load_file(file)

        def part(prefix: str) -> dict[str, Tensor]:
            return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}

        self.policy.load_state_dict(part("policy."))
        self.loss.load_state_dict(part("loss."))
        self.sampler.load(part("sampler."))
        moments: dict[int, dict[str, Tensor]] = {}
        for name, value in part("optimizer.").items():
            index, key = name.split(".", 1)
            moments.setdefault(int(index), {})[key] = value
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": moments})
        self.step, self.counts = state["step"], Counts(**state["counts"])


def _demand_finite_rows(name: str, rows: Any, advice: str) -> None:
    """Raise DivergedError if a number of a batch is not finite. Numbers a token count under the response's mask."""
    if not isinstance(rows, Rows):
        return
    tensors = rows.tensors()
    masks = [mask for path, mask in tensors.items() if path.endswith("response_mask")]
    for path, values in tensors.items():
        if values.is_floating_point():
            mask = next((mask for mask in masks if mask.shape == values.shape), None)
            demand_finite(f"{path} of {name}", values, advice, mask)
