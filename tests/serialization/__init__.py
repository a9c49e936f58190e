"""Tests of `xsoftmax.serialization`."""
