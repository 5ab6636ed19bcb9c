"""Worlds: prompts, demonstrations and wide responses; how a response is scored is left to gold."""
