"""Worlds: prompts, demonstrations and wide responses, with no word on how a response is judged."""

from bench.worlds.registry import build_world

__all__ = ["build_world"]
