"""Operators of PyTorch that are no modules, as layers of the table: what a network computes between its modules.

A class is called as the operator, and its configuration has the operator's arguments that are no tensors, by the names
of https://docs.pytorch.org/docs/stable/torch.html; what is not in it has PyTorch's default. Axes count the batch as 0.

    add sub mul div                   {}                           of two tensors of as many axes
                                      {other: 2.0}                 of a tensor and a number; `alpha` multiplies `other`
                                      {parameters: ["other"]}      of a tensor and an array of the layer
    rsub                              {other: 1.0}                 number - tensor
    maximum minimum                   {}                           of two tensors
    matmul bmm                        {}                           products of matrices, which lie in the last two axes
    scaled_dot_product_attention      {scale: None, is_causal: False}   of query, key, value: `batch … position features`
    neg abs exp log sqrt rsqrt square reciprocal sin cos erf            {}
    pow                               {exponent: 2.0}
    clamp                             {min: 0.0, max: None}
    cat stack                         {dim: 1}                     of any number of tensors
    permute                           {dims: (0, 2, 1)}            the batch stays the first axis
    transpose                         {dim0: 1, dim1: 2}           the same
    reshape                           {shape: (-1, 4, 8)}          its first size is the batch's: -1, None (whatever it
                                                                   is; then another may be -1), or the number itself
    unsqueeze squeeze                 {dim: 1}                     `squeeze` takes several, too
    select                            {dim: 1, index: -1}
    slice                             {dim: 1, start: 0, end: None, step: 1}
    flip                              {dim: (2,)}
    mean sum amax amin                {dim: (2, 3), keepdim: False}
    chunk                             {chunks: 2, dim: 1}          several outputs
    split                             {split_size_or_sections: (3, 5), dim: 1}   a size, or sizes; several outputs
    unbind                            {dim: 1}                     several outputs

Interpolation is `Upsample`, padding `ConstantPad2d` and its kin, `view` and `flatten` are `reshape` and `Flatten`.
"""

from __future__ import annotations
