"""The quantisations that llama.cpp makes: of a whole GGUF another one."""

from __future__ import annotations

import ctypes
import difflib
import os
from pathlib import Path

from medllm.errors import ConfigError, ModelError, extra
from medllm.export.convert import NATIVE
from medllm.export.gguf_file import appearing

MADE_BY_LLAMA = (
    *("Q6_K", "Q5_K_M", "Q5_K_S", "Q4_K_M", "Q4_K_S", "Q3_K_L", "Q3_K_M", "Q3_K_S", "Q2_K"),
    *("Q5_1", "Q5_0", "Q4_1", "Q4_0"),
)


def name_quantisation(given: str) -> str:
    """Give llama.cpp's name of a quantisation, however it is written; raise `ConfigError`."""
    known = (*NATIVE, *MADE_BY_LLAMA)
    wanted = given.strip().upper().replace("-", "_")
    if wanted in known:
        return wanted
    near = difflib.get_close_matches(wanted, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"one of {', '.join(known)}"
    raise ConfigError(f"unknown quantisation {given}", hint=hint)


def quantise_file(source: Path, to: Path, quantisation: str) -> None:
    """Write a GGUF as another one with fewer bits; raise `ModelError` where llama.cpp cannot."""
    with extra("gguf"):
        import llama_cpp
    from medllm.export.llama import be_silent

    settings = llama_cpp.llama_model_quantize_default_params()
    settings.ftype = getattr(llama_cpp, f"LLAMA_FTYPE_MOSTLY_{quantisation}")
    settings.nthread = os.cpu_count() or 1
    be_silent()
    with appearing(to) as temporary:
        failed = llama_cpp.llama_model_quantize(
            os.fsencode(source), os.fsencode(temporary), ctypes.byref(settings)
        )
        if failed:
            raise ModelError(
                f"llama.cpp could not write {to.name}",
                hint="see that the disk has room, or name another quantisation",
            )
