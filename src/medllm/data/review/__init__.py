"""Records under dual verification: answered by a model, judged, and reviewed by people."""
