"""What a browser, a monitor or a till reaches over HTTP."""

from edge.page.operations import operations_routes
from edge.page.server import PortBusyError, WebServer, listen

__all__ = ["PortBusyError", "WebServer", "listen", "operations_routes"]
