"""What the shop still has to do although the box works: said by `check-config`, `/health` and the pages."""

from __future__ import annotations

from edge.config.camera import SourceKind
from edge.config.config import Config

__all__ = ["reminders"]

_NOTICE = {
    "en": "no notice tells customers of the camera: print one with `checkout-age notice`, hang it up where they read "
    "it before the camera sees them, then set site.notice_displayed: true",
    "ru": "покупателей не предупреждает о камере никакое объявление: напечатайте его "
    "(`checkout-age notice --lang ru`), повесьте там, где его прочтут до камеры, и укажите site.notice_displayed: true",
}


def reminders(config: Config, *, language: str = "en") -> tuple[str, ...]:
    """A sentence for each duty that the configuration does not say is done; a drawn lane films nobody."""
    films = any(camera.kind is not SourceKind.DEMO for camera in config.cameras)
    return (_NOTICE[language],) if films and not config.site.notice_displayed else ()
