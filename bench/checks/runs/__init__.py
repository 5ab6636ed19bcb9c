"""Checks that a run folder agrees with its stored stages, and that those agree with their texts and models.

The code that made each number makes it again: stored bytes are hashed, rows are computed from samples, a random part
of the samples is scored, and one policy is measured on fresh samples. Nothing is written. Training is not repeated
(give `bench run` an empty store for that). `bench verify` calls `run.verify`.
"""
