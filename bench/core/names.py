"""The field's names of what is the same code with another setting."""

KNOWN_AS = {"plain": "reinforce", "less_mean": "reinforce", "leave_one_out": "rloo", "group_standardized": "grpo"}
"""Policy gradient by its advantage; rows say so under `loss`."""

PREFERENCE_AS = {"logistic": "dpo", "squared": "ipo", "hinge": "slic"}
"""Offline preference optimization by its f."""
