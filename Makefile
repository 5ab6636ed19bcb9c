.PHONY: check format test smoke faults mutants

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

mutants:  ## small changes to the numerical code, each against the tests that reach it; OPTIONS as in docs/selfcheck.md
	OMP_NUM_THREADS=1 PYTHONPATH=.:tests/toys:tests/mutants python tests/mutants/run.py $(OPTIONS)
