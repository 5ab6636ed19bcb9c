"""`bench selfcheck`: compare the functions that `bench run` calls with independent exact answers.

`world` is a process small enough to enumerate. `exact` computes answers on it without the code under test. Each other
module checks one topic. `run` lists the checks and prints the table.
"""
