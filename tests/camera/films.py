"""Films for tests, made with ffmpeg: whole, cut, joined, damaged."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path


def ffmpeg(*arguments: str | Path) -> None:
    """Run ffmpeg; its own words where it fails."""
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stderr}"


def film(
    file: Path, *, size: str = "320x240", fps: int = 15, seconds: float = 4, more: tuple[str, ...] = ()
) -> Path:
    """A test picture with a running counter, H.264 with B pictures, a key picture every second."""
    source = f"testsrc=size={size}:rate={fps}:duration={seconds}"
    encoded = ("-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "veryfast", "-bf", "2", "-g", str(fps))
    ffmpeg("-f", "lavfi", "-i", source, *encoded, *more, file)
    return file


def repacked(film: Path, file: Path, *more: str) -> Path:
    """The same pictures in another container."""
    ffmpeg("-i", film, "-c", "copy", *more, file)
    return file


def cut(film: Path, file: Path, *, share: float = 0.6) -> Path:
    """The first bytes of a film only, as a full disk or a pulled plug leaves it."""
    whole = film.read_bytes()
    file.write_bytes(whole[: int(len(whole) * share)])
    return file


def joined(films: list[Path], file: Path) -> Path:
    """Films one behind the other, bytes as they are."""
    file.write_bytes(b"".join(film.read_bytes() for film in films))
    return file


def scratched(film: Path, file: Path, *, seed: int = 1) -> Path:
    """A film with 6,000 bytes in its middle overwritten."""
    data, chance = bytearray(film.read_bytes()), random.Random(seed)
    middle = len(data) // 2
    data[middle : middle + 6000] = chance.randbytes(6000)
    file.write_bytes(bytes(data))
    return file
