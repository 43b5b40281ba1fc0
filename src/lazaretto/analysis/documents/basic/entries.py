"""Which procedures an Office program starts by itself, without being asked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

# Word: [Auto macros]; Excel; PowerPoint add-ins; events of a document, workbook or presentation.
_NAMED = frozenset({
    "autoexec", "autoopen", "autonew", "autoclose", "autoexit", "auto_open", "auto_close", "auto_activate", "auto_add",
    "document_open", "document_close", "document_new", "documentopen", "documentclose", "workbook_open",
    "workbook_activate", "workbook_beforeclose", "workbook_addininstall", "workbook_windowactivate",
    "workbook_sheetactivate", "workbook_deactivate", "worksheet_activate", "worksheet_calculate",
    "application_startup", "presentation_open", "onpresentationopen", "onslideshowpagechange", "slideshowbegin",
})  # fmt: skip
# Events that a control raises as soon as it is drawn: nobody has to touch it.
_DRAWN = re.compile(r"^\w+_(?:painted|painting|layout|gotfocus|lostfocus|resize|documentcomplete|navigatecomplete2|"
                    r"statechange|mousemove|mousehover|connected|onconnecting|progress)$")  # fmt: skip
_FORM = re.compile(r"^(?:userform|workbook|worksheet|document|class)_")

_OPENOFFICE_EVENTS = re.compile(
    r"(?:^|:)(?:load|unload|onload|onunload|onnew|new|load-finished|view-created|view-closed|start-app|onstartapp|"
    r"onloadfinished|onviewcreated|onfocus|focus|create|prepare-unload|onprepareunload|ontitlechanged)$"
)
_TARGET = re.compile(r"(?:vnd\.sun\.star\.script:|macro:/+)?([^?(]+)")


def automatic(names: Iterable[str]) -> Iterator[str]:
    """Those of the names that Office calls by itself."""
    return (name for name in names if name in _NAMED)


def drawn(names: Iterable[str]) -> Iterator[str]:
    """Those that belong to a control in the document and run when it appears."""
    return (name for name in names if _DRAWN.match(name) and not _FORM.match(name))


def bound(listeners: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Procedures that an OpenDocument file binds to its own opening or closing."""
    for event, target in listeners:
        if _OPENOFFICE_EVENTS.search(event):
            match = _TARGET.match(target)
            if match:
                yield match[1].strip().rpartition(".")[2].lower()
