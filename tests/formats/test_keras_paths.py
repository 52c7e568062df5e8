"""Which group of a weights file belongs to which layer of a configuration."""

from __future__ import annotations

from typing import Any

from tests.samples import layers
from weightwise.formats.hdf5 import Contents
from weightwise.formats.keras.config import ConfigReader
from weightwise.formats.keras.weights import weights_model
from weightwise.source import memory_source
from weightwise.stored import StoredArray, StoredModel

SOURCE = memory_source("m.keras", "m.keras", b"x")


def contents(paths: dict[str, str | None]) -> Contents:
    """Returns a file with two variables for each object; its name is an attribute unless it is None."""
    attributes: dict[str, dict[str, Any]] = {"": {}}
    arrays = {}
    for path, name in paths.items():
        parts = path.split("/")
        for end in range(1, len(parts) + 1):
            attributes.setdefault("/".join(parts[:end]), {})
        attributes[f"{path}/vars"] = {} if name is None else {"name": name}
        for number in range(2):
            array = f"{path}/vars/{number}"
            arrays[array] = StoredArray(array, array, (2,), "float32", 8, lambda: None)
    return Contents(attributes, arrays, ())


def dense(name: str, class_name: str = "Dense", **rest: Any) -> dict[str, Any]:
    return {"class_name": class_name, "config": {"name": name}, **rest}


def sequential(name: str, *inner: Any, **rest: Any) -> dict[str, Any]:
    return {"class_name": "Sequential", "config": {"name": name, "layers": list(inner)}, **rest}


def placed(config: dict[str, Any], paths: dict[str, str | None]) -> StoredModel:
    entry = ConfigReader("m.keras", []).model(config)
    return weights_model(SOURCE, contents(paths), entry, "form", "3", ())


def found(stored: StoredModel) -> dict[str, list[str]]:
    return {layer.name: [array.path for array in layer.arrays] for layer in layers(stored.root) if layer.arrays}


def variables(path: str) -> list[str]:
    return [f"{path}/vars/0", f"{path}/vars/1"]


def test_without_names_a_class_and_its_number_tell():
    config = sequential("s", dense("a"), dense("pool", "MaxPooling2D"), dense("b"), dense("c", "Conv2D"))
    stored = placed(config, {"layers/conv2d": None, "layers/dense": None, "layers/dense_1": None})
    assert found(stored) == {
        "a": variables("layers/dense"),
        "b": variables("layers/dense_1"),
        "c": variables("layers/conv2d"),
    }


def test_names_win_over_numbers():
    config = sequential("s", dense("a"), dense("b"))
    stored = placed(config, {"layers/dense": "b", "layers/dense_1": "a"})
    assert found(stored) == {"a": variables("layers/dense_1"), "b": variables("layers/dense")}


def test_a_group_with_an_unknown_name_is_not_given_to_a_layer_of_another_name():
    stored = placed(sequential("s", dense("a"), dense("b")), {"layers/dense": "x", "layers/dense_1": "b"})
    assert found(stored) == {"b": variables("layers/dense_1"), "x": variables("layers/dense")}
    assert [layer.configured for layer in stored.root.layers] == [True, True, False]


def test_two_groups_with_the_same_name_are_given_to_nobody():
    stored = placed(sequential("s", dense("a"), dense("b")), {"layers/dense": "a", "layers/dense_1": "a"})
    assert [layer.configured for layer in stored.root.layers if layer.arrays] == [False, False]


def test_operations_that_are_no_layers_do_not_count():
    operation = {"class_name": "Add", "module": "keras.src.ops.numpy", "config": {"name": "plus"}}
    stored = placed(sequential("s", operation, dense("added", "Add")), {"layers/add": None})
    assert found(stored) == {"added": variables("layers/add")}


def test_a_class_whose_exported_name_differs():
    config = sequential("s", dense("attend", "GroupQueryAttention"))
    stored = placed(config, {"layers/grouped_query_attention/query_dense": None})
    assert [array.key for array in stored.root.layers[0].arrays] == ["query_dense/0", "query_dense/1"]


def test_the_groups_of_keras_2_13_count_layers_with_variables_twice():
    config = sequential("s", dense("a"), dense("drop", "Dropout"), dense("b"), sequential("in", dense("c"), dense("d")))
    old = "_layer_checkpoint_dependencies"
    inner = f"{old}/sequential/{old}"
    paths = {f"{old}/dense": None, f"{old}/dense_2": None, f"{inner}/dense": None, f"{inner}/dense_2": None}
    assert found(placed(config, paths)) == {
        "a": variables(f"{old}/dense"),
        "b": variables(f"{old}/dense_2"),
        "c": variables(f"{inner}/dense"),
        "d": variables(f"{inner}/dense_2"),
    }


def test_a_missing_group_is_shared_only_when_the_configuration_says_so():
    first, second = sequential("one", dense("a")), sequential("two", dense("a"))
    paths = {"layers/sequential/layers/dense": None}
    assert list(found(placed(sequential("s", first, second), paths)).items()) == [
        ("a", variables("layers/sequential/layers/dense"))
    ]
    again = sequential("s", first, sequential("two", dense("a", shared_object_id=7)))
    owners = [layer for layer in layers(placed(again, paths).root) if layer.arrays]
    assert [layer.name for layer in owners] == ["a", "a"]
    assert owners[0].arrays == owners[1].arrays


def test_arrays_that_no_layer_claims_are_kept():
    paths = {"layers/dense": "a", "layers/dense_1": "b", "extra/part": "p", "other": None}
    stored = placed(sequential("s", dense("a")), paths)
    rest = [(layer.name, layer.class_name, [array.key for array in layer.arrays]) for layer in stored.root.layers[1:]]
    assert rest == [("p", "part", ["0", "1"]), ("b", "dense", ["0", "1"]), ("other", "", ["0", "1"])]


def test_optimizer_seeds_and_metrics_are_no_weights():
    paths = {
        "layers/dense": "a",
        "layers/dropout/seed_generator": None,
        "optimizer": "adam",
        "_metrics/mean": None,
    }
    stored = placed(sequential("s", dense("a"), dense("drop", "Dropout")), paths)
    assert found(stored) == {"a": variables("layers/dense")}
    assert [array.path for array in stored.optimizer] == variables("optimizer")
    assert [array.path for array in stored.state] == [
        *variables("_metrics/mean"),
        *variables("layers/dropout/seed_generator"),
    ]


def test_the_own_variables_of_a_model():
    stored = placed(sequential("s", dense("a")), {"layers/dense": "a"})
    assert stored.root.arrays == ()
    own = contents({"layers/dense": "a"})
    own.arrays["vars/0"] = StoredArray("vars/0", "vars/0", (2,), "float32", 8, lambda: None)
    own.attributes["vars"] = {"name": "s"}
    stored = weights_model(SOURCE, own, ConfigReader("m", []).model(sequential("s", dense("a"))), "form", "3", ())
    assert [(array.path, array.key) for array in stored.root.arrays] == [("vars/0", "0")]


def test_variables_that_are_numbered_with_gaps_are_a_problem():
    lost = contents({"layers/dense": "a"})
    del lost.arrays["layers/dense/vars/0"]
    stored = weights_model(SOURCE, lost, ConfigReader("m", []).model(sequential("s", dense("a"))), "form", "3", ())
    assert stored.problems == ("m.keras: variables of layers/dense are missing.",)


def test_variables_with_other_names_are_kept():
    odd = contents({"layers/dense": "a"})
    for name in ("r8", "²", "9" * 5000):
        path = f"layers/dense/vars/{name}"
        odd.arrays[path] = StoredArray(path, path, (2,), "float32", 8, lambda: None)
    stored = weights_model(SOURCE, odd, ConfigReader("m", []).model(sequential("s", dense("a"))), "form", "3", ())
    assert sorted(array.key for array in stored.root.layers[0].arrays) == ["0", "1", "9" * 5000, "r8", "²"]
    assert stored.problems == ("m.keras: variables of layers/dense are missing.",)
