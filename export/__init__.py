"""What is made for others: models for the box, files for marketing."""

import edge  # noqa: F401 - it keeps ONNX Runtime from telling its maker about models
