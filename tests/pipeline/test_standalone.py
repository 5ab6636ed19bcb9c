"""Saved folders stand alone: plain transformers, given a folder and texts, gives the numbers of the tables."""

import re
import shutil

import numpy as np
import pytest
import torch
import toy_artifacts
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer, pipeline

from bench.config.models import TrainedGoldConfig
from bench.core.records import pool_texts, read_parquet
from bench.core.types import positions
from bench.engine.files import read_json
from bench.lm.codec import encode, encode_prompts
from bench.pipeline.plan import build_plan
from bench.rewards.config import BradleyTerryConfig

ROUNDING = 2e-5
"""Float32 scores of some units, of one row by Hugging Face's forward pass against batches by the harness's."""

SUITE = toy_artifacts.SUITE.model_copy(
    update={
        "sft": toy_artifacts.SUITE.sft.model_copy(update={"steps": 60, "lr": 1e-2, "batch": 16}),
        "proxies": {"policy_sized": BradleyTerryConfig(model=toy_artifacts.SIZE, lr=3e-2, epochs=6, batch=8)},
        "gold": TrainedGoldConfig(model=toy_artifacts.SIZE, prompts=16, steps=3, max_rounds=1),
    }
)
DPO, BON = "dpo-policy_sized-b0.1-r0", "bon-policy_sized-r0"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Each stage's folder, made by the real stages and then moved away from all others."""
    root, plan = tmp_path_factory.mktemp("made"), build_plan(SUITE, 1)
    folders = {name: root / name.replace("/", "_") for name in [*plan.stages, BON]}
    for name in ("world", "sft", "gold", "units", "reference", "pairs/r0", "proxy/policy_sized/r0", "pool", DPO, BON):
        toy_artifacts.run_stage(plan, name, folders, folders.setdefault(name, root / name))
    return folders


def alone(folder, tmp_path):
    """A copy of a folder far from everything else."""
    return str(shutil.copytree(folder, tmp_path / "alone"))


def last_policy(made):
    return max((made[DPO] / "train" / "policies").iterdir(), key=lambda path: int(path.name))


def spelled(table):
    """Prompt and response as one text, with the special tokens that the model card names."""
    ends = np.where(table["eos"].to_numpy(bool), " <eos>", "")
    rows = zip(table["prompt"], table["response"], ends, strict=True)
    return [f"<bos> {prompt} <sep> {response}".rstrip() + end for prompt, response, end in rows]


def scored(made):
    """The best-of-n pool with its texts."""
    texts = pool_texts(read_parquet(made["pool"] / "samples.parquet"))[["text_id", "prompt", "response", "eos"]]
    pool = read_parquet(made[BON] / "bon_pool.parquet").drop_duplicates("text_id")
    return pool.merge(texts, on="text_id", validate="one_to_one")


@pytest.mark.parametrize(("name", "column"), [("gold", "gold_raw"), ("proxy/policy_sized/r0", "proxy_raw")])
def test_a_classification_pipeline_returns_raw_scores(made, tmp_path, name, column):
    table = scored(made)
    classify = pipeline("text-classification", alone(made[name], tmp_path))
    ended = table[table["eos"].to_numpy(bool)]
    assert 0 < len(ended) < len(table)
    pairs = [{"text": p, "text_pair": r} for p, r in zip(ended["prompt"], ended["response"], strict=True)]
    np.testing.assert_allclose([s["score"] for s in classify(pairs)], ended[column], atol=ROUNDING)
    # Padded on the left, in batches; and cut responses, spelled out.
    np.testing.assert_allclose([s["score"] for s in classify(pairs, batch_size=7)], ended[column], atol=ROUNDING)
    got = classify(spelled(table), add_special_tokens=False)
    np.testing.assert_allclose([s["score"] for s in got], table[column], atol=ROUNDING)
    assert table[column].abs().max() > 100 * ROUNDING
    assert table[column].min() < 0  # no sigmoid


def test_raw_scores_become_units_as_the_proxys_card_says(made):
    samples, pool = read_parquet(made[BON] / "samples.parquet"), read_parquet(made[BON] / "bon_pool.parquet")
    card = (made["proxy/policy_sized/r0"] / "README.md").read_text()
    scale, sd = map(float, re.search(r"(\S+) \* \(raw - c\) / (\S+),", card).groups())
    drawn = read_parquet(made["reference"] / "samples.parquet")
    classify = pipeline("text-classification", str(made["proxy/policy_sized/r0"]))
    scores = [s["score"] for s in classify(spelled(drawn), add_special_tokens=False)]
    centre = drawn.assign(raw=scores).groupby("prompt_id")["raw"].mean()
    units = scale * (pool["proxy_raw"] - pool["prompt_id"].map(centre)) / sd
    best = units.groupby(pool["prompt_id"]).max()
    picked = samples[samples["row_id"] == "n32"].set_index("prompt_id")["proxy"]
    np.testing.assert_allclose(picked, best.loc[picked.index], atol=abs(scale) * ROUNDING)
    units = read_json(made["units"] / "units.json")
    assert units["gold_sd"] == sd


@pytest.mark.parametrize("name", ["gold", "proxy/policy_sized/r0"])
def test_the_example_of_a_reward_card_is_what_the_model_says(made, name):
    card = (made[name] / "README.md").read_text()
    score, response, prompt = re.search(r"(\S+) is the raw score of `(.*)`\n  for `(.*)`", card).groups()
    model = AutoModelForSequenceClassification.from_pretrained(made[name])
    tokens = AutoTokenizer.from_pretrained(made[name])(prompt, response, return_tensors="pt")
    assert model(**tokens).logits.item() == pytest.approx(float(score), abs=ROUNDING)
    assert len(card.splitlines()) <= 14


def test_the_tokenizer_of_every_folder_spells_as_the_harness_does(made, tmp_path):
    table = read_parquet(made[DPO] / "samples.parquet")
    ended = table[table["eos"].to_numpy(bool)]
    for name in ("world", "sft", "gold", "proxy/policy_sized/r0"):
        tokenizer = AutoTokenizer.from_pretrained(made[name])
        rows = encode(tokenizer, ended["prompt"].tolist(), ended["response"].tolist())
        want = [ids[mask].tolist() for ids, mask in zip(rows.input_ids, rows.attention_mask, strict=True)]
        assert tokenizer(ended["prompt"].tolist(), ended["response"].tolist())["input_ids"] == want
        prompts = encode_prompts(tokenizer, ended["prompt"].tolist())
        want = [ids[mask].tolist() for ids, mask in zip(prompts.ids, prompts.mask, strict=True)]
        assert tokenizer(ended["prompt"].tolist())["input_ids"] == want


def test_log_ratios_of_the_samples_are_plain_transformers(made, tmp_path):
    folder = last_policy(made)
    table = read_parquet(made[DPO] / "samples.parquet")
    table = table[table["row_id"] == folder.name]
    tokenizer = AutoTokenizer.from_pretrained(folder)
    batch = tokenizer(spelled(table), add_special_tokens=False, padding=True, return_tensors="pt")
    prompt = torch.tensor([len(ids) for ids in tokenizer(table["prompt"].tolist())["input_ids"]])
    place = positions(batch["attention_mask"].bool())

    def logps(path):
        with torch.no_grad():
            logits = AutoModelForCausalLM.from_pretrained(path)(**batch, position_ids=place).logits
        token = logits[:, :-1].log_softmax(-1).gather(2, batch["input_ids"][:, 1:, None])[..., 0].double()
        response = (place[:, 1:] >= prompt[:, None]) & batch["attention_mask"][:, 1:].bool()
        return (token * response).sum(1)

    got = logps(alone(folder, tmp_path)) - logps(made["sft"])
    np.testing.assert_allclose(got, table["logratio"], atol=1e-4)  # 8 tokens of float32 log-probs
    assert table["logratio"].abs().max() > 1e-2


def test_a_generation_pipeline_draws_from_the_measured_process(made, tmp_path):
    write = pipeline("text-generation", alone(last_policy(made), tmp_path))
    prompts = read_parquet(made[DPO] / "samples.parquet")["prompt"].drop_duplicates().tolist()
    greedy = [one[0]["generated_text"] for one in write(prompts, do_sample=False, return_full_text=False)]
    model, tokenizer = write.model, write.tokenizer
    want = []
    for prompt in prompts:
        ids = encode_prompts(tokenizer, [prompt]).ids
        for _ in range(SUITE.sft.max_new_tokens):
            with torch.no_grad():
                ids = torch.cat([ids, model(ids).logits[:, -1:].argmax(-1)], 1)
            if ids[0, -1] == tokenizer.eos_token_id:
                break
        want.append(tokenizer.decode(ids[0, len(tokenizer(prompt)["input_ids"]) :], skip_special_tokens=True))
    assert greedy == want
    tokens = tokenizer(prompts[0], return_tensors="pt")
    out = model.generate(**tokens, output_scores=True, output_logits=True, return_dict_in_generate=True)
    assert all(torch.equal(a, b) for a, b in zip(out.scores, out.logits, strict=True))  # no temperature, no cut
    settings = write._prepare_generate_kwargs({})
    assert not settings.keys() & {
        "temperature",
        "top_k",
        "top_p",
        "max_new_tokens",
    }  # the pipeline adds none of its own
    drawn = [one["generated_text"] for one in write(prompts[0], num_return_sequences=64, return_full_text=False)]
    assert len(set(drawn)) > 8
    assert max(len(text.split()) for text in drawn) == SUITE.sft.max_new_tokens


def test_a_policy_that_is_saved_again_keeps_what_lies_beside_it(made):
    names = {path.name for path in made["sft"].iterdir()}
    assert {"README.md", "tokenizer.json", "tokenizer_config.json", "generation_config.json"} <= names
    for policy in (made[DPO] / "train" / "policies").iterdir():
        assert {path.name for path in policy.iterdir()} == names
        for name in names - {"model.safetensors"}:
            assert (policy / name).read_bytes() == (made["sft"] / name).read_bytes(), name
