"""PyTorch's conventions: what each class of modules stores, in which order and with which axes.

The order is that of `Module.state_dict()`: a module's own parameters, its own buffers, then those of the modules inside
it, which are layers of their own here. An array's key is its name in the module: `weight`, `running_mean`.

PyTorch has no configurations. What stands for one is made from the attributes of a module, which a pickled module,
TorchScript and a module in memory have alike: `configuration` returns the public ones that are plain (`kernel_size`,
`stride`, `eps`, `batch_first` …), and the names of the arrays that are there, as `parameters` and `buffers`. Whether a
row applies is a matter of these names more than of settings: a layer without bias has no `bias` among them.
"""

from weightwise.conventions.pytorch.rows import ROWS, rows_for
from weightwise.conventions.pytorch.wings import WINGS
from weightwise.conventions.row import Config, Description, Row, Shapes
from weightwise.conventions.table import Table
from weightwise.conventions.wings import Rules
from weightwise.formats.pytorch.configuration import configuration

RULES = Rules(WINGS)
TABLE = Table(RULES, rows_for, by_name=True)


def describe(class_name: str, config: Config, inputs: Shapes) -> Description | None:
    """Return what a module of this class and configuration stores, as `Table.describe` does.

    The names of arrays from which others are computed end as those that `reparametrised` knows, or lie deeper.
    """
    if not any("." in name or name.endswith(("_g", "_orig")) for name in config.get("parameters", ())):
        return TABLE.describe(class_name, config, inputs)
    # Imported when it is needed: few modules are like this, and a start loads what most files need.
    from weightwise.conventions.pytorch.reparametrised import described

    return described(TABLE, class_name, config, inputs)


def all_rows() -> tuple[Row, ...]:
    """Return the rows of every class."""
    return ROWS


__all__ = ["RULES", "TABLE", "all_rows", "configuration", "describe", "rows_for"]
