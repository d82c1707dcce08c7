"""Typed configuration: one section a file, every mistake reported with its line, a JSON Schema for editors."""

from edge.config.camera import Camera, SourceKind, source_kind
from edge.config.config import Config
from edge.config.digest import config_hash
from edge.config.effective import as_yaml
from edge.config.http import Http
from edge.config.hub import Hub
from edge.config.inference import Inference
from edge.config.lane import Lane, ZonesPx
from edge.config.last_good import LastGood
from edge.config.load import Loaded, load_config, parse_config, read_config
from edge.config.log import Log
from edge.config.migrate import RENAMED, Migrated, Renamed, migrated
from edge.config.policy import Policy
from edge.config.problem import ConfigError, Problem
from edge.config.sales import LaneGroup, Offers, Sales
from edge.config.schema import json_schema
from edge.config.secret import SecretError, read_password, read_secret
from edge.config.shifts import Shifts
from edge.config.sink import FileSink, MqttSink, Purpose, Sink, WebhookSink
from edge.config.site import Site
from edge.config.state import State
from edge.config.till import Goods, LinesDoor, MqttDoor, PoslogDoor, Till, TokenDoor
from edge.config.tracking import Tracking

__all__ = [
    "RENAMED",
    "Camera",
    "Config",
    "ConfigError",
    "FileSink",
    "Goods",
    "Http",
    "Hub",
    "Inference",
    "Lane",
    "LaneGroup",
    "LastGood",
    "LinesDoor",
    "Loaded",
    "Log",
    "Migrated",
    "MqttDoor",
    "MqttSink",
    "Offers",
    "Policy",
    "PoslogDoor",
    "Problem",
    "Purpose",
    "Renamed",
    "Sales",
    "SecretError",
    "Shifts",
    "Sink",
    "Site",
    "SourceKind",
    "State",
    "Till",
    "TokenDoor",
    "Tracking",
    "WebhookSink",
    "ZonesPx",
    "as_yaml",
    "config_hash",
    "json_schema",
    "load_config",
    "migrated",
    "parse_config",
    "read_config",
    "read_password",
    "read_secret",
    "source_kind",
]
