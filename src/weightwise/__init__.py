"""Names every axis of every weight array of a neural network, and proves each name."""
