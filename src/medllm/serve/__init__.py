"""The server: the page that a clinician uses, and the API around it."""
