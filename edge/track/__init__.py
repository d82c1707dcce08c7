"""From faces to people: tracker, zones, and the crops of a track that are worth reading."""

from edge.track.best_shots import BestShots
from edge.track.refusals import Refusals
from edge.track.state import TrackState, TrackUpdate
from edge.track.tracker import Tracker
from edge.track.zones import Zones

__all__ = ["BestShots", "Refusals", "TrackState", "TrackUpdate", "Tracker", "Zones"]
