"""Known architectures have their arrays named as the classes that own them say; what only looks like one has not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from weightwise.axes import parse
from weightwise.axes.terms import leaves
from weightwise.conventions import architectures
from weightwise.conventions.architectures import clauses, llama, resnet, vit
from weightwise.conventions.architectures.matching import general
from weightwise.formats.named import model_by_names
from weightwise.model import Evidence
from weightwise.naming import named
from weightwise.stored import StoredArray

FILE = Path(__file__).with_name("architectures.jsonl")
FACTS = {fact["name"]: fact for fact in map(json.loads, FILE.read_text().splitlines())}
READS = {"Linear": 1, "Conv1D": 0, "Conv2d": 1}
"""The dimension of a kernel along which its class reads."""
ROLES = {
    "LayerNorm": {"gamma", "beta"},
    "BatchNorm2d": {"gamma", "beta", "mean", "variance", "-"},
}
TURNING = ("llama", "mistral", "qwen2", "qwen3", "gemma", "gemma2", "gemma3_text")
WHERE = (
    "before the first block",
    "before the attention",
    "after the attention",
    "before the feed-forward part",
    "after the feed-forward part",
    "after the last block",
    "before the scores are made",
)
CONFIGURED = [name for name, fact in FACTS.items() if fact["config"]]


def unread():
    raise AssertionError("no values are read to name them")


def array(path, shape):
    return StoredArray(path, "", tuple(shape), "float32", 0, unread)


def opened(shapes, config=None, framework="PyTorch"):
    arrays = [array(path, shape) for path, shape in shapes.items()]
    return named(model_by_names("model.pt", "", "model", arrays, framework=framework, config=config))


def shapes_of(name):
    return {path: shape for path, (shape, _) in FACTS[name]["arrays"].items()}


def known(model):
    """Return the weights that an architecture's rule names."""
    return [weight for weight in model.weights if weight.evidence is Evidence.RECOGNISED]


def check(weight, class_name):
    """Compare the axes of an array with what the class that owns it says."""
    class_name, _, groups = class_name.partition(" ")
    dimensions = [[str(leaf) for leaf in leaves([term])] for term in weight.bound.axes.terms]
    if class_name in READS and weight.role == "kernel":
        reading = [place for place, names in enumerate(dimensions) if {"in", "in/groups", "h"} & {*names}]
        making = [place for place, names in enumerate(dimensions) if {"out", "vocab"} & {*names}]
        assert reading == [READS[class_name]] or making == [1 - READS[class_name]]
        assert not set(making) & set(reading)
        assert class_name != "Conv2d" or dimensions[2:] == [["kh"], ["kw"]]
        assert weight.bound.sizes.get("groups", 1) == int(groups or 1)
    elif class_name in READS:
        assert weight.role == "bias"
    elif class_name in ROLES:
        assert weight.role in ROLES[class_name]
    if class_name == "Embedding":
        assert weight.role == ("table" if dimensions[0] == ["vocab"] else "")
        assert dimensions in ([["vocab"], ["features"]], [["position"], ["features"]], [["segment"], ["features"]])
    if "Norm" in class_name and weight.shape:
        assert dimensions in ([["features"]], [["head_dim"]], [["half[re im]", "pairs"]])


@pytest.mark.parametrize("framework", ["PyTorch", ""])
@pytest.mark.parametrize("name", FACTS)
def test_all_arrays_are_as_the_classes_that_own_them_say(name, framework):
    model = opened(shapes_of(name), FACTS[name]["config"], framework)
    assert len(known(model)) == len(model.weights) == len(FACTS[name]["arrays"])
    for weight in model.weights:
        shape, class_name = FACTS[name]["arrays"][weight.stored.path]
        assert list(weight.bound.shape) == shape
        assert "https://github.com/" in weight.note
        check(weight, class_name)


CLAUSES = {
    "Embedding": {clauses.TOKENS, clauses.POSITIONS, clauses.SEGMENTS},
    "BatchNorm2d": {clauses.BATCH_NORM},
    "Depthwise": {clauses.DEPTHWISE},
    "Pointwise": {clauses.MIXES, resnet.SHORTENS},
    "Conv2d": {clauses.CONVOLVES, vit.PURPOSES["embeddings.patch_embeddings.projection"]},
    "LayerNorm": {clauses.NORM.format(where) for where in WHERE},
    "RMSNorm": {clauses.RMS.format(where) for where in WHERE}
    | {llama.PURPOSES[f"layers.*.self_attn.{one}_norm"] for one in "qk"},
}
"""What layers of a class are said to be for; those of other classes are said to be for something else."""


def kind(class_name, shape):
    """Return what the clause of a layer must tell, from the class that owns an array of it."""
    class_name, _, groups = class_name.partition(" ")
    if class_name == "Conv2d" and len(shape) == 4 and shape[2:] == [1, 1]:
        return "Pointwise"
    if class_name == "Conv2d" and len(shape) == 4 and shape[0] == int(groups or 1) > 1:
        return "Depthwise"
    return "RMSNorm" if class_name.endswith("RMSNorm") else class_name


@pytest.mark.parametrize("name", FACTS)
def test_what_a_layer_is_for_is_what_its_class_does(name):
    model = opened(shapes_of(name), FACTS[name]["config"])
    for layer in model.layers:
        assert layer.purpose
        owners = [FACTS[name]["arrays"][weight.stored.path] for weight in layer.weights]
        kinds = {
            kind(class_name, shape) for shape, class_name in owners if len(shape) != 1 or "Conv2d" not in class_name
        }
        for one, said in CLAUSES.items():
            assert (layer.purpose in said) is (one in kinds), (layer.name, layer.purpose)


@pytest.mark.parametrize("module", sorted(set(architectures.SIGNATURES.values())))
def test_every_layer_of_an_architecture_is_said_to_be_for_something(module):
    families = architectures.families(module)
    layers = {family.plain(pattern).rpartition(".")[0] for family in families for pattern in family.patterns}
    assert all(family.purpose(pattern) for family in families for pattern in family.patterns)
    assert all(text[0].islower() and text[-1].isalpha() for family in families for text in family.purposes.values())
    if module != "meta_llama":  # whose layers have the purposes of all of its family
        assert layers == {layer for family in families for layer in family.purposes}


@pytest.mark.parametrize("name", FACTS)
def test_names_and_shapes_tell_the_same_without_a_configuration_but_for_the_heads(name):
    told = opened(shapes_of(name), FACTS[name]["config"]).weights
    alone = opened(shapes_of(name)).weights
    for one, other in zip(alone, told, strict=True):
        assert one.evidence is Evidence.RECOGNISED
        assert str(one.bound.axes) == whole_heads(other.bound.axes)
        assert one.role in ("", other.role)


def whole_heads(axes):
    """Return axes as they are where nothing tells which numbers of a head are turned together."""
    return {"(half[re im] pairs)": "head_dim"}.get(str(axes), str(axes).replace("half[re im] pairs", "head_dim"))


@pytest.mark.parametrize("name", CONFIGURED)
def test_a_configuration_settles_the_heads(name):
    config = FACTS[name]["config"]
    sizes = {}
    for weight in opened(shapes_of(name), config).weights:
        for axis in ("heads", "kv_heads", "head_dim"):
            if axis in weight.bound.axes.names:
                assert sizes.setdefault(axis, weight.bound.sizes[axis]) == weight.bound.sizes[axis]
    assert sizes.pop("heads") == 4
    assert sizes in ({"head_dim": 5}, {"head_dim": 6, "kv_heads": 2})


def test_without_a_configuration_heads_are_an_open_product():
    model = opened(shapes_of("Llama"))
    queries = model["model.layers.0.self_attn.q_proj"]["weight"]
    assert queries.bound.text() == "heads·head_dim 24 · in 20"
    norms = {weight.note for weight in model.weights if "norm" in weight.path}
    assert {note.startswith("whether it scales by w, or by 1 + w") for note in norms} == {True}
    assert {weight.role for weight in model.weights if "norm" in weight.path} == {""}


def test_norms_of_queries_tell_the_size_of_a_head():
    model = opened(shapes_of("Qwen 3"))
    assert model["model.layers.1.self_attn.k_proj"]["weight"].bound.text() == "(kv_heads 2 · head_dim 6) · in 20"


ROTARY = [name for name, fact in FACTS.items() if fact["config"].get("model_type") in TURNING]


@pytest.mark.parametrize("name", ROTARY)
def test_queries_and_keys_are_pairs_of_halves_where_the_configuration_says_a_model_that_turns_them(name):
    turning = ("q_proj.weight", "k_proj.weight", "q_proj.bias", "k_proj.bias", "q_norm.weight", "k_norm.weight")
    for weight in opened(shapes_of(name), FACTS[name]["config"]).weights:
        assert weight.stored.path.endswith(turning) is ("half[re im] pairs" in str(weight.bound.axes))
        assert weight.bound.sizes.get("pairs", 3) == 3


@pytest.mark.parametrize(
    "said",
    [
        {"partial_rotary_factor": 0.5},
        {"rope_parameters": {"partial_rotary_factor": 0.5, "rope_type": "default"}},
        {"rope_parameters": {"full_attention": {"rope_type": "proportional"}}},
        {"rope_scaling": {"type": "mrope"}},
        {"rope_interleave": True},
    ],
)
def test_unusual_rotary_positions_leave_a_head_whole(said):
    model = opened(shapes_of("Qwen 3"), {**FACTS["Qwen 3"]["config"], **said})
    queries = model["model.layers.1.self_attn.q_proj"]["weight"]
    assert queries.bound.text() == "(heads 4 · head_dim 6) · in 20"
    assert "which numbers of a head the rotary positions turn together is open, for the configuration" in queries.note
    assert len(known(model)) == len(model.weights)


@pytest.mark.parametrize("kind", ["default", "linear", "llama3", "yarn", None])
def test_scaled_rotary_positions_turn_the_same_pairs(kind):
    said = {"rope_parameters": {"rope_type": kind, "factor": 8.0}, "partial_rotary_factor": 1.0}
    model = opened(shapes_of("Llama"), {**FACTS["Llama"]["config"], **said})
    queries = model["model.layers.1.self_attn.q_proj"]["weight"]
    assert queries.bound.text() == "(heads 4 · half[re im] · pairs 3) · in 20"


def test_names_alone_do_not_tell_the_pairs_of_rotary_positions():
    weight = opened(shapes_of("Llama"))["model.layers.0.self_attn.k_proj"]["weight"]
    assert weight.note.startswith("which numbers of a head the rotary positions turn together, only the config.json")


def test_files_of_meta_tell_pairs_by_their_names_and_heads_by_their_frequencies():
    shapes = shapes_of("Llama of Meta")
    keys = "layers.0.attention.wk"
    assert opened(shapes)[keys]["weight"].bound.text() == "(kv_heads 2 · pairs 3 · half[re im]) · in 24"
    del shapes["rope.freqs"]
    assert opened(shapes)[keys]["weight"].bound.text() == "(kv_heads·pairs 6 · half[re im]) · in 24"
    params = {name: size for name, size in FACTS["Llama of Meta"]["config"].items() if name != "n_kv_heads"}
    assert opened(shapes, params)[keys]["weight"].bound.text() == "(kv_heads 2 · pairs 3 · half[re im]) · in 24"


def test_a_piece_of_a_model_of_meta_is_no_model():
    """Of two pieces each has half of the heads, of the inner features and of the tokens."""
    halved = ("wq.weight", "wk.weight", "wv.weight", "w1.weight", "w3.weight", "output.weight", "embeddings.weight")
    shapes = {
        path: (shape[0] // 2, *shape[1:]) if path.endswith(halved) else shape
        for path, shape in shapes_of("Llama of Meta").items()
    }
    shapes |= {path: (24, shape[1] // 2) for path, shape in shapes.items() if path.endswith(("wo.weight", "w2.weight"))}
    for config in ({}, FACTS["Llama of Meta"]["config"]):
        assert not known(opened(shapes, config))


def test_gemma_scales_by_one_more():
    weights = opened(shapes_of("Gemma"), FACTS["Gemma"]["config"]).weights
    norms = [weight for weight in weights if weight.path.endswith("norm/weight")]
    assert len(norms) == 5
    assert all(weight.note.startswith("it scales by 1 + w") and weight.role == "" for weight in norms)


def changed(name, change):
    """Return the shapes of a network with some arrays changed: None takes one away."""
    shapes = {**shapes_of(name), **change}
    return {path: shape for path, shape in shapes.items() if shape is not None}


BLOCK = "model.layers.0"
NEAR_MISSES = {
    "a fused qkv": ("Llama", {f"{BLOCK}.self_attn.qkv_proj.weight": (48, 20)}),
    "another array in a block": ("Llama", {f"{BLOCK}.self_attn.gate.weight": (4, 20)}),
    "queries with gates": ("Llama", {f"{BLOCK}.self_attn.q_proj.weight": (48, 20)}),
    "outputs last": ("Llama", {f"{BLOCK}.mlp.gate_proj.weight": (20, 28)}),
    "packed": ("Llama", {f"{BLOCK}.mlp.gate_proj.weight": (280, 1)}),
    "another rank": ("Llama", {f"{BLOCK}.mlp.gate_proj.weight": (28, 20, 1)}),
    "a norm over all queries": (
        "Qwen 3",
        {f"model.layers.{n}.self_attn.{one}_norm.weight": (24 if one == "q" else 12,) for n in (0, 1) for one in "qk"},
    ),
    "no gate": ("Llama", {f"model.layers.{n}.mlp.gate_proj.weight": None for n in (0, 1)}),
    "linear layers in GPT-2": ("GPT-2", {f"transformer.h.{n}.attn.c_attn.weight": (60, 20) for n in (0, 1)}),
    "one linear layer in GPT-2": ("GPT-2", {"transformer.h.1.mlp.c_fc.weight": (28, 20)}),
    "an attention across": ("GPT-2", {"transformer.h.1.crossattention.c_attn.weight": (20, 40)}),
    "a wider vocabulary": ("BERT", {"bert.embeddings.word_embeddings.weight": (11, 21)}),
    "channels last": ("resnet18", {"layer1.0.conv1.weight": (64, 3, 3, 64)}),
    "a wider window": ("resnet18", {"layer1.0.conv1.weight": (64, 64, 5, 5)}),
    "squeezed": ("resnet18", {"layer1.0.se.weight": (4, 64)}),
    "grouped in two": ("resnet18", {"layer1.0.conv2.weight": (64, 32, 3, 3)}),
    "a smaller classifier": ("vgg11", {"classifier.0.weight": (512, 512), "classifier.0.bias": (512,)}),
    "one convolution more": ("vgg16", {"features.30.weight": (512, 512, 3, 3)}),
    "one convolution less": ("alexnet", {"features.10.weight": None}),
    "a wider example": ("an MNIST example", {"fc1.weight": (256, 9216), "fc1.bias": (256,), "fc2.weight": (10, 256)}),
    "an example in colour": ("an MNIST example", {"conv1.weight": (32, 3, 3, 3)}),
    "not by itself": ("mobilenet_v2", {"features.4.conv.1.0.weight": (144, 144, 3, 3)}),
}


@pytest.mark.parametrize("miss", NEAR_MISSES)
def test_what_only_looks_like_an_architecture_is_told_as_if_there_were_none(miss, monkeypatch):
    name, change = NEAR_MISSES[miss]
    model = opened(changed(name, change))
    assert not known(model)
    monkeypatch.setattr(architectures, "SIGNATURES", {})
    assert [weight.readings for weight in model.weights] == [
        weight.readings for weight in opened(changed(name, change)).weights
    ]


@pytest.mark.parametrize("name", FACTS)
def test_one_array_with_its_dimensions_in_another_order_rules_a_family_out(name):
    shapes = shapes_of(name)
    turned = {general(path): path for path, shape in shapes.items() if shape != shape[::-1]}
    assert len(turned) > 1
    for path in turned.values():
        model = opened({**shapes, path: shapes[path][::-1]}, FACTS[name]["config"])
        assert not known(model), path


def test_a_configuration_of_another_model_rules_a_family_out():
    for config in ({"model_type": "ernie4_5"}, {"model_type": "gpt2"}, {"model_type": ["llama"]}, {"model_type": None}):
        assert not known(opened(shapes_of("Llama"), config))
    assert not known(opened(shapes_of("resnet18"), {"model_type": "llama"}))


@pytest.mark.parametrize(
    "change", [{"num_attention_heads": 5}, {"head_dim": 5}, {"hidden_size": 24}, {"num_key_value_heads": 5}]
)
def test_a_configuration_that_contradicts_the_shapes_rules_a_family_out(change):
    assert not known(opened(shapes_of("Llama"), {**FACTS["Llama"]["config"], **change}))


def test_sizes_that_would_hide_the_order_of_dimensions_tell_nothing_alone():
    square = {path: [20 if size == 28 else size for size in shape] for path, shape in shapes_of("BERT").items()}
    config = {**FACTS["BERT"]["config"], "intermediate_size": 20}
    assert not known(opened(square))
    assert not known(opened(square, config, framework=""))
    assert len(known(opened(square, config))) == len(square)


def test_one_shard_is_enough():
    shard = {path: shape for path, shape in shapes_of("Llama").items() if path.startswith("model.layers.1.")}
    assert len(known(opened(shard))) == len(shard) == 9


def test_an_array_beside_the_architecture_is_told_as_ever():
    shapes = {**shapes_of("Llama"), "probe.weight": (5, 20), "value_head.bias": (1,)}
    model = opened(shapes)
    assert len(known(model)) == len(shapes) - 2
    assert model["probe"]["weight"].evidence is Evidence.UNKNOWN


def test_prefixes_of_wrappers_do_not_hide_an_architecture():
    wrapped = {f"module._orig_mod.{path}": shape for path, shape in shapes_of("GPT-2").items()}
    assert len(known(opened(wrapped))) == len(wrapped)


def all_families():
    return [
        family
        for module in dict.fromkeys(architectures.SIGNATURES.values())
        for family in architectures.families(module)
    ]


def test_every_signature_is_of_a_family_and_every_family_has_one():
    for family in all_families():
        forms = {general(pattern.name) for pattern in family.patterns}
        assert forms & architectures.SIGNATURES.keys(), family.name
        assert {*family.required} <= {pattern.name for pattern in family.patterns}
    for signature, module in architectures.SIGNATURES.items():
        assert any(signature in map(general, family.required) for family in architectures.families(module)), signature


def test_every_pattern_can_be_read_and_names_each_dimension():
    for family in all_families():
        for pattern in family.patterns:
            assert len(parse(pattern.axes).terms) == len(pattern.dimensions.split()), pattern.name


def test_every_pattern_has_a_network_that_has_it():
    met = set()
    for fact in FACTS.values():
        for config in (fact["config"], {}):
            for weight in opened(shapes_of(fact["name"]), config).weights:
                met.add((general(weight.stored.path), str(weight.bound.axes)))
    missing = set()
    for family in all_families():
        missing |= {
            general(pattern.name)
            for pattern in family.patterns
            if (general(pattern.name), str(parse(pattern.axes))) not in met
        }
    assert {name for name in missing if not any(word in name for word in UNMET)} == set()


UNMET = (
    "rotary_emb.inv_freq",
    "attn.bias",
    "attn.masked_bias",
    "position_ids",
    "LayerNorm.gamma",
    "LayerNorm.beta",
    ".pooler.",
)
"""What older versions of transformers wrote."""


def test_families_are_loaded_only_where_a_file_may_be_of_one():
    program = (
        "import sys, weightwise\n"
        "weightwise.open('tests/samples/torch_state_dict.pt')\n"
        "print(*sorted(name for name in sys.modules if name.startswith('weightwise.conventions.architectures.')))\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = {name.rpartition(".")[2] for name in run.stdout.split()}
    assert loaded == {"clauses", "family", "matching", "mnist"}  # it has a conv2, as the MNIST example has
