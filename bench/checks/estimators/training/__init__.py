"""Checks of what acts only away from the fixed point, or only on the way to it."""
