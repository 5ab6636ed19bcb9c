"""Worlds: prompts, demonstrations and wide responses. Scoring of responses is left to gold."""
