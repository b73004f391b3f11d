"""XML from outside as plain elements: no document type, so no entities and nothing external."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from visrftwin_ros.errors import TwinError

LARGEST_FILE = 50_000_000
"""Bytes."""
DEEPEST = 64


@dataclass(frozen=True)
class Element:
    """An element of the file's line `line`; text between elements is not kept."""

    tag: str
    attributes: dict[str, str]
    line: int
    children: list[Element] = field(default_factory=list)

    def all(self, tag: str, **attributes: str) -> Iterator[Element]:
        """Its children with this tag and these attributes."""
        for child in self.children:
            if child.tag == tag and attributes.items() <= child.attributes.items():
                yield child

    def first(self, tag: str, **attributes: str) -> Element | None:
        return next(self.all(tag, **attributes), None)


def read_xml(file: Path) -> Element:
    """The outermost element.

    Raises TwinError, with the line, where the file is missing, too large, no XML, nested over DEEPEST
    deep, or has a document type: entities that are declared there can grow without bound or read other
    files.
    """
    if not file.is_file():
        raise TwinError(f"no file {file}")
    if file.stat().st_size > LARGEST_FILE:
        raise TwinError(f"{file}: over the {LARGEST_FILE} bytes of XML that are read")
    parser = expat.ParserCreate()
    top = Element("", {}, 0)
    open_ones = [top]

    def begins(tag: str, attributes: dict[str, str]) -> None:
        if len(open_ones) > DEEPEST:
            raise TwinError(
                f"{file}, line {parser.CurrentLineNumber}: nested more than {DEEPEST} deep"
            )
        element = Element(tag, attributes, parser.CurrentLineNumber)
        open_ones[-1].children.append(element)
        open_ones.append(element)

    def ends(_: str) -> None:
        open_ones.pop()

    def refuse(*_: object) -> None:
        raise TwinError(
            f"{file}, line {parser.CurrentLineNumber}: a document type (<!DOCTYPE ...>) is not read; "
            "write out the entities that it declares and leave it out"
        )

    parser.StartElementHandler = begins
    parser.EndElementHandler = ends
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(file.read_bytes(), True)
    except expat.ExpatError as error:
        raise TwinError(f"{file}: not valid XML: {error}") from error
    return top.children[0]
