"""Ports and proofs between files of one architecture: by what each array is, and never by order or shape."""

from __future__ import annotations

import json
import shutil

import numpy
import pytest

import weightwise
from tests.conventions.test_architectures import FACTS, shapes_of
from tests.porting.targets import EXAMPLE, SAMPLES, write_arrays
from weightwise.answers.proof import Verdict
from weightwise.errors import UnsupportedError

LLAMA, META = SAMPLES / "llama_transformers", SAMPLES / "llama_meta"
PTH = "consolidated.00.pth"
CONFIG = json.loads((LLAMA / "config.json").read_text())
FACT = json.loads((SAMPLES / "llama_facts.json").read_text())


def arrays(path):
    """Return the values of a file by their paths in it."""
    return {weight.stored.path: weight.values() for weight in weightwise.open(path).weights}


def folder(path, values, config=None):
    """Write arrays as a model of transformers, and return its folder."""
    path.mkdir()
    write_arrays(path / "model.safetensors", values)
    if config is not None:
        (path / "config.json").write_text(json.dumps(config))
    return path


def llama(path, config=None, **change):
    """Write the sample of transformers with another configuration; None takes it away, or an array."""
    values = {name.replace("__", "."): array for name, array in change.items()}
    kept = {name: array for name, array in {**arrays(LLAMA), **values}.items() if array is not None}
    return folder(path, kept, None if config is None else {**CONFIG, **config})


def meta(path, params=None):
    """Write the sample of Meta's with other parameters; without any it has no file of them."""
    path.mkdir()
    shutil.copy(META / PTH, path)
    if params is not None:
        said = {**json.loads((META / "params.json").read_text()), **params}
        (path / "params.json").write_text(json.dumps({key: value for key, value in said.items() if value is not None}))
    return path


def random_arrays(shapes, seed=0):
    """Return arrays of random numbers, no two of which are equal."""
    random = numpy.random.default_rng(seed)
    return {name: random.normal(size=shape).astype("float32") for name, shape in shapes.items()}


def test_halves_become_neighbours(tmp_path):
    plan = weightwise.port(LLAMA, into=META, out=tmp_path / PTH)
    old, new = arrays(LLAMA), arrays(tmp_path / PTH)
    found = {filling.target.path: filling for filling in plan.fillings}
    assert found["layers.0.attention.wk.weight"].fed.pattern == (
        "(kv_heads half[re im] pairs) in -> (kv_heads pairs half[re im]) in"
    )
    for name, twin, heads in (("wq", "q_proj", 4), ("wk", "k_proj", 2)):
        wanted = old[f"model.layers.0.self_attn.{twin}.weight"].reshape(heads, 2, 2, 16).transpose(0, 2, 1, 3)
        numpy.testing.assert_array_equal(new[f"layers.0.attention.{name}.weight"], wanted.reshape(-1, 16))
    for name, twin in (
        ("layers.0.attention.wv", "model.layers.0.self_attn.v_proj"),
        ("layers.0.attention.wo", "model.layers.0.self_attn.o_proj"),
        ("layers.0.feed_forward.w1", "model.layers.0.mlp.gate_proj"),
        ("layers.0.feed_forward.w2", "model.layers.0.mlp.down_proj"),
        ("layers.0.feed_forward.w3", "model.layers.0.mlp.up_proj"),
        ("layers.0.attention_norm", "model.layers.0.input_layernorm"),
        ("layers.0.ffn_norm", "model.layers.0.post_attention_layernorm"),
        ("tok_embeddings", "model.embed_tokens"),
        ("norm", "model.norm"),
        ("output", "lm_head"),
    ):
        numpy.testing.assert_array_equal(new[f"{name}.weight"], old[f"{twin}.weight"])
    numpy.testing.assert_array_equal(new["rope.freqs"], arrays(META)["rope.freqs"])
    assert {filling.why for filling in plan.fillings if filling.fed} == {"the same array of the Llama family"}


def computed(values, tokens, heads, kv_heads, base, epsilon):
    """Return what a network of Meta's computes, with neighbours of a head as one complex number."""

    def scaled(x, name):
        return values[f"{name}.weight"] * x / numpy.sqrt((x * x).mean(-1, keepdims=True) + epsilon)

    def turned(x, count):
        x = x.reshape(len(tokens), count, -1, 2)
        angles = numpy.outer(numpy.arange(len(tokens)), base ** -(numpy.arange(x.shape[2]) / x.shape[2]))
        made = (x[..., 0] + 1j * x[..., 1]) * numpy.exp(1j * angles)[:, None]
        return numpy.stack([made.real, made.imag], -1).reshape(len(tokens), count, -1)

    def attention(x, block):
        q, k, v = (x @ values[f"{block}.{name}.weight"].T for name in ("wq", "wk", "wv"))
        q, k, v = turned(q, heads), turned(k, kv_heads), v.reshape(len(tokens), kv_heads, -1)
        k, v = (array.repeat(heads // kv_heads, 1) for array in (k, v))
        scores = numpy.einsum("qhd,khd->hqk", q, k) / numpy.sqrt(q.shape[-1])
        scores += numpy.triu(numpy.full(scores.shape[1:], -numpy.inf), 1)
        weights = numpy.exp(scores - scores.max(-1, keepdims=True))
        made = numpy.einsum("hqk,khd->qhd", weights / weights.sum(-1, keepdims=True), v)
        return made.reshape(len(tokens), -1) @ values[f"{block}.wo.weight"].T

    def gated(x, block):
        gate, made = (x @ values[f"{block}.{name}.weight"].T for name in ("w1", "w3"))
        return (gate / (1 + numpy.exp(-gate)) * made) @ values[f"{block}.w2.weight"].T

    x = values["tok_embeddings.weight"][tokens]
    for block in sorted({name.split(".attention.")[0] for name in values if ".attention." in name}):
        x = x + attention(scaled(x, f"{block}.attention_norm"), f"{block}.attention")
        x = x + gated(scaled(x, f"{block}.ffn_norm"), f"{block}.feed_forward")
    return scaled(x, "norm") @ values["output.weight"].T


def test_what_is_ported_computes_what_the_network_of_transformers_does(tmp_path):
    weightwise.port(LLAMA, into=META, out=tmp_path / PTH)
    values = {name: array.astype("float64") for name, array in arrays(tmp_path / PTH).items()}
    expected = numpy.array(FACT["outputs"])
    ours = computed(values, FACT["tokens"], 4, 2, 1e4, 1e-5)
    assert numpy.abs(ours - expected).max() <= 1e-5 * numpy.abs(expected).max()
    halves = arrays(LLAMA)["model.layers.0.self_attn.q_proj.weight"]
    wrong = computed({**values, "layers.0.attention.wq.weight": halves}, FACT["tokens"], 4, 2, 1e4, 1e-5)
    assert numpy.abs(wrong - expected).max() > 1e-2 * numpy.abs(expected).max()


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("trunk", [False, True])
def test_there_and_back_is_the_same_file(tmp_path, tied, trunk):
    source = llama(tmp_path / "source", {"tie_word_embeddings": tied}, **({"lm_head__weight": None} if tied else {}))
    if trunk:
        values = {name.removeprefix("model."): array for name, array in arrays(source).items()}
        source = folder(tmp_path / "trunk", values, {**CONFIG, "tie_word_embeddings": tied})
    there = meta(tmp_path / "meta", {})
    weightwise.port(source, into=there / PTH, out=tmp_path / PTH)
    shutil.copy(tmp_path / PTH, there)
    weightwise.port(there, into=source, out=tmp_path / "back.safetensors")
    assert (tmp_path / "back.safetensors").read_bytes() == (source / "model.safetensors").read_bytes()
    assert weightwise.prove(source, there).verdict is Verdict.EQUAL
    assert weightwise.prove(there, source).verdict is Verdict.EQUAL


def test_a_tied_head_takes_the_embedding(tmp_path):
    source = llama(tmp_path / "source", {"tie_word_embeddings": True}, lm_head__weight=None)
    plan = weightwise.port(source, into=META, out=tmp_path / PTH)
    found = arrays(tmp_path / PTH)
    numpy.testing.assert_array_equal(found["output.weight"], found["tok_embeddings.weight"])
    assert {filling.target.path: filling.why for filling in plan.fillings}["output.weight"] == (
        "the array that it is tied to in the Llama family"
    )
    assert any("output.weight has the values of model.embed_tokens.weight" in sentence for sentence in plan.settings)


def test_a_head_of_its_own_has_no_place_where_it_is_tied(tmp_path):
    target = llama(tmp_path / "target", {"tie_word_embeddings": True}, lm_head__weight=None)
    with pytest.raises(
        UnsupportedError, match=r"ties output\.weight to model\.embed_tokens\.weight, and in the source"
    ):
        weightwise.port(META, into=target)


def test_two_heads_do_not_become_one_silently(tmp_path):
    """The target has both arrays and says that they are tied: what loads it would take one for both."""
    target = llama(tmp_path / "target", {"tie_word_embeddings": True})
    with pytest.raises(
        UnsupportedError, match=r"ties output\.weight to model\.embed_tokens\.weight, and in the source"
    ):
        weightwise.port(META, into=target)
    source = llama(
        tmp_path / "s", {"tie_word_embeddings": True}, lm_head__weight=arrays(LLAMA)["model.embed_tokens.weight"]
    )
    plan = weightwise.port(source, into=target, out=tmp_path / "o.safetensors")
    assert plan.settings == ()
    found = arrays(tmp_path / "o.safetensors")
    numpy.testing.assert_array_equal(found["lm_head.weight"], found["model.embed_tokens.weight"])


def test_what_is_above_a_trunk_is_left_and_listed(tmp_path):
    trunk = {name.removeprefix("model."): array for name, array in arrays(LLAMA).items() if name != "lm_head.weight"}
    plan = weightwise.port(LLAMA, into=folder(tmp_path / "trunk", trunk, CONFIG))
    assert plan.left == ("lm_head/weight",)
    assert len(plan.fillings) == 11


@pytest.mark.parametrize(
    ("change", "params", "said"),
    [
        ({}, {"norm_eps": 1e-5, "rope_theta": 1e4}, []),
        ({}, {}, ["set norm_eps = 1e-05, which is 1e-06 here", "set rope_theta = 10000.0, which is 500000.0 here"]),
        ({}, {"norm_eps": None, "rope_theta": 1e4}, ["set norm_eps = 1e-05"]),
        (
            {"rope_parameters": {"rope_theta": 1e4, "rope_type": "llama3", "factor": 8.0}},
            {"norm_eps": 1e-5, "rope_theta": 1e4},
            [
                "set use_scaled_rope = true",
                "rope_parameters.factor is 8.0 in the source, and the target's code has null",
            ],
        ),
        (
            {"hidden_act": "gelu", "rope_theta": 1e4, "rope_parameters": None},
            {"norm_eps": 1e-5, "rope_theta": 1e4, "use_scaled_rope": False},
            ['hidden_act is "gelu" in the source, and the target\'s code has "silu"'],
        ),
        (
            {"rope_parameters": {"rope_theta": 1e4, "rope_type": "yarn"}},
            {"norm_eps": 1e-5, "rope_theta": 1e4},
            ['rope_parameters.rope_type is "yarn" in the source, and the target\'s code has null'],
        ),
        (
            {"rms_norm_eps": None},
            {"rope_theta": 1e4},
            ["norm_eps is 1e-06 here, and must be as in the source, which does not say its rms_norm_eps"],
        ),
    ],
)
def test_what_no_array_carries_is_said_with_its_value(tmp_path, change, params, said):
    plan = weightwise.port(llama(tmp_path / "source", change), into=meta(tmp_path / "target", params))
    assert list(plan.settings) == said


def test_a_target_without_a_configuration_gets_its_heads_from_the_source(tmp_path):
    plan = weightwise.port(LLAMA, into=meta(tmp_path / "target"), out=tmp_path / PTH)
    assert plan.settings == ("set norm_eps = 1e-05", "set rope_theta = 10000.0")  # rope.freqs tells the heads
    values = {name: array for name, array in arrays(META).items() if name != "rope.freqs"}
    plan = weightwise.port(LLAMA, into=values)
    assert plan.settings[2:] == ("set n_heads = 4", "set n_kv_heads = 2")
    numpy.testing.assert_array_equal(
        values["layers.0.attention.wq.weight"], arrays(tmp_path / PTH)["layers.0.attention.wq.weight"]
    )


def test_a_source_without_a_configuration_says_what_is_open(tmp_path):
    source = llama(tmp_path / "source")
    plan = weightwise.port(source, into=llama(tmp_path / "target"))
    assert "has no configuration beside it: rms_norm_eps, rope_theta" in plan.settings[0]
    assert {filling.fed.pattern for filling in plan.fillings} >= {"(heads head_dim) in -> (heads head_dim) in"}


def test_other_kinds_of_one_family_are_named(tmp_path):
    plan = weightwise.port(LLAMA, into=llama(tmp_path / "target", {"model_type": "mistral", "sliding_window": 8}))
    assert plan.settings == (
        "model_type is mistral here and llama in the source: equal arrays may compute something else",
        "sliding_window is 8 here, and must be as in the source, which does not say its sliding_window",
    )


def no_freqs(path):
    return write_arrays(path, {name: array for name, array in arrays(META).items() if name != "rope.freqs"})


def bias(size=16):
    return numpy.zeros(size, "float32")


REFUSED = {
    "a wider vocabulary": (
        lambda tmp: (llama(tmp / "s", {}, **vocabulary(9)), META),
        r"tok_embeddings\.weight has the shape \(7, 16\), and model\.embed_tokens\.weight of the source would have \(9",
    ),
    "biases": (
        lambda tmp: (llama(tmp / "s", {}, model__layers__0__self_attn__q_proj__bias=bias()), META),
        r"it has no place for model\.layers\.0\.self_attn\.q_proj\.bias of the source",
    ),
    "biases there": (
        lambda tmp: (META, llama(tmp / "t", {}, model__layers__0__self_attn__q_proj__bias=bias())),
        r"the source has nothing for model\.layers\.0\.self_attn\.q_proj\.bias",
    ),
    "no head": (
        lambda tmp: (llama(tmp / "s", {}, lm_head__weight=None), META),
        r"the source has nothing for output\.weight",
    ),
    "a source that does not tell its pairs": (
        lambda tmp: (llama(tmp / "s"), META),
        r"s/model\.safetensors: .*0\.self_attn\.q_proj\.weight cannot be arranged: .* only the config\.json",
    ),
    "a target that does not tell its pairs": (
        lambda tmp: (META, llama(tmp / "t")),
        r"t/model\.safetensors: .*0\.self_attn\.k_proj\.weight cannot be arranged: .* only the config\.json",
    ),
    "a source of which a part of each head is turned": (
        lambda tmp: (llama(tmp / "s", {"partial_rotary_factor": 0.5}), META),
        r"q_proj\.weight cannot be arranged: .* is open, for the configuration says an unusual kind",
    ),
    "a source that does not tell its heads": (
        lambda tmp: (no_freqs(tmp / "s.safetensors"), LLAMA),
        r"layers\.0\.attention\.wk\.weight would be arranged by heads, and nothing tells how many there are",
    ),
    "other heads": (
        lambda tmp: (META, llama(tmp / "t", {"num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 2})),
        r"the size of \w+ is \d there, and \d in the source",
    ),
    "Gemma": (
        lambda tmp: (llama(tmp / "s", {"model_type": "gemma"}), META),
        r"it has the arrays of the Llama family, and the source those of Gemma",
    ),
    "a network that is not known": (
        lambda tmp: (LLAMA, SAMPLES / "torch_state_dict.pt"),
        r"its names and shapes are not those of the Llama family, whose arrays the source has",
    ),
}


def vocabulary(size):
    return {name: numpy.zeros((size, 16), "float32") for name in ("model__embed_tokens__weight", "lm_head__weight")}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_open_or_does_not_fit_is_refused_in_one_sentence(tmp_path, case):
    make, sentence = REFUSED[case]
    source, target = make(tmp_path)
    with pytest.raises(UnsupportedError, match=sentence) as raised:
        weightwise.port(source, into=target)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("framework", ["pytorch", "keras", "flax"])
def test_without_a_graph_the_way_is_told(framework):
    with pytest.raises(UnsupportedError, match="no graph, so no layers can be made of it; port it into a file of"):
        weightwise.port(LLAMA, framework)


def test_there_is_nothing_to_choose_between_files_of_one_architecture():
    with pytest.raises(UnsupportedError, match="both files have the arrays of the Llama family, which need no --map"):
        weightwise.port(LLAMA, into=META, choose={"model.norm": "norm"})


def test_a_framework_is_checked_where_it_is_said():
    assert weightwise.port(LLAMA, "pytorch", into=META).left == ()
    with pytest.raises(UnsupportedError, match="it is of PyTorch, not of keras"):
        weightwise.port(LLAMA, "keras", into=META)


def test_a_network_with_a_graph_is_no_sibling():
    with pytest.raises(UnsupportedError, match="no layer there has the arrays of conv2d_1"):
        weightwise.port(EXAMPLE, into=META)


def test_narrower_dtypes_need_consent(tmp_path):
    target = folder(tmp_path / "t", {name: array.astype("float16") for name, array in arrays(LLAMA).items()}, CONFIG)
    with pytest.raises(UnsupportedError, match="float32 becomes float16"):
        weightwise.port(META, into=target, out=tmp_path / "o.safetensors")
    weightwise.port(META, into=target, out=tmp_path / "o.safetensors", allow_lossy=True)
    found = arrays(tmp_path / "o.safetensors")["lm_head.weight"]
    numpy.testing.assert_array_equal(found, arrays(META)["output.weight"].astype("float16"))


def shorter(shapes, prefix):
    return {name.removeprefix(prefix): shape for name, shape in shapes.items()}


def older(shapes):
    """Return the names of the first files of BERT."""
    return {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): shape
        for name, shape in shapes.items()
    }


SPELLINGS = {
    "GPT-2": ("GPT-2", shorter(shapes_of("GPT-2"), "transformer.")),
    "BERT": ("BERT", shorter(shapes_of("BERT"), "bert.")),
    "BERT as first written": ("BERT", older(shapes_of("BERT"))),
    "RoBERTa": ("RoBERTa", shorter(shapes_of("RoBERTa"), "roberta.")),
    "DistilBERT": ("DistilBERT", shorter(shapes_of("DistilBERT"), "distilbert.")),
    "ViT": ("ViT", shapes_of("ViT in memory")),
    "ViT, its trunk": ("ViT, its trunk", shapes_of("ViT, its trunk in memory")),
    "ResNet": ("resnet18", shapes_of("resnet18")),
}


@pytest.mark.parametrize("case", SPELLINGS)
def test_spellings_of_other_architectures(tmp_path, case):
    name, shapes = SPELLINGS[case]
    config = FACTS[name]["config"]
    source = folder(tmp_path / "source", random_arrays(shapes_of(name)), config)
    target = folder(tmp_path / "target", random_arrays(shapes, 1), config)
    out = folder(tmp_path / "out", {}, config)
    weightwise.port(source, into=target, out=out / "model.safetensors")
    old, new, kept = (arrays(path) for path in (source, out, target))
    filled = [path for path in new if not (new[path] == kept[path]).all()]
    values = {array.tobytes() for array in old.values()}
    assert all(new[path].tobytes() in values for path in filled)
    assert len(filled) == len([path for path in shapes if "num_batches" not in path])
    weightwise.port(out, into=source, out=tmp_path / "back.safetensors")
    for path, array in arrays(tmp_path / "back.safetensors").items():
        numpy.testing.assert_array_equal(array, old[path])


def test_a_proof_tells_what_differs_and_what_cannot_be_told(tmp_path):
    weightwise.port(LLAMA, into=META, out=tmp_path / PTH)
    values = arrays(tmp_path / PTH)
    halves = arrays(LLAMA)["model.layers.0.self_attn.q_proj.weight"]
    wrong = {**values, "layers.0.attention.wq.weight": halves}
    found = weightwise.prove(LLAMA, write_arrays(tmp_path / "wrong.safetensors", wrong))
    assert found.verdict is Verdict.DIFFERENT
    assert found.first.name == "model.layers.0.self_attn.q_proj/weight"
    assert [line.verdict for line in found.comparisons[0].lines].count(Verdict.DIFFERENT) == 1
    silent = weightwise.prove(llama(tmp_path / "silent"), write_arrays(tmp_path / "right.safetensors", values))
    assert silent.verdict is Verdict.OPEN
    assert "self_attn.q_proj/weight could not be brought together" in silent.comparisons[0].failure
    few = {name: array for name, array in values.items() if name != "norm.weight"}
    lacking = weightwise.prove(LLAMA, write_arrays(tmp_path / "few.safetensors", few))
    assert lacking.verdict is Verdict.OPEN
    assert "has arrays without a counterpart: model.norm/weight" in lacking.comparisons[0].failure
