"""The films that a row of tills plays: one clip over and over, from different moments, packets untouched."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from edge.bench.found import Stay

__all__ = ["Film", "films_of", "moments"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """A file that shows the clip from `begins_s` on, over and over."""

    file: Path
    begins_s: float


def moments(stays: Sequence[Stay], clip_s: float, count: int) -> list[float]:
    """Moments of the clip with nobody there, 0 first, at most `count`: where else a showing may begin.

    The tills of a row are not in step; customers who all come at one moment are a case that no shop has.
    """
    ordered = sorted(stays)
    gaps = [(before[1], after[0]) for before, after in pairwise(ordered)]
    empty = [(begin + end) / 2 for begin, end in gaps if end - begin >= 2.0]
    return [0.0, *(moment for moment in empty if moment < clip_s)][: max(1, count)]


def films_of(
    clip: Path, *, clip_s: float, seconds: float, begins_s: Sequence[float], into: Path
) -> list[Film]:
    """A film for each moment, at least so many seconds long. Needs `ffmpeg`; raises OSError where it is not there.

    A film begins with the key picture before its moment.
    """
    made = []
    for number, begin_s in enumerate(begins_s):
        file = into / f"film-{number}.mp4"
        repeats = max(1, int(-(-(seconds + begin_s) // clip_s)))
        command = ["ffmpeg", "-v", "error", "-y", "-ss", f"{begin_s:.3f}", "-stream_loop", str(repeats)]
        command += ["-i", str(clip), "-an", "-c", "copy", str(file)]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except FileNotFoundError:
            raise OSError("ffmpeg is not installed: apt-get install ffmpeg") from None
        except subprocess.CalledProcessError as error:
            raise OSError(f"ffmpeg cannot copy {clip}: {error.stderr.decode()[-300:].strip()}") from None
        made.append(Film(file=file, begins_s=begin_s))
    return made
