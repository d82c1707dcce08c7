"""The whole configuration. A new section is a file of its own and one line here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from edge.config.camera import Camera
from edge.config.http import Http
from edge.config.hub import BETWEEN_BOXES, Hub
from edge.config.inference import Inference
from edge.config.lane import Lane
from edge.config.log import Log
from edge.config.policy import Policy
from edge.config.rule import Count
from edge.config.sales import Offers, Sales
from edge.config.shifts import Shifts
from edge.config.sink import Sink
from edge.config.site import Site
from edge.config.state import State
from edge.config.till import Till
from edge.config.tracking import Tracking

__all__ = ["Config"]


def _tells_boxes(sink: Sink) -> bool:
    """Does it carry what hub and members need of each other?"""
    return (
        sink.kind == "mqtt"
        and sink.purpose == "security"
        and (not sink.types or set(sink.types) >= BETWEEN_BOXES)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything a box is told. Built by `load_config`; a test may build one by hand, unchecked."""

    cameras: Annotated[tuple[Camera, ...], "the cameras of this box", Count(1, 64)]
    lanes: Annotated[tuple[Lane, ...], "the lanes of this box", Count(1, 64)]
    site: Annotated[Site, "where this box stands"] = field(default_factory=Site)
    inference: Annotated[Inference, "on what the networks run"] = field(default_factory=Inference)
    tracking: Annotated[Tracking, "how faces become tracks"] = field(default_factory=Tracking)
    policy: Annotated[Policy, "who is asked for an ID"] = field(default_factory=Policy)
    till: Annotated[Till, "how tills reach this box, and which goods need an age"] = field(
        default_factory=Till
    )
    http: Annotated[Http, "address of metrics, health and pages"] = field(default_factory=Http)
    hub: Annotated[Hub | None, "how the boxes of one store know of each other"] = None
    shifts: Annotated[Shifts, "when shifts begin"] = field(default_factory=Shifts)
    state: Annotated[State, "databases, retention, disk limits"] = field(default_factory=State)
    sales: Annotated[Sales, "what is kept for marketing"] = field(default_factory=Sales)
    offers: Annotated[Offers, "goods suggested to customers"] = field(default_factory=Offers)
    sinks: Annotated[tuple[Sink, ...], "where events go", Count(0, 32)] = ()
    log: Annotated[Log, "format and level of the log"] = field(default_factory=Log)

    def problems(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Two file sinks must not write one file; who hears other boxes must be heard by them."""
        if self.hub is not None and not any(_tells_boxes(sink) for sink in self.sinks):
            yield (
                ("hub", "sinks"),
                "needs an MQTT sink with 'purpose: security' to that broker, for alerts and acknowledgements",
            )
        seen: dict[Path, str] = {}
        for sink in self.sinks:
            if sink.kind != "file":
                continue
            if sink.path in seen:
                yield ("sinks",), f"'{seen[sink.path]}' and '{sink.name}' write the same file {sink.path}"
            seen[sink.path] = sink.name

    def camera(self, name: str) -> Camera:
        """The camera of that name; KeyError where there is none."""
        for camera in self.cameras:
            if camera.name == name:
                return camera
        raise KeyError(name)
