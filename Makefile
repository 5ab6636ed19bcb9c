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

faults:  ## a small suite killed thirty times, begun anew whenever it is done; prints how long one run of it takes
	PYTHONPATH=.:tests/toys:tests/faults python tests/faults/torture.py
