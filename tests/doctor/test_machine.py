"""The doctor on machines that are small, limited, or have a GPU that is odd."""

import os
import time
from collections import namedtuple

import pytest

from medllm import doctor
from tests.doctor.machines import GIB, check, nvidia_smi


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
