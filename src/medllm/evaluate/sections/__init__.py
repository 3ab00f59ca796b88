"""What a report holds besides the answers to records: search, findings, summaries, robustness."""
