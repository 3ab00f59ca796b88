"""New records under dual verification: answered by a model, judged by another, reviewed by people."""
