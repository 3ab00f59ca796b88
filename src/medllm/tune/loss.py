"""The loss of each trained token, without logits where nothing is trained.

On a GPU TRL's fused head does it in its own kernel. Its form for other devices scores every token
and computes entropies besides, which takes most of a step on a CPU; there the model itself is
asked for the logits of just those positions whose next token is trained.
"""

from __future__ import annotations

from typing import Any

from medllm.errors import extra
from medllm.tune.batches import IGNORED


def token_losses(model: Any, inputs: dict[str, Any], *, fused: bool) -> tuple[Any, Any, Any]:
    """Give (losses, hits, is_scored), each [rows, scored positions], of the next tokens.

    `losses` are 0 where nothing is trained; `hits` tell where the token was the likeliest. `fused`
    says that the model has TRL's head.
    """
    with extra("train"):
        import torch
    labels = inputs["labels"][:, 1:]
    rest = {name: value for name, value in inputs.items() if name != "labels"}
    if fused and labels.is_cuda:
        found = model(**inputs, use_cache=False, fused_lm_head=True)
        return -found.log_probs, found.is_top1.bool(), labels != IGNORED
    positions = (labels != IGNORED).any(dim=0).nonzero().flatten()
    if not len(positions):  # the gradient of nothing is zero, but it has to be there
        positions = torch.zeros(1, dtype=torch.long, device=labels.device)
    logits = model(**rest, use_cache=False, logits_to_keep=positions).logits.float()
    nexts = labels[:, positions]
    losses = torch.nn.functional.cross_entropy(
        logits.transpose(1, 2), nexts, ignore_index=IGNORED, reduction="none"
    )
    return losses, logits.detach().argmax(-1) == nexts, nexts != IGNORED
