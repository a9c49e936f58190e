"""Tests of `xsoftmax.arrays`."""
