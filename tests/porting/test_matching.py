"""Which layer is which, where a target groups its arrays otherwise than the source."""

from __future__ import annotations

import weightwise
from tests.porting.targets import SAMPLES


def test_the_cells_of_both_directions_are_one_layer(tmp_path):
    source = SAMPLES / "keras3_recurrent.keras"
    weightwise.port(source, "flax", out=tmp_path / "there.msgpack")
    names = [layer.name for layer in weightwise.open(tmp_path / "there.msgpack").layers]
    assert sum(name.endswith(("backward_rnn/cell", "forward_rnn/cell")) for name in names) == 2
    plan = weightwise.port(source, "flax", into=tmp_path / "there.msgpack", out=tmp_path / "again.msgpack")
    assert (tmp_path / "again.msgpack").read_bytes() == (tmp_path / "there.msgpack").read_bytes()
    assert not plan.left
