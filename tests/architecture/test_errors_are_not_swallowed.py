"""A broad `except` stands only in the outermost loop of a thread, or re-raises."""

import ast

from tests.architecture.source import Module, modules

BROAD = {"Exception", "BaseException"}
# Where one may stand, and why.
OUTERMOST = {
    "devices.run": "says that a part died; it is started again and the others go on",
    "hub.control": "answers that the operation failed and logs why; the hub goes on",
    "devices.client": "logs what ended a connection; the next one begins, the outbox is whole",
    "devices.outbox": "undoes one group in its savepoint; whoever asked for it is told",
    "devices.gateway.relay": "makes garbage of what an adapter of others fails on, and logs why",
    "hub.app": "logs what ended a thread; the watch then ends the process",
    "kiosk_ui.tls": "logs what ended the thread; the watch then ends the process",
    "kiosk_ui.stream": "logs what ended the thread; the watch then ends the process",
    "hub.writer": "undoes one work in its savepoint; its future carries the error",
    "sync.central.store_writer": "undoes one work in its savepoint; its future carries the error",
}


def is_broad(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(kind is None or (isinstance(kind, ast.Name) and kind.id in BROAD) for kind in kinds)


def raises_again(handler: ast.ExceptHandler) -> bool:
    return isinstance(handler.body[-1], ast.Raise)


def broad_handlers(module: Module) -> list[str]:
    return [
        module.at(node)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ExceptHandler) and is_broad(node) and not raises_again(node)
    ]


def test_no_module_swallows_what_it_does_not_know() -> None:
    wrong = [
        where
        for module in modules()
        if module.name not in OUTERMOST
        for where in broad_handlers(module)
    ]
    assert wrong == []
