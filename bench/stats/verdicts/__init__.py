"""From estimates to verdicts: observed, not observed or undecided.

`evidence` has the inequalities, their p-values and Holm's correction. `hump`, `claims` and `two_settings` state which
inequalities each kind of claim needs.
"""
