"""Where the parts meet: what a command needs, built from options or a configuration."""

from edge.age import AgeModelError
from edge.app.build_replay import ReplayError, build_replay
from edge.app.daemon import Daemon
from edge.app.parts import SHIPPED_BUNDLE, Models, age_bundle_folder, build_vision, open_models
from edge.app.replay import Replay, Site
from edge.config import ConfigError, SecretError
from edge.events import StoreError
from edge.face import DetectorError

START_ERRORS = (AgeModelError, ConfigError, DetectorError, SecretError, StoreError, OSError, ValueError)
"""Why a daemon refuses to start; each message names the way out."""

__all__ = [
    "SHIPPED_BUNDLE",
    "START_ERRORS",
    "Daemon",
    "Models",
    "Replay",
    "ReplayError",
    "Site",
    "age_bundle_folder",
    "build_replay",
    "build_vision",
    "open_models",
]
