"""One table per framework: what each class of layers stores, in which order and with which axes."""
