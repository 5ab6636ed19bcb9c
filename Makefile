.PHONY: check format test smoke faults

check:  ## lint, formatting, types
	ruff check .
	ruff format --check .
	mypy

format:  ## apply the formatter and the fixes that are safe
	ruff check --fix .
	ruff format .

test:  ## as many processes as cores; a file's tests stay together, for they share what they make
	python -m pytest -n auto --dist loadfile

smoke:  ## the whole chain, small
	bench run suite=smoke

faults:  ## a small suite killed thirty times; takes some ten times as long as one run of it, which it prints first
	PYTHONPATH=.:tests/toys:tests/faults python tests/faults/torture.py
