"""Is this camera placed well? Size, blur, pose and light of the faces that it sees, with a verdict in words on each.

Pure: faces in, verdicts and lines out. Nothing is kept but the figures of the last seconds.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from textwrap import wrap
from types import MappingProxyType
from typing import Literal

from edge.flow import GateVerdict
from edge.ops.terminal_view import Line, Span, Style, cut

__all__ = ["MEASURES", "AimFace", "AimWindow", "Grade", "aim_line", "aim_view", "grade"]

Grade = Literal["good", "fair", "bad"]
Measure = Literal["size", "blur", "pose", "light"]
Language = Literal["en", "ru"]

MEASURES: tuple[Measure, ...] = ("size", "blur", "pose", "light")
_GOOD_FACE_PX, _LEAST_FACE_PX = 60, 24
"""60 px is what the detector finds surely at its usual size; under 24 the gate turns a face away."""
_GOOD_BLUR, _MOST_BLUR = 0.5, 0.72
_GOOD_YAW, _MOST_YAW = 0.3, 0.55
_LIGHT = (20.0, 50.0, 225.0, 245.0)
"""Bad beyond the outer, fair beyond the inner two: mean grey of the crop. The outer limits are the gate's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AimFace:
    """One face as it is seen now."""

    at_ns: int
    face_px: float
    verdict: GateVerdict


def grade(measure: Measure, face: AimFace) -> Grade:
    """How good one face is in one respect; `bad` is what the age model would not be given."""
    verdict = face.verdict
    if measure == "size":
        return _grade(face.face_px >= _GOOD_FACE_PX, face.face_px >= _LEAST_FACE_PX)
    if measure == "blur":
        return _grade(verdict.blur <= _GOOD_BLUR, verdict.blur <= _MOST_BLUR)
    if measure == "pose":
        return _grade(abs(verdict.yaw) <= _GOOD_YAW, abs(verdict.yaw) <= _MOST_YAW)
    low, fair_low, fair_high, high = _LIGHT
    return _grade(fair_low <= verdict.brightness <= fair_high, low <= verdict.brightness <= high)


def _grade(good: bool, fair: bool) -> Grade:
    return "good" if good else "fair" if fair else "bad"


class AimWindow:
    """The faces of the last seconds, of which verdicts are given: one blink shall not tell."""

    def __init__(self, *, seconds: float = 10.0) -> None:
        self._seconds = seconds
        self._faces: deque[AimFace] = deque(maxlen=2000)

    def add(self, face: AimFace) -> None:
        """One more face."""
        self._faces.append(face)

    def faces(self, now_ns: int) -> Sequence[AimFace]:
        """Those of the last seconds."""
        while self._faces and now_ns - self._faces[0].at_ns > self._seconds * 1e9:
            self._faces.popleft()
        return tuple(self._faces)


def figures(faces: Sequence[AimFace]) -> dict[Measure, float]:
    """Medians over faces."""
    return {
        "size": median(face.face_px for face in faces),
        "blur": median(face.verdict.blur for face in faces),
        "pose": median(abs(face.verdict.yaw) for face in faces),
        "light": median(face.verdict.brightness for face in faces),
    }


def grades(faces: Sequence[AimFace]) -> dict[Measure, Grade]:
    """For each measure the grade that at least half of the faces reach."""
    told: dict[Measure, Grade] = {}
    for measure in MEASURES:
        own = sorted((grade(measure, face) for face in faces), key=("good", "fair", "bad").index)
        told[measure] = own[len(own) // 2]
    return told


_WORDS: Mapping[Language, Mapping[str, str]] = MappingProxyType(
    {
        "en": {
            "title": "camera {camera}",
            "picture": "picture {width} x {height}",
            "no_picture": "no picture: {why}",
            "waiting": "waiting for the picture",
            "nobody": "nobody in sight: let somebody stand where customers pay and look at the till",
            "seen": "{count} faces in the last 10 s, {good:.0%} good enough to read an age",
            "size": "face width",
            "blur": "blur",
            "pose": "turned away",
            "light": "light",
            "size.good": "good",
            "size.fair": "small: go nearer, zoom in, or raise detect_size",
            "size.bad": "too small: go nearer or zoom in",
            "blur.good": "sharp",
            "blur.fair": "a little blurred: focus, clean the lens, add light",
            "blur.bad": "blurred: focus, clean the lens, shorter exposure",
            "pose.good": "looks into the camera",
            "pose.fair": "looks past the camera: bring it nearer to where customers look",
            "pose.bad": "turned away: move the camera to where customers look",
            "light.good": "good",
            "light.fair": "poor: no window behind customers, light from their front",
            "light.bad": "too dark or too bright: add light from the front, no window behind customers",
            "all.good": "WELL PLACED",
            "all.fair": "IT WORKS, COULD BE BETTER",
            "all.bad": "NOT LIKE THIS",
            "end": "Ctrl+C ends · no picture is kept",
        },
        "ru": {
            "title": "камера {camera}",
            "picture": "кадр {width} x {height}",
            "no_picture": "нет картинки: {why}",
            "waiting": "жду картинку",
            "nobody": "никого не видно: пусть кто-нибудь встанет там, где платят, и посмотрит на кассу",
            "seen": "лиц за 10 с: {count}, годных для оценки возраста {good:.0%}",
            "size": "ширина лица",
            "blur": "размытость",
            "pose": "поворот",
            "light": "свет",
            "size.good": "хорошо",
            "size.fair": "мелко: ближе, больше зум или больше detect_size",
            "size.bad": "слишком мелко: ближе или больше зум",
            "blur.good": "резко",
            "blur.fair": "немного размыто: фокус, протереть объектив, больше света",
            "blur.bad": "размыто: фокус, протереть объектив, короче выдержка",
            "pose.good": "смотрит в камеру",
            "pose.fair": "смотрит мимо: камеру ближе к тому, куда смотрят покупатели",
            "pose.bad": "отвёрнуто: поставить камеру туда, куда смотрят покупатели",
            "light.good": "хорошо",
            "light.fair": "слабо: без окна за спиной, свет спереди",
            "light.bad": "слишком темно или светло: свет спереди, без окна за спиной",
            "all.good": "МЕСТО ВЫБРАНО ХОРОШО",
            "all.fair": "РАБОТАЕТ, НО МОЖНО ЛУЧШЕ",
            "all.bad": "ТАК НЕЛЬЗЯ",
            "end": "Ctrl+C – конец · кадры не сохраняются",
        },
    }
)
_STYLES: Mapping[Grade, Style] = MappingProxyType({"good": "good", "fair": "warn", "bad": "bad"})
_BAR = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class AimNow:
    """A moment: who was seen lately, how large the picture is, and why there is none."""

    camera: str
    faces: Sequence[AimFace]
    size_px: tuple[int, int] | None = None
    down: str | None = None


def aim_view(now: AimNow, *, width: int, height: int, language: Language = "en") -> list[Line]:
    """The screen of `checkout-age aim`: at most `height` lines of `width` characters."""
    words = _WORDS[language]
    head: Line = (Span("checkout-age aim", "bold"), Span("  " + words["title"].format(camera=now.camera)))
    if now.size_px is not None:
        head += (Span("  " + words["picture"].format(width=now.size_px[0], height=now.size_px[1]), "dim"),)
    lines: list[Line] = [head, ()]
    if now.down is not None:
        lines.append((Span(words["no_picture"].format(why=now.down), "bad"),))
    elif now.size_px is None:
        lines.append((Span(words["waiting"], "dim"),))
    elif not now.faces:
        lines.append((Span(words["nobody"], "warn"),))
    else:
        lines += _verdicts(now.faces, words, width)
    lines += [(), (Span(words["end"], "dim"),)]
    return [cut(line, width) for line in lines[:height]]


def aim_line(now: AimNow, *, language: Language = "en") -> str:
    """The same as one plain line, for a log or a pipe."""
    words = _WORDS[language]
    if now.down is not None:
        return words["no_picture"].format(why=now.down)
    if not now.faces:
        return words["waiting"] if now.size_px is None else words["nobody"]
    found, told = figures(now.faces), grades(now.faces)
    parts = [
        f"{words[measure]} {_number(measure, found[measure])} ({words[f'{measure}.{told[measure]}']})"
        for measure in MEASURES
    ]
    return f"{words[f'all.{_worst(told)}']}: " + "; ".join(parts)


def _verdicts(faces: Sequence[AimFace], words: Mapping[str, str], width: int) -> list[Line]:
    found, told = figures(faces), grades(faces)
    good = sum(face.verdict.reason is None for face in faces) / len(faces)
    worst = _worst(told)
    lines: list[Line] = [
        (Span(words[f"all.{worst}"], _STYLES[worst]),),
        (Span(words["seen"].format(count=len(faces), good=good)),),
        (),
    ]
    for measure in MEASURES:
        filled = round(_BAR * _share(measure, found[measure]))
        style = _STYLES[told[measure]]
        row: Line = (
            Span(f"{words[measure]:12} "),
            Span("█" * filled + "·" * (_BAR - filled), style),
            Span(f" {_number(measure, found[measure]):>7}  "),
        )
        said = words[f"{measure}.{told[measure]}"]
        if sum(len(span.text) for span in row) + len(said) <= width:
            lines.append((*row, Span(said, style)))
        else:  # what to do about it must not be cut off
            lines += [row, *((Span(f"  {part}", style),) for part in wrap(said, max(10, width - 2)))]
    return lines


def _worst(told: Mapping[Measure, Grade]) -> Grade:
    order: tuple[Grade, ...] = ("good", "fair", "bad")
    return max(told.values(), key=order.index)


def _share(measure: Measure, value: float) -> float:
    """Of a full bar."""
    whole = {"size": 160.0, "blur": 1.0, "pose": 1.0, "light": 255.0}[measure]
    return min(1.0, max(0.0, value / whole))


def _number(measure: Measure, value: float) -> str:
    if measure == "size":
        return f"{value:.0f} px"
    if measure == "pose":
        return f"{value * 90:.0f}°"
    return f"{value:.0f}" if measure == "light" else f"{value:.2f}"
