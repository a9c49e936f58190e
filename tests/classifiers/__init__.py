"""Tests of `xsoftmax.classifiers`."""
