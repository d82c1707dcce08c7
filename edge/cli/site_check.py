"""`checkout-age site-check`: volunteers of known age stand at the till; what the site then reads, with intervals."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge.cli._box import CONFIG_HELP, config_of_box

if TYPE_CHECKING:
    from edge.app.parts import Models
    from edge.app.site_check import Figures, Volunteer
    from edge.config import Camera, Config
    from edge.flow import GateVerdict

HELP = "measure this site with volunteers of known age: error, coverage, misses, with intervals"
EXIT_NOTHING, EXIT_REFUSED = 1, 2
_SECONDS, _CROPS = 15.0, 5

CONSENT = {
    "en": """What you take part in: this till's camera looks at your face for some seconds, and a program estimates your
age. Kept are: the age you told, the numbers that the model gave for each age, how sharp, large and bright the face was.
Not kept are: pictures, your name, the time. The file stays at this shop, serves to check how well the camera is placed,
and is deleted after that. Taking part is voluntary; you may stop at any time and have your entry deleted.
Younger than 18: only with a parent or guardian present who agrees.""",
    "ru": """В чём вы участвуете: камера этой кассы несколько секунд смотрит на ваше лицо, программа оценивает возраст.
Сохраняется: названный вами возраст, числа модели для каждого возраста и то, насколько лицо резкое, крупное и светлое.
Не сохраняется: снимки, ваше имя, время. Файл остаётся в этом магазине, служит проверке того, как стоит камера,
и после неё удаляется. Участие добровольное; вы можете прекратить его в любой момент, и вашу запись удалят.
Моложе 18: только в присутствии родителя или опекуна и с его согласия.""",
}
_YES = ("yes", "y", "да")
_SAID = {
    "en": {
        "ask": "Does the volunteer agree? Type yes: ",
        "declined": "not agreed, nothing was looked at",
        "stand": "stand where customers pay and look at the till for {seconds:.0f} s",
        "nothing": "no face was good enough to read ({why}); `checkout-age aim` helps to place the camera",
        "nobody": "none was seen",
        "kept": "kept in {file}: {crops} crops, face {px} px, {years:.1f} years said ({low:.0f} to {high:.0f})",
        "n": "volunteers          {n}",
        "mae": "mean error          {mae:.1f} years ({low} to {high}); on average {bias:+.1f}",
        "covered": "within the interval {k} of {n}: {share:.0%} ({low:.0%} to {high:.0%}); it promises {promised:.0%}",
        "missed": "minors not asked    {k} of {n}{share}",
        "asked": "adults asked        {k} of {n}{share}",
        "share": ": {share:.0%} ({low:.0%} to {high:.0%})",
        "few": "n is small: the true figure can lie anywhere in the range in brackets (95 %)",
    },
    "ru": {
        "ask": "Участник согласен? Введите да: ",
        "declined": "согласия нет, камера не смотрела",
        "stand": "встаньте там, где платят, и смотрите на кассу {seconds:.0f} с",
        "nothing": "ни одно лицо не годилось ({why}); поставить камеру помогает `checkout-age aim`",
        "nobody": "лица не было видно",
        "kept": "записано в {file}: снимков {crops}, лицо {px} px, оценка {years:.1f} лет ({low:.0f}–{high:.0f})",
        "n": "участников           {n}",
        "mae": "средняя ошибка       {mae:.1f} года ({low}–{high}); в среднем {bias:+.1f}",
        "covered": "внутри интервала     {k} из {n}: {share:.0%} ({low:.0%}–{high:.0%}); обещано {promised:.0%}",
        "missed": "младших не спросили  {k} из {n}{share}",
        "asked": "взрослых спросили    {k} из {n}{share}",
        "share": ": {share:.0%} ({low:.0%}–{high:.0%})",
        "few": "участников мало: истинное значение может лежать где угодно в скобках (95 %)",
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """One crop that was read; its pixels are gone."""

    logits: Any
    verdict: GateVerdict
    face_px: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The camera and one volunteer's age, or only the figures of a file."""
    parser.add_argument(
        "--camera", metavar="NAME|SOURCE", help="a camera of --config, or 0, /dev/…, rtsp://…, a file"
    )
    parser.add_argument("--age", type=float, metavar="YEARS", help="the volunteer's true age")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("site-check.jsonl"),
        metavar="FILE",
        help="where entries are kept; it grows (default: %(default)s)",
    )
    parser.add_argument("--report", action="store_true", help="only print the figures of the file")
    parser.add_argument("--config", type=Path, metavar="FILE", help=CONFIG_HELP)
    parser.add_argument("--seconds", type=float, default=_SECONDS, help="how long to look (default: 15)")
    parser.add_argument(
        "--agreed", action="store_true", help="the volunteer has read the consent text and agreed: do not ask"
    )
    parser.add_argument("--lang", choices=["en", "ru"], help="default: the configuration's, or en")


def run(args: argparse.Namespace) -> int:
    """0 with figures, 1 where the volunteer declined or no face could be read, 2 where it cannot start."""
    from edge.age import AgeModelError
    from edge.app.aim_source import camera_named
    from edge.app.parts import open_models
    from edge.app.site_check import SiteCheckError, append, read
    from edge.config import Config, ConfigError, Inference, Lane, SecretError, load_config
    from edge.face import DetectorError
    from edge.ops.log import redactor, start_logging
    from edge.ops.process import forbid_core_dumps

    forbid_core_dumps()
    start_logging(level="error")
    try:
        if not args.report and (args.camera is None or args.age is None or not 0 < args.age <= 110):
            raise ValueError(
                "give --camera and --age (0 to 110), or --report for the figures of the file alone"
            )
        if args.report:
            file = config_of_box(args.config)
            config = None if file is None else load_config(file)
        else:
            camera, config = camera_named(
                args.camera, config_file=config_of_box(args.config, camera=args.camera)
            )
        language = args.lang or (config.site.language if config else "en")
        models = open_models(config.inference if config else Inference())
        if not args.report:
            if not _agreed(args, language):
                print(_SAID[language]["declined"], file=sys.stderr)
                return EXIT_NOTHING
            volunteer, why = _look(args, camera, models, language)
            if volunteer is None:
                print(
                    _SAID[language]["nothing"].format(why=why or _SAID[language]["nobody"]), file=sys.stderr
                )
                return EXIT_NOTHING
            append(args.out, volunteer, models.bundle)
            _say_kept(args.out, volunteer, models, language)
        if config is None:
            config = Config(cameras=(), lanes=(Lane(name="lane", camera="camera"),))
        _print(_figures(read(args.out, models.bundle), config, models), language)
    except (
        ConfigError,
        SecretError,
        DetectorError,
        AgeModelError,
        SiteCheckError,
        ValueError,
        OSError,
    ) as error:
        print(f"checkout-age site-check: {redactor(str(error))}", file=sys.stderr)
        return EXIT_REFUSED
    return 0


def _agreed(args: argparse.Namespace, language: str) -> bool:
    print(CONSENT[language], file=sys.stderr)
    if args.agreed:
        return True
    print(_SAID[language]["ask"], end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in _YES


def _look(
    args: argparse.Namespace, camera: Camera, models: Models, language: str
) -> tuple[Volunteer | None, str | None]:
    """The volunteer, or the reason why no crop was good enough. The largest face of a picture is the volunteer's."""
    import numpy as np

    from edge.app.aim_source import LiveFrames, face_detector
    from edge.app.site_check import Volunteer
    from edge.config import Inference
    from edge.face import QualityGate, crop_face
    from edge.flow import Crop
    from edge.track import BestShots, Refusals

    detector = face_detector(
        Inference(detector=models.choice.name, threads=models.threads), size_px=camera.detect_size
    )
    print(_SAID[language]["stand"].format(seconds=args.seconds), file=sys.stderr)
    gate, shots, refusals = QualityGate(), BestShots(budget=_CROPS), Refusals()
    kept: list[_Reading] = []
    refused = False
    with LiveFrames(camera, seconds=args.seconds) as frames:
        for frame in frames:
            faces = [] if frame is None else detector.detect([frame.image])[0]
            if frame is None or not faces:
                continue
            largest = max(faces, key=lambda face: face.box_px[2] * face.box_px[3])
            [exact] = detector.refine(frame.image, [largest])
            pixels = crop_face(frame.image, exact.landmarks_px)
            verdict = gate.judge(exact, pixels)
            crop = Crop(pixels=pixels, at_ns=frame.at_ns, box_px=exact.box_px, verdict=verdict)
            if verdict.reason is not None:
                refusals.add(verdict)
                refused = True
            elif shots.wants(crop) and shots.admit(crop):
                logits = models.ages.read(pixels[None])[0]
                kept.append(_Reading(logits=logits, verdict=verdict, face_px=exact.box_px[2]))
                kept = sorted(kept, key=lambda one: -one.verdict.quality)[:_CROPS]
    if not kept:
        return None, refusals.reason().value if refused else None
    return (
        Volunteer(
            age=args.age,
            logits=np.stack([one.logits for one in kept]),
            qualities=np.asarray([one.verdict.quality for one in kept], np.float32),
            face_px=round(max(one.face_px for one in kept)),
            blur=kept[0].verdict.blur,
            brightness=kept[0].verdict.brightness,
        ),
        None,
    )


def _say_kept(file: Path, volunteer: Volunteer, models: Models, language: str) -> None:
    estimate = volunteer.estimate(models.bundle)
    print(
        _SAID[language]["kept"].format(
            file=file,
            crops=len(volunteer.qualities),
            px=volunteer.face_px,
            years=estimate.mean_years or 0.0,
            low=estimate.low_years or 0.0,
            high=estimate.high_years or 0.0,
        ),
        file=sys.stderr,
    )


def _figures(volunteers: list[Volunteer], config: Config, models: Models) -> Figures:
    from edge.app.policies import threshold
    from edge.app.site_check import summary

    policy = config.policy
    tau = threshold(policy, models.bundle, challenge_age=policy.challenge_age, miss_rate=policy.miss_rate)
    return summary(
        volunteers, models.bundle, legal_age=policy.legal_age, challenge_age=policy.challenge_age, tau=tau
    )


def _print(figures: Figures, language: str) -> None:
    said = _SAID[language]

    def share(count: int, n: int, interval: tuple[float, float]) -> str:
        return "" if n == 0 else str(said["share"]).format(share=count / n, low=interval[0], high=interval[1])

    print(str(said["n"]).format(n=figures.n))
    if figures.n == 0 or figures.mae_years is None or figures.bias_years is None:
        return
    low, high = ("?" if end is None else f"{end:.1f}" for end in (figures.mae_low, figures.mae_high))
    print(str(said["mae"]).format(mae=figures.mae_years, low=low, high=high, bias=figures.bias_years))
    covered = figures.covered_interval
    print(
        str(said["covered"]).format(
            k=figures.covered, n=figures.n, share=figures.covered / figures.n, low=covered[0], high=covered[1],
            promised=figures.coverage,
        )
    )  # fmt: skip
    minors = share(figures.missed, figures.minors, figures.missed_interval)
    print(str(said["missed"]).format(k=figures.missed, n=figures.minors, share=minors))
    adults = share(figures.asked, figures.adults, figures.asked_interval)
    print(str(said["asked"]).format(k=figures.asked, n=figures.adults, share=adults))
    if figures.n < 30:
        print(said["few"])
