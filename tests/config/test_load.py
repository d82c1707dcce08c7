"""A configuration is read whole, or every reason why not is named with its place."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from edge.config import ConfigError, FileSink, MqttSink, SourceKind, load_config

LEAST = """\
cameras:
  - {name: cam-1, source: demo}
lanes:
  - {name: lane-1, camera: cam-1}
"""


@pytest.fixture
def written(tmp_path: Path):
    def write(text: str | bytes) -> Path:
        path = tmp_path / "lane.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def problems(path: Path) -> list[str]:
    """The problems as they are printed, without the folder."""
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    return [str(each).replace(f"{path.parent}/", "") for each in caught.value.problems]


def only(path: Path) -> str:
    (problem,) = problems(path)
    return problem


class TestGoodOnes:
    def test_camera_and_lane_are_enough(self, written) -> None:
        config = load_config(written(LEAST))
        assert config.lanes[0].camera == "cam-1"
        assert config.camera("cam-1").kind is SourceKind.DEMO
        assert (config.policy.legal_age, config.policy.challenge_age, config.policy.miss_rate) == (
            18,
            25,
            0.05,
        )
        assert config.http.host == "127.0.0.1"

    @pytest.mark.parametrize("name", ["demo.yaml", "lane.yaml"])
    def test_the_configurations_that_are_shipped_can_be_used(self, name: str) -> None:
        config = load_config(Path(__file__).resolve().parents[2] / "configs" / name)
        assert config.lanes[0].zones_px.customer is not None

    def test_the_demos_zones_are_those_of_the_demo_lane(self) -> None:
        from edge.camera.demo_lane import CASHIER_ZONE_PX, CUSTOMER_ZONE_PX

        config = load_config(Path(__file__).resolve().parents[2] / "configs" / "demo.yaml")
        assert config.lanes[0].zones_px.customer == CUSTOMER_ZONE_PX
        assert config.lanes[0].zones_px.cashier == CASHIER_ZONE_PX

    def test_words_that_yaml_would_turn_into_something_else_stay_words(self, written) -> None:
        config = load_config(
            written(LEAST + "site: {store: 007, box: no, time_zone: Europe/Moscow, language: ru}\n")
        )
        assert (config.site.store, config.site.box, config.site.language) == ("007", "no", "ru")

    def test_a_section_whose_settings_are_all_commented_out_is_the_default(self, written) -> None:
        config = load_config(written(LEAST + "http:\n  # port: 1\nsinks:\n"))
        assert config.http.port == 8480
        assert config.sinks == ()

    def test_paths_begin_at_the_configurations_folder(self, written, tmp_path: Path) -> None:
        (tmp_path / "models").mkdir()
        (tmp_path / "clip.mp4").touch()
        text = "inference: {models_dir: models}\nstate: {dir: state}\n" + LEAST.replace("demo", "clip.mp4")
        config = load_config(written(text))
        assert config.inference.models_dir == tmp_path / "models"
        assert config.state.dir == tmp_path / "state"
        assert config.cameras[0].source == str(tmp_path / "clip.mp4")
        assert config.cameras[0].kind is SourceKind.FILE

    def test_anchors_save_typing(self, written) -> None:
        zones = "{customer: &area [[0, 0], [10, 0], [10, 10]], cashier: *area}"
        config = load_config(written(LEAST.replace("camera: cam-1}", f"camera: cam-1, zones_px: {zones}}}")))
        assert config.lanes[0].zones_px.cashier == ((0.0, 0.0), (10.0, 0.0), (10.0, 10.0))

    def test_sinks_are_told_apart_by_kind(self, written) -> None:
        config = load_config(
            written(
                LEAST
                + """\
sinks:
  - {kind: file, name: log, purpose: operations, path: events.jsonl}
  - {kind: mqtt, name: broker, purpose: security, host: mqtt.example, tls: true, types: [checkout.alert.raised.v1]}
"""
            )
        )
        log, broker = config.sinks
        assert isinstance(log, FileSink)
        assert isinstance(broker, MqttSink)
        assert log.path == Path("events.jsonl")
        assert broker.effective_port == 8883

    @pytest.mark.parametrize(
        ("source", "kind"),
        [
            ("0", SourceKind.DEVICE),
            ("/dev/v4l/by-id/usb-cam-video-index0", SourceKind.DEVICE),
            ("rtsp://192.0.2.1/stream?channel=1&subtype=0", SourceKind.RTSP),
            ("http://192.0.2.1:8080/video.mjpeg", SourceKind.HTTP),
            ("demo", SourceKind.DEMO),
        ],
    )
    def test_the_words_of_a_source_say_its_kind(self, written, source: str, kind: SourceKind) -> None:
        text = LEAST.replace("source: demo", f'source: "{source}"')
        assert load_config(written(text)).cameras[0].kind is kind


CASES = {
    "an unknown section": (
        "polcy: {}\n",
        "lane.yaml:5: polcy: unknown key; did you mean 'policy'? Allowed: cameras, lanes, site, inference, ",
    ),
    "a typing error deep inside": (
        "policy:\n  chalenge_age: 25\n",
        "lane.yaml:6: policy.chalenge_age: unknown key; did you mean 'challenge_age'? Allowed: legal_age, ",
    ),
    "a key given twice": (
        "log:\n  level: info\n  level: debug\n",
        "lane.yaml:7: log.level: given twice, first in line 6; keep one",
    ),
    "a number in words": (
        "http: {port: high}\n",
        "lane.yaml:5: http.port: 'high' is not allowed; a whole number",
    ),
    "a quoted number": (
        'http: {port: "80"}\n',
        "lane.yaml:5: http.port: '80' is not allowed; a whole number, without",
    ),
    "a number out of range": (
        "http: {port: 99999}\n",
        "lane.yaml:5: http.port: '99999' is not allowed; a number from 0 to 65535",
    ),
    "a number that is none": (
        "tracking: {max_track_s: .nan}\n",
        "lane.yaml:5: tracking.max_track_s: '.nan' is not allowed; a number",
    ),
    "a choice that is none": (
        "inference: {provider: cudda}\n",
        "lane.yaml:5: inference.provider: 'cudda' is not allowed; one of auto, cpu, cuda; did you mean 'cuda'?",
    ),
    "an age that bundles are not calibrated for": (
        "policy: {challenge_age: 27}\n",
        "lane.yaml:5: policy.challenge_age: '27' is not allowed; one of 18, 21, 25, 30",
    ),
    "settings that contradict": (
        "policy: {legal_age: 21, challenge_age: 18}\n",
        "lane.yaml:5: policy.challenge_age: 18 is below legal_age (21)",
    ),
    "a time zone that is none": (
        "site: {time_zone: Europe/Berln}\n",
        "lane.yaml:5: site.time_zone: 'Europe/Berln' is not allowed; an IANA time zone such as Europe/Berlin; "
        "did you mean 'Europe/Berlin'?",
    ),
    "a part of the world": (
        "site: {time_zone: Europe}\n",
        "lane.yaml:5: site.time_zone: 'Europe' is not allowed",
    ),
    "a folder that is not there": (
        "inference:\n  models_dir: nowhere\n",
        "lane.yaml:6: inference.models_dir: 'nowhere' is not allowed; a folder that exists",
    ),
    "a list where a mapping belongs": (
        "http: [1]\n",
        "lane.yaml:5: http: a list is not allowed; a mapping with host,",
    ),
    "a mapping where a list belongs": (
        "sinks: {a: 1}\n",
        "lane.yaml:5: sinks: a mapping is not allowed; a list",
    ),
    "nothing where something belongs": (
        "http: {port: }\n",
        "lane.yaml:5: http.port: nothing is not allowed; a whole",
    ),
    "a sink of no kind": (
        "sinks: [{name: a}]\n",
        "lane.yaml:5: sinks[0].kind: missing; one of file, mqtt, webhook",
    ),
    "a sink of another kind": (
        "sinks: [{kind: mqt}]\n",
        "lane.yaml:5: sinks[0].kind: 'mqt' is not allowed; one of file, mqtt, webhook; did you mean 'mqtt'?",
    ),
    "a purpose that nobody has": (
        "sinks: [{kind: file, name: a, path: b, purpose: sales}]\n",
        "lane.yaml:5: sinks[0].purpose: 'sales' is not allowed; one of security, marketing, operations",
    ),
    "half of a key pair": (
        "sinks: [{kind: mqtt, name: a, host: b, purpose: security, tls: true, cert_file: lane.yaml}]\n",
        "lane.yaml:5: sinks[0].cert_file: cert_file and key_file (or key_credential) belong together",
    ),
    "a certificate that nobody would look at": (
        "sinks: [{kind: mqtt, name: a, host: b, purpose: security, ca_file: lane.yaml}]\n",
        "lane.yaml:5: sinks[0].ca_file: has no effect without 'tls: true'",
    ),
    "two sinks in one file": (
        "sinks:\n  - {kind: file, name: a, purpose: security, path: x}\n"
        "  - {kind: file, name: b, purpose: marketing, path: x}\n",
        "lane.yaml:5: sinks: 'a' and 'b' write the same file x",
    ),
    "a key that is no word": ("? [a, b]\n: 1\n", "lane.yaml:5: a key must be a plain word"),
    "control characters": (
        'site: {store: "a\\0b"}\n',
        "lane.yaml:5: site.store: 'a\\x00b' is not allowed; text in one",
    ),
}


@pytest.mark.parametrize(("text", "said"), CASES.values(), ids=CASES.keys())
def test_a_mistake_is_named_with_line_key_value_and_what_is_allowed(written, text: str, said: str) -> None:
    assert only(written(LEAST + text)).startswith(said)


CAMERA_CASES = {
    "source: rtps://192.0.2.1/x": "cameras[0].source: 'rtps://192.0.2.1/x' is not allowed; a URL that starts with",
    "source: 'rtsp:///x'": "cameras[0].source: 'rtsp:///x' is not allowed; a URL with a host",
    "source: 'rtsp://192.0.2.1:port/x'": "cameras[0].source: 'rtsp://192.0.2.1:port/x' is not allowed; a URL that",
    "source: gone.mp4": "cameras[0].source: 'gone.mp4' is not allowed; a file that exists, a URL, a device or demo",
    "source: demo, detect_size: [640]": "cameras[0].detect_size: 1 entries are not allowed; a list of 2",
    "source: demo, detect_size: [9, 9]": "cameras[0].detect_size: [9, 9] is not allowed; from [64, 64] to",
    "source: demo, password_env: A": "cameras[0].password_env: a password without 'user'",
    "source: demo, user: u, password_env: A, password_credential: B": (
        "cameras[0].password_credential: only one of password_env, password_credential is allowed"
    ),
    "source: demo, user: u, password_file: gone": (
        "cameras[0].password_file: 'gone' is not allowed; a file that exists"
    ),
    "source: demo, reconnect_min_s: 20, reconnect_max_s: 10": "cameras[0].reconnect_max_s: 10 is shorter than",
}


@pytest.mark.parametrize(("text", "said"), CAMERA_CASES.items(), ids=CAMERA_CASES)
def test_a_cameras_mistake_is_named(written, text: str, said: str) -> None:
    assert only(written(LEAST.replace("source: demo", text))).startswith(f"lane.yaml:2: {said}")


@pytest.mark.parametrize(
    "line", ["source: rtsp://admin:hunter2@192.0.2.1/x", "source: demo, pasword: hunter2"]
)
def test_no_message_repeats_a_password(written, line: str) -> None:
    said = only(written(LEAST.replace("source: demo", line)))
    assert "hunter2" not in said
    assert "password_file" in said


class TestNames:
    def test_a_lane_without_its_camera(self, written) -> None:
        said = only(written(LEAST.replace("camera: cam-1", "camera: cam-2")))
        assert (
            said == "lane.yaml:4: lanes[0].camera: 'cam-2' is not among cameras: cam-1; did you mean 'cam-1'?"
        )

    def test_two_lanes_of_one_name(self, written) -> None:
        said = only(written(LEAST + "  - {name: lane-1, camera: cam-1}\n"))
        assert (
            said
            == "lane.yaml:5: lanes[1].name: 'lane-1' is also the name in line 4; names differ within a list"
        )

    def test_without_cameras_no_lane_is_blamed_for_it(self, written) -> None:
        unknown, missing = problems(written(LEAST.replace("cameras", "camera")))
        assert unknown.startswith("lane.yaml:1: camera: unknown key; did you mean 'cameras'?")
        assert missing == "lane.yaml:1: cameras: missing; give the cameras of this box"


class TestEverythingAtOnce:
    def test_all_mistakes_come_in_the_order_of_lines(self, written) -> None:
        said = problems(
            written(
                """\
cameras:
  - name: cam-1
    source: rtps://192.0.2.10/x
    detect_hz: fast
  - {name: cam-1, source: nothere.mp4}
lanes:
  - name: l1
    camera: cam-2
    zones_px: {customer: [[1, 2], [3]]}
policy:
  challenge_age: 18
  legal_age: 21
  miss_rate: 5
"""
            )
        )
        assert [each.split(": ")[:2] for each in said] == [
            ["lane.yaml:3", "cameras[0].source"],
            ["lane.yaml:4", "cameras[0].detect_hz"],
            ["lane.yaml:5", "cameras[1].name"],
            ["lane.yaml:5", "cameras[1].source"],
            ["lane.yaml:8", "lanes[0].camera"],
            ["lane.yaml:9", "lanes[0].zones_px.customer"],
            ["lane.yaml:9", "lanes[0].zones_px.customer[1]"],
            ["lane.yaml:11", "policy.challenge_age"],
            ["lane.yaml:13", "policy.miss_rate"],
        ]


class TestWhatIsNoConfiguration:
    def test_a_missing_file(self, tmp_path: Path) -> None:
        assert only(tmp_path / "gone.yaml").startswith(
            "gone.yaml: cannot be read: No such file or directory; name a"
        )

    def test_a_folder(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
            load_config(tmp_path)

    @pytest.mark.parametrize(
        ("raw", "said"),
        [
            (b"", "lane.yaml: empty; it must name at least"),
            (b"# only a comment\n", "lane.yaml: empty; it must name at least"),
            (b"just words\n", "lane.yaml:1: 'just words' is not allowed; a mapping with cameras, lanes,"),
            (b"a: [1,\nb: }\n", "lane.yaml:2: not YAML: while parsing a flow node expected the node content"),
            (b"a: 1\n---\nb: 2\n", "lane.yaml:2: not YAML: expected a single document"),
            (b"a: 1\nb: \xff\xfe\n", "lane.yaml:2: not UTF-8 text; save the file as UTF-8"),
            (b"a: 1\nb: \x07\n", "lane.yaml:2: a control character that YAML does not allow"),
            (b"a: *gone\n", "lane.yaml:1: not YAML: found undefined alias"),
            (b'a: "\\UFFFFFFFF"\n', "lane.yaml: not YAML: "),
            (b"[" * 5000, "lane.yaml: nested too deeply for a configuration"),
            (b"#" * 1_000_001, "lane.yaml: 1000001 bytes are too many for a configuration"),
        ],
        ids=str,
    )
    def test_is_said_in_one_line(self, written, raw: bytes, said: str) -> None:
        assert only(written(raw)).startswith(said)

    def test_many_aliases_cannot_fill_the_memory(self, written) -> None:
        lanes = ", ".join(["*l"] * 20000)
        said = problems(
            written(f"cameras: [{{name: c, source: demo}}]\nlanes: [&l {{name: a, camera: c}}, {lanes}]\n")
        )
        assert "lane.yaml:2: lanes: 20001 entries are not allowed; a list of 1 to 64 entries" in said
        assert len(said) <= 65


def test_naming_the_types_costs_no_yaml_and_no_picture_library() -> None:
    code = "import sys, edge.config; print([m for m in ('yaml', 'numpy', 'cv2', 'zoneinfo') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
