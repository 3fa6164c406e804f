"""YAML files that come with the program, read once when a module is imported."""

from importlib import resources
from typing import Any

import yaml


def read(name: str) -> bytes:
    """The bytes of ``invoice/data/<name>``."""
    return resources.files("invoice").joinpath("data", name).read_bytes()


def load(name: str) -> Any:
    """The content of a YAML file of ``invoice/data``: dicts, lists, strings, numbers."""
    return parse(read(name))


def parse(text: str | bytes) -> Any:
    """The same of YAML that lies elsewhere."""
    # libyaml's loader when PyYAML was built with it: the same result, ten times sooner.
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
