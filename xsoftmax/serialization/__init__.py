"""Fitted models as files, and files that appear whole or not at all; nothing is trained here."""

from .model_file import load, save

__all__ = ["load", "save"]
