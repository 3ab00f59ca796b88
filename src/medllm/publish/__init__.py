"""An export's way out: into an Ollama, onto its hub, into a folder for Hugging Face."""
