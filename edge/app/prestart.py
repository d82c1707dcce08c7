"""What keeps a configuration from starting, found without starting it."""

from __future__ import annotations

import ssl

from edge.age import AgeBundle
from edge.app.pages import check_protected
from edge.app.parts import Models, age_bundle_folder
from edge.config import Config, FileSink, Inference, MqttSink, read_password
from edge.face import CONTRACT, choose_detector

__all__ = ["refuse_what_cannot_start", "same_models"]


def refuse_what_cannot_start(config: Config) -> None:
    """Read every secret, the certificate and the users file.

    Raises SecretError, UnprotectedError, PeopleError, OSError (ssl.SSLError) with the way out. A taken port and a
    store of somebody else's are found only by starting.
    """
    check_protected(config)
    for camera in config.cameras:
        read_password(camera)
    for sink in config.sinks:
        if not isinstance(sink, FileSink):
            read_password(sink)
        if isinstance(sink, MqttSink):
            sink.key()
    if config.till.http is not None:
        config.till.http.token()
    if config.till.mqtt is not None:
        read_password(config.till.mqtt)
    if config.hub is not None:
        read_password(config.hub)
    config.http.metrics_token()
    certificate = config.http.certificate()
    if certificate is not None:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(*certificate)


def same_models(models: Models, opened_for: Inference, inference: Inference) -> bool:
    """Would `inference` open just what is open? False too where a file was exchanged meanwhile.

    Raises DetectorError and BundleError as `open_models` does.
    """
    if inference != opened_for:
        return False
    bundle = AgeBundle.load(age_bundle_folder(inference), contract_digest=CONTRACT.digest)
    choice = choose_detector(inference.detector, models_folder=inference.models_dir)
    return bundle.digest == models.bundle.digest and choice == models.choice
