"""What the terminal shows: lanes and who stands there, cameras, sinks, store, what happened last.

Pure: a moment in, lines out. `edge.ops.terminal` puts them on a screen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from textwrap import wrap
from typing import Literal

from edge.flow import AgeEstimate, Role, TrackReport, UnknownReason
from edge.ops.stats import BoxStats, CameraStats, SinkStats
from edge.ops.terminal_words import WORDS, Language, Words

__all__ = [
    "Happening",
    "LaneNow",
    "Line",
    "Moment",
    "Span",
    "Style",
    "clock",
    "cut",
    "track_ended",
    "view",
]

Style = Literal["plain", "bold", "dim", "good", "bad", "warn"]


@dataclass(frozen=True, slots=True)
class Span:
    """Some text in one style."""

    text: str
    style: Style = "plain"


Line = tuple[Span, ...]
_NAME = 10  # letters of a track's id: enough to tell the people of an hour apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something that happened at a lane, in words."""

    at_ns: int
    lane: str
    text: str
    style: Style = "plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneNow:
    """A lane and the latest report of everybody whom its camera sees, in the order of their coming."""

    lane: str
    camera: str
    tracks: tuple[TrackReport, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What the view is made from. `challenge_age` is the age whose probability is shown, `note` stands at the foot."""

    stats: BoxStats
    lanes: tuple[LaneNow, ...]
    challenge_age: int = 25
    page_url: str | None = None
    note: str | None = None


def track_ended(report: TrackReport, *, language: Language = "en", challenge_age: int = 25) -> Happening:
    """The end of a track as a line for people. It says what was estimated, never whether that is old enough."""
    words = WORDS[language]
    head = words["passed"] if report.role is Role.PASSER_BY else words["left"]
    estimate = report.estimate
    parts = [f"{report.track[:_NAME]}: {head} {_age(estimate, words)}"]
    p_under = estimate.p_under.get(challenge_age)
    if p_under is not None:
        parts.append(f"{words['under'].format(age=challenge_age)} {p_under:.2f}")
        parts.append(words["crops"].format(count=estimate.crops))
    return Happening(at_ns=report.to_ns, lane=report.lane, text=", ".join(parts))


def view(
    moment: Moment,
    happened: Sequence[Happening],
    *,
    width: int,
    height: int,
    language: Language = "en",
    zone: tzinfo = UTC,
) -> list[Line]:
    """The screen as at most `height` lines of at most `width` characters; the newest happening comes first.

    What matters most stays when there is little room: lanes, then the sentence on weights, then the rest.
    """
    words = WORDS[language]
    lanes = _lanes(moment, words, width)
    foot = _foot(moment, words, width)
    middle = [(), *_queues(moment.stats, words)]
    head = _head(moment.stats, words, width)
    room = height - len(lanes) - len(foot)
    above = head[: max(0, room)]
    room -= len(above)
    between = middle if room >= len(middle) else []
    room -= len(between)
    last = _last(happened, words, zone)[: max(0, room)] if room >= 3 else []
    lines = [*above, *lanes[: max(0, height - len(foot))], *between, *last]
    lines += [()] * (height - len(lines) - len(foot)) if len(last) or between else []
    return [cut(line, width) for line in [*lines, *foot][:height]]


def _head(stats: BoxStats, words: Words, width: int) -> list[Line]:
    state = (
        Span(f"{words['up']} {_span(stats.uptime_s)}", "good")
        if stats.ready
        else Span(words["starting"], "warn")
    )
    name = f"checkout-age {stats.version}"
    where = f"  {stats.store}/{stats.box}"
    gap = " " * max(2, width - len(name) - len(where) - len(state.text))
    used = stats.inference
    model: Line = (
        Span(f"{words['model']}  ", "dim"),
        Span(f"{used.model} · {used.detector} · {used.provider}"),
    )
    latency = stats.latency
    told = words["latency"].format(p50=_ms(latency.estimate_p50_s), p95=_ms(latency.estimate_p95_s))
    counted = words["customers"].format(count=stats.customers, unknown=stats.unknown)
    return [
        (Span(name, "bold"), Span(where), Span(gap), state),
        model,
        *([(Span(used.degraded, "bad"),)] if used.degraded else []),
        (Span(f"{told} · {counted}", "dim"),),
        (),
    ]


def _lanes(moment: Moment, words: Words, width: int) -> list[Line]:
    """A row for each person, or one for an empty lane; columns fit the longest names and leave where it is narrow."""
    cameras = {camera.camera: camera for camera in moment.stats.cameras}
    wide, with_fps = width >= 72, width >= 56
    told = {lane.lane: _camera(cameras.get(lane.camera), lane.camera, words, wide) for lane in moment.lanes}
    lane_wide = max([len(words["lane"]), *(len(lane.lane) for lane in moment.lanes)])
    camera_wide = max([len(words["camera"]) if wide else 4, *(len(each.text) for each in told.values())])
    heading = f"{words['lane']:{lane_wide}}  {words['camera'] if wide else '':{camera_wide}}  "
    heading += f"{words['fps']:>4}  " if with_fps else ""
    heading += f"{words['track']:11}  {words['age']:22}" if wide else f"{words['age.narrow']:14}"
    lines: list[Line] = [(Span(f"{heading} {words['under'].format(age=moment.challenge_age)}", "dim"),)]
    for lane in moment.lanes:
        camera = cameras.get(lane.camera)
        fps = f"{camera.fps:4.1f}  " if camera else "   –  "
        start: Line = (
            Span(f"{lane.lane:{lane_wide}}  ", "bold"),
            Span(f"{told[lane.lane].text:{camera_wide}}  ", told[lane.lane].style),
            Span(fps if with_fps else ""),
        )
        blank = (Span(" " * sum(len(span.text) for span in start)),)
        people = [_person(track, moment.challenge_age, words, wide) for track in lane.tracks]
        for index, person in enumerate(people or [(_nobody(camera, words),)]):
            lines.append((*(blank if index else start), *person))
    return lines


def _camera(camera: CameraStats | None, name: str, words: Words, wide: bool) -> Span:
    if camera is None:
        return Span(name, "dim")
    style: Style = {"up": "good", "down": "bad"}.get(camera.state, "warn")  # type: ignore[assignment]
    state = words.get(f"state.{camera.state}", camera.state)
    return Span(f"{name} {state}" if wide else state, style)


def _nobody(camera: CameraStats | None, words: Words) -> Span:
    """Why no person is shown: nobody is there, or nobody could be seen."""
    if camera is None or camera.reason == "ok":
        return Span(words["nobody"], "dim")
    return Span(
        words.get(f"reason.{camera.reason}", camera.reason), "bad" if camera.state == "down" else "warn"
    )


def _person(track: TrackReport, challenge_age: int, words: Words, wide: bool) -> Line:
    estimate = track.estimate
    soon = estimate.reason is UnknownReason.TOO_SHORT and not track.ended
    age = f"{words['reading']} …" if soon else _age(estimate, words)
    style: Style = "dim" if estimate.mean_years is None else "plain"
    p_under = estimate.p_under.get(challenge_age)
    told = "" if p_under is None else f" {p_under:.2f} {'█' * round(p_under * 10)}"
    if wide:
        return Span(f"{track.track[:_NAME]:11}  "), Span(f"{age:22}", style), Span(told)
    return Span(f"{age:14}", style), Span(told)


def _age(estimate: AgeEstimate, words: Words) -> str:
    if estimate.mean_years is None:
        reason = estimate.reason.value if estimate.reason else "too_short"
        return words["unknown"].format(reason=words[f"reason.{reason}"])
    low, high = estimate.low_years, estimate.high_years
    return words["years"].format(
        mean=f"{estimate.mean_years:.0f}",
        low="?" if low is None else f"{low:.0f}",
        high="?" if high is None else f"{high:.0f}",
    )


def _queues(stats: BoxStats, words: Words) -> list[Line]:
    """How far the sinks are behind, and whether the store takes new events."""
    sinks: list[Span] = [Span(f"{words['sinks']:10} ", "dim")]
    for index, sink in enumerate(stats.sinks):
        sinks += [Span(" · ")] if index else []
        sinks.append(_sink(sink, words))
    if not stats.sinks:
        sinks.append(Span(words["none"], "dim"))
    store = stats.event_store
    accepting = Span(words["accepting"], "good") if store.accepting else Span(words["refusing"], "bad")
    told = f" · {_size(store.file_bytes + store.wal_bytes)} · {words['free'].format(size=_size(store.free_bytes))}"
    why = Span(f" · {store.reason}", "bad") if store.reason else Span("")
    notes: list[Line] = [(Span(note, "warn"),) for note in stats.notes[:2]]
    return [tuple(sinks), (Span(f"{words['store']:10} ", "dim"), accepting, why, Span(told)), *notes]


def _sink(sink: SinkStats, words: Words) -> Span:
    text = sink.sink
    if sink.pending:
        text += " " + words["waiting"].format(count=sink.pending)
        text += " " + words["since"].format(span=_span(sink.oldest_pending_s))
    if sink.up:
        return Span(text, "plain" if sink.pending < 100 else "warn")
    return Span(f"{text} ({sink.last_error})" if sink.last_error else text, "bad")


def _last(happened: Sequence[Happening], words: Words, zone: tzinfo) -> list[Line]:
    title: Line = (Span(words["last"], "dim"),)
    if not happened:
        return [(), title, (Span(words["nothing"], "dim"),)]
    newest_first = sorted(happened, key=lambda each: -each.at_ns)
    rows = [
        (Span(f"{clock(each.at_ns, zone)}  {each.lane}  "), Span(each.text, each.style))
        for each in newest_first
    ]
    return [(), title, *rows]


def _foot(moment: Moment, words: Words, width: int) -> list[Line]:
    """The sentences on weights and policy, never cut, and the way out."""
    lines: list[Line] = []
    if moment.note:
        lines += [(Span(part, "dim"),) for part in wrap(moment.note, max(width, 10))]
    if moment.stats.inference.research_weights:
        lines += [(Span(part, "warn"),) for part in wrap(words["research"], max(width, 10))]
    page = f"{words['page'].format(url=moment.page_url)} · " if moment.page_url else ""
    lines.append((Span(page + words["end"], "dim"),))
    return lines


def clock(at_ns: int, zone: tzinfo) -> str:
    return datetime.fromtimestamp(at_ns / 1e9, zone).strftime("%H:%M:%S")


def _span(seconds: float) -> str:
    whole = max(0, int(seconds))
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"


def _ms(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds * 1000:.0f} ms"


def _size(count: int) -> str:
    value = float(count)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


def cut(line: Iterable[Span], width: int) -> Line:
    """The line without what does not fit, and without characters that would move the cursor."""
    kept: list[Span] = []
    room = width
    for span in line:
        text = "".join(each if each.isprintable() else "?" for each in span.text)[: max(0, room)]
        room -= len(text)
        if text:
            kept.append(Span(text, span.style))
    return tuple(kept)
