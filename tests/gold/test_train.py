import math

import numpy as np
import pytest
import torch

from bench.config.models import ModelConfig, TrainedGoldConfig
from bench.lm.codec import encode, pad
from bench.rewards.model import load_reward_model
from bench.worlds.notes.config import NotesConfig
from gold import train
from gold.rubric import PARTS, NotesRubric
from gold.train import _Student, new_gold, pair_loss, train_gold
from gold.wide import UNIT, Teacher

WORLD = NotesConfig(slots=4).build()
TOKENIZER = WORLD.tokenizer()
USERS = Teacher(WORLD, TOKENIZER, {}, NotesRubric())
TINY = TrainedGoldConfig(
    model=ModelConfig(layers=2, width=32, heads=2),
    prompts=64,
    steps=3,
    prompts_per_step=2,
    responses_per_prompt=4,
    max_rounds=1,
)
PROMPT = "polite note to boss : lost laptop monday office"


@pytest.fixture(scope="module", autouse=True)
def _short_audit():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TrainedGoldConfig, "audit_prompts", 8)
        yield


def fitted(config):
    teacher = Teacher(WORLD, TOKENIZER, config.weights, NotesRubric())
    return train_gold(config, teacher, "cpu", lambda _: None)


@pytest.fixture(scope="module")
def trained():
    return fitted(TINY)


def test_pair_loss_against_a_loop():
    score, rubric = torch.tensor([0.3, -1.0, 2.0, 0.0, 0.5, 0.1]), torch.tensor([1.0, 0.0, 0.5, -2.0, 1.0, 1.5])

    def sigmoid(x: float) -> float:
        return 1 / (1 + math.exp(-x))

    terms = []
    for first in (0, 3):
        for i in range(first, first + 3):
            for j in range(i + 1, first + 3):
                p, q = sigmoid(float(rubric[i] - rubric[j])), sigmoid(float(score[i] - score[j]))
                terms.append(p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q)))
    assert pair_loss(score, rubric, 3).item() == pytest.approx(np.mean(terms), abs=1e-6)


def test_pair_loss_is_zero_for_the_rubric_up_to_an_offset_per_prompt():
    rubric = torch.randn(12, generator=torch.Generator().manual_seed(0))
    assert pair_loss(rubric + torch.tensor([5.0, -7.0, 2.0]).repeat_interleave(4), rubric, 4).item() == pytest.approx(
        0.0, abs=1e-6
    )


@pytest.mark.parametrize("ended", [True, False])
@pytest.mark.parametrize("response", ["dear boss , my laptop is lost . regards", "lost", ""])
def test_rows_carry_the_rubric_of_every_beginning(response, ended):
    batch = USERS.score([PROMPT, PROMPT], [response, "regards"], [ended, True])
    rubric = NotesRubric()
    assert batch.rubric[0].item() * UNIT == pytest.approx(sum(rubric.parts(PROMPT, response).values()), abs=1e-5)
    tokens = len(response.split()) + ended
    assert batch.running[0, tokens].item() == pytest.approx(batch.rubric[0].item(), abs=1e-5)
    assert int(batch.sequences.prompt_mask[0].sum()) == 2 + len(PROMPT.split())
    assert int(batch.sequences.lengths[0]) == tokens
    assert batch.labelled[0].nonzero()[:, 0].tolist() == (list(range(1, tokens + 1)) or [0])
    assert not batch.deltas[~batch.labelled].any()


def test_rows_of_other_writers_carry_their_weighted_rubric():
    weights = {"facts": 0.5, "structure": 3.0}
    response = "dear boss , my laptop is lost ."
    batch = Teacher(WORLD, TOKENIZER, weights, NotesRubric()).score([PROMPT], [response], [True])
    parts = NotesRubric().parts(PROMPT, response)
    expected = sum(weights.get(name, 1.0) * value for name, value in parts.items())
    assert expected == pytest.approx(NotesRubric(weights).score([PROMPT], [response])[0])
    assert batch.rubric[0].item() * UNIT == pytest.approx(expected, abs=1e-5)
    assert batch.running[0, batch.sequences.lengths[0]].item() * UNIT == pytest.approx(expected, abs=1e-5)
    beginning = NotesRubric(weights).deltas(PROMPT, response)[:5].sum()
    assert batch.running[0, 5].item() * UNIT == pytest.approx(beginning, abs=1e-5)
    assert (batch.deltas[0].sum(0) * UNIT).tolist() == pytest.approx([parts[name] for name in PARTS], abs=1e-5)


def hugging_face(model, sequences):
    """Each row's states below the last layer and at the end, in Hugging Face's own pass over right-padded rows.

    Causal attention alone keeps that padding out. A row starts at its prompt's last token.
    """
    rows = [ids[mask].tolist() for ids, mask in zip(sequences.input_ids, sequences.attention_mask, strict=True)]
    ids, _ = pad(rows, TOKENIZER.pad_token_id, left=False)
    out = model.gpt_neox(input_ids=ids, output_hidden_states=True, use_cache=False)
    starts = (sequences.prompt_mask.sum(1) - 1).tolist()
    return [
        (below[start : len(row)], last[start : len(row)])
        for below, last, start, row in zip(out.hidden_states[-2], out.last_hidden_state, starts, rows, strict=True)
    ]


def a_student():
    """One that has drifted from its start, where heads are 0, biases 0 and norms 1."""
    student = _Student(new_gold(TINY, TOKENIZER), len(PARTS))
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weights in student.parameters():
            weights += 0.1 * torch.randn(weights.shape, generator=generator)
    return student


@pytest.mark.parametrize("rows_at_once", [1, 2, 16])
def test_a_student_reads_what_hugging_faces_pass_reads(monkeypatch, rows_at_once):
    monkeypatch.setattr(train, "ROWS_AT_ONCE", rows_at_once)
    short = "polite note to boss : lost laptop"
    prompts = [PROMPT, short, PROMPT, short, PROMPT]
    responses = ["dear boss , my laptop is lost .", "", "", "regards", "lost"]
    sequences = encode(TOKENIZER, prompts, responses, [True, False, True, False, True])
    assert sequences.lengths.tolist() == [9, 0, 1, 1, 2]
    student = a_student()
    score_BU, part_BUR = student(sequences)
    for b, (below, last) in enumerate(hugging_face(student.model, sequences)):
        u = len(last)
        torch.testing.assert_close(score_BU[b, :u], student.model.score(last)[:, 0], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(part_BUR[b, :u], student.part_head(below), rtol=1e-4, atol=1e-5)


def test_rows_in_chunks_lose_no_token(monkeypatch):
    batch = USERS.wide_batch(WORLD.draw_prompts("gold", 4), 4, np.random.default_rng(0))
    student = a_student()

    def read(rows_at_once):
        monkeypatch.setattr(train, "ROWS_AT_ONCE", rows_at_once)
        score_BU, part_BUR = student(batch.sequences)
        losses = torch.stack(list(train._losses(student, batch, 4).values()))
        return score_BU[batch.labelled], part_BUR[batch.labelled], losses

    for chunked, whole in zip(read(5), read(len(batch.sequences)), strict=True):
        torch.testing.assert_close(chunked, whole, rtol=1e-4, atol=1e-5)


def test_half_of_the_heads_start_by_looking_for_their_own_word():
    model = new_gold(TINY, TOKENIZER)
    for layer in model.gpt_neox.layers:
        weight = layer.attention.query_key_value.weight.view(2, 3, 16, 32)
        assert torch.equal(weight[0, 0], weight[0, 1])
        assert not torch.equal(weight[1, 0], weight[1, 1])


def test_training_repeats_to_the_byte_and_leaves_the_global_generator_alone(trained):
    before = torch.get_rng_state()
    second, second_metrics = fitted(TINY)
    assert torch.equal(before, torch.get_rng_state())
    first, first_metrics = trained
    assert first_metrics == second_metrics
    assert all(
        torch.equal(a, b) for a, b in zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    )


def test_weights_of_one_train_the_same_gold_to_the_byte(trained):
    ones = TINY.model_copy(update={"weights": dict.fromkeys(PARTS, 1.0)})
    model, metrics = fitted(ones)
    first, first_metrics = trained
    assert all(torch.equal(a, b) for a, b in zip(first.state_dict().values(), model.state_dict().values(), strict=True))
    assert {name: metrics[name] for name in first_metrics} == first_metrics
    assert metrics["wide_users_corr"] == pytest.approx(metrics["wide_corr"], abs=1e-6)  # labels are float32


def test_other_weights_train_another_gold_and_tell_both_correlations(trained):
    blind = TINY.model_copy(update={"weights": {"facts": 0.0, "restating": 0.0}})
    model, metrics = fitted(blind)
    assert not torch.equal(model.score.weight, trained[0].score.weight)
    assert metrics["wide_users_corr"] != pytest.approx(metrics["wide_corr"], abs=1e-3)
    assert not any(name.endswith("users_corr") for name in trained[1])


def test_a_stored_gold_scores_left_padded_rows_as_training_saw_them(trained, tmp_path):
    model, _ = trained
    model.save_pretrained(tmp_path)
    prompts = [*WORLD.draw_prompts("report", 2), "polite note to boss : lost laptop"]
    responses = ["dear boss , my laptop is lost .", "regards", "something is found on monday ."]
    scores = load_reward_model(tmp_path, "cpu").score(encode(TOKENIZER, prompts, responses))
    batch = USERS.score(prompts, responses, [True] * 3)
    expected = [model.score(last[-1]).item() for _, last in hugging_face(model, batch.sequences)]
    assert scores.tolist() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(("corrs", "rounds"), [((0.5, 0.79, 0.81, 0.9), 3), ((0.8, 0.9), 1), ((0.1, 0.2, 0.3, 0.4), 4)])
def test_gold_is_trained_on_until_it_agrees_or_its_rounds_are_spent(monkeypatch, corrs, rounds):
    said, steps = iter(corrs), []
    monkeypatch.setattr(train, "_audit", lambda *_: {"demonstrations_corr": next(said)})
    config = TINY.model_copy(update={"steps": 1, "min_corr": 0.8, "max_rounds": 4})
    teacher = Teacher(WORLD, TOKENIZER, {}, NotesRubric())
    _, metrics = train_gold(config, teacher, "cpu", steps.append)
    assert metrics == {"demonstrations_corr": corrs[rounds - 1], "rounds": rounds}
    assert [event["demonstrations_corr"] for event in steps if "rounds" in event] == list(corrs[:rounds])
    assert len([event for event in steps if "step" in event]) == rounds  # each starts its own cycle at step 0
