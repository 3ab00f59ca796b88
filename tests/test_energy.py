"""Energy is read from counters, through their ends; where there is none there is no number."""

from __future__ import annotations

import shutil
import subprocess
import threading
from pathlib import Path

import pytest

from medllm.energy import EnergyMeter

NVML = """
/* The three calls of NVIDIA's library that are used, with their types: a GPU whose driver counts
   millijoules in a file. */
#include <stdio.h>
#include <string.h>
int nvmlInit_v2(void) { return 0; }
int nvmlDeviceGetHandleByUUID(const char *uuid, void **device) {
    *device = (void *)0x1234567890;
    return strcmp(uuid, "GPU-1") == 0 ? 0 : 6;
}
int nvmlDeviceGetTotalEnergyConsumption(void *device, unsigned long long *energy) {
    FILE *file = fopen(COUNTER, "r");
    if (device != (void *)0x1234567890 || file == NULL || fscanf(file, "%llu", energy) != 1)
        return 3;
    fclose(file);
    return 0;
}
"""


def zone(folder: Path, number: str, name: str, microjoules: int) -> Path:
    made = folder / f"intel-rapl:{number}"
    made.mkdir()
    (made / "name").write_text(f"{name}\n")
    (made / "max_energy_range_uj").write_text("1000000\n")
    (made / "energy_uj").write_text(f"{microjoules}\n")
    return made


def test_packages_and_their_memory_are_counted_once_and_over_the_end(tmp_path):
    package = zone(tmp_path, "0", "package-0", 900_000)
    memory = zone(tmp_path, "0:0", "dram", 0)
    board = zone(tmp_path, "1", "psys", 0)
    cores = zone(tmp_path, "0:1", "core", 0)
    meter = EnergyMeter(tmp_path)
    assert meter.sources == ("package-0", "dram-0")
    assert meter.missing == ()
    (package / "energy_uj").write_text("400000")  # came to its end once
    (memory / "energy_uj").write_text("250000")
    for counted_elsewhere in (board, cores):
        (counted_elsewhere / "energy_uj").write_text("700000")
    assert meter.lap() == pytest.approx(0.75)
    (package / "energy_uj").write_text("500000")
    assert meter.lap() == pytest.approx(0.1)
    assert meter.joules() == pytest.approx(0.85)


def test_a_counter_that_cannot_be_read_for_a_while_loses_nothing(tmp_path):
    package = zone(tmp_path, "0", "package-0", 100_000)
    meter = EnergyMeter(tmp_path)
    (package / "energy_uj").rename(package / "away")
    assert meter.lap() == 0.0
    (package / "energy_uj").write_text("300000")
    assert meter.lap() == pytest.approx(0.2)


def test_without_counters_there_is_no_number_but_the_reason(tmp_path):
    meter = EnergyMeter(tmp_path, gpus=["GPU-1"], nvml="libabsent.so.9")
    assert not meter.is_there
    assert meter.lap() is None
    assert meter.joules() is None
    assert "no energy counter" in meter.missing[0]
    assert "GPU 0" in meter.missing[1]
    package = zone(tmp_path, "0", "package-0", 0)
    (package / "energy_uj").unlink()
    assert "root only" in EnergyMeter(tmp_path).missing[0]


def test_the_counter_of_a_gpu_is_read_through_its_drivers_library(tmp_path):
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler to make a driver's library with")
    counter, library = tmp_path / "counter", tmp_path / "libnvml.so"
    source = tmp_path / "nvml.c"
    source.write_text(NVML.replace("COUNTER", f'"{counter}"'))
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source], check=True)
    counter.write_text("5000000000")
    meter = EnergyMeter(tmp_path, gpus=["GPU-1", "GPU-2"], nvml=str(library))
    assert meter.sources == ("GPU 0",)
    assert any("GPU 1" in said for said in meter.missing)
    counter.write_text("5000001500")
    assert meter.lap() == pytest.approx(1.5)
    counter.write_text("200")  # the driver was loaded anew
    assert meter.lap() == pytest.approx(0.2)


def test_while_something_long_goes_on_the_counters_are_read_now_and_then(tmp_path, monkeypatch):
    package = zone(tmp_path, "0", "package-0", 600_000)
    meter = EnergyMeter(tmp_path)
    was_read = threading.Event()
    monkeypatch.setattr("medllm.energy._SAMPLE_S", 0.0)
    monkeypatch.setattr(meter, "joules", was_read.set)
    with meter.watching():
        assert was_read.wait(60)
    assert not any(thread.name == "energy" for thread in threading.enumerate())
    assert package.exists()
