"""beartype, except for methods that return `Self`: it can check those only where it decorates the whole class."""

from typing import Any, TypeVar

from beartype import BeartypeConf, beartype
from beartype.roar import BeartypeDecorHintPep673Exception

_check = beartype(conf=BeartypeConf(is_pep484_tower=True))  # an int is a float, as type checkers have it
F = TypeVar("F", bound=Any)


def check(function: F) -> F:
    try:
        return _check(function)
    except BeartypeDecorHintPep673Exception:
        return function
