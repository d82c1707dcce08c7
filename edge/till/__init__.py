"""What tills tell, by any door, as validated `TillEvent`s."""

from edge.till.lines import read_lines_file
from edge.till.products import Product, Products
from edge.till.reading import TillReader, parse_json
from edge.till.refusal import Refusal, TillEventRefused

__all__ = [
    "Product",
    "Products",
    "Refusal",
    "TillEventRefused",
    "TillReader",
    "parse_json",
    "read_lines_file",
]
