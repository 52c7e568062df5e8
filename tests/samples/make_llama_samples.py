"""Makes Llama as transformers has it and as Meta's code has it, with other weights each, and `llama_facts.json`.

    python -m tests.samples.make_llama_samples

Needs the `oracles` extra. The facts: the outputs of the network of transformers for some tokens, in float32.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch

from tests.oracles.architectures import declare_operators
from tests.oracles.meta_llama import PARAMS, Transformer

SAMPLES = Path(__file__).parent
SIZES = {**PARAMS, "dim": 16, "n_heads": 4, "n_kv_heads": 2, "n_layers": 1, "vocab_size": 7, "rope_theta": 500000.0}
TOKENS = [1, 5, 3, 6, 2]


def filled(network, seed):
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_((torch.randn_like(parameter) * 8).round() / 16)
    return network.eval()


def of_transformers():
    """Write the network of transformers, tied to nothing; return its outputs."""
    declare_operators()
    import transformers

    config = transformers.LlamaConfig(
        vocab_size=SIZES["vocab_size"],
        hidden_size=SIZES["dim"],
        intermediate_size=12,
        num_hidden_layers=SIZES["n_layers"],
        num_attention_heads=SIZES["n_heads"],
        num_key_value_heads=SIZES["n_kv_heads"],
        rms_norm_eps=1e-5,
        rope_parameters={"rope_theta": 10000.0, "rope_type": "default"},
        pad_token_id=0,
    )
    network = filled(transformers.LlamaForCausalLM(config), 5)
    network.save_pretrained(SAMPLES / "llama_transformers")
    (SAMPLES / "llama_transformers" / "generation_config.json").unlink()
    with torch.no_grad():
        return network(torch.tensor([TOKENS])).logits[0].tolist()


def of_meta():
    """Write the network of Meta's code."""
    folder = SAMPLES / "llama_meta"
    folder.mkdir(exist_ok=True)
    torch.save(filled(Transformer(SIZES, 12), 6).state_dict(), folder / "consolidated.00.pth")
    (folder / "params.json").write_text(f"{json.dumps(SIZES)}\n")


if __name__ == "__main__":
    of_meta()
    facts = {"tokens": TOKENS, "outputs": of_transformers()}
    (SAMPLES / "llama_facts.json").write_text(f"{json.dumps(facts)}\n")
