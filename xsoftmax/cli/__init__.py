"""The command line: parse, call, print, draw and write; no mathematics."""
