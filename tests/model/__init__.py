"""Tests of `xsoftmax.model`."""
