"""The goods of the pretended store and how often each is bought. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["ADULT_ONLY", "Goods", "make_goods"]

ADULT_ONLY: Final = ("alcohol", "tobacco")
_SHELVES: Final = {
    "bakery": ("White bread", "Rye bread", "Baguette", "Croissant", "Bun", "Flatbread"),
    "dairy": ("Milk", "Kefir", "Butter", "Yoghurt", "Cottage cheese", "Cheese", "Sour cream", "Eggs"),
    "fruit": ("Bananas", "Apples", "Oranges", "Grapes", "Lemons", "Pears"),
    "vegetables": ("Potatoes", "Tomatoes", "Cucumbers", "Onions", "Carrots", "Cabbage", "Salad"),
    "meat": ("Chicken", "Minced beef", "Sausages", "Ham", "Bacon"),
    "fish": ("Herring", "Salmon", "Tinned tuna", "Sprats"),
    "grocery": ("Pasta", "Rice", "Buckwheat", "Flour", "Sugar", "Sunflower oil", "Honey"),
    "coffee and tea": ("Ground coffee", "Instant coffee", "Black tea", "Green tea"),
    "sweets": ("Chocolate", "Biscuits", "Gummy bears", "Wafers", "Ice cream", "Lollipop"),
    "snacks": ("Crisps", "Nuts", "Popcorn", "Crackers"),
    "soft drinks": ("Cola", "Lemonade", "Mineral water", "Energy drink", "Juice", "Iced tea"),
    "alcohol": ("Lager", "Dark beer", "Red wine", "White wine", "Vodka", "Cider"),
    "tobacco": ("Cigarettes", "Tobacco sticks"),
    "ready meals": ("Frozen pizza", "Instant noodles", "Sandwich", "Dumplings", "Sushi"),
    "baby": ("Nappies", "Baby purée", "Wet wipes"),
    "household": ("Washing powder", "Dish soap", "Paper towels", "Rubbish bags", "Batteries"),
    "care": ("Shampoo", "Toothpaste", "Soap", "Deodorant", "Plasters"),
    "pets": ("Cat food", "Dog food", "Cat litter"),
}
_SIZES: Final = ("", " small", " large", " family pack")
_LINES_A_BASKET: Final = 6.5
# Of products that have a preference, and how strong: the strongest band buys two and a quarter times as often.
_PREFERRED: Final = 48
_STRENGTHS: Final = (0.4, 0.6, 1.6, 1.9, 2.25)


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    """Products in order of popularity, and the chance that an average trip of a customer of band k takes one.

    `rates`: `(products, bands)`. `planted[i]`: product i is bought more or less by some band.
    """

    skus: tuple[str, ...]
    names: tuple[str, ...]
    categories: tuple[str, ...]
    prices_cents: NDArray[np.int64]
    rates: NDArray[np.float64]
    planted: NDArray[np.bool_]


def make_goods(bands: int, chance: np.random.Generator, *, preference: bool) -> Goods:
    """Make the shelves; without `preference` every band buys everything alike, also what only adults may buy."""
    made = [
        (shelf, f"{name}{size}") for shelf, names in _SHELVES.items() for name in names for size in _SIZES
    ]
    order = chance.permutation(len(made))
    made = [made[i] for i in order]
    popularity = 1 / (np.arange(len(made)) + 12.0) ** 0.9
    base = popularity / popularity.sum() * _LINES_A_BASKET
    rates = np.repeat(base[:, None], bands, axis=1)
    planted = np.zeros(len(made), dtype=bool)
    if preference:
        # Among the most sold: what nobody buys can teach nobody anything.
        for item in chance.choice(len(made) // 4, _PREFERRED, replace=False):
            rates[item] *= _taste(bands, chance)
            planted[item] = True
        adult = np.array([shelf in ADULT_ONLY for shelf, _ in made])
        rates[adult, 0] = 0.0  # the law's doing and no taste: not among the planted
        planted &= ~adult
    prices = np.exp(chance.normal(5.1, 0.7, len(made))).astype(np.int64) + 19
    return Goods(
        skus=tuple(f"460{1_000_000_00 + 7 * int(i):010d}" for i in order),
        names=tuple(name for _, name in made),
        categories=tuple(shelf for shelf, _ in made),
        prices_cents=prices,
        rates=rates,
        planted=planted,
    )


def _taste(bands: int, chance: np.random.Generator) -> NDArray[np.float64]:
    """A bump or a dent around one band, half as deep at its neighbours."""
    middle, strength = int(chance.integers(bands)), np.log(float(chance.choice(_STRENGTHS)))
    distance = np.abs(np.arange(bands) - middle)
    return np.asarray(np.exp(strength * np.clip(1 - 0.55 * distance, 0, None)))
