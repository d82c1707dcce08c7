"""Unit files and drop-ins: put in place, remembered, put back."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from edge.install.layout import Layout

__all__ = ["DROP_INS", "Units"]

DROP_INS = {
    "usb-cameras": "50-usb-cameras.conf",
    "nvidia-gpu": "50-nvidia-gpu.conf",
    "vaapi": "50-vaapi.conf",
}
"""Drop-ins that an installation puts in place by itself where the box needs them."""
_KINDS = (".service", ".timer", ".path", ".socket")


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """The unit files of one version: path below the unit folder -> content."""

    files: dict[str, bytes]

    @classmethod
    def of_version(cls, folder: Path, *, drop_ins: Collection[str] = ()) -> Units:
        """Those that a version's folder carries; of `drop_ins` those that it knows, for an older one knows fewer."""
        (shipped,) = folder.glob("lib/python*/site-packages/edge/_shipped/systemd")
        files = {path.name: path.read_bytes() for path in sorted(shipped.iterdir()) if path.suffix in _KINDS}
        for name in sorted(drop_ins):
            drop_in = shipped / "drop-ins" / f"{name}.conf"
            if drop_in.is_file():
                files[f"checkout-age.service.d/{DROP_INS[name]}"] = drop_in.read_bytes()
        return cls(files=files)

    @classmethod
    def in_place(cls, layout: Layout) -> Units:
        """Ours among those that are installed now."""
        found = [
            path for path in layout.units.glob("checkout-age*") if path.suffix in _KINDS and path.is_file()
        ]
        found += [layout.drop_ins / name for name in DROP_INS.values() if (layout.drop_ins / name).is_file()]
        return cls(files={str(path.relative_to(layout.units)): path.read_bytes() for path in sorted(found)})

    def place(self, layout: Layout) -> bool:
        """Make these the installed ones; True where something changed. Drop-ins that are not ours stay."""
        before = Units.in_place(layout)
        for name in before.files.keys() - self.files.keys():
            (layout.units / name).unlink()
        for name, content in self.files.items():
            path = layout.units / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if before.files.get(name) != content:
                path.write_bytes(content)
                path.chmod(0o644)
        with suppress(OSError):  # not there, or somebody's own drop-ins are in it
            layout.drop_ins.rmdir()
        return before.files != self.files

    @property
    def digest(self) -> str:
        """The same digest, the same units."""
        return hashlib.sha256(repr(sorted(self.files.items())).encode()).hexdigest()
