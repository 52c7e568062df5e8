"""ViT as transformers has it, under the names of its files, and under those of the modules of version 5.

https://github.com/huggingface/transformers/blob/v5.23.0/src/transformers/models/vit/modeling_vit.py
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from weightwise.conventions.architectures import clauses
from weightwise.conventions.architectures.family import Family, Pattern, biased_convolution, called, layer_norm, linear

SOURCE = "https://github.com/huggingface/transformers/blob/v5.23.0/src/transformers/models/vit/modeling_vit.py"
SETTINGS = {
    "heads": "num_attention_heads",
    "hidden": "hidden_size",
    "inner": "intermediate_size",
    "patch": "patch_size",
    "channels": "num_channels",
}
PURPOSES = {
    "embeddings": "puts a row for the whole image before those of the patches, and adds that of its position to each",
    "embeddings.patch_embeddings.projection": "makes a row of features from each patch of the image",
    "layers.*.layernorm_before": clauses.NORM.format("before the attention"),
    "layers.*.attention.q_proj": clauses.QUERIES,
    "layers.*.attention.k_proj": clauses.KEYS,
    "layers.*.attention.v_proj": clauses.VALUES,
    "layers.*.attention.o_proj": clauses.JOINS,
    "layers.*.layernorm_after": clauses.NORM.format("after the attention"),
    "layers.*.mlp.fc1": clauses.WIDENS,
    "layers.*.mlp.fc2": clauses.NARROWS,
    "layernorm": clauses.NORM.format("after the last block"),
    "pooler.dense": "makes one row of features for the whole image from the first one",
    "classifier": clauses.CLASSES,
}
MERGED = "(heads head_dim)"
FILED = {
    "block": "encoder.layer.*",
    "query": "attention.attention.query",
    "key": "attention.attention.key",
    "value": "attention.attention.value",
    "joined": "attention.output.dense",
    "first": "intermediate.dense",
    "second": "output.dense",
}
"""What files call the parts of a block."""
NEWER = {
    "block": "layers.*",
    "query": "attention.q_proj",
    "key": "attention.k_proj",
    "value": "attention.v_proj",
    "joined": "attention.o_proj",
    "first": "mlp.fc1",
    "second": "mlp.fc2",
}
"""What the modules are called since version 5."""


def _embeddings(prefix: str) -> Iterator[Pattern]:
    yield Pattern(f"{prefix}cls_token", "", "1 1 features", "1 1 hidden")
    yield Pattern(f"{prefix}position_embeddings", "", "1 position features", "1 context hidden")
    yield from biased_convolution(f"{prefix}patch_embeddings.projection", "hidden channels patch patch")


def _block(prefix: str, names: Mapping[str, str]) -> Iterator[Pattern]:
    block, twin = (f"{prefix}{one['block']}" for one in (names, NEWER))
    parts = {
        **{name: linear(f"{block}.{names[name]}", MERGED, "hidden hidden") for name in ("query", "key", "value")},
        "joined": linear(f"{block}.{names['joined']}", "out", "hidden hidden", MERGED),
        "first": linear(f"{block}.{names['first']}", "out", "inner hidden"),
        "second": linear(f"{block}.{names['second']}", "out", "hidden inner"),
    }
    for part, patterns in parts.items():
        yield from called(patterns, f"{block}.{names[part]}", f"{twin}.{NEWER[part]}")
    for name in ("layernorm_before", "layernorm_after"):
        yield from called(layer_norm(f"{block}.{name}"), block, twin)


def _family(prefix: str, names: Mapping[str, str]) -> Family:
    block = f"{prefix}{names['block']}"
    return Family(
        "ViT",
        SOURCE,
        (
            *_embeddings(f"{prefix}embeddings."),
            *_block(prefix, names),
            *layer_norm(f"{prefix}layernorm"),
            *linear(f"{prefix}pooler.dense", "out", "hidden hidden"),
            *linear("classifier", "out", "? hidden"),
        ),
        required=(
            f"{prefix}embeddings.patch_embeddings.projection.weight",
            *(f"{block}.{name}.weight" for part, name in names.items() if part != "block"),
            f"{block}.layernorm_before.weight",
            f"{block}.layernorm_after.weight",
        ),
        blocks=(f"{block}.",),
        model_types=("vit",),
        settings=SETTINGS,
        distinct=(("hidden", "inner"),),
        prefix=prefix,
        purposes=PURPOSES,
        unsaid={"norm epsilon": "layer_norm_eps", "activation": "hidden_act"},
    )


FAMILIES = tuple(_family(prefix, names) for prefix in ("vit.", "") for names in (FILED, NEWER))
