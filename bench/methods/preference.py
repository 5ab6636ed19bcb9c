"""Preference optimization by f(beta * rho): DPO, IPO, SLiC and the family of Tang et al. 2024 (2402.05749)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from bench.config.method import GOLD, MethodConfig, Needs
from bench.config.models import Source
from bench.core.names import PREFERENCE_AS

if TYPE_CHECKING:
    from bench.methods.base import Method, MethodInputs
    from bench.samplers.base import Sampler


class PreferenceConfig(MethodConfig):
    """A classification loss f(beta * rho) on preference pairs.

    Pairs are stored ones with gold's labels (`refresh_every: never`), passed over for some epochs; or fresh ones, which
    the policy draws every `refresh_every` steps: 1 is online, more is iterative. Or they are those that another method
    of the suite drew (`replay`). The reference stays pi_ref throughout.
    """

    type: Literal["preference"] = "preference"
    f: str = Field(default="logistic", description="a built-in loss, or one from plugin=FILE.py or a package")
    proxy: str = Field(default="policy_sized", description="scores the rows; labels fresh pairs")
    beta: float = Field(default=0.1, ge=0)
    label_smoothing: float = Field(default=0.0, ge=0, lt=0.5, description="assumed share of flipped labels")
    noise_model: Literal["conservative", "robust"] = "conservative"
    data: Source | None = Field(default=None, description="source of the stored pairs; pairs.source by default")
    epochs: int = Field(default=3, ge=1, description="over stored pairs")
    refresh_every: Literal["never"] | Annotated[int, Field(ge=1)] = "never"
    labelled_by: Literal["proxy", "gold"] = Field(default="proxy", description="fresh pairs; gold's labels are counted")
    label: Literal["bradley_terry", "argmax"] = Field(default="bradley_terry", description="of fresh pairs")
    steps: int = Field(default=300, ge=1, description="on fresh pairs")
    replay: str | None = Field(default=None, description="the method whose fresh pairs are trained on again, offline")
    order: Literal["recorded", "shuffled"] = Field(default="recorded", description="of replayed pairs")
    batch: int = Field(default=64, ge=1)
    lr: float = Field(default=2e-4, gt=0)
    max_grad_norm: float = Field(default=1.0, gt=0)

    betas: ClassVar[tuple[float, ...]] = (0.01, 0.03, 0.1, 0.3, 1.0)
    one_proxy: ClassVar[bool] = True

    @model_validator(mode="after")
    def _one_source_of_pairs(self) -> "PreferenceConfig":
        sources = {
            "data": self.data is not None,
            "refresh_every": self.draws_pairs,
            "replay": self.replay is not None,
        }
        named = [name for name, is_set in sources.items() if is_set]
        if len(named) > 1:
            raise ValueError(f"{' and '.join(named)} each set the source of pairs; set one of them")
        return self

    @model_validator(mode="after")
    def _every_setting_acts(self) -> "PreferenceConfig":
        """Settings that these pairs or this loss do not read keep their defaults."""
        is_stored = not self.draws_pairs and self.replay is None
        acts = {
            "epochs": (is_stored, "counts passes over stored pairs; set steps for fresh ones, neither for a replay"),
            "steps": (self.draws_pairs, "counts steps on fresh pairs; set epochs for stored ones, or refresh_every"),
            "labelled_by": (self.draws_pairs, "is of fresh pairs; set refresh_every"),
            "label": (self.draws_pairs, "is of fresh pairs; set refresh_every, or pairs.label for stored ones"),
            "order": (self.replay is not None, "is of replayed pairs; set replay"),
            "noise_model": (self.label_smoothing > 0, "corrects a share of flipped labels; set label_smoothing"),
        }
        for name, (is_read, fix) in acts.items():
            if not is_read:
                self.refuse_unread(name, f"here: it {fix}")
        return self

    @property
    def draws_pairs(self) -> bool:
        return self.refresh_every != "never"

    @property
    def margin_loss(self) -> str | None:
        return self.f

    @property
    def _sampler_name(self) -> str:
        if self.replay is not None:
            return "replay" if self.order == "recorded" else "replay_shuffled"
        every = self.refresh_every
        return "offline" if every == "never" else "online" if every == 1 else f"iterative{every}"

    def identity(self) -> Mapping[str, str | None]:
        loss = f"{self.f}_{self.noise_model}" if self.label_smoothing else self.f
        return {"sampler": self._sampler_name, "loss": loss}

    @property
    def known_as(self) -> str:
        name = PREFERENCE_AS.get(self.f, self.f)
        return name if self._sampler_name == "offline" else f"{self._sampler_name}_{name}"

    @property
    def per_step(self) -> Mapping[str, int]:
        return {} if self.replay is not None else {"rl" if self.draws_pairs else "pairs": self.batch}

    def needs(self) -> Needs:
        if self.replay is not None:
            return Needs(replay=self.replay)
        if not self.draws_pairs:
            return Needs(pairs=self.data or "suite")
        by_gold = self.labelled_by == "gold" or self.proxy == GOLD
        return Needs(score=not by_gold, labeller=by_gold)

    def cost(self, pairs: int) -> tuple[int, float]:
        if not self.draws_pairs:
            return self.epochs * pairs, 1e-3
        return self.steps * self.batch, 5e-3  # both responses of a pair are sampled, too

    def settings(self) -> dict[str, Any]:
        by_gold = self.needs().labeller
        values = super().settings() | {"labelled_by": "gold" if by_gold else "proxy"}
        return values | ({"replay": "recorded"} if self.replay is not None else {})

    def build(self, inputs: "MethodInputs") -> "Method":
        from bench.losses.preference import Preference
        from bench.methods.base import Method

        loss = Preference(self.f, self.beta, self.label_smoothing, self.noise_model, inputs.margin_loss(self.f))
        sampler, steps = self._pairs(inputs)
        repeats = self.replay is not None and self.order == "recorded"  # a run that has ended already
        return Method(sampler, loss, steps, self.lr, self.max_grad_norm, may_settle=not repeats)

    def _pairs(self, inputs: "MethodInputs") -> "tuple[Sampler, int]":
        """The sampler of pairs, and the number of steps that they last."""
        from bench.methods.base import rollouts as fresh
        from bench.samplers.online import OnlinePairs, Rounds
        from bench.samplers.replay import Replay
        from bench.samplers.stored import StoredPairs

        if self.replay is not None:
            replay = Replay(inputs.replayed(), self.batch, self.order, inputs.seed)
            return replay, replay.steps
        if self.refresh_every == "never":
            stored = StoredPairs(inputs.pairs(), self.batch, inputs.seed)
            return stored, self.epochs * stored.steps_per_epoch
        labeller = inputs.labeller if self.needs().labeller else None
        rollouts = fresh(inputs, 2 * self.batch, labeller or inputs.score, 2)
        online = OnlinePairs(rollouts, self.label, inputs.seed, labeller)
        if self.refresh_every == 1:
            return online, self.steps
        return Rounds(online, self.refresh_every, inputs.reference), self.steps
