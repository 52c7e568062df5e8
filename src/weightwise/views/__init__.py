"""Values become text: for a terminal, as JSON."""
