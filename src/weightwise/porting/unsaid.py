"""What no array says of two files of one architecture, where their configurations differ, or one alone says it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from weightwise.conventions.architectures.family import Family
from weightwise.porting.siblings import TIED, Known, Siblings

MODEL_TYPE = "model_type"
SWITCHES = {"True": "true", "False": "false"}
"""What stands in a configuration for a setting that is there or not, in Python and in JSON."""
HEADS = ("heads", "kv_heads")


def unsaid(found: Siblings) -> Iterator[str]:
    """Yield a sentence for each setting that must agree and does not, with the value to set."""
    source, target = found.source, found.target
    yield from _kinds(source, target)
    if source.config:
        names = dict.fromkeys((*source.family.unsaid, *source.family.fixed))
        yield from (sentence for name in names for sentence in _setting(name, source, target))
    elif source.family.unsaid:
        keys = ", ".join(_key(source, name) for name in source.family.unsaid)
        yield f"{source.path} has no configuration beside it: {keys} must be what its network has"
    yield from _heads(source, target)


def _heads(source: Known, target: Known) -> Iterator[str]:
    for name in HEADS:
        if name in source.sizes and name not in target.sizes and name in target.family.settings:
            yield f"set {target.family.settings[name].split()[0]} = {source.sizes[name]}"


def _kinds(source: Known, target: Known) -> Iterator[str]:
    kinds = [known.config.get(MODEL_TYPE) for known in (source, target)]
    if all(kinds) and kinds[0] != kinds[1]:
        yield f"model_type is {kinds[1]} here and {kinds[0]} in the source: equal arrays may compute something else"


def _setting(name: str, source: Known, target: Known) -> Iterator[str]:
    """Yield a sentence where a setting is not the source's."""
    wanted, own = _said(name, source), _said(name, target)
    if wanted == own or (name == TIED and name not in target.family.unsaid):
        return  # what is tied in the source alone is said of the array
    if wanted is None and name in source.family.unsaid:
        key = _key(source, name)
        yield f"{_key(target, name)} is {_text(own)} here, and must be as in the source, which does not say its {key}"
    elif name in target.family.unsaid and (value := _spelled(name, wanted, target.family)):
        yield f"set {_key(target, name)} = {value}" + ("" if own is None else f", which is {_text(own)} here")
    else:
        yield f"{_key(source, name)} is {_text(wanted)} in the source, and the target's code has {_text(own)}"


def _spelled(name: str, value: Any, family: Family) -> str:
    """Return a value as a configuration of the family has it; empty for one that it has only switches for."""
    switches = {switch: meant for switch, meant in family.values.get(name, {}).items() if switch in SWITCHES}
    if switches:
        return next((SWITCHES[switch] for switch, meant in switches.items() if meant == value), "")
    return _text(value)


def _said(name: str, known: Known) -> Any:
    """Return a setting as the configuration has it; None where it says nothing, or that there is none."""
    keys = known.family.unsaid.get(name, "").split()
    found = next((value for key in keys if (value := _at(known.config, key)) is not None), None)
    value = known.family.fixed.get(name) if found is None else known.family.values.get(name, {}).get(str(found), found)
    return value or None


def _at(config: Mapping[str, Any], key: str) -> Any:
    """Return what a configuration has at `rope_parameters.rope_theta`."""
    value: Any = config
    for part in key.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _key(known: Known, name: str) -> str:
    """Return the key of a setting that the configuration has, or the first that it could have."""
    keys = known.family.unsaid.get(name, name).split()
    return next((key for key in keys if _at(known.config, key) is not None), keys[0])


def _text(value: Any) -> str:
    """Return a value as a configuration in JSON spells it."""
    return json.dumps(value)
