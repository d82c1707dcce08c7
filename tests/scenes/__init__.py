"""Made-up checkout lanes for tests: composed here, rendered by `make_lane.py` of the shared folder."""

from tests.scenes.cast import Cast, Look
from tests.scenes.compose import Lane
from tests.scenes.film import Shot, Standing, film
from tests.scenes.random_lane import random_lane

__all__ = ["Cast", "Lane", "Look", "Shot", "Standing", "film", "random_lane"]
