"""The tests of `xsoftmax.solvers`, a file for each module and some for all of them."""
