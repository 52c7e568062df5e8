"""The files of Keras: archives, HDF5 of all its versions, weights alone; and their writers."""
