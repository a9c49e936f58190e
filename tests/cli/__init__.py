"""Tests of `xsoftmax.cli`."""
