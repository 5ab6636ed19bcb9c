"""Output of the stage `world`: tokenizer, prompts, demonstrations."""

from dataclasses import dataclass
from pathlib import Path
from typing import final

import pandas as pd
from transformers import PreTrainedTokenizerFast

from bench.core.records import read_parquet
from bench.core.types import Score
from bench.lm.codec import encode
from bench.lm.standalone import Example, copy_tokenizer, sampling, write_policy_card, write_reward_card


@final
@dataclass(frozen=True)
class WorldArtifact:
    """Tokenizer, prompts and demonstrations."""

    folder: Path

    def tokenizer(self) -> PreTrainedTokenizerFast:
        return PreTrainedTokenizerFast.from_pretrained(self.folder, local_files_only=True)

    def complete_policy(self, folder: Path, max_new_tokens: int) -> None:
        """Add the tokenizer, the sampling settings and a model card to a policy's folder."""
        copy_tokenizer(self.folder, folder)
        tokenizer = self.tokenizer()
        sampling(tokenizer, max_new_tokens).save_pretrained(folder)
        write_policy_card(folder, tokenizer, self.demonstrations().loc[0, "prompt"], max_new_tokens)

    def complete_reward(
        self, folder: Path, title: str, units: str, score: Score, device: str, loading: str = ""
    ) -> None:
        """Add the tokenizer and a model card to a reward model's folder. `units` is the card's last sentence."""
        copy_tokenizer(self.folder, folder)
        tokenizer = self.tokenizer()
        prompt, response = self.demonstrations().loc[0, ["prompt", "response"]]
        raw = float(score(encode(tokenizer, [prompt], [response]).to(device)))
        write_reward_card(folder, tokenizer, title, units, Example(prompt, response, raw), loading)

    def all_prompts(self) -> pd.DataFrame:
        """split, prompt_id, prompt of every split."""
        return read_parquet(self.folder / "prompts.parquet")

    def prompts(self, split: str, n: int | None = None) -> pd.DataFrame:
        """The first `n` prompts of a split: split, prompt_id, prompt. Raises ValueError where there are fewer."""
        table = self.all_prompts()
        table = table[table["split"] == split].reset_index(drop=True)
        if n is not None and n > len(table):
            raise ValueError(
                f"split {split!r} has {len(table)} prompts, {n} are needed; raise world.splits.{split} to {n}"
            )
        return table if n is None else table.head(n)

    def demonstrations(self) -> pd.DataFrame:
        return read_parquet(self.folder / "demonstrations.parquet")
