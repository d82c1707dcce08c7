"""The data report's sentences in English and Russian."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

__all__ = ["LANGUAGES", "speak"]

LANGUAGES: Final = ("en", "ru")
_SHARES: Final = frozenset({"share", "one"})

_WORDS: Final[dict[str, tuple[str, str]]] = {
    "title": ("The faces in {name}", "Лица в {name}"),
    "lead": ("{n} labels; {seen}.", "Меток: {n}; {seen}."),
    "seen": ("{n} pictures looked at", "просмотрено снимков: {n}"),
    "unseen": ("no pictures beside them", "снимков рядом нет"),
    "findings": ("What follows", "Что из этого следует"),
    "labels": ("labels", "меток"),
    "median_age": ("median age", "медиана возраста"),
    "n_14_17": ("aged 14–17", "в возрасте 14–17"),
    "whipple": ("Whipple's index", "индекс Уиппла"),
    "one_face": ("have exactly one face", "ровно одно лицо"),
    "near_pairs": ("pairs of near duplicates", "пар почти дубликатов"),
    "ages": ("Ages", "Возраст"),
    "age": ("age", "возраст"),
    "count": ("pictures", "снимков"),
    "histogram_caption": (
        "Labels by age; marked: ages with 1.3 times their neighbours. Peaks of the smoothed curve: {modes}.",
        "Метки по возрасту; выделены возрасты, которых в 1,3 раза больше, чем соседних. "
        "Пики сглаженной кривой: {modes}.",
    ),
    "heaping": ("Round and jubilee ages", "Круглые и юбилейные возрасты"),
    "heaping_lead": (
        "Whipple's index is {whipple}: 100 means no liking for ages that end in 0 or 5, 105 to 110 fairly accurate, "
        "125 to 175 rough, 500 nothing but round ages.",
        "Индекс Уиппла {whipple}: 100 — никакой тяги к возрастам на 0 и 5, 105–110 — довольно точно, 125–175 — грубо, "
        "500 — одни круглые числа.",
    ),
    "digits_caption": (
        "How often an age ends in a digit, against the smoothed curve; 1 is no preference.",
        "Как часто возраст кончается на цифру по сравнению со сглаженной кривой; 1 — нет предпочтения.",
    ),
    "digit": ("last digit", "последняя цифра"),
    "times": ("times its neighbours", "во сколько раз чаще соседних"),
    "detail": ("16 to 30, where the till decides", "16–30 лет: здесь решает касса"),
    "detail_caption": (
        "Labels for each year of age around the legal age and the challenge age of 25.",
        "Метки по годам вокруг законного возраста и порога 25 лет.",
    ),
    "counts": ("Who is in it", "Кто в наборе"),
    "data_set": ("set", "набор"),
    "split": ("split", "часть"),
    "gender": ("sex", "пол"),
    "group": ("group", "группа"),
    "mean": ("mean age", "средний возраст"),
    "share": ("share", "доля"),
    "pictures": ("The pictures", "Снимки"),
    "size": ("size, px", "размер, px"),
    "sizes_lead": ("Widths {w0}–{w1} px, heights {h0}–{h1} px.", "Ширина {w0}–{w1} px, высота {h0}–{h1} px."),
    "orientation": ("orientation", "ориентация"),
    "portrait": ("portrait", "портретная"),
    "landscape": ("landscape", "альбомная"),
    "square": ("square", "квадрат"),
    "kind": ("kind", "признак"),
    "grey_pictures": ("grey", "чёрно-белые"),
    "dark_pictures": ("dark (mean under 50)", "тёмные (среднее ниже 50)"),
    "bright_pictures": ("bright (mean over 205)", "светлые (среднее выше 205)"),
    "blurred_pictures": ("blurred faces", "нерезкие лица"),
    "brightness": ("mean brightness", "средняя яркость"),
    "sharpness": (
        "sharpness of the face, log10 of the Laplacian's variance",
        "резкость лица, log10 дисперсии лапласиана",
    ),
    "faces": ("Faces found", "Найденные лица"),
    "faces_none": ("none", "ни одного"),
    "faces_one": ("one", "одно"),
    "faces_several": ("several", "несколько"),
    "duplicates": ("Duplicates", "Дубликаты"),
    "duplicates_lead": (
        "{exact} groups of files with the very same bytes ({pictures} pictures); {near} pairs whose aligned faces "
        "differ in at most 12 of 256 bits.",
        "Групп побайтно одинаковых файлов: {exact} (снимков: {pictures}); пар, где выровненные лица отличаются не "
        "более чем на 12 бит из 256: {near}.",
    ),
    "pair": ("pair", "пара"),
    "straddling_lead": ("Pairs that stand in two splits:", "Пары, попавшие в разные части:"),
    "disagree_lead": (
        "Pairs whose ages disagree by more than 5 years:",
        "Пары, возраст которых расходится более чем на 5 лет:",
    ),
    "trouble": ("Files that cannot be used", "Непригодные файлы"),
    "missing": ("missing", "отсутствует"),
    "unreadable": ("unreadable", "не читается"),
    "samples": ("A look over the ages", "Примеры по возрастам"),
    "samples_caption": (
        "Drawn at random within each age, label below.",
        "Случайно внутри каждого возраста, под снимком — метка.",
    ),
    "absent": (
        "There are no pictures beside these labels, so sizes, faces, duplicates and samples are not told. Put the "
        "pictures beside labels.csv or into final_files/ and run this again.",
        "Рядом с этими метками нет снимков, поэтому размеры, лица, дубликаты и примеры не показаны. Положите снимки "
        "рядом с labels.csv или в final_files/ и повторите.",
    ),
    "footer": (
        "Made by checkout-age eda. Where it shows faces, treat the page like the data set.",
        "Создано checkout-age eda. Если на странице есть лица, обращайтесь с ней как с набором данных.",
    ),
}

_FINDINGS: Final[dict[str, tuple[str, str]]] = {
    "one_mode": ("The ages have one peak, at {age}.", "У возрастов один пик — {age}."),
    "two_modes": (
        "The ages are bimodal: most around {first}, a second peak at {second}. A model pulls towards both.",
        "Распределение возрастов двугорбое: главный пик около {first}, второй — около {second}. Модель "
        "будет тянуть к обоим.",
    ),
    "many_modes": ("The ages have several peaks: {ages}.", "У возрастов несколько пиков: {ages}."),
    "few_under_16": (
        "Only {n} labels ({share}) are under 16: children will be judged too old; sample them more often.",
        "Моложе 16 лет лишь {n} меток ({share}): детей модель будет старить; берите их чаще.",
    ),
    "few_over_60": (
        "Only {n} labels ({share}) are over 60: old people will be judged too young.",
        "Старше 60 лет лишь {n} меток ({share}): пожилых модель будет молодить.",
    ),
    "few_14_17": (
        "Only {n} labels ({share}) are 14–17, those whom the till must not miss: collect more, sample them "
        "more often, and read thresholds with their uncertainty.",
        "Лишь {n} меток ({share}) — 14–17 лет, те, кого касса не должна пропустить: соберите ещё, берите их чаще и "
        "читайте пороги вместе с их неопределённостью.",
    ),
    "enough_14_17": ("{n} labels ({share}) are 14–17.", "Меток 14–17 лет: {n} ({share})."),
    "heaped": (
        "Ages are rounded (Whipple {whipple:.0f}; most at {ages}): treat a label as give or take two years, as the "
        "training's label distribution does.",
        "Возраст округляли (Уиппл {whipple:.0f}; сильнее всего {ages}): считайте метку верной с точностью до двух лет, "
        "как это делает распределение меток при обучении.",
    ),
    "not_heaped": (
        "Ages are hardly rounded (Whipple {whipple:.0f}).",
        "Возраст почти не округляли (Уиппл {whipple:.0f}).",
    ),
    "over_100": (
        "{n} labels are over 100: the network ends at 100, look whether they are true.",
        "Меток старше 100 лет: {n}; сеть кончается на 100, проверьте их.",
    ),
    "no_split": (
        "There is no split: “prepare” makes a seeded one that keeps subjects and near duplicates together.",
        "Разбиения нет: «prepare» сделает его само, случайно, но повторимо, не разделяя людей и почти дубликаты.",
    ),
    "val_teens": (
        "“val” has only {n} faces of 14–17; with fewer than 50 the threshold τ is marked unusable.",
        "В «val» лишь {n} лиц 14–17 лет; если их меньше 50, порог τ помечается непригодным.",
    ),
    "no_groups": (
        "There is no column {names}: whether the model is worse for some people cannot be measured.",
        "Нет столбца {names}: измерить, хуже ли модель для кого-то, не получится.",
    ),
    "no_subjects": (
        "There is no column subject: the same person may stand in two splits unless the pictures are near duplicates.",
        "Нет столбца subject: один человек может попасть в разные части, если его снимки не почти дубликаты.",
    ),
    "no_pictures": (
        "There are no pictures: this is the label part only.",
        "Снимков нет: это только часть о метках.",
    ),
    "unreadable": ("{n} files are missing or cannot be read.", "Отсутствует или не читается файлов: {n}."),
    "faces": (
        "{one} of the pictures have exactly one face; {none} have none and are left out, {several} have "
        "several: there the largest face nearest to the middle is taken.",
        "Ровно одно лицо на {one} снимков; без лица — {none} (их пропускают), с несколькими — {several}: "
        "там берётся самое крупное лицо ближе к середине.",
    ),
    "near": (
        "{n} pairs are near duplicates: counted as many people they make a model look better than it is.",
        "Почти дубликатов — {n} пар: если считать их разными людьми, модель покажется лучше, чем она есть.",
    ),
    "straddling": (
        "{n} of these pairs stand in two splits; “prepare” moves them together.",
        "Из них {n} пар — в разных частях; «prepare» соберёт их вместе.",
    ),
    "disagree": (
        "{n} near duplicates carry ages more than 5 years apart: at least one label of each pair is wrong.",
        "У {n} пар почти дубликатов возраст расходится более чем на 5 лет: в каждой паре хотя бы одна метка неверна.",
    ),
    "grey": ("{n} pictures ({share}) are grey.", "Чёрно-белых снимков: {n} ({share})."),
    "blurred": (
        "{n} faces ({share}) are blurred: a model learns from them to be unsure.",
        "Нерезких лиц: {n} ({share}): на них модель учится сомневаться.",
    ),
    "eyes": (
        "Eyes stand {median:.0f} px apart in the middle, 5 % under {low:.0f} px; a lane's camera gives 20 to 60.",
        "Расстояние между глазами — в медиане {median:.0f} px, у 5 % меньше {low:.0f} px; "
        "камера над кассой даёт 20–60.",
    ),
}


def speak(lang: str) -> tuple[Callable[..., str], Callable[[dict[str, Any]], str]]:
    """Two functions: from a key to a label or sentence, and from a finding to its sentence."""
    column = LANGUAGES.index(lang)

    def say(key: str, **values: Any) -> str:
        return _WORDS[key][column].format(**values)

    def tell(finding: dict[str, Any]) -> str:
        values = {name: value for name, value in finding.items() if name != "key"}
        for name in _SHARES & values.keys():
            values[name] = f"{100 * values[name]:.1f} %"
        return _FINDINGS[finding["key"]][column].format(**values)

    return say, tell
