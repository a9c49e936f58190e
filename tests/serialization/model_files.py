"""Model files for tests: there and back, or changed on the way."""

import json

import safetensors.numpy

import xsoftmax


def saved_and_loaded(model, folder):
    return xsoftmax.load(xsoftmax.save(model, folder / "m.safetensors"))


def rewrite(path, change_header=None, change_tensors=None):
    """The same file with its description or its tensors changed."""
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    description = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["xsoftmax"])
    tensors = {name: array.copy() for name, array in safetensors.numpy.load(content).items()}
    if change_header:
        change_header(description)
    if change_tensors:
        change_tensors(tensors)
    metadata = {"xsoftmax": json.dumps(description)}
    path.write_bytes(safetensors.numpy.save(tensors, metadata=metadata))
    return path
