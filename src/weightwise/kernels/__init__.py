"""The numeric inner loops: arrays in, arrays out. Every other room may import them."""
