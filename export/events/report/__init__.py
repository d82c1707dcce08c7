"""The report for marketing: figures, tables, a page."""
