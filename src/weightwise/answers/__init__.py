"""What people ask of a named model: explain, locate, summarise, run. A `Model` in, a value out."""
