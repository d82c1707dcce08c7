"""What tills tell, by any door, as validated `TillEvent`s."""

from edge.till.batch import Batch, Rejected, answer, read_batch, read_documents
from edge.till.folder import FolderWatch, Found, file_key
from edge.till.http import NoRoom, Overloaded, TillHttp, till_routes
from edge.till.inbox import (
    DeadLetter,
    Kept,
    count_dead_letters,
    dead_letters,
    events_of,
    forget_before,
    keep,
    mark_done,
    park,
    till_ahead_ns,
    waiting,
)
from edge.till.lines import read_lines_file
from edge.till.mqtt import TillMqtt
from edge.till.poslog import read_poslog
from edge.till.products import Product, Products
from edge.till.reading import TillReader, parse_json
from edge.till.refusal import Refusal, TillEventRefused
from edge.till.tail import LinesTail, Place, Portion

__all__ = [
    "Batch",
    "DeadLetter",
    "FolderWatch",
    "Found",
    "Kept",
    "LinesTail",
    "NoRoom",
    "Overloaded",
    "Place",
    "Portion",
    "Product",
    "Products",
    "Refusal",
    "Rejected",
    "TillEventRefused",
    "TillHttp",
    "TillMqtt",
    "TillReader",
    "answer",
    "count_dead_letters",
    "dead_letters",
    "events_of",
    "file_key",
    "forget_before",
    "keep",
    "mark_done",
    "park",
    "parse_json",
    "read_batch",
    "read_documents",
    "read_lines_file",
    "read_poslog",
    "till_ahead_ns",
    "till_routes",
    "waiting",
]
