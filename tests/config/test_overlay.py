"""Files of config.d lie over the configuration; mistakes in them are named with their own file and line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from edge.config import Config, ConfigError, as_yaml, load_config, parse_config, read_config
from edge.config.address import hidden_in_address, masked_address
from tests.conftest import CHECKOUT

BASE = """\
cameras:
  - {name: till-1, source: demo, detect_hz: 5}
  - {name: till-2, source: demo}
lanes:
  - {name: lane-1, camera: till-1}
http: {port: 8480}
"""
Write = Callable[..., Path]


@pytest.fixture
def written(tmp_path: Path) -> Write:
    def write(base: str = BASE, **overlays: str) -> Path:
        (tmp_path / "lane.yaml").write_text(base)
        (tmp_path / "config.d").mkdir(exist_ok=True)
        for name, text in overlays.items():
            (tmp_path / "config.d" / f"{name}.yaml").write_text(text)
        return tmp_path / "lane.yaml"

    return write


def test_an_overlay_changes_what_it_names_and_nothing_else(written: Write) -> None:
    config = load_config(written(a="http: {host: 127.0.0.2}\nsite: {store: north}\n"))
    assert (config.http.host, config.http.port, config.site.store) == ("127.0.0.2", 8480, "north")


def test_a_later_name_lies_over_an_earlier_one(written: Write) -> None:
    config = load_config(written(b="site: {store: second}\n", a="site: {store: first, box: b1}\n"))
    assert (config.site.store, config.site.box) == ("second", "b1")


def test_entries_with_a_name_are_joined_by_it_and_new_ones_come_last(written: Write) -> None:
    text = "cameras:\n  - {name: till-3, source: demo}\n  - {name: till-1, max_frame_age_s: 2}\n"
    cameras = load_config(written(a=text)).cameras
    assert [camera.name for camera in cameras] == ["till-1", "till-2", "till-3"]
    assert (cameras[0].detect_hz, cameras[0].max_frame_age_s) == (5.0, 2.0)


def test_lists_without_names_are_replaced(written: Write) -> None:
    base = BASE + "till: {lines: [{path: a.jsonl}, {path: b.jsonl}]}\n"
    config = load_config(written(base, a="till: {lines: [{path: c.jsonl}]}\n"))
    assert [door.path.name for door in config.till.lines] == ["c.jsonl"]


def test_paths_in_overlays_begin_at_the_configurations_folder(written: Write, tmp_path: Path) -> None:
    assert load_config(written(a="state: {dir: here}\n")).state.dir == tmp_path / "here"


def test_a_mistake_is_named_in_the_file_where_it_stands(written: Write, tmp_path: Path) -> None:
    path = written(
        BASE + "log: {level: loud}\n", a="\nhttp: {prot: 1}\n", b="cameras: [{name: till-1, name: x}]\n"
    )
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    said = [str(each).replace(f"{tmp_path}/", "") for each in caught.value.problems]
    assert [line.split(": ")[:2] for line in said] == [
        ["lane.yaml:7", "log.level"],
        ["config.d/a.yaml:2", "http.prot"],
        ["config.d/b.yaml:1", "cameras[0].name"],
    ]


def test_an_overlay_that_is_no_yaml_is_refused(written: Write) -> None:
    with pytest.raises(ConfigError, match=r"config\.d/a\.yaml:2: not YAML"):
        load_config(written(a="a: [\n"))


def test_other_files_in_the_folder_are_left_alone(written: Write, tmp_path: Path) -> None:
    path = written()
    (tmp_path / "config.d" / "a.yaml.bak").write_text("nonsense: {")
    (tmp_path / "config.d" / ".b.yaml").write_text("nonsense: {")
    assert read_config(path).files == (path,)


@pytest.mark.parametrize(
    "text", ["&a {cameras: *a}", "cameras: &a [*a]", "http: &h {http: *h}", "[]", "word"]
)
def test_an_overlay_that_leads_in_circles_or_is_no_mapping_ends_in_words(written: Write, text: str) -> None:
    with pytest.raises(ConfigError):
        load_config(written("&b {cameras: *b, http: &h {http: *h}}", a=text))


# --- the effective configuration ------------------------------------------------------------------------------


def rich(folder: Path) -> Config:
    """A configuration that uses every kind of value."""
    (folder / "token").write_text("t")
    (folder / "lane.yaml").write_text(
        """\
site: {store: "007", box: no, time_zone: Europe/Moscow, language: ru}
cameras:
  - {name: c, source: "0", user: viewer, password_env: CAM, detect_hz: 2.5, detect_size: [640, 384]}
lanes:
  - {name: l, camera: c, zones_px: {customer: [[0, 0], [10.5, 0], [1, 9]]}, reports_id_checks: page}
policy: {other_ages: [{legal_age: 21, challenge_age: 30, miss_rate: 0.01}]}
till:
  http: {token_file: token}
  lines: [{path: a.jsonl}]
  clocks: [{lane: l, offset_s: -1.5}]
  goods: {products: [{pattern: "*: #x", min_age: 16}]}
state: {dir: "~/somewhere"}
sinks:
  - {kind: file, name: f, purpose: operations, path: "true"}
  - {kind: webhook, name: w, purpose: security, url: "https://u:p@h.example/1"}
  - {kind: mqtt, name: m, purpose: security, host: h, tls: true, types: [checkout.alert.raised.v1]}
log: {level: debug}
"""
    )
    return load_config(folder / "lane.yaml")


def test_what_is_shown_whole_is_the_same_configuration_from_any_folder(tmp_path: Path) -> None:
    config = rich(tmp_path)
    again = parse_config(as_yaml(config, masked=False).encode(), file="again.yaml", folder=Path("/"))
    assert again == config


@pytest.mark.parametrize("name", ["demo.yaml", "lane.yaml"])
def test_so_are_the_shipped_ones(name: str) -> None:
    config = load_config(CHECKOUT / "configs" / name)
    assert parse_config(as_yaml(config, masked=False).encode(), file="a", folder=Path("/")) == config


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("rtsp://192.0.2.1:554/stream2?channel=1", "rtsp://192.0.2.1:554/stream2?channel=1"),
        ("http://192.0.2.1/v?user=u&password=canary&n=1", "http://192.0.2.1/v?user=u&password=***&n=1"),
        ("https://u:canary@h.example/a", "https://***@h.example/a"),
        ("https://hooks.example/s/T01/canarycanarycanary123", "https://hooks.example/s/T01/***"),
        ("https://api.example/bot{secret}/send", "https://api.example/bot{secret}/send"),
        (
            "rtsp://192.0.2.1:554/user=admin_password=canary_channel=1_stream=0.sdp?real_stream",
            "rtsp://192.0.2.1:554/user=admin_password=***_channel=1_stream=0.sdp?real_stream",
        ),
        (
            "rtsp://192.0.2.1/user=admin&password=ca_na-ry&channel=1.sdp",
            "rtsp://192.0.2.1/user=admin&password=***&channel=1.sdp",
        ),
        ("http://192.0.2.1/v.cgi?usr=a&pw=canary", "http://192.0.2.1/v.cgi?usr=a&pw=***"),
        (
            "http://192.0.2.1/v.cgi?loginuse=a&loginpas=canary",
            "http://192.0.2.1/v.cgi?loginuse=a&loginpas=***",
        ),
        ("rtsp://192.0.2.1/admin:canary/ch1", "rtsp://192.0.2.1/admin:***/ch1"),
        ("rtsp://192.0.2.1/;pass=canary/ch1", "rtsp://192.0.2.1/;pass=***/ch1"),
        ("http://h.example/x?a=1;token=canary#t", "http://h.example/x?a=1;token=***#t"),
        ("https://h.example/x#token=canary", "https://h.example/x#token=***"),
        ("https://s3.example/x?n=1&X-Amz-Credential=canary", "https://s3.example/x?n=1&X-Amz-Credential=***"),
        ("https://chat.example/hooks/eyJhbGci.canarycanary.sig_nature", "https://chat.example/hooks/***"),
        (
            "rtsp://192.0.2.1/axis-media/media.amp?videocodec=h264",
            "rtsp://192.0.2.1/axis-media/media.amp?videocodec=h264",
        ),
        ("plain words", "plain words"),
    ],
)
def test_keys_in_addresses_are_masked(address: str, shown: str) -> None:
    assert masked_address(address) == shown


def test_what_is_masked_is_known_so_that_no_log_tells_it() -> None:
    address = "rtsp://u:one@192.0.2.1/user=admin_password=two_channel=1?key=three&n=1"
    assert hidden_in_address(address) == ("u:one", "two", "three")
    assert hidden_in_address("rtsp://192.0.2.1:554/stream2?channel=1") == ()


def test_a_camera_s_password_within_its_address_stands_in_no_complaint(written: Write) -> None:
    """The last good configuration is used then, and why is told in /health and on the page."""
    camera = "{name: till-3, source: 'rtps://192.0.2.1/user=admin_password=canary_channel=1'}"
    with pytest.raises(ConfigError) as caught:
        load_config(written(a=f"cameras: [{camera}]\n"))
    assert "rtps://192.0.2.1/user=admin_password=***_channel=1" in str(caught.value)
