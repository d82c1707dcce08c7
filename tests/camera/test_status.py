"""A camera's state is told when it has lasted, once, and says since when."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from edge.camera.status import CameraReason, StatusKeeper

S = 1_000_000_000


class Watch:
    """A camera that is looked at ten times a second; `told` is what was told: second, state, reason, since."""

    def __init__(self) -> None:
        self.keeper = StatusKeeper(no_frames_s=8, settle_s=1, start_ns=0)
        self.now_ns = 0
        self.told: list[tuple[float, str, str, float]] = []

    def run(self, seconds: float, *, pictures: bool = False, bad: CameraReason | None = None) -> Watch:
        for _ in range(round(seconds * 10)):
            self.now_ns += S // 10
            if pictures:
                self.keeper.picture(self.now_ns, bad=bad)
            self.look()
        return self

    def fails(self, reason: CameraReason) -> Watch:
        self.keeper.failed(reason, f"it said {reason}")
        self.look()
        return self

    def look(self) -> None:
        change = self.keeper.change(self.now_ns)
        if change is not None:
            state, reason, since_ns, _ = change
            self.told.append((self.now_ns / S, state.value, reason.value, since_ns / S))


def test_a_camera_that_works_is_told_up_once():
    watch = Watch().run(60, pictures=True)
    assert watch.told == [(0.1, "up", "ok", 0.1)]


def test_a_camera_that_falls_silent_is_down_after_its_patience_since_its_last_picture():
    watch = Watch().run(5, pictures=True).run(20)
    assert watch.told[1:] == [(13.0, "down", "no_frames", 5.0)]


def test_a_short_gap_is_nobodys_business():
    watch = Watch().run(5, pictures=True).run(7.5).fails(CameraReason.CONNECT_FAILED).run(5, pictures=True)
    assert watch.told == [(0.1, "up", "ok", 0.1)]


def test_back_is_told_when_it_has_lasted_a_second_and_since_the_first_picture():
    watch = Watch().run(5, pictures=True).run(20).run(5, pictures=True)
    assert watch.told[2:] == [(26.1, "up", "ok", 25.1)]


def test_a_first_attempt_that_fails_is_told_at_once_and_the_true_reason_later():
    watch = Watch().fails(CameraReason.CONNECT_FAILED).run(3).fails(CameraReason.CONNECT_FAILED).run(3)
    assert watch.told == [(0.0, "down", "connect_failed", 0.0)]


def test_a_refused_password_does_not_wait_for_anything():
    watch = Watch().run(5, pictures=True).run(2).fails(CameraReason.AUTH_FAILED).run(5)
    assert watch.told[1:] == [(7.0, "down", "auth_failed", 5.0)]


def test_a_reason_that_changes_while_down_is_told_when_it_lasts():
    """A silent camera whose host is gone too: no_frames, then connect_failed; a reason of a moment is not told."""
    watch = Watch().run(1, pictures=True).run(12)
    watch.fails(CameraReason.CONNECT_FAILED).run(3)
    assert [entry[:3] for entry in watch.told[1:]] == [
        (9.0, "down", "no_frames"),
        (14.0, "down", "connect_failed"),
    ]


def test_a_bad_picture_is_down_at_once_and_up_again_a_second_after_the_good_one():
    """Who says frozen or black has waited already."""
    watch = Watch().run(2, pictures=True).run(3, pictures=True, bad=CameraReason.BLACK).run(3, pictures=True)
    assert [entry[:3] for entry in watch.told[1:]] == [(2.1, "down", "black"), (6.1, "up", "ok")]


def test_broken_pictures_degrade_a_camera_that_goes_on():
    watch = Watch().run(2, pictures=True).run(3, pictures=True, bad=CameraReason.DECODE_ERRORS)
    assert watch.told[1:] == [(3.1, "degraded", "decode_errors", 2.1)]


def test_the_end_of_a_file_is_told_at_once():
    watch = Watch().run(2, pictures=True).fails(CameraReason.ENDED)
    assert watch.told[1:] == [(2.0, "down", "ended", 2.0)]


def test_before_anything_was_told_a_camera_is_down_for_want_of_pictures():
    watch = Watch()
    assert [word if isinstance(word, int) else word.value for word in watch.keeper.told] == [
        "down",
        "no_frames",
        0,
    ]
    assert watch.run(7).told == []
    assert watch.run(2).told == [(8.0, "down", "no_frames", 0.0)]


steps = st.lists(
    st.one_of(
        st.tuples(st.just("run"), st.integers(1, 200), st.sampled_from([None, "ok", *CameraReason])),
        st.tuples(st.just("fail"), st.sampled_from(list(CameraReason)[1:])),
    ),
    max_size=15,
)


@given(steps)
def test_nothing_is_told_twice_and_nothing_is_told_of_the_future(steps):
    watch = Watch()
    for step in steps:
        if step[0] == "fail":
            watch.fails(step[1])
        else:
            bad = None if step[2] in (None, "ok", CameraReason.OK) else step[2]
            watch.run(step[1] / 10, pictures=step[2] is not None, bad=bad)

    told = [entry[1:3] for entry in watch.told]
    assert all(before != after for before, after in pairwise(told))
    assert all(since <= now for now, _, _, since in watch.told)
    assert [now for now, *_ in watch.told] == sorted(now for now, *_ in watch.told)
