"""Writes the OpenAPI document from the table of operations and the types of their bodies.

It must never describe what the table does not hold.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec

from kiosk_ui.api.bodies import Problem
from kiosk_ui.api.contract import OPERATIONS, Operation

REFUSALS: Final = {
    "400": "The body is not JSON.",
    "401": "Nobody is signed in.",
    "403": "The role does not suffice.",
    "404": "There is no such thing in this store.",
    "409": "A rule said no; `detail` is a sentence for staff.",
    "413": "The body is too large.",
    "422": "A field is wrong, or the Idempotency-Key came with another body before.",
    "429": "Too many requests.",
    "503": "Try again after Retry-After seconds; nothing was done.",
}
READING: Final = ("401", "403", "404", "429", "503")
PART: Final = re.compile(r"<(?:\w+:)?(\w+)>")


def document(version: str) -> dict[str, Any]:
    """Return the whole document, OpenAPI 3.1."""
    return _document(version, tuple(OPERATIONS))


@lru_cache(maxsize=2)
def _document(version: str, operations: tuple[Operation, ...]) -> dict[str, Any]:
    kinds = _kinds(operations)
    schemas, components = msgspec.json.schema_components(
        kinds, ref_template="#/components/schemas/{name}"
    )
    schema_of = {id(kind): schema for kind, schema in zip(kinds, schemas, strict=True)}
    paths: dict[str, dict[str, Any]] = {}
    for one in operations:
        path = "/api/v1" + PART.sub(r"{\1}", one.path)
        paths.setdefault(path, {})[one.method.lower()] = _operation(one, schema_of)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Store Hub", "version": version, "description": ABOUT},
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}, {"session": []}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": components,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "storehub"},
            },
        },
    }


ABOUT: Final = (
    "The store's own truth: orders, stock, catalogue, devices. Every POST honors Idempotency-Key "
    "for 72 hours and answers after the commit. Errors are problem details (RFC 9457)."
)


def _kinds(operations: Sequence[Operation]) -> list[Any]:
    kinds: dict[int, Any] = {id(Problem): Problem}
    for one in operations:
        for kind in (one.body, one.answer):
            if kind is not None:
                kinds[id(kind)] = kind
    return list(kinds.values())


def _operation(one: Operation, schema_of: dict[int, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "operationId": _name(one),
        "summary": one.about,
        "parameters": _parameters(one),
        "responses": _responses(one, schema_of),
    }
    if one.step is None:
        shown["security"] = [{}]
    if one.body is not None:
        content = {"application/json": {"schema": schema_of[id(one.body)]}}
        shown["requestBody"] = {"required": True, "content": content}
    return shown


def _name(one: Operation) -> str:
    words = [word for word in re.split(r"[^a-z]+", PART.sub("", one.path)) if word]
    return "_".join([one.method.lower(), *words, *PART.findall(one.path)])


def _parameters(one: Operation) -> list[dict[str, Any]]:
    text = {"type": "string"}
    shown: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": text}
        for name in PART.findall(one.path)
    ]
    shown += [
        {
            "name": query.name,
            "in": "query",
            "required": query.required,
            "description": query.about,
            "schema": {"type": query.kind},
        }
        for query in one.queries
    ]
    if one.method == "POST":
        shown.append({"name": "Idempotency-Key", "in": "header", "required": False, "schema": text})
    return shown


def _responses(one: Operation, schema_of: dict[int, Any]) -> dict[str, Any]:
    good: dict[str, Any] = {"description": "Done."}
    if one.answer is not None:
        good["content"] = {one.content: {"schema": schema_of[id(one.answer)]}}
    else:
        good["content"] = {one.content: {"schema": {"type": "string"}}}
    problem = {"application/problem+json": {"schema": schema_of[id(Problem)]}}
    codes = REFUSALS if one.method == "POST" else READING
    faults = {code: {"description": REFUSALS[code], "content": problem} for code in codes}
    return {str(one.status): good, **faults}
