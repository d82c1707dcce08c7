"""What the shop still has to do although the box works: said by `check-config`, `/health` and the pages."""

from __future__ import annotations

from collections.abc import Iterator

from edge.config.camera import SourceKind
from edge.config.config import Config
from edge.config.sink import Sink

__all__ = ["reminders"]

_NOTICE = {
    "en": "no notice tells customers of the camera: print one with `checkout-age notice`, hang it up where they read "
    "it before the camera sees them, then set site.notice_displayed: true",
    "ru": "покупателей не предупреждает о камере никакое объявление: напечатайте его "
    "(`checkout-age notice --lang ru`), повесьте там, где его прочтут до камеры, и укажите site.notice_displayed: true",
}
_ONE_READER = {
    "en": "the sinks '{one}' (security) and '{other}' (marketing) reach one reader, or have one secret: give each "
    "purpose its own, nobody shall be able to lay the two beside each other (docs/privacy.md)",
    "ru": "приёмники «{one}» (безопасность) и «{other}» (маркетинг) ведут к одному читателю или делят один секрет: "
    "заведите каждому свой, чтобы никто не мог сопоставить эти данные (docs/privacy.md)",
}


def reminders(config: Config, *, language: str = "en") -> tuple[str, ...]:
    """A sentence for each duty that the configuration does not say is done; a drawn lane films nobody."""
    films = any(camera.kind is not SourceKind.DEMO for camera in config.cameras)
    notice = (_NOTICE[language],) if films and not config.site.notice_displayed else ()
    shared = (
        _ONE_READER[language].format(one=one.name, other=other.name)
        for one in config.sinks
        for other in config.sinks
        if (one.purpose, other.purpose) == ("security", "marketing") and _reach(one) & _reach(other)
    )
    return (*notice, *shared)


def _reach(sink: Sink) -> set[tuple[object, ...]]:
    """Whoever reads there, and with what secret, as the configuration names it."""
    return set(_readers(sink))


def _readers(sink: Sink) -> Iterator[tuple[object, ...]]:
    if sink.kind == "file":
        return
    for way in ("password_env", "password_file", "password_credential"):
        if getattr(sink, way) is not None:
            yield way, getattr(sink, way)
    if sink.kind == "mqtt":
        yield "mqtt", sink.host, sink.effective_port, sink.user
    else:
        yield "webhook", sink.url, sink.topic
