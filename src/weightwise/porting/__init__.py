"""The weights of one framework for another, by the names of their axes.

A port is a model: that of the source, lowered to layers of the target's framework, whose arrays read from the source.

    flow        a named model -> its calls in one list, models inside it taken apart
    lowering    the calls -> the target's layers and graph, with the layout of every tensor
    feeding     a layer of the source, an array of the target -> where its values come from, and their arrangement
"""
