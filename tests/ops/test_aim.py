"""What somebody on a ladder reads: one verdict, and what to do about it."""

from __future__ import annotations

import pytest

from edge.flow import GateVerdict, UnknownReason
from edge.ops.aim import MEASURES, AimFace, AimNow, AimWindow, aim_line, aim_view, grade


def face(
    *, px: float = 120, blur: float = 0.2, yaw: float = 0.05, light: float = 130, at_s: float = 0.0
) -> AimFace:
    reason = UnknownReason.TOO_SMALL if px < 24 else None
    verdict = GateVerdict(
        quality=0.8, reason=reason, eye_distance_px=px * 0.42, blur=blur, yaw=yaw, brightness=light
    )
    return AimFace(at_ns=int(at_s * 1e9), face_px=px, verdict=verdict)


def screen(*faces: AimFace, language: str = "en", width: int = 100) -> str:
    lines = aim_view(
        AimNow(camera="till-1", faces=faces, size_px=(1280, 720)), width=width, height=24, language=language
    )
    return "\n".join("".join(span.text for span in line) for line in lines)


@pytest.mark.parametrize(
    ("changed", "measure", "verdict", "told"),
    [
        ({}, "size", "good", "WELL PLACED"),
        ({"px": 45}, "size", "fair", "small: go nearer, zoom in, or raise detect_size"),
        ({"px": 18}, "size", "bad", "NOT LIKE THIS"),
        ({"blur": 0.6}, "blur", "fair", "clean the lens"),
        ({"blur": 0.9}, "blur", "bad", "NOT LIKE THIS"),
        ({"yaw": -0.4}, "pose", "fair", "bring it nearer to where customers look"),
        ({"yaw": 0.8}, "pose", "bad", "NOT LIKE THIS"),
        ({"light": 35}, "light", "fair", "no window behind customers"),
        ({"light": 250}, "light", "bad", "NOT LIKE THIS"),
    ],
)
def test_each_measure_has_its_verdict_and_the_way_out(changed, measure, verdict, told):
    one = face(**changed)
    assert grade(measure, one) == verdict
    assert all(grade(other, one) == "good" for other in MEASURES if other != measure)
    assert told in screen(one)


def test_a_bad_face_among_good_ones_does_not_spoil_the_verdict():
    assert "WELL PLACED" in screen(*[face()] * 5, face(blur=0.95))


def test_a_narrow_terminal_is_never_overrun():
    for language in ("en", "ru"):
        assert max(map(len, screen(face(px=40), language=language, width=60).splitlines())) <= 60


def test_nobody_and_no_picture_are_told_in_both_languages():
    nobody = AimNow(camera="c", faces=(), size_px=(640, 360))
    away = AimNow(camera="c", faces=(), down="connect_failed (nobody answers)")
    assert aim_line(nobody).startswith("nobody in sight")
    assert aim_line(nobody, language="ru").startswith("никого не видно")
    assert aim_line(away) == "no picture: connect_failed (nobody answers)"


def test_a_plain_line_carries_every_figure():
    line = aim_line(AimNow(camera="c", faces=(face(),), size_px=(640, 360)))
    assert line == (
        "WELL PLACED: face width 120 px (good); blur 0.20 (sharp); turned away 4° (looks into the camera); "
        "light 130 (good)"
    )


def test_only_the_last_seconds_count():
    window = AimWindow(seconds=10)
    window.add(face(px=10, at_s=0))
    window.add(face(px=100, at_s=9))
    assert [one.face_px for one in window.faces(12_000_000_000)] == [100]
