"""What systemd hands over (`LoadCredential=`): passwords, tokens and keys, and what a renewed certificate does then."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from edge.app import Daemon
from edge.app.couriers import build_receiver
from edge.app.prestart import refuse_what_cannot_start
from edge.cli import main
from edge.config import Config, ConfigError, SecretError, load_config
from edge.events import MqttSink
from edge.events.errors import SinkDown
from tests.scenarios.box import free_port

TURNS = 600
TURN_S = 0.1


class Handed:
    """A configuration whose secrets are credentials, and systemd's folder of them."""

    def __init__(self, folder: Path, *, port: int) -> None:
        self.folder, self.credentials = folder, folder / "handed"
        self.file, self.chain = folder / "lane.yaml", folder / "chain.pem"
        self.credentials.mkdir()
        (self.credentials / "secret_till-token").write_text("the-token-of-the-till")
        self.issue("old.example")
        self.put_key()
        self.file.write_text(
            yaml.safe_dump(
                {
                    "cameras": [{"name": "cam", "source": "demo"}],
                    "lanes": [{"name": "lane-1", "camera": "cam"}],
                    "http": {"port": port, "tls_cert": "chain.pem", "tls_key_credential": "page-key"},
                    "till": {"http": {"token_credential": "till-token"}},
                    "state": {"dir": str(folder / "state"), "min_free_mb": 1},
                    "inference": {"detector": "mtcnn", "threads": 1},
                }
            )
        )

    def issue(self, name: str, *, key: str = "new") -> None:
        """A certificate of this name; `key`: of a new key, or of one that was kept (`kept`)."""
        wanted = ["-new", "-key", self.folder / "kept.pem"] if key == "kept" else [
            "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.folder / "key.pem"
        ]  # fmt: skip
        subprocess.run(
            ["openssl", "req", "-x509", *wanted, "-out", self.chain, "-days", "2", "-subj", f"/CN={name}"],
            check=True,
            capture_output=True,
        )

    def put_key(self) -> None:
        """As a start of the service does."""
        shutil.copy(self.folder / "key.pem", self.credentials / "secret_page-key")
        shutil.copy(self.folder / "key.pem", self.folder / "kept.pem")


@pytest.fixture
def handed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Handed:
    made = Handed(tmp_path, port=free_port())
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(made.credentials))
    return made


@pytest.fixture
def daemon(handed: Handed, monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    monkeypatch.setattr("edge.app.daemon._RENEW_EVERY_S", 0.0)
    monkeypatch.setattr("edge.app.daemon._HOUSEKEEPING_S", TURN_S)
    made = Daemon(load_config(handed.file))
    made.start()
    yield made
    made.stop()


def shown(port: int) -> bytes:
    """The certificate that a new connection is shown."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port), timeout=60) as raw, context.wrap_socket(raw) as tls:
        return tls.getpeercert(binary_form=True) or b""


def unfit(daemon: Daemon) -> list[str]:
    return [note for note in daemon.notes if "certificate" in note]


def until(true, what: str) -> None:
    tick = threading.Event()
    assert any(true() or tick.wait(TURN_S) for _ in range(TURNS)), what


def test_a_page_with_its_key_from_systemd_takes_a_certificate_of_the_same_key_and_says_what_another_needs(
    handed: Handed, daemon: Daemon
) -> None:
    port = daemon.config.http.port
    assert b"old.example" in shown(port)

    handed.issue("renewed.example", key="kept")
    until(lambda: b"renewed.example" in shown(port), "a renewed certificate of the same key")
    assert not unfit(daemon)

    handed.issue("other.example")
    until(lambda: unfit(daemon), "a certificate without its key is told")
    (said,) = unfit(daemon)
    assert "systemctl restart checkout-age" in said
    assert b"renewed.example" in shown(port), "the old pair is served on"

    handed.put_key()
    until(lambda: b"other.example" in shown(port), "with its key it is taken")
    until(lambda: not unfit(daemon), "and nothing is said any more")


def test_what_systemd_did_not_hand_over_is_found_before_anything_is_stopped(handed: Handed) -> None:
    config = load_config(handed.file)
    refuse_what_cannot_start(config)
    (handed.credentials / "secret_page-key").unlink()
    with pytest.raises(SecretError, match=r"credentials/page-key, then: systemctl restart checkout-age"):
        refuse_what_cannot_start(config)
    with pytest.raises(SecretError):
        Daemon(config)


def with_sink(handed: Handed, text: str) -> Config:
    handed.file.write_text(
        handed.file.read_text()
        + f"sinks: [{{kind: mqtt, name: m, purpose: security, host: 127.0.0.1, port: 1, tls: true, {text}}}]\n"
    )
    return load_config(handed.file)


def test_a_brokers_client_key_may_come_from_systemd_too(handed: Handed) -> None:
    config = with_sink(handed, "cert_file: chain.pem, key_credential: broker-key")
    with pytest.raises(SecretError, match="broker-key"):
        refuse_what_cannot_start(config)
    key = handed.credentials / "broker-key"  # as `LoadCredential=broker-key:FILE` names it
    key.write_text("no key")
    sink = build_receiver(config.sinks[0], config)
    assert isinstance(sink, MqttSink)
    try:
        with pytest.raises(SinkDown, match="broker-key"):  # it is none, and the file is named
            sink.deliver([])
    finally:
        sink.close()


def test_check_config_says_which_credential_was_not_put_there_to_whoever_may_look(
    handed: Handed, capsys: pytest.CaptureFixture[str]
) -> None:
    def said() -> list[str]:
        assert main(["check-config", str(handed.file)]) == 0
        lines = capsys.readouterr().err.splitlines()
        return [line.split(": ")[1] for line in lines if "LoadCredential" in line]

    with_sink(handed, "cert_file: chain.pem, key_credential: broker-key")
    assert said() == []  # a unit of one's own, or another user's folder
    (handed.folder / "credentials").mkdir()
    assert said() == ["till.http.token_credential", "http.tls_key_credential", "sinks.key_credential"]
    for name in ("till-token", "page-key", "broker-key"):
        (handed.folder / "credentials" / name).write_text("x")
    assert said() == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("key_credential: k", "key_credential: cert_file and key_file (or key_credential) belong together"),
        (
            "cert_file: chain.pem, key_file: key.pem, key_credential: k",
            "only one of key_file, key_credential",
        ),
        ("cert_file: chain.pem, key_credential: ../k", "key_credential: '../k' is not allowed"),
    ],
)
def test_one_certificate_has_one_key(handed: Handed, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said.replace("(", r"\(").replace(")", r"\)")):
        with_sink(handed, text)


def test_so_has_the_page(handed: Handed) -> None:
    text = handed.file.read_text()
    handed.file.write_text(
        text.replace("tls_key_credential: page-key", "tls_key_credential: page-key\n  tls_key: key.pem")
    )
    with pytest.raises(ConfigError, match="only one of tls_key, tls_key_credential"):
        load_config(handed.file)
    handed.file.write_text("\n".join(line for line in text.splitlines() if "tls_cert" not in line))
    with pytest.raises(ConfigError, match=r"http\.tls_key_credential: give both"):
        load_config(handed.file)
