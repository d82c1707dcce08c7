"""`checkout-age notice`: a notice for customers, to print: what is estimated, that nothing is kept, whom to ask."""

from __future__ import annotations

import argparse
import html
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from edge.cli._box import CONFIG_HELP, config_of_box

if TYPE_CHECKING:
    from edge.config import Config

HELP = "a notice for customers to print: what is estimated, what is kept, whom to ask"
EXIT_REFUSED = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What stands on it, and where it goes."""
    parser.add_argument("--lang", choices=["en", "ru"], help="default: the configuration's, or en")
    parser.add_argument("--shop", required=True, metavar="NAME", help="who runs the camera")
    parser.add_argument(
        "--contact", required=True, metavar="TEXT", help="whom to ask: a name, mail or telephone"
    )
    parser.add_argument(
        "--age",
        type=int,
        help="who looks younger is asked (default: the configuration's challenge age, or 25)",
    )
    parser.add_argument(
        "--purchases",
        action=argparse.BooleanOptionalAction,
        help="the box also counts what age bands buy (default: as the configuration has it, or no)",
    )
    parser.add_argument(
        "--offers",
        action=argparse.BooleanOptionalAction,
        help="goods are suggested by age band (default: as the configuration has it, or no)",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help=CONFIG_HELP)
    parser.add_argument("--out", type=Path, metavar="FILE", help="write here instead of stdout")


def run(args: argparse.Namespace) -> int:
    """0 with one self-contained HTML page for A4; 2 where the configuration cannot be read or the file not written."""
    from edge.config import ConfigError

    try:
        config = _config(args.config)
    except ConfigError as error:
        print(f"checkout-age notice: {error}", file=sys.stderr)
        return EXIT_REFUSED
    page = notice(
        lang=args.lang or (config.site.language if config else "en"),
        shop=args.shop,
        contact=args.contact,
        age=args.age or (_oldest_challenged(config) if config else 25),
        purchases=_counts_purchases(config) if args.purchases is None else args.purchases,
        offers=_suggests(config) if args.offers is None else args.offers,
    )
    if args.out is None:
        sys.stdout.write(page)
        return 0
    try:
        args.out.write_text(page, encoding="utf-8")
    except OSError as error:
        print(f"checkout-age notice: {args.out}: {error.strerror}", file=sys.stderr)
        return EXIT_REFUSED
    print(args.out)
    return 0


def _config(given: Path | None) -> Config | None:
    """What the box does decides what must be told. Raises ConfigError for a file that was named."""
    from edge.config import ConfigError, load_config

    file = config_of_box(given)
    if file is None:
        return None
    try:
        return load_config(file)
    except ConfigError:
        if given is not None:
            raise
        print(
            f"checkout-age notice: {file} cannot be used (`checkout-age check-config` says why): give --age, "
            "--purchases and --offers where the shop's differ",
            file=sys.stderr,
        )
        return None


def _oldest_challenged(config: Config) -> int:
    return max(config.policy.challenge_age, *(one.challenge_age for one in config.policy.other_ages), 0)


def _counts_purchases(config: Config | None) -> bool:
    """Baskets come of tills alone."""
    return config is not None and config.sales.enabled and config.till.any_door


def _suggests(config: Config | None) -> bool:
    return config is not None and config.offers.enabled and config.till.any_door


_WORDS = {
    "en": {
        "title": "A camera at this till estimates ages",
        "why_head": "What for",
        "why": "Alcohol and other goods may not be sold to minors. Whoever may look younger than {age} is asked for an "
        "ID. An estimate never replaces the ID and never clears a sale by itself: the cashier decides.",
        "how_head": "What happens",
        "how": "A small computer in this shop looks at the camera's picture and estimates the age of the face at the "
        "till. It recognises nobody and compares your face with no list.",
        "kept_head": "What is kept",
        "kept": "No picture, no video and nothing by which your face could be known again. Kept for a limited time "
        "are: the estimated age with its uncertainty, the time, the till, and whether an ID was asked for and seen.",
        "purchases": "Apart from that, purchases are counted by age band and hour of the day, without receipt number "
        "or person.",
        "offers": "At the till goods may be suggested that customers of about that age often buy.",
        "ask_head": "Questions, objections, your rights",
        "ask": "You may ask what is kept, object, and have it deleted by the number of your receipt. If you do not "
        "want to be in the picture, tell the staff: they check your ID instead.",
        "run": "Run by {shop}",
    },
    "ru": {
        "title": "Камера у этой кассы оценивает возраст",
        "why_head": "Зачем",
        "why": "Алкоголь и некоторые другие товары нельзя продавать несовершеннолетним. У того, кто может выглядеть "
        "моложе {age} лет, спросят документ. Оценка не заменяет документ и сама ничего не разрешает: решает кассир.",
        "how_head": "Что происходит",
        "how": "Небольшой компьютер в этом магазине смотрит на картинку камеры и оценивает возраст лица у кассы. Он "
        "никого не узнаёт и не сверяет лица ни с какими списками.",
        "kept_head": "Что хранится",
        "kept": "Ни снимков, ни видео, ни данных, по которым ваше лицо можно узнать. Ограниченное время хранятся: "
        "оценка возраста с её точностью, время, касса и то, спросили ли документ и был ли он показан.",
        "purchases": "Отдельно покупки считаются по возрастным группам и часам, без номера чека и без человека.",
        "offers": "На кассе могут предложить товары, которые часто берут покупатели примерно того же возраста.",
        "ask_head": "Вопросы, возражения, ваши права",
        "ask": "Вы можете спросить, что хранится, возразить и попросить удалить данные по номеру чека. Если вы не "
        "хотите попадать в кадр, скажите персоналу: вместо оценки проверят документ.",
        "run": "Камерой распоряжается: {shop}",
    },
}

_PAGE = """<!doctype html>
<html lang="{lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
@page {{ size: A4; margin: 16mm; }}
* {{ box-sizing: border-box; }}
body {{ margin: 0 auto; max-width: 178mm; padding: 4mm; font: 13pt/1.38 "DejaVu Sans", Arial, sans-serif;
  color: #111; background: #fff; }}
header {{ display: flex; gap: 8mm; align-items: center; border-bottom: 1.2mm solid #111; padding-bottom: 6mm; }}
svg {{ flex: none; width: 30mm; height: 30mm; }}
h1 {{ font-size: 27pt; line-height: 1.15; margin: 0; }}
h2 {{ font-size: 15pt; margin: 5mm 0 1mm; }}
p {{ margin: 0 0 1.5mm; overflow-wrap: anywhere; }}
.kept {{ border: .8mm solid #111; border-radius: 2mm; padding: 0 5mm 3mm; margin-top: 6mm; break-inside: avoid; }}
footer {{ margin-top: 7mm; border-top: .4mm solid #111; padding-top: 4mm; break-inside: avoid; }}
.contact {{ font-size: 17pt; font-weight: bold; }}
</style>
</head>
<body>
<header>
<svg viewBox="0 0 60 60" role="img" aria-hidden="true"><rect x="2" y="2" width="56" height="56" rx="8" fill="#111"/>
<rect x="10" y="20" width="30" height="22" rx="3" fill="#fff"/><path d="M40 28l11-7v20l-11-7z" fill="#fff"/>
<circle cx="25" cy="31" r="7" fill="#111"/></svg>
<h1>{title}</h1>
</header>
<main>
<h2>{why_head}</h2><p>{why}</p>
<h2>{how_head}</h2><p>{how}</p>{offers}
<section class="kept"><h2>{kept_head}</h2><p>{kept}</p>{purchases}</section>
<h2>{ask_head}</h2><p>{ask}</p>
</main>
<footer><p>{run}</p><p class="contact">{contact}</p></footer>
</body>
</html>
"""


def notice(
    *, lang: str, shop: str, contact: str, age: int = 25, purchases: bool = False, offers: bool = False
) -> str:
    """One HTML page that loads nothing from anywhere. What the shop gives is text, never markup."""
    words = _WORDS[lang]
    told = {name: html.escape(text) for name, text in words.items()}
    told["why"] = html.escape(words["why"].format(age=age))
    told["run"] = html.escape(words["run"].format(shop=shop))
    for name, there in (("purchases", purchases), ("offers", offers)):
        told[name] = f"<p>{told[name]}</p>" if there else ""
    return _PAGE.format(lang=lang, contact=html.escape(contact), **told)
