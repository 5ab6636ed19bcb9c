"""Values of the built-in losses f(beta * rho) at 0, computed by hand."""

import math

AT_ZERO = {
    "logistic": (math.log(2), -1 / 2, 1 / 4),
    "squared": (1.0, -2.0, 2.0),
    "hinge": (1.0, -1.0, 0.0),
    "exponential": (1.0, -1.0, 1.0),
    "truncated_quadratic": (1.0, -2.0, 2.0),
    "savage": (1 / 4, -1 / 4, 1 / 8),
}
"""f(0), f'(0) and f''(0) of each built-in preference loss. The self-check compares the functions with them."""
