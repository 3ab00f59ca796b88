"""What turns messages into text: Ollama, OpenAI-compatible servers, and a scripted fake."""
