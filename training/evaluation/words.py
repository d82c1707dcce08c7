"""The evaluation report's sentences in English and Russian."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

__all__ = ["LANGUAGES", "named", "speak"]

LANGUAGES: Final = ("en", "ru")
_VALUES: Final = frozenset({"female", "male", "asian", "black", "indian", "white", "other"})

_WORDS: Final[dict[str, tuple[str, str]]] = {
    "title": ("How good is {model}?", "Насколько хороша модель {model}?"),
    "lead": (
        "{n} faces of the split “{split}”, variant {variant}, {rejected} pictures without a usable face left out.",
        "Лиц из части «{split}»: {n}; вариант {variant}; не учтено снимков без пригодного лица: {rejected}.",
    ),
    "goals": ("Is it good enough?", "Достаточно ли она хороша?"),
    "conclusions": ("Conclusions, and the rules they rest on", "Выводы и правила, на которых они основаны"),
    "offers": ("Offers by age group", "Предложения по возрастным группам"),
    "challenge": ("The challenge at the till", "Проверка возраста на кассе"),
    "offers_yes": (
        "Yes: the age group is right often enough for suggestions.",
        "Да: возрастная группа угадывается достаточно часто для рекомендаций.",
    ),
    "offers_no": (
        "Not yet: suggestions by age group would often miss.",
        "Пока нет: рекомендации часто промахивались бы.",
    ),
    "offers_unknown": ("Cannot be said from these figures.", "По этим данным сказать нельзя."),
    "challenge_yes": (
        "Yes, as a prompt to a person who then decides: at this threshold few minors pass "
        "and few grown-ups are bothered.",
        "Да, как подсказка человеку, который решает сам: при этом пороге мало кто из несовершеннолетних пройдёт "
        "и мало кого из взрослых побеспокоят зря.",
    ),
    "challenge_no": (
        "Not yet: at this threshold the prompts would miss too many minors or bother too many grown-ups.",
        "Пока нет: при этом пороге система пропускала бы слишком многих несовершеннолетних или беспокоила бы "
        "слишком многих взрослых.",
    ),
    "challenge_unknown": (
        "Cannot be said: no usable threshold, or too few 14–17-year-olds to measure on.",
        "Сказать нельзя: нет пригодного порога или слишком мало лиц 14–17 лет.",
    ),
    "rule_mae": (
        "mean error {value} years, at most {limit}",
        "средняя ошибка {value} года, не более {limit}",
    ),
    "rule_cs5": ("within 5 years: {value}, at least {limit}", "в пределах 5 лет: {value}, не менее {limit}"),
    "rule_coverage90": (
        "90 % interval holds {value}, {bound} {limit}",
        "90 %-й интервал верен в {value} случаев, {bound} {limit}",
    ),
    "rule_n_14_17": ("{value} faces of 14–17, at least {limit}", "лиц 14–17 лет: {value}, не менее {limit}"),
    "rule_miss_14_17": (
        "missed at 14–17: {value}, at most {limit}",
        "пропущено в 14–17 лет: {value}, не более {limit}",
    ),
    "rule_miss_14_17_ci_low": (
        "95 % interval of misses starts at {value}, at most {limit}",
        "95 %-й интервал пропусков начинается с {value}, не более {limit}",
    ),
    "rule_false_35_plus": (
        "asked without need at 35 and more: {value}, at most {limit}",
        "лишние проверки в 35 лет и старше: {value}, не более {limit}",
    ),
    "rule_ece_under_25": (
        "P(<25) is off by {value} on average, at most {limit}",
        "P(<25) в среднем ошибается на {value}, не более {limit}",
    ),
    "at_least": ("at least", "не менее"),
    "at_most": ("at most", "не более"),
    "missing": ("not measured", "не измерено"),
    "ok": ("reached", "достигнуто"),
    "fail": ("not reached", "не достигнуто"),
    "errors": ("Errors in years", "Ошибки в годах"),
    "mae": ("mean error", "средняя ошибка"),
    "mae_mean": ("MAE (mean)", "MAE (среднее)"),
    "mae_median": ("MAE (median)", "MAE (медиана)"),
    "cs5": ("within 5 years", "в пределах 5 лет"),
    "bias": ("bias", "смещение"),
    "intervals": (
        "In brackets the 95 % bootstrap interval over the faces.",
        "В скобках — 95 %-й бутстреп-интервал по лицам.",
    ),
    "faces": ("faces", "лиц"),
    "data_set": ("data set", "набор"),
    "all": ("all", "все"),
    "by_band": ("By true age", "По истинному возрасту"),
    "by_band_caption": (
        "Mean error by true age; the sign of the bias shows the pull towards the middle: the young judged older, "
        "the old judged younger.",
        "Средняя ошибка по истинному возрасту; знак смещения показывает тягу к середине: молодых судят старше, "
        "пожилых — моложе.",
    ),
    "age": ("age", "возраст"),
    "true_age": ("true age", "истинный возраст"),
    "judged": ("judged", "оценка"),
    "years": ("years", "лет"),
    "scatter": (
        "Judged against true age; on the dashed line both agree.",
        "Оценка и истинный возраст; на пунктире они равны.",
    ),
    "challenge25": ("Challenge 25", "Порог 25 лет"),
    "challenge25_lead": (
        "Who is asked for ID when the rule is “looks under 25”: by the point estimate, and by P(<25) ≥ τ with "
        "τ = {tau} from {source}.",
        "У кого спросят документ по правилу «выглядит моложе 25»: по точечной оценке и по P(<25) ≥ τ, где "
        "τ = {tau} взят из {source}.",
    ),
    "challenge25_caption": (
        "14–17: share missed; the others: share asked. Orange with τ: by P(<25) ≥ τ.",
        "14–17: доля пропущенных; остальные: доля спрошенных. Оранжевые с τ — по P(<25) ≥ τ.",
    ),
    "source_bundle": ("the bundle", "пакета модели"),
    "source_site": ("the site's own file", "собственного файла магазина"),
    "no_tau_run": (
        "There is no τ: this is a run. Export it to a bundle.",
        "τ нет: это обучение, а не пакет. Экспортируйте его.",
    ),
    "no_tau_faces": (
        "There is no usable τ: only {n} faces of 14–17 stand behind it.",
        "Пригодного τ нет: за ним лишь {n} лиц 14–17 лет.",
    ),
    "by_point": ("by the point estimate", "по точечной оценке"),
    "by_tau": ("by P(<25) ≥ τ", "по P(<25) ≥ τ"),
    "miss_14_17": ("14–17 missed", "пропущено 14–17"),
    "challenged_18_24": ("18–24 asked", "спрошено 18–24"),
    "false_25_29": ("25–29 asked", "спрошено 25–29"),
    "false_30_34": ("30–34 asked", "спрошено 30–34"),
    "false_35_plus": ("35+ asked", "спрошено 35+"),
    "false_challenge_35_plus": ("35+ asked", "спрошено 35+"),
    "calibration": ("Does it know what it does not know?", "Знает ли она, чего не знает?"),
    "reliability": (
        "P(<25) as said and as observed, by ten bins; a reliable model lies on the dashed line.",
        "P(<25) — предсказанная и наблюдаемая доля по десяти ячейкам; надёжная модель лежит на пунктире.",
    ),
    "predicted": ("said", "предсказано"),
    "observed": ("observed", "наблюдается"),
    "coverage90": ("90 % interval holds", "90 %-й интервал верен"),
    "coverage_caption": (
        "Share of true ages inside the 90 % interval, by judged age (bands under 100 faces are faint evidence).",
        "Доля истинных возрастов внутри 90 %-го интервала, по оценке (полосы менее 100 лиц мало что доказывают).",
    ),
    "width90": ("mean width of the interval", "средняя ширина интервала"),
    "ece": ("ECE of P(<25)", "ECE для P(<25)"),
    "no_calibration": (
        "A run has no calibration yet: export it to a bundle for intervals and τ.",
        "У обучения ещё нет калибровки: экспортируйте его в пакет, чтобы получить интервалы и τ.",
    ),
    "groups": ("For whom is it worse?", "Для кого хуже?"),
    "gap": (
        "{by}: worst in “{figure}” is “{worst}” ({value}), {gap} more than “{best}”.",
        "{by}: хуже всего по показателю «{figure}» — «{worst}» ({value}), на {gap} больше, чем «{best}».",
    ),
    "points": ("{value} percentage points", "{value} п. п."),
    "years_more": ("{value} years", "{value} года"),
    "female": ("female", "женщины"),
    "male": ("male", "мужчины"),
    "asian": ("asian", "азиатская"),
    "black": ("black", "чёрная"),
    "indian": ("indian", "индийская"),
    "white": ("white", "белая"),
    "other": ("other", "прочие"),
    "no_groups": (
        "The labels name no sex or group with 100 faces: a gap cannot be looked for.",
        "В разметке нет пола или группы со 100 лицами: разрыв искать не на чем.",
    ),
    "gender": ("sex", "пол"),
    "group": ("group", "группа"),
    "degraded": ("On worse pictures", "На снимках похуже"),
    "px56": ("56 px face", "лицо 56 px"),
    "jpeg30": ("JPEG quality 30", "JPEG, качество 30"),
    "noise": ("noise", "шум"),
    "dark": ("dark", "темно"),
    "clean": ("as it is", "как есть"),
    "variants": ("Variants side by side", "Варианты рядом"),
    "variant": ("variant", "вариант"),
    "largest_difference": ("largest difference", "наибольшее расхождение"),
    "baselines": ("Beside others", "Рядом с другими"),
    "this_model": ("this model", "эта модель"),
    "guess_median": ("guess the median age", "всегда называть медиану"),
    "people": ("people, photos of strangers", "люди по фото незнакомцев"),
    "resnet50_regression_utkface": (
        "ResNet-50, plain regression, UTKFace",
        "ResNet-50, простая регрессия, UTKFace",
    ),
    "resnet50_sord_utkface": ("ResNet-50, SORD, UTKFace (best)", "ResNet-50, SORD, UTKFace (лучшее)"),
    "mivolo_utkface": ("MiVOLO, UTKFace", "MiVOLO, UTKFace"),
    "resnet50_course_chalearn": (
        "ResNet-50, course notebooks, 7,591 photos",
        "ResNet-50, учебные работы, 7591 фото",
    ),
    "baseline_note": (
        "Other figures stand on other pictures, splits and crops: they show the order of magnitude, not a ranking.",
        "Чужие цифры получены на других снимках, частях и кадрировании: они показывают порядок величин, а не место.",
    ),
    "source": ("source", "источник"),
    "worst": ("Worst errors", "Худшие ошибки"),
    "worst_caption": (
        "Labelled age → judged age. Look here for wrong labels first: they cost more than the network does.",
        "Возраст по разметке → оценка. Сначала ищите здесь ошибки разметки: они обходятся дороже сети.",
    ),
    "footer": (
        "Made by checkout-age evaluate. Nothing was tuned on these faces. The page carries faces from the data set: "
        "treat it like the data set.",
        "Создано checkout-age evaluate. На этих лицах ничего не настраивалось. На странице есть лица из набора "
        "данных: обращайтесь с ней как с данными.",
    ),
}


def speak(lang: str) -> Callable[..., str]:
    """A function from a key (and its values) to a sentence. Raises KeyError for a key that has no words."""
    column = LANGUAGES.index(lang)

    def say(key: str, **values: Any) -> str:
        return _WORDS[key][column].format(**values)

    return say


def named(say: Callable[..., str], value: str) -> str:
    """A sex or group of the labels by its word, where it has one."""
    return say(value) if value in _VALUES else value
