"""Names in the code of PyTorch models: a name of a file becomes an identifier or a quoted string, and nothing else."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator
from itertools import count

from weightwise.views.code_pytorch_modules import literal

LONGEST = 24
"""The most letters of a variable that is called after its layer."""

_KEPT = """
T_destination add_module apply bfloat16 buffers call_super_init children compile cpu cuda double dump_patches eval
extra_repr float forward get_buffer get_extra_state get_parameter get_submodule half ipu load_state_dict modules mtia
named_buffers named_children named_modules named_parameters parameters register_backward_hook register_buffer
register_forward_hook register_forward_pre_hook register_full_backward_hook register_full_backward_pre_hook
register_load_state_dict_post_hook register_load_state_dict_pre_hook register_module register_parameter
register_state_dict_post_hook register_state_dict_pre_hook requires_grad_ set_extra_state set_submodule share_memory
state_dict to to_empty train training type xpu zero_grad
"""
KEPT = frozenset(_KEPT.split())
"""Attributes that `nn.Module` itself has."""
INSIDE = KEPT | {"clear", "items", "keys", "pop", "update", "values"}
"""Attributes that `nn.ModuleDict` itself has."""
TAKEN = frozenset(
    ("self", "torch", "nn", "F", "Tensor", "load_file", "load", "observe", *keyword.kwlist, *keyword.softkwlist)
)
"""Names that mean something else in the code."""


def class_name(name: str) -> str:
    """Return a text as the name of a class."""
    found = re.sub(r"\W", "_", name, flags=re.ASCII) or "Net"
    return f"Net_{found}" if found[0].isdigit() or found in TAKEN else found


def attribute(path: str) -> str:
    """Return how a module is reached, by the dots of its name.

    >>> attribute("conv"), attribute("features.0"), attribute("type")
    ('self.conv', 'self.features["0"]', 'self._modules["type"]')
    >>> attribute("a.keys")
    'self.a._modules["keys"]'
    """
    first, *rest = path.split(".")
    plain = first.isidentifier() and first.isascii() and not keyword.iskeyword(first) and first not in KEPT
    start = f"self.{first}" if plain and not first.startswith("_") else f"self._modules[{literal(first)}]"
    return start + "".join(f"{'._modules' * (part in INSIDE)}[{literal(part)}]" for part in rest)


def identifier(text: str) -> str:
    """Return a text as the name of a variable, `branch` for one that would be long."""
    found = re.sub(r"\W", "_", text, flags=re.ASCII).strip("_")
    found = found if 0 < len(found) <= LONGEST else "branch"
    return f"y_{found}" if found[0].isdigit() or found in TAKEN else found


def numbered(name: str) -> Iterator[str]:
    """Yield a name, and the same with numbers."""
    yield name
    yield from (f"{name}_{number}" for number in count(1))
