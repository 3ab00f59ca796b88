"""LoRA on the shape of Llama-3-8B with random weights, on a GPU where there is one."""

from __future__ import annotations

import time
from pathlib import Path

Row = tuple[str, str, str]
N_STEPS, N_WARM = 20, 5
ROW_TOKENS = 2048


def measure_gpu(work: Path, *, quick: bool) -> list[Row]:
    """Give tokens a second and the share of the measured matrix rate; say where there is no GPU."""
    import torch

    if not torch.cuda.is_available():
        return [("8B shape on a GPU, LoRA r=16, bf16, 2,048 tokens", "12,500 tok/s", "no GPU here")]
    from peft import LoraConfig, get_peft_model
    from transformers import LlamaConfig, LlamaForCausalLM
    from trl.trainer.utils import add_fused_lm_head

    config = LlamaConfig(
        vocab_size=128_256,
        hidden_size=4096,
        intermediate_size=14_336,
        num_hidden_layers=32,
        num_attention_heads=32,
        num_key_value_heads=8,
        max_position_embeddings=8192,
    )
    with torch.device("cuda"):
        torch.set_default_dtype(torch.bfloat16)
        model = LlamaForCausalLM(config)
        torch.set_default_dtype(torch.float32)
    adapted = get_peft_model(model, LoraConfig(r=16, target_modules="all-linear"))
    add_fused_lm_head(adapted.get_base_model())
    optimizer = torch.optim.AdamW([p for p in adapted.parameters() if p.requires_grad], lr=1e-4)
    ids = torch.randint(0, 128_000, (4, ROW_TOKENS), device="cuda")
    started = 0.0
    n_steps = N_WARM + (N_STEPS // 2 if quick else N_STEPS)
    for step in range(n_steps):
        if step == N_WARM:
            torch.cuda.synchronize()
            started = time.monotonic()
        with torch.autocast("cuda", dtype=torch.bfloat16):
            adapted(input_ids=ids, labels=ids, fused_lm_head=True).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    torch.cuda.synchronize()
    rate = (n_steps - N_WARM) * ids.numel() / (time.monotonic() - started)
    flops = 31.9e9 * rate  # a token of an 8B LoRA step at 2,048 tokens, counted by operation
    return [
        ("8B shape on a GPU, LoRA r=16, bf16, 2,048 tokens", "12,500 tok/s", f"{rate:,.0f} tok/s"),
        ("of the measured matrix rate", "60 %", f"{flops / matrix_rate():.0%}"),
    ]


def matrix_rate() -> float:
    """Give the FLOP/s of a large bf16 product on this GPU."""
    import torch

    a = torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16)
    for _ in range(5):
        a @ a
    torch.cuda.synchronize()
    started = time.monotonic()
    for _ in range(50):
        a @ a
    torch.cuda.synchronize()
    return float(50 * 2 * 8192**3 / (time.monotonic() - started))
