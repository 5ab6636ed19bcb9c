"""Whether a run folder still says what its stored stages say, and whether those say what their texts and models say.

Every number is made again by the code that made it: stored bytes are hashed, rows are computed from samples, a random
part of the samples is scored, one policy is measured on fresh samples. Nothing is written. Left out: training itself
(give `bench run` an empty store for that). `command.verify` is what the command line calls.
"""
