"""Facts for the world outside: event types, CloudEvents, the store that keeps them and the sinks."""

from edge.events.cloudevent import CloudEvent, EventError, event_id, lane_source, source_parts
from edge.events.jsonlines import JsonLinesFile
from edge.events.rfc3339 import format_time, parse_time
from edge.events.sequence import Sequencer
from edge.events.types import (
    EVENT_TYPES,
    EventType,
    Purpose,
    age_event,
    age_figures,
    build_event,
    camera_status_event,
    p_under_figures,
)

__all__ = [
    "EVENT_TYPES",
    "CloudEvent",
    "EventError",
    "EventType",
    "JsonLinesFile",
    "Purpose",
    "Sequencer",
    "age_event",
    "age_figures",
    "build_event",
    "camera_status_event",
    "event_id",
    "format_time",
    "lane_source",
    "p_under_figures",
    "parse_time",
    "source_parts",
]
