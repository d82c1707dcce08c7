"""How good a model is, for whom, and whether that is enough: figures, comparison, report."""
