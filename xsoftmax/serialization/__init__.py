"""Fitted models as files, and files that appear whole or not at all; no training."""

from .model_file import load, save

__all__ = ["load", "save"]
