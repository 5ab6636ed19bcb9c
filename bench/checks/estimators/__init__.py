"""`bench selfcheck`: the functions that `bench run` calls, against answers that are known otherwise.

`world` is a process small enough to enumerate, `exact` computes on it without the code under test, each other module
checks one topic, `run` lists the checks and prints the table.
"""
