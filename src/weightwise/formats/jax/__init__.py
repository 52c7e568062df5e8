"""The files of JAX: Flax's MessagePack and its writer, Orbax over zarr and OCDBT, Equinox."""
