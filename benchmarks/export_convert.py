"""One conversion in a process of its own: `python -m benchmarks.export_convert FOLDER OUT TYPE`.

Prints its seconds, the most memory it had resident, and how much of that was there before it began.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from benchmarks.processes import peak_memory
from medllm.export.convert import write_model
from medllm.export.make import read_merged
from medllm.models.hf_folder import load_tokenizer


def main() -> int:
    folder, out, quantisation = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    model = read_merged(folder, load_tokenizer(folder))
    before = peak_memory()
    started, cpu = time.perf_counter(), time.process_time()
    write_model(out, model.shape, model.vocabulary, model.tensors, quantisation, name="measured")
    spent = {
        "seconds": time.perf_counter() - started,
        "cpu": time.process_time() - cpu,
        "before": before,
        "peak": peak_memory(),
        "bytes": out.stat().st_size,
    }
    sys.stdout.write(json.dumps(spent) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
