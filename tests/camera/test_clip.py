"""A clip gives its frames in its own time, and says what is wrong with it after the last one that is there."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from edge.camera import ClipDamaged, ClipMissing, ClipUnreadable, open_clip
from edge.flow import Frame
from tests.camera.films import cut, ffmpeg, film, joined, repacked, scratched

START_NS = 1_767_607_200_000_000_000


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `film.mp4`, 60 pictures in 4 s, its index at the end."""
    folder = tmp_path_factory.mktemp("films")
    film(folder / "film.mp4")
    return folder


def frames_of(file: Path, rate_hz: float | None = None) -> list[Frame]:
    with open_clip(file, camera="cam-1", start_ns=START_NS, rate_hz=rate_hz) as clip:
        return list(clip)


def frames_before_damage(file: Path) -> tuple[list[Frame], str]:
    frames = []
    with (
        pytest.raises(ClipDamaged) as damage,
        open_clip(file, camera="cam-1", start_ns=START_NS, rate_hz=None) as clip,
    ):
        frames.extend(clip)
    return frames, str(damage.value)


def seconds(frames: list[Frame]) -> list[float]:
    return [round((frame.at_ns - START_NS) / 1e9, 3) for frame in frames]


def test_every_picture_of_a_clip_comes_once_in_clip_time(films):
    frames = frames_of(films / "film.mp4")

    assert seconds(frames) == [round(n / 15, 3) for n in range(60)]
    assert [frame.index for frame in frames] == list(range(60))
    assert {frame.image.shape for frame in frames} == {(240, 320, 3)}
    assert {frame.camera for frame in frames} == {"cam-1"}


def test_at_five_a_second_every_third_picture_is_due(films):
    frames = frames_of(films / "film.mp4", rate_hz=5)

    assert seconds(frames) == [round(n / 5, 3) for n in range(20)]
    assert [frame.index for frame in frames] == list(range(0, 60, 3))


def test_a_frame_that_is_due_shows_what_the_same_picture_shows_among_all(films):
    every = {frame.index: frame.image for frame in frames_of(films / "film.mp4")}

    assert all(
        (frame.image == every[frame.index]).all() for frame in frames_of(films / "film.mp4", rate_hz=4)
    )


def test_frames_belong_to_who_got_them(films):
    """No frame shares memory with a later one, however many are held."""
    frames = frames_of(films / "film.mp4")
    before = frames[0].image.copy()
    frames[1].image[:] = 0

    assert (frames[0].image == before).all()
    assert len({hashlib.sha256(frame.image.tobytes()).digest() for frame in frames}) == 60


@pytest.mark.parametrize("container", ["film.mkv", "film.ts", "film.avi", "film.mov", "fragmented.mp4"])
def test_containers_tell_the_same_story(films, container):
    """AVI has no times for its last pictures, TS begins at 1.4 s, MKV rounds to a millisecond."""
    more = ["-movflags", "frag_keyframe+empty_moov"] if container == "fragmented.mp4" else []
    frames = frames_of(repacked(films / "film.mp4", films / container, *more))

    assert seconds(frames) == pytest.approx([n / 15 for n in range(60)], abs=0.001)


def test_a_raw_stream_without_times_runs_at_the_rate_that_ffmpeg_assumes(films):
    frames = frames_of(repacked(films / "film.mp4", films / "film.h264"))

    assert seconds(frames) == [round(n * 0.04, 3) for n in range(60)]


def test_a_variable_rate_is_kept(films):
    """A phone films no pictures while nothing moves: the gap stays a gap."""
    file = films / "gap.mp4"
    ffmpeg("-i", films / "film.mp4", "-vf", "select='not(between(n,10,25))'", "-fps_mode", "vfr", file)
    times = seconds(frames_of(file))

    assert times[:11] == [round(n / 15, 3) for n in range(10)] + [round(26 / 15, 3)]
    assert len(times) == 44


def test_a_clip_offers_what_a_progress_bar_needs(films):
    with open_clip(films / "film.mp4", camera="cam-1", start_ns=0, rate_hz=5) as clip:
        assert (clip.frame_count, clip.duration_s, clip.position_s) == (60, 4.0, 0.0)
        positions = [clip.position_s for _ in clip]

    assert positions == pytest.approx([n / 5 for n in range(20)])


def test_a_clip_left_early_lets_go_of_its_thread(films):
    before = threading.active_count()
    with open_clip(films / "film.mp4", camera="cam-1", start_ns=0, rate_hz=None) as clip:
        next(iter(clip))

    assert threading.active_count() == before


def test_a_program_that_ends_in_the_middle_of_a_clip_ends_well(films):
    """A thread that is still in OpenCV when the interpreter goes would abort the whole process."""
    program = (
        "import sys\nfrom edge.camera import open_clip\n"
        "clip = open_clip(sys.argv[1], camera='c', start_ns=0, rate_hz=None)\nframes = iter(clip)\nnext(frames)\n"
    )
    for _ in range(5):
        done = subprocess.run(
            [sys.executable, "-c", program, str(films / "film.mp4")], capture_output=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, b"")


def test_a_trimmed_clip_is_whole(films):
    """An edit list hides pictures that the index still counts; that is no damage."""
    file = films / "trimmed.mp4"
    ffmpeg("-ss", "1.5", "-i", films / "film.mp4", "-c", "copy", file)

    assert 0 < len(frames_of(file)) < 45


def test_sound_that_outlasts_the_pictures_is_no_damage(films):
    file = films / "sound.mkv"
    tone = ("-f", "lavfi", "-i", "sine=duration=4.4")
    ffmpeg("-i", films / "film.mp4", *tone, "-c:v", "copy", "-c:a", "aac", file)

    assert len(frames_of(file)) == 60


def test_a_recording_that_begins_between_key_pictures_is_whole(films):
    """A recorder joins a running stream: its first packets cannot be decoded by anybody."""
    stream = repacked(films / "film.mp4", films / "whole.ts").read_bytes()
    late = films / "late.ts"
    late.write_bytes(stream[188 * (len(stream) // 188 // 3) :])

    assert 0 < len(frames_of(late)) < 60


class TestACutFilm:
    """Frames before the cut come out, then the fault is named."""

    @pytest.mark.parametrize("container", ["fast.mp4", "pieces.mp4", "cut.mkv", "cut.avi", "cut.ts"])
    def test_gives_all_that_is_there_and_then_says_so(self, films, container):
        more = {
            "fast.mp4": ["-movflags", "+faststart"],
            "pieces.mp4": ["-movflags", "frag_keyframe+empty_moov"],
        }
        whole = repacked(films / "film.mp4", films / container, *more.get(container, []))
        frames, words = frames_before_damage(cut(whole, films / f"half-{container}"))

        assert 25 <= len(frames) < 40
        assert seconds(frames)[:25] == pytest.approx([n / 15 for n in range(25)], abs=0.001)
        assert words.startswith(f"{films / f'half-{container}'}: the end is missing; {len(frames)} pictures")
        assert words.endswith("Copy the file again from where it was recorded")

    def test_whose_index_stood_at_the_end_cannot_be_read_at_all(self, films):
        file = cut(films / "film.mp4", films / "no-index.mp4")

        with pytest.raises(ClipUnreadable, match="the end of this file is missing, and with it the index"):
            frames_of(file)


def test_a_scratch_in_the_middle_loses_only_what_it_covers(films):
    """OpenCV reports the end at the first broken packet; the film behind it must come all the same."""
    fast = repacked(films / "film.mp4", films / "to-scratch.mp4", "-movflags", "+faststart")
    frames, words = frames_before_damage(scratched(fast, films / "scratched.mp4"))

    assert 40 <= len(frames) < 60
    assert seconds(frames) == sorted(set(seconds(frames)))
    assert seconds(frames)[-1] == pytest.approx(59 / 15, abs=0.001)
    assert "damaged at" in words


@pytest.mark.parametrize("order", [("small", "large"), ("large", "small")])
def test_a_clip_whose_size_changes_loses_nothing(films, order):
    """All frames come at the size of the first, the whole picture scaled: zones in pixels stay where they were."""
    sizes = {"small": "320x240", "large": "640x480"}
    parts = [film(films / f"{name}.ts", size=sizes[name], seconds=2) for name in order]
    frames = frames_of(joined(parts, films / f"{order[0]}-first.ts"))

    assert len(frames) == 60
    assert len({frame.image.shape for frame in frames}) == 1
    assert seconds(frames) == pytest.approx([n / 15 for n in range(60)], abs=0.002)
    first, second = frames[5].image, frames[35].image  # the same moment of the same picture, filmed larger
    assert abs(first.astype(int) - second).mean() < 25


def test_what_is_no_clip_is_refused_by_cause(films, tmp_path):
    text, empty, sound = tmp_path / "text.mp4", tmp_path / "empty.mp4", tmp_path / "sound.mp4"
    text.write_text("hello, I am a video\n" * 40)
    empty.touch()
    ffmpeg("-f", "lavfi", "-i", "sine=duration=1", sound)

    with pytest.raises(ClipMissing, match=r"nowhere\.mp4: no such file; check the name and the folder"):
        frames_of(tmp_path / "nowhere.mp4")
    with pytest.raises(ClipUnreadable, match=r"text\.mp4: holds no video that can be read"):
        frames_of(text)
    with pytest.raises(ClipUnreadable, match=r"empty\.mp4: is empty \(0 bytes\)"):
        frames_of(empty)
    with pytest.raises(ClipUnreadable, match=r"sound\.mp4: holds no video"):
        frames_of(sound)
    with pytest.raises(ClipUnreadable, match="is no file but a folder"):
        frames_of(tmp_path)


def test_pictures_without_a_size_are_refused(films, tmp_path):
    """A header that declares 0 x 0 pictures: the sizes of an MP4's video track, and of its sample entry."""
    data = bytearray((films / "film.mp4").read_bytes())
    entry = data.index(b"avc1", data.index(b"stsd"))
    data[entry + 4 + 24 : entry + 4 + 28] = bytes(4)
    parameters = data.index(b"avcC", entry)
    data[parameters + 4 : parameters + 40] = bytes(36)
    zero = tmp_path / "zero.mp4"
    zero.write_bytes(bytes(data))

    with pytest.raises(ClipUnreadable, match=r"zero\.mp4"):
        frames_of(zero)


def test_nothing_is_said_behind_our_back(films, tmp_path):
    """FFmpeg and OpenCV write to the terminal from C; stdout belongs to events, stderr to us."""
    text = tmp_path / "text.mp4"
    text.write_text("no video")
    broken = scratched(
        repacked(films / "film.mp4", tmp_path / "f.mp4", "-movflags", "+faststart"), tmp_path / "s.mp4"
    )
    program = (
        "import sys\nfrom edge.camera import *\n"
        "for name in sys.argv[1:]:\n"
        "    try: list(open_clip(name, camera='c', start_ns=0, rate_hz=None))\n"
        "    except ClipError as error: pass\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(text), str(broken)], capture_output=True, text=True, check=True
    )

    assert (done.stdout, done.stderr) == ("", "")


def test_two_processes_see_the_same_clip(shared):
    """Whatever the machine is doing: same times, same pixels."""
    program = (
        "import sys, hashlib\nfrom edge.camera import open_clip\nh = hashlib.sha256()\n"
        "for n, f in enumerate(open_clip(sys.argv[1], camera='c', start_ns=7, rate_hz=5, threads=int(sys.argv[2]))):\n"
        "    h.update(f.at_ns.to_bytes(8, 'big') + f.image[::8, ::8].tobytes())\n"
        "    if n == 60: break\n"
        "print(h.hexdigest())\n"
    )
    clip = str(shared / "video" / "lane_ages.mp4")
    runs = [
        subprocess.run(
            [sys.executable, "-c", program, clip, threads], capture_output=True, text=True, check=True
        )
        for threads in ("1", "2")
    ]

    assert runs[0].stdout == runs[1].stdout != ""
