"""What the report says, in English and Russian. Both have the same keys."""
# ruff: noqa: E501 - sentences read better whole

from __future__ import annotations

from typing import Final, Literal

__all__ = ["WORDS", "Lang"]

Lang = Literal["en", "ru"]

_EN: Final = {
    "title": "Who buys what",
    "lead": "{stores}, {first} to {last}: {baskets} baskets with {lines} lines.",
    "baskets": "baskets",
    "known": "have a customer with an estimated age",
    "spend": "{currency} an average basket",
    "lines": "lines an average basket",
    "use_title": "What this is for, and what not",
    "use": "These are estimates over many baskets, for choosing goods, shelves and hours. They say nothing about one "
    "customer. Do not use them to price, serve or refuse a person, to judge staff, or to aim offers at children; "
    "never to decide whether somebody may buy what is restricted.",
    "method_title": "How the figures come about",
    "method": "A camera's estimate is off by years, so goods of one age leak into the bands beside it and rare bands "
    "look bigger than they are. The model was tried on faces of known age ({sources}); from how it erred there, the "
    "figures here are worked back to what most likely was. The blue figure is corrected. The orange mark is what the "
    "estimates say as they stand, shown so that you can see how much the correction does.",
    "interval": "Thin lines and brackets are 95 % intervals: over which baskets happened to come, and over how well the "
    "error itself is known. Where an interval is wide, the honest answer is: we do not know yet.",
    "limits": "The correction assumes that the shop's customers are estimated as well as the faces of that trial. "
    "A badly placed or dirty camera breaks this, and no figure here shows it.",
    "hidden": "A dot stands for fewer than {k} baskets, or for a cell from which such a one could be worked out.",
    "mix_title": "Customers by age",
    "mix": "The share of each age band among the baskets with an estimated age.",
    "hours_title": "Customers by age and hour",
    "hours": "Baskets with an estimated age by hour of the day, over the whole period.",
    "basket_title": "Basket size and spend by age",
    "basket_lines": "Lines a basket",
    "basket_spend": "{currency} a basket",
    "category_title": "What each age spends its money on",
    "category": "The share of each category in what a band spends; each column sums to 100 %. The last column is the "
    "whole store's.",
    "all": "all",
    "products_title": "What each age buys more often than others",
    "products": "Lift: how many times as often the product is in the band's baskets as in all baskets. Listed are "
    "products whose whole interval lies above 1, the surest first. Of a hundred products that nobody prefers, two or "
    "three would come in by chance.",
    "product": "product",
    "category_column": "category",
    "lift": "lift",
    "ci": "95 % interval",
    "uncorrected": "uncorrected",
    "corrected": "corrected",
    "support": "baskets, about",
    "none_sure": "Nothing sure. More days, or wider bands, would tell more.",
    "weeks_title": "Week over week",
    "weeks": "Customers by age, by week from Monday on. The line breaks where two weeks cannot be laid side by side.",
    "week": "week of",
    "change": "change",
    "spend_short": "spend a basket",
    "shift": "surest shift of ages",
    "no_shift": "none sure",
    "breaks": "series breaks",
    "part": "week not whole",
    "gap": "weeks missing",
    "blind": "mostly blind",
    "model": "model changed",
    "unknown_title": "Share of unknown customers",
    "unknown": "Baskets without an estimated age, by hour. Were these other people than the rest, the figures above "
    "would lean.",
    "lane_group": "lane group",
    "unknown_column": "unknown",
    "marked": "of mostly blind days",
    "marked_days": "Left out of every figure by age, because more than half of the receipts of their lane group had no "
    "estimate that day: {days}.",
    "unmeasured": "{n} baskets were estimated by {models}, whose error nobody measured; they are in no figure by age.",
    "unfinished": "{n} days are left out: their export did not finish.",
    "band": "age",
    "share": "share",
    "footer": "checkout-age · models {models} · {baskets} baskets · every table stands beside this page as CSV",
    "points": "{value} points",
}

_RU: Final = {
    "title": "Кто что покупает",
    "lead": "{stores}, с {first} по {last}: чеков {baskets}, строк {lines}.",
    "baskets": "чеков",
    "known": "с оценкой возраста покупателя",
    "spend": "{currency} в среднем чеке",
    "lines": "строк в среднем чеке",
    "use_title": "Для чего это и для чего нет",
    "use": "Это оценки по множеству чеков: для выбора товаров, полок и часов. Об одном покупателе они не говорят ничего. "
    "Не используйте их, чтобы назначать человеку цену, обслуживать его или отказывать ему, судить о работе кассиров "
    "или направлять предложения детям; и никогда — чтобы решать, можно ли кому-то продать товар с ограничением.",
    "method_title": "Откуда берутся цифры",
    "method": "Оценка по камере ошибается на годы, поэтому покупки одного возраста протекают в соседние группы, а редкие "
    "группы кажутся больше, чем есть. Модель проверили на лицах известного возраста ({sources}); по её ошибкам там "
    "цифры здесь пересчитаны к наиболее вероятным истинным. Синее — исправленная величина. Оранжевая отметка — "
    "оценки как они есть: видно, сколько меняет поправка.",
    "interval": "Тонкие линии и скобки — интервалы 95 %: какие чеки случайно попали в период и насколько точно известна "
    "сама ошибка. Где интервал широк, честный ответ — пока не знаем.",
    "limits": "Поправка предполагает, что покупателей оценивают не хуже, чем лица в той проверке. Плохо стоящая или "
    "грязная камера это нарушает, и по цифрам здесь этого не видно.",
    "hidden": "Точка — меньше {k} чеков или клетка, из которой такую можно вычислить.",
    "mix_title": "Покупатели по возрасту",
    "mix": "Доля каждой возрастной группы среди чеков с оценкой возраста.",
    "hours_title": "Покупатели по возрасту и часам",
    "hours": "Чеки с оценкой возраста по часам дня за весь период.",
    "basket_title": "Размер и сумма чека по возрасту",
    "basket_lines": "Строк в чеке",
    "basket_spend": "{currency} в чеке",
    "category_title": "На что тратит деньги каждый возраст",
    "category": "Доля категории в тратах группы; каждый столбец в сумме даёт 100 %. Последний столбец — весь магазин.",
    "all": "все",
    "products_title": "Что каждый возраст берёт чаще других",
    "products": "Лифт: во сколько раз чаще товар бывает в чеках группы, чем во всех чеках. Показаны товары, у которых весь "
    "интервал выше 1, самые надёжные сверху. Из сотни товаров, которых никто не предпочитает, два-три попадут сюда "
    "случайно.",
    "product": "товар",
    "category_column": "категория",
    "lift": "лифт",
    "ci": "интервал 95 %",
    "uncorrected": "без поправки",
    "corrected": "с поправкой",
    "support": "чеков, около",
    "none_sure": "Надёжного нет. Больше дней или более широкие группы скажут больше.",
    "weeks_title": "Неделя к неделе",
    "weeks": "Покупатели по возрасту, по неделям с понедельника. Линия прерывается там, где две недели нельзя сравнить.",
    "week": "неделя с",
    "change": "изменение",
    "spend_short": "сумма чека",
    "shift": "самый надёжный сдвиг возрастов",
    "no_shift": "надёжного нет",
    "breaks": "ряд прерван",
    "part": "неполная неделя",
    "gap": "пропущены недели",
    "blind": "камеры не видели",
    "model": "другая модель",
    "unknown_title": "Доля неизвестных покупателей",
    "unknown": "Чеки без оценки возраста по часам. Если это не такие люди, как остальные, цифры выше смещены.",
    "lane_group": "группа касс",
    "unknown_column": "неизвестно",
    "marked": "в дни без камер",
    "marked_days": "Не вошли ни в одну цифру по возрасту: больше половины чеков группы касс в эти дни без оценки: {days}.",
    "unmeasured": "Чеков, оценённых {models}: {n}. Ошибку этой модели никто не измерил, в цифры по возрасту они не вошли.",
    "unfinished": "Пропущено дней: {n}. Их выгрузка не завершена.",
    "band": "возраст",
    "share": "доля",
    "footer": "checkout-age · модели {models} · чеков {baskets} · каждая таблица лежит рядом в CSV",
    "points": "{value} п. п.",
}

WORDS: Final[dict[Lang, dict[str, str]]] = {"en": _EN, "ru": _RU}
