"""Where the parts meet: what a command needs, built from options or a configuration."""

from edge.app.build_replay import ReplayError, build_replay
from edge.app.parts import SHIPPED_BUNDLE, Models, age_bundle_folder, build_vision, open_models
from edge.app.replay import Replay, Site

__all__ = [
    "SHIPPED_BUNDLE",
    "Models",
    "Replay",
    "ReplayError",
    "Site",
    "age_bundle_folder",
    "build_replay",
    "build_vision",
    "open_models",
]
