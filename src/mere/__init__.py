"""Mixed-effects regression under R's vocabulary."""

from . import accessors, printing
from .generics import *  # noqa: F403
