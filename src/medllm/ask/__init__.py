"""The road from patient text to a cited summary, and the page that shows it."""
