"""Facts for the world outside: event types, CloudEvents, the store that keeps them and the sinks."""

from edge.events.cloudevent import CloudEvent, EventError, event_id, lane_source, source_parts
from edge.events.courier import Courier, CourierStats
from edge.events.database import Database, DatabaseStats
from edge.events.errors import (
    FullReason,
    SinkDown,
    StoreBroken,
    StoreClosed,
    StoreError,
    StoreFull,
    StoreInUse,
    StoreTooNew,
)
from edge.events.file_sink import FileSink
from edge.events.jsonlines import JsonLinesFile
from edge.events.migrations import Migrated, Migration
from edge.events.mqtt_session import MqttBroker
from edge.events.mqtt_sink import MqttSink, topic_of
from edge.events.opening import Opened, SetAside, open_beside, open_for_reading
from edge.events.rfc3339 import format_time, parse_time
from edge.events.sequence import Sequencer
from edge.events.sink import Sink, allowed_types, without_cashier
from edge.events.store import NO_CLOCK_BEFORE_MS, Appended, Store, StoredEvent, Transaction
from edge.events.types import (
    EVENT_TYPES,
    CameraReason,
    CameraState,
    EventType,
    Purpose,
    age_event,
    age_figures,
    build_event,
    camera_status_event,
    p_under_figures,
)
from edge.events.webhook_sink import WebhookSink

__all__ = [
    "EVENT_TYPES",
    "NO_CLOCK_BEFORE_MS",
    "Appended",
    "CameraReason",
    "CameraState",
    "CloudEvent",
    "Courier",
    "CourierStats",
    "Database",
    "DatabaseStats",
    "EventError",
    "EventType",
    "FileSink",
    "FullReason",
    "JsonLinesFile",
    "Migrated",
    "Migration",
    "MqttBroker",
    "MqttSink",
    "Opened",
    "Purpose",
    "Sequencer",
    "SetAside",
    "Sink",
    "SinkDown",
    "Store",
    "StoreBroken",
    "StoreClosed",
    "StoreError",
    "StoreFull",
    "StoreInUse",
    "StoreTooNew",
    "StoredEvent",
    "Transaction",
    "WebhookSink",
    "age_event",
    "age_figures",
    "allowed_types",
    "build_event",
    "camera_status_event",
    "event_id",
    "format_time",
    "lane_source",
    "open_beside",
    "open_for_reading",
    "p_under_figures",
    "parse_time",
    "source_parts",
    "topic_of",
    "without_cashier",
]
