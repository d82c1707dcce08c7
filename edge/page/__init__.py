"""What a browser, a monitor or a till reaches over HTTP."""

from edge.page.access import Access
from edge.page.binding import UnprotectedError, check_binding, is_loopback
from edge.page.box import Box, CashierAct, FeedEvent
from edge.page.feed import LiveFeed
from edge.page.operations import operations_routes
from edge.page.pages import Pages
from edge.page.people import People, PeopleError, PeopleFile, Role
from edge.page.prompts import LaneScreen, PromptBoard
from edge.page.server import PortBusyError, WebServer, listen
from edge.page.sessions import Sessions, Who

__all__ = [
    "Access",
    "Box",
    "CashierAct",
    "FeedEvent",
    "LaneScreen",
    "LiveFeed",
    "Pages",
    "People",
    "PeopleError",
    "PeopleFile",
    "PortBusyError",
    "PromptBoard",
    "Role",
    "Sessions",
    "UnprotectedError",
    "WebServer",
    "Who",
    "check_binding",
    "is_loopback",
    "listen",
    "operations_routes",
]
