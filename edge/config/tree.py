"""From the bytes of a YAML file to a tree of nodes that know their lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.config.problem import Problem

if TYPE_CHECKING:
    from yaml.nodes import Node

__all__ = ["MAX_BYTES", "read_tree"]

MAX_BYTES = 1_000_000
"""A configuration is written by hand; a larger file is something else, and is refused unread."""


def read_tree(raw: bytes, file: str) -> Node | Problem:
    """The root node of a YAML document, or the one problem that keeps it from being read at all.

    Every node's mark has `file` as its name, so that nodes of several files can stand in one tree.
    """
    import yaml  # here, so that naming the configuration's types costs no YAML

    if len(raw) > MAX_BYTES:
        return Problem(
            file=file,
            line=0,
            key="",
            message=f"{len(raw)} bytes are too many for a configuration ({MAX_BYTES})",
        )
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        return Problem(file=file, line=line, key="", message="not UTF-8 text; save the file as UTF-8")
    try:
        loader = yaml.SafeLoader(text)
        loader.name = file
        try:
            node = loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = " ".join(part for part in (error.context, error.problem) if part)
        line = mark.line + 1 if mark else 0
        return Problem(file=file, line=line, key="", message=f"not YAML: {what}")
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        return Problem(file=file, line=line, key="", message="a control character that YAML does not allow")
    except RecursionError:
        return Problem(file=file, line=0, key="", message="nested too deeply for a configuration")
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        return Problem(file=file, line=0, key="", message=f"not YAML: {error}")
    if node is None:
        return Problem(
            file=file, line=0, key="", message="empty; it must name at least 'cameras' and 'lanes'"
        )
    return node
