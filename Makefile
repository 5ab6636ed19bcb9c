.PHONY: check format test smoke faults

check:  ## lint, formatting, types
	ruff check .
	ruff format --check .
	mypy

format:  ## apply the formatter and the fixes that are safe
	ruff check --fix .
	ruff format .

test:
	python -m pytest

smoke:  ## the whole chain, small
	bench run suite=smoke

faults:  ## a small suite killed thirty times; takes some ten times as long as one run of it, which it prints first
	PYTHONPATH=.:tests/toys:tests/faults python tests/faults/torture.py
