"""The safetensors format: its header, its files and folders, and its writer."""
