"""The service in the test's own process, and the time that each reload took."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import yaml

from edge.app import START_ERRORS, Daemon
from edge.app.service import Record, Service
from edge.config import ConfigError, LastGood, load_config
from edge.ops.notify import Notifier

__all__ = ["PATIENCE_S", "ServedHere"]

PATIENCE_S = 180.0


class ServedHere:
    """Demo lane, free port, state in a folder; `daemons` are those that ran. As a context it starts and stops."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.file = folder, folder / "lane.yaml"
        self.daemons: list[Daemon] = []
        self.write()
        self.last_good = LastGood(path=folder / "state" / "last-good.yaml")
        self._service = Service(
            self.file,
            notifier=Notifier({}),
            start_errors=START_ERRORS,
            last_good=self.last_good,
            record_in=folder,
            began=self.daemons.append,
        )

    def write(self, **sections: Any) -> None:
        config = {
            "cameras": [{"name": "cam", "source": "demo"}],
            "lanes": [{"name": "lane-1", "camera": "cam"}],
            "http": {"port": 0},
            "state": {"dir": str(self.folder / "state"), "min_free_mb": 1},
            "inference": {"detector": "mtcnn", "threads": 1},
            **sections,
        }
        self.file.write_text(yaml.safe_dump(config))

    def __enter__(self) -> ServedHere:
        try:
            config = load_config(self.file)
        except ConfigError:
            config = None
        self._thread = threading.Thread(target=self._service.run, args=(config,))
        self._thread.start()
        self.until_told(0)
        return self

    def __exit__(self, *_: object) -> None:
        self._service.ask_to_stop()
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()

    def reload(self) -> Record:
        """How it ended."""
        told = Record.read(self.folder)
        assert told is not None
        self._service.ask_to_reload()
        return self.until_told(told.reloads + 1)

    def until_told(self, reloads: int) -> Record:
        tick = threading.Event()
        for _ in range(round(PATIENCE_S / 0.05)):
            told = Record.read(self.folder) if (self.folder / "service.json").exists() else None
            if told is not None and told.reloads >= reloads:
                return told
            tick.wait(0.05)
        raise AssertionError("not ready")
