"""What tests of the doctor share: a server that answers as Ollama does, a GPU that is none."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from medllm.doctor import examine

GIB = 2**30
NOBODY = "http://127.0.0.1:1"  # port 1 is tcpmux: nothing listens there

# The shape of Ollama's own answer (ListResponse in its api/types.go).
TAGS = {
    "models": [
        {"name": "renamed:latest", "remote_model": "glm-4.6", "remote_host": "https://ollama.com"},
        {
            "name": "llama3.2:3b",
            "model": "llama3.2:3b",
            "modified_at": "2026-10-02T09:14:55.123456789+02:00",
            "size": 2019393189,
            "digest": "a80c4f17acd55265feec403c7aef86be0c25983ab279d83f3bcd3abbcb5b8b72",
            "details": {
                "parent_model": "",
                "format": "gguf",
                "family": "llama",
                "families": ["llama"],
                "parameter_size": "3.2B",
                "quantization_level": "Q4_K_M",
            },
        },
        {
            "name": "gpt-oss:120b-cloud",
            "model": "gpt-oss:120b-cloud",
            "remote_model": "gpt-oss:120b",
            "remote_host": "https://ollama.com:443",
            "size": 384,
            "digest": "569662207105",
            "details": {"format": "", "family": "gptoss", "parameter_size": "116.8B"},
        },
    ]
}


@contextmanager
def ollama(body, *, status=200):
    """Serve `body` at /api/tags as Ollama does; yield the URL and the requests that came."""
    requests = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            requests.append(self.requestline)
            is_known = self.path == "/api/tags"
            answer = body if is_known else "404 page not found"
            self.send_response(status if is_known else 404)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.end_headers()
            self.wfile.write(answer.encode())

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", requests
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def check(name, index=None, *, ollama_url=NOBODY, index_status=None):
    checks = examine(index, ollama_url=ollama_url, index_status=index_status)
    [found] = [one for one in checks if one.name == name]
    return found


def nvidia_smi(folder, monkeypatch, script):
    """Put an `nvidia-smi` of ours, and nothing else, on the path."""
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
