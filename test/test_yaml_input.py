"""YAML of any kind is read, or refused in a moment and without memory, and the error says why."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from visrftwin_ros.errors import TwinError
from visrftwin_ros.site.loading import load_site
from visrftwin_ros.yaml_input import MOST_BYTES, yaml_file, yaml_text

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
"""Nine to the ninth values in 400 characters."""
HOSTILE = {
    "deep lists": ("[" * 5000 + "]" * 5000, "nested more than 50 deep"),
    "deep mappings": ("{a: " * 5000 + "}" * 5000, "nested more than 50 deep"),
    "a bomb of aliases": (BOMB, "of over 200000 values"),
    "an alias within itself": ("a: &a [*a]", "within what it stands for"),
    "an unknown alias": ("a: *b", "not valid YAML"),
    "a number of 5000 digits": ("a: " + "9" * 5000, "not valid YAML"),
    "a date that is none": ("a: 2001-99-99", "not valid YAML"),
    "a list as a key": ("? [1]\n: 2", "not valid YAML"),
    "an object of Python's": ("a: !!python/object/apply:os.getcwd []", "not valid YAML"),
    "bytes that are no text": ("a: \x00", "not valid YAML"),
    "a huge text": ("a: " + "x" * MOST_BYTES, "bytes of YAML"),
    "a text of many values": ("[" + "1," * 300_000 + "]", "of over 200000 values"),
}


MANY_VALUES = f"robots: [{', '.join(['1'] * 50_000)}]\n"


def seconds_to_read_many_values() -> float:
    """How long this machine, with what else this process holds, takes for 50,000 values that are right YAML."""
    start = time.thread_time()
    yaml_text(MANY_VALUES, "here")
    return time.thread_time() - start


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_yaml_is_refused_at_once(tmp_path: Path, name: str) -> None:
    text, why = HOSTILE[name]
    file = tmp_path / "site.yaml"
    file.write_text(text)
    allowed = 3 * seconds_to_read_many_values()
    start = time.thread_time()
    with pytest.raises(TwinError, match=f"{file}: .*{why}"):
        load_site(str(tmp_path))
    assert time.thread_time() - start < allowed


def test_a_site_of_wrong_values_names_the_first_of_them_at_once(tmp_path: Path) -> None:
    (tmp_path / "site.yaml").write_text(MANY_VALUES)
    allowed = 4 * seconds_to_read_many_values()
    start = time.thread_time()
    with pytest.raises(TwinError, match="wrong field") as error:
        load_site(str(tmp_path))
    assert time.thread_time() - start < allowed
    assert len(str(error.value).splitlines()) < 30


def test_aliases_that_repeat_little_are_read() -> None:
    assert yaml_text("a: &a [1, 2]\nb: [*a, *a]", "here") == {"a": [1, 2], "b": [[1, 2], [1, 2]]}


def test_a_folder_is_no_yaml(tmp_path: Path) -> None:
    with pytest.raises(TwinError, match="not valid YAML"):
        yaml_file(tmp_path)
