"""The files of PyTorch: state dicts, checkpoints, modules, TorchScript, exported programs; nothing in them runs."""
