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

faults:  ## a whole suite killed thirty times: about ten minutes on two idle cores
	PYTHONPATH=.:tests/toys:tests/faults python tests/faults/torture.py
