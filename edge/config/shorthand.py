"""What may be written short: `hub: true` stands for the broker of the box's own MQTT sink for security."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from yaml.nodes import MappingNode, Node

__all__ = ["written_out"]

_BROKER: Final = {
    "host",
    "port",
    "prefix",
    "tls",
    "ca_file",
    "user",
    "password_env",
    "password_file",
    "password_credential",
}


def written_out(root: Node) -> Node:
    """The same tree with `hub: true` as a mapping and `hub: false` left out.

    Without an MQTT sink for security `hub: true` stays as it is, to be refused with its line.
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

    sinks = next((value for key, value in root.value if key.value == "sinks"), None)
    for sink in sinks.value if isinstance(sinks, SequenceNode) else ():
        if not isinstance(sink, MappingNode):
            continue
        told = {key.value: value.value for key, value in sink.value if isinstance(key.value, str)}
        if told.get("kind") == "mqtt" and told.get("purpose") == "security":
            kept = [(key, value) for key, value in sink.value if key.value in _BROKER]
            return MappingNode(sink.tag, kept, sink.start_mark, sink.end_mark, sink.flow_style)
    return None
