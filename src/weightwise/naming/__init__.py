"""Stored arrays and conventions become a named model: which array is which, what its axes are, and why.

Nothing here depends on a framework; a table of `conventions/` says what each layer must hold, the graph says the
shapes, and what is not understood is kept and shown as unknown.
"""

from weightwise.naming.assemble import named

__all__ = ["named"]
