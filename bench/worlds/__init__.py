"""Worlds: prompts, demonstrations and wide responses. Scoring of responses is left to gold."""

from bench.worlds.registry import build_world

__all__ = ["build_world"]
