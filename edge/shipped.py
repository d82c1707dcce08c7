"""Where the files are that come with the program but are no code: `configs/`, `systemd/`."""

from __future__ import annotations

from pathlib import Path

__all__ = ["shipped"]

_PACKAGE = Path(__file__).resolve().parent


def shipped(name: str) -> Path:
    """The path of a file or folder such as `configs/demo.yaml`, in an installed wheel or in a checkout.

    Raises FileNotFoundError where neither has it: the installation is damaged.
    """
    for root in (_PACKAGE / "_shipped", _PACKAGE.parent):
        if (root / name).exists():
            return root / name
    raise FileNotFoundError(f"{name} came with checkout-age and is gone; install checkout-age again")
