"""Tests of `xsoftmax.datasets`."""
