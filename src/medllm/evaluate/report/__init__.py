"""The report: facts first, then the same as words, Markdown, one HTML page and a model card."""
