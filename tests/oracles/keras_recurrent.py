"""Cases of Keras's recurrent layers, of their cells, and of the wrappers around layers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from keras import Sequential, layers

from tests.oracles.case import Case, Input

SEQUENCE = Input((2, 4, 3))
STATE = Input((2, 5))


def stepped(cell: Any, arrays: Sequence[Any]) -> Any:
    """Call a cell on its input and its states."""
    return cell(arrays[0], list(arrays[1:]))


def stacked(cells: Any, arrays: Sequence[Any]) -> Any:
    """Call a stack of an LSTM and a GRU on its input and its states."""
    x, h, c, other = arrays
    return cells(x, [[h, c], [other]])


def begun(layer: Any, arrays: Sequence[Any]) -> Any:
    """Call a layer with its first states."""
    return layer(arrays[0], initial_state=list(arrays[1:]))


def in_sequence(name: str, build: Callable[..., Any]) -> Iterator[Case]:
    """Yield the cases of everything that a recurrent layer can return, in both orders."""
    yield Case(f"{name}", lambda: build(5), [SEQUENCE])
    yield Case(f"{name} of many steps", lambda: build(2), [Input((2, 9, 3))])
    yield Case(f"{name}, sequences", lambda: build(5, return_sequences=True), [SEQUENCE])
    yield Case(f"{name}, states", lambda: build(5, return_state=True), [SEQUENCE])
    yield Case(f"{name}, sequences and states", lambda: build(5, return_sequences=True, return_state=True), [SEQUENCE])
    yield Case(f"{name}, backwards", lambda: build(5, go_backwards=True), [SEQUENCE])
    yield Case(
        f"{name}, backwards, sequences and states",
        lambda: build(5, go_backwards=True, return_sequences=True, return_state=True),
        [SEQUENCE],
    )
    yield Case(f"{name} without bias", lambda: build(5, use_bias=False), [SEQUENCE])
    yield Case(f"{name} without activation", lambda: build(3, activation=None), [SEQUENCE])
    yield Case(f"{name} unrolled", lambda: build(3, unroll=True), [SEQUENCE])


def convolved(rank: int) -> Iterator[Case]:
    """Yield the cases of a convolutional LSTM over `rank` spatial axes."""
    layer = getattr(layers, f"ConvLSTM{rank}D")
    name, size, spatial, even = f"ConvLSTM{rank}D", (3, 2, 2)[:rank], (4, 3, 3)[:rank], (3, 3, 3)[:rank]
    yield Case(name, lambda: layer(2, size), [Input((2, 3, *spatial, 3))])
    yield Case(f"{name}, square", lambda: layer(2, 2), [Input((2, 3, *even, 2))])
    yield Case(f"{name}, all four", lambda: layer(4, 4, padding="same"), [Input((1, 2, *even, 4))])
    yield Case(f"{name} same", lambda: layer(2, size, padding="same"), [Input((1, 3, *spatial, 3))])
    yield Case(f"{name} strides", lambda: layer(2, size, strides=2, padding="same"), [Input((2, 3, *spatial, 3))])
    yield Case(f"{name} dilation", lambda: layer(2, 2, dilation_rate=2), [Input((2, 3, *(5, 4, 4)[:rank], 3))])
    yield Case(f"{name} without bias", lambda: layer(2, size, use_bias=False), [Input((2, 3, *spatial, 3))])
    yield Case(
        f"{name} channels first",
        lambda: layer(2, size, data_format="channels_first", return_state=True),
        [Input((1, 3, 3, *spatial))],
    )
    yield Case(
        f"{name}, backwards, sequences and states",
        lambda: layer(2, size, go_backwards=True, return_sequences=True, return_state=True),
        [Input((1, 3, *spatial, 3))],
    )


CASES = [
    Case("SimpleRNNCell", lambda: layers.SimpleRNNCell(5), [Input((2, 3)), STATE], stepped),
    Case("SimpleRNNCell, square", lambda: layers.SimpleRNNCell(3), [Input((2, 3)), Input((2, 3))], stepped),
    Case(
        "SimpleRNNCell without bias", lambda: layers.SimpleRNNCell(5, use_bias=False), [Input((2, 3)), STATE], stepped
    ),
    Case("LSTMCell", lambda: layers.LSTMCell(5), [Input((2, 3)), STATE, STATE], stepped),
    Case("LSTMCell, square", lambda: layers.LSTMCell(4), [Input((2, 4)), Input((2, 4)), Input((2, 4))], stepped),
    Case("LSTMCell without bias", lambda: layers.LSTMCell(5, use_bias=False), [Input((2, 3)), STATE, STATE], stepped),
    Case("GRUCell", lambda: layers.GRUCell(5), [Input((2, 3)), STATE], stepped),
    Case("GRUCell, square", lambda: layers.GRUCell(3), [Input((2, 3)), Input((2, 3))], stepped),
    Case("GRUCell of two units", lambda: layers.GRUCell(2), [Input((2, 2)), Input((2, 2))], stepped),
    Case("GRUCell, reset before", lambda: layers.GRUCell(5, reset_after=False), [Input((2, 3)), STATE], stepped),
    Case(
        "GRUCell, reset before, square",
        lambda: layers.GRUCell(3, reset_after=False),
        [Input((2, 3)), Input((2, 3))],
        stepped,
    ),
    Case(
        "StackedRNNCells",
        lambda: layers.StackedRNNCells([layers.LSTMCell(5), layers.GRUCell(4)]),
        [Input((2, 3)), STATE, STATE, Input((2, 4))],
        stacked,
    ),
    *in_sequence("SimpleRNN", layers.SimpleRNN),
    Case("SimpleRNN, square", lambda: layers.SimpleRNN(3), [SEQUENCE]),
    Case("SimpleRNN relu", lambda: layers.SimpleRNN(5, activation="relu"), [SEQUENCE]),
    Case("SimpleRNN from a state", lambda: layers.SimpleRNN(5, return_state=True), [SEQUENCE, STATE], begun),
    *in_sequence("LSTM", layers.LSTM),
    Case("LSTM, square", lambda: layers.LSTM(4), [Input((2, 4, 4))]),
    Case("LSTM, hard sigmoid", lambda: layers.LSTM(5, recurrent_activation="hard_sigmoid"), [SEQUENCE]),
    Case(
        "LSTM relu, softmax gates",
        lambda: layers.LSTM(5, activation="relu", recurrent_activation="softmax"),
        [SEQUENCE],
    ),
    Case("LSTM from states", lambda: layers.LSTM(5, return_state=True), [SEQUENCE, STATE, STATE], begun),
    Case("LSTM with dropout", lambda: layers.LSTM(5, dropout=0.5, recurrent_dropout=0.5), [SEQUENCE]),
    Case("LSTM, bias of zeros", lambda: layers.LSTM(5, unit_forget_bias=False), [SEQUENCE]),
    *in_sequence("GRU", layers.GRU),
    Case("GRU, square", lambda: layers.GRU(3), [SEQUENCE]),
    Case("GRU of two units", lambda: layers.GRU(2), [Input((2, 4, 2))]),
    Case("GRU from a state", lambda: layers.GRU(5, return_sequences=True), [SEQUENCE, STATE], begun),
    Case("GRU, hard sigmoid", lambda: layers.GRU(5, recurrent_activation="hard_sigmoid"), [SEQUENCE]),
    *in_sequence("GRU, reset before", lambda units, **options: layers.GRU(units, reset_after=False, **options)),
    Case("GRU, reset before, square", lambda: layers.GRU(3, reset_after=False), [SEQUENCE]),
    Case("RNN of an LSTMCell", lambda: layers.RNN(layers.LSTMCell(5), return_state=True), [SEQUENCE]),
    Case("RNN of a GRUCell", lambda: layers.RNN(layers.GRUCell(5), go_backwards=True), [SEQUENCE]),
    Case(
        "RNN of many cells",
        lambda: layers.RNN(
            [layers.LSTMCell(5), layers.LSTMCell(2), layers.SimpleRNNCell(4), layers.LSTMCell(3, use_bias=False)],
            return_sequences=True,
            return_state=True,
        ),
        [SEQUENCE],
    ),
    Case("RNN of stacked cells, square", lambda: layers.RNN([layers.GRUCell(3), layers.GRUCell(3)]), [SEQUENCE]),
    Case("Bidirectional LSTM", lambda: layers.Bidirectional(layers.LSTM(5)), [SEQUENCE]),
    Case("Bidirectional LSTM, square", lambda: layers.Bidirectional(layers.LSTM(4)), [Input((2, 4, 4))]),
    Case(
        "Bidirectional LSTM, sequences", lambda: layers.Bidirectional(layers.LSTM(5, return_sequences=True)), [SEQUENCE]
    ),
    *(
        Case(
            f"Bidirectional GRU, merged by {mode}, sequences",
            lambda mode=mode: layers.Bidirectional(layers.GRU(5, return_sequences=True), merge_mode=mode),
            [SEQUENCE],
        )
        for mode in ("sum", "mul", "ave", None)
    ),
    Case(
        "Bidirectional SimpleRNN, sum", lambda: layers.Bidirectional(layers.SimpleRNN(5), merge_mode="sum"), [SEQUENCE]
    ),
    Case("Bidirectional LSTM, states", lambda: layers.Bidirectional(layers.LSTM(5, return_state=True)), [SEQUENCE]),
    Case(
        "Bidirectional LSTM, unmerged, sequences and states",
        lambda: layers.Bidirectional(layers.LSTM(3, return_sequences=True, return_state=True), merge_mode=None),
        [SEQUENCE],
    ),
    Case(
        "Bidirectional LSTM from states",
        lambda: layers.Bidirectional(layers.LSTM(5)),
        [SEQUENCE, STATE, STATE, STATE, STATE],
        begun,
    ),
    Case(
        "Bidirectional with a layer for each direction",
        lambda: layers.Bidirectional(
            layers.LSTM(5, return_sequences=True),
            backward_layer=layers.GRU(5, activation="relu", go_backwards=True, return_sequences=True),
        ),
        [SEQUENCE],
    ),
    Case(
        "Bidirectional whose forward layer goes backwards",
        lambda: layers.Bidirectional(
            layers.GRU(5, go_backwards=True, return_sequences=True),
            backward_layer=layers.GRU(5, use_bias=False, return_sequences=True),
        ),
        [SEQUENCE],
    ),
    Case(
        "Bidirectional RNN of stacked cells",
        lambda: layers.Bidirectional(layers.RNN([layers.LSTMCell(3), layers.LSTMCell(4)])),
        [SEQUENCE],
    ),
    Case("TimeDistributed Dense", lambda: layers.TimeDistributed(layers.Dense(5)), [SEQUENCE]),
    Case("TimeDistributed Dense, square", lambda: layers.TimeDistributed(layers.Dense(3)), [SEQUENCE]),
    Case(
        "TimeDistributed Conv2D",
        lambda: layers.TimeDistributed(layers.Conv2D(2, (3, 2), activation="relu")),
        [Input((2, 3, 4, 5, 3))],
    ),
    Case(
        "TimeDistributed MaxPooling2D", lambda: layers.TimeDistributed(layers.MaxPooling2D(2)), [Input((2, 3, 4, 5, 3))]
    ),
    Case("TimeDistributed Flatten", lambda: layers.TimeDistributed(layers.Flatten()), [Input((2, 3, 4, 5, 3))]),
    Case("TimeDistributed LSTM", lambda: layers.TimeDistributed(layers.LSTM(5)), [Input((2, 3, 4, 3))]),
    Case(
        "TimeDistributed of TimeDistributed",
        lambda: layers.TimeDistributed(layers.TimeDistributed(layers.Dense(2))),
        [Input((2, 3, 4, 3))],
    ),
    Case(
        "TimeDistributed Bidirectional",
        lambda: layers.TimeDistributed(layers.Bidirectional(layers.GRU(2, return_sequences=True))),
        [Input((2, 3, 4, 3))],
    ),
    Case(
        "TimeDistributed Sequential",
        lambda: layers.TimeDistributed(
            Sequential(
                [layers.Conv2D(2, (3, 2)), layers.Flatten(), layers.Dense(3, activation="relu"), layers.Dense(2)]
            )
        ),
        [Input((2, 3, 4, 5, 3))],
    ),
    Case(
        "TimeDistributed Sequential, square",
        lambda: layers.TimeDistributed(Sequential([layers.Dense(3), layers.TimeDistributed(layers.Dense(3))])),
        [Input((2, 3, 3, 3))],
    ),
    *(case for rank in (1, 2, 3) for case in convolved(rank)),
]
