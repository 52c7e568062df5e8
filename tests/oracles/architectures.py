"""Networks of known architectures, small, with sizes that differ, as transformers and torchvision build them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

VOCABULARY, HIDDEN, INNER, HEADS, POSITIONS = 11, 20, 28, 4, 9
DECODER = {
    "vocab_size": VOCABULARY,
    "hidden_size": HIDDEN,
    "intermediate_size": INNER,
    "num_hidden_layers": 2,
    "num_attention_heads": HEADS,
    "num_key_value_heads": 2,
    "head_dim": 6,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
ENCODER = {
    "vocab_size": VOCABULARY,
    "hidden_size": HIDDEN,
    "intermediate_size": INNER,
    "num_hidden_layers": 2,
    "num_attention_heads": HEADS,
    "max_position_embeddings": POSITIONS,
    "type_vocab_size": 2,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
GPT = {"vocab_size": VOCABULARY, "n_embd": HIDDEN, "n_inner": INNER, "n_layer": 2, "n_head": HEADS, "n_positions": 7}
DISTILLED = {"vocab_size": VOCABULARY, "dim": HIDDEN, "hidden_dim": INNER, "n_layers": 2, "n_heads": HEADS}
IMAGES = {**{key: ENCODER[key] for key in list(ENCODER)[1:5]}, "image_size": 8, "patch_size": 4, "num_labels": 5}

TRANSFORMERS: Mapping[str, tuple[str, str, Mapping[str, Any]]] = {
    "Llama": ("LlamaForCausalLM", "LlamaConfig", DECODER),
    "Llama with biases": ("LlamaForCausalLM", "LlamaConfig", {**DECODER, "attention_bias": True, "mlp_bias": True}),
    "Llama, tied": ("LlamaForCausalLM", "LlamaConfig", {**DECODER, "tie_word_embeddings": True}),
    "Llama, its trunk": ("LlamaModel", "LlamaConfig", DECODER),
    "Llama with biases, its trunk": (
        "LlamaModel",
        "LlamaConfig",
        {**DECODER, "attention_bias": True, "mlp_bias": True},
    ),
    "Mistral": ("MistralForCausalLM", "MistralConfig", DECODER),
    "Qwen 2": ("Qwen2ForCausalLM", "Qwen2Config", DECODER),
    "Qwen 3": ("Qwen3ForCausalLM", "Qwen3Config", DECODER),
    "Qwen 3, its trunk": ("Qwen3Model", "Qwen3Config", DECODER),
    "Gemma": ("GemmaForCausalLM", "GemmaConfig", DECODER),
    "Gemma 2": ("Gemma2ForCausalLM", "Gemma2Config", DECODER),
    "Gemma 2, its trunk": ("Gemma2Model", "Gemma2Config", DECODER),
    "Gemma 3": ("Gemma3ForCausalLM", "Gemma3TextConfig", DECODER),
    "GPT-2": ("GPT2LMHeadModel", "GPT2Config", GPT),
    "GPT-2, its trunk": ("GPT2Model", "GPT2Config", GPT),
    "BERT": ("BertForPreTraining", "BertConfig", ENCODER),
    "BERT, its trunk": ("BertModel", "BertConfig", ENCODER),
    "BERT that classifies": ("BertForSequenceClassification", "BertConfig", {**ENCODER, "num_labels": 3}),
    "BERT that answers": ("BertForQuestionAnswering", "BertConfig", ENCODER),
    "RoBERTa": ("RobertaForMaskedLM", "RobertaConfig", ENCODER),
    "RoBERTa that classifies": ("RobertaForSequenceClassification", "RobertaConfig", {**ENCODER, "num_labels": 3}),
    "XLM-RoBERTa": ("XLMRobertaForMaskedLM", "XLMRobertaConfig", ENCODER),
    "CamemBERT": ("CamembertForMaskedLM", "CamembertConfig", ENCODER),
    "DistilBERT": ("DistilBertForMaskedLM", "DistilBertConfig", DISTILLED),
    "DistilBERT that classifies": ("DistilBertForSequenceClassification", "DistilBertConfig", DISTILLED),
    "DistilBERT, its trunk": ("DistilBertModel", "DistilBertConfig", DISTILLED),
    "ViT": ("ViTForImageClassification", "ViTConfig", IMAGES),
    "ViT, its trunk": ("ViTModel", "ViTConfig", IMAGES),
}
"""Class, class of the configuration, and settings."""
IN_MEMORY = ("GPT-2", "BERT", "RoBERTa", "DistilBERT", "ViT", "ViT, its trunk")
"""Networks whose files have other names, or fewer, than their modules."""
TORCHVISION = (
    "resnet18",
    "resnet50",
    "resnext50_32x4d",
    "wide_resnet50_2",
    "vgg11",
    "vgg13_bn",
    "vgg16",
    "vgg19_bn",
    "alexnet",
    "mobilenet_v2",
)
MNIST = {"an MNIST example": (32, 64, 3, 128), "of 2018": (20, 50, 5, 500), "of 2017": (10, 20, 5, 50)}
"""PyTorch's own MNIST example at three times: the filters, the side of their windows, and the hidden units."""
KEPT = {
    *("model_type", "num_attention_heads", "num_key_value_heads", "head_dim", "hidden_size", "intermediate_size"),
    *("n_embd", "n_head", "n_positions", "vocab_size", "dim", "hidden_dim", "n_heads", "patch_size", "num_channels"),
}
"""What facts keep of a configuration."""


def declare_operators() -> None:
    """Make two operators known by name, without which torchvision cannot be imported; no network here uses them.

    The published wheels of torchvision are built for GPUs; beside a PyTorch without them its operators are missing.
    """
    import torch

    for operator in ("nms", "qnms"):
        if not hasattr(torch.ops.torchvision, operator):
            torch.library.define(f"torchvision::{operator}", "(Tensor boxes, Tensor scores, float threshold) -> Tensor")


def transformer(name: str) -> Any:
    """Return a network of transformers with random weights, norms and biases included."""
    import torch

    declare_operators()
    import transformers

    class_name, config, settings = TRANSFORMERS[name]
    torch.manual_seed(0)
    network = getattr(transformers, class_name)(getattr(transformers, config)(**settings)).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.3)
    return network


def torchvision_network(name: str) -> Any:
    """Return a network of torchvision without values."""
    import torch

    declare_operators()
    from torchvision import models

    with torch.device("meta"):
        return getattr(models, name)()


def mnist_network(name: str) -> Any:
    """Return the network of PyTorch's MNIST example with random weights.

    https://github.com/pytorch/examples/blob/77f55b912142e11fcfdf5b530231fb9c52f181e8/mnist/main.py has one pooling, its
    older versions one behind each convolution.
    """
    import torch
    from torch import nn

    first, second, window, hidden = MNIST[name]
    side = 12 if window == 3 else 4

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(1, first, window)
            self.conv2 = nn.Conv2d(first, second, window)
            self.fc1 = nn.Linear(second * side * side, hidden)
            self.fc2 = nn.Linear(hidden, 10)

        def forward(self, images: Any) -> Any:
            read = self.conv1(images).relu()
            read = self.conv2(read if window == 3 else torch.max_pool2d(read, 2)).relu()
            read = torch.max_pool2d(read, 2).flatten(1)
            return self.fc2(self.fc1(read).relu())

    torch.manual_seed(0)
    return Net().eval()


def meta_llama() -> Any:
    """Return Llama as Meta's code has it."""
    from tests.oracles.meta_llama import Transformer

    return Transformer()


def small_network() -> Any:
    """Return torchvision's ResNet with three stages, and what the networks for CIFAR have for its ends."""
    from torch import nn

    network = torchvision_network("resnet18")
    network.conv1 = nn.Conv2d(3, 64, 3, bias=False)
    network.linear = nn.Linear(256, 10)
    for name in ("layer4", "fc"):
        delattr(network, name)
    for stage in (network.layer2, network.layer3):
        stage[0].downsample = None
    return network


def filed(network: Any, folder: Path) -> dict[str, tuple[str, str]]:
    """Save a network of transformers; return its arrays by their names in the file: module and name in the module."""
    from safetensors.torch import load_file

    network.save_pretrained(folder)
    values = {name: value for name, value in network.state_dict().items() if value.numel()}
    owners = {}
    for name, value in load_file(folder / "model.safetensors").items():
        same = [own for own, other in values.items() if other.shape == value.shape and bool((other == value).all())]
        owners[name] = (name if name in same else same[0]).rpartition(".")[::2]
    return owners


def facts(tmp: Path) -> Iterator[dict[str, Any]]:
    """Yield what the frameworks say of each network: the arrays with their shapes and the classes of their owners."""
    for name in TRANSFORMERS:
        network = transformer(name)
        owners = filed(network, tmp / name)
        state = network.state_dict()
        arrays = {
            key: [list(state[".".join(filter(None, (module, own)))].shape), _class(network, module)]
            for key, (module, own) in owners.items()
        }
        config = {key: value for key, value in network.config.to_dict().items() if key in KEPT and value}
        yield {"name": name, "config": config, "arrays": arrays}
    for name in IN_MEMORY:
        network = transformer(name)
        yield {"name": f"{name} in memory", "config": {}, "arrays": _arrays(network)}
    network = meta_llama()
    yield {"name": "Llama of Meta", "config": dict(network.params), "arrays": _arrays(network)}
    for name in TORCHVISION:
        yield {"name": name, "config": {}, "arrays": _arrays(torchvision_network(name))}
    for name in MNIST:
        yield {"name": name, "config": {}, "arrays": _arrays(mnist_network(name))}
    yield {"name": "a ResNet for CIFAR", "config": {}, "arrays": _arrays(small_network())}


def _arrays(network: Any) -> dict[str, list[Any]]:
    state = network.state_dict()
    return {key: [list(value.shape), _class(network, key.rpartition(".")[0])] for key, value in state.items()}


def _class(network: Any, module: str) -> str:
    """Return the class of a module, or the one of PyTorch's that it extends; a convolution with its groups."""
    found = network.get_submodule(module)
    name = next((base.__name__ for base in type(found).__mro__ if base.__name__ in SIMPLE), type(found).__name__)
    return f"{name} {found.groups}" if name == "Conv2d" else name


SIMPLE = {"Linear", "Embedding", "LayerNorm", "Conv2d", "BatchNorm2d", "Conv1D"}
