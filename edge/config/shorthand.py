"""What may be written short: `hub: true` stands for the broker of the box's own MQTT sink for security."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

from edge.config.hub import BETWEEN_BOXES, Hub
from edge.config.sink import MqttSink

if TYPE_CHECKING:
    from yaml.nodes import MappingNode, Node

__all__ = ["written_out"]

_BROKER: Final = {field.name for field in fields(Hub)} & {field.name for field in fields(MqttSink)}


def written_out(root: Node) -> Node:
    """The same tree with `hub: true` as a mapping and `hub: false` left out.

    Without a sink that boxes can hear each other by, `hub: true` stays as it is, to be refused with its line.
    """
    from yaml.nodes import MappingNode

    if not isinstance(root, MappingNode):
        return root
    pairs = []
    for key, value in root.value:
        if key.value != "hub" or value.tag != "tag:yaml.org,2002:bool":
            pairs.append((key, value))
        elif value.value.lower() in ("true", "yes", "on"):
            broker = _broker(root)
            pairs.append((key, value if broker is None else broker))
    return MappingNode(root.tag, pairs, root.start_mark, root.end_mark, root.flow_style)


def _broker(root: MappingNode) -> MappingNode | None:
    from yaml.nodes import MappingNode, SequenceNode

    sinks = _texts(root).get("sinks")
    for sink in sinks.value if isinstance(sinks, SequenceNode) else ():
        if not isinstance(sink, MappingNode):
            continue
        told = _texts(sink)
        words = {key: value.value for key, value in told.items()}
        types = told.get("types")
        named = {str(each.value) for each in types.value} if isinstance(types, SequenceNode) else set()
        if (words.get("kind"), words.get("purpose")) != ("mqtt", "security"):
            continue
        if not named or named >= BETWEEN_BOXES:
            kept = [(key, value) for key, value in sink.value if str(key.value) in _BROKER]
            return MappingNode(sink.tag, kept, sink.start_mark, sink.end_mark, sink.flow_style)
    return None


def _texts(node: MappingNode) -> dict[str, Any]:
    """The entries whose key is a text; others are the builder's to refuse."""
    return {key.value: value for key, value in node.value if isinstance(key.value, str)}
