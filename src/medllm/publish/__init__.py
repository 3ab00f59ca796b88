"""What is sent to a model hub: Ollama through its HTTP API, a folder for Hugging Face."""
