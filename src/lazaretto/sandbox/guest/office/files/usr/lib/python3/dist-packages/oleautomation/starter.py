"""Macros that nobody starts: those of text documents, as Word starts them."""

# The types of the office's interfaces exist only inside the office, and so do the names that they ask for.
# mypy: ignore-errors
# ruff: noqa: N802

import re

import unohelper
import vba
from com.sun.star.document import XDocumentEventListener
from com.sun.star.lang import XServiceInfo
from com.sun.star.uno import Exception as OfficeError

from .objects import say

_OPENERS = ("document_open", "autoopen", "auto_open", "autoexec", "document_new", "autonew", "main_autoopen")
_CLOSERS = ("document_close", "autoclose", "auto_close", "autoexit", "document_beforeclose")
# Events of controls on the page that come by themselves when the page is shown or the mouse passes.
_SHOWN = re.compile(
    r"_(layout|painted|gotfocus|resize|mousemove|mouseenter|change|activate|click|dropbuttonclick)$", re.IGNORECASE
)
_SUB = re.compile(r"(?im)^\s*(?:public\s+|private\s+|static\s+)*(?:sub|function)\s+([A-Za-z_]\w*)\s*(?:\(([^)]*)\))?")


class Starter(unohelper.Base, XDocumentEventListener, XServiceInfo):
    """Starts the macros of Word documents as Word does; this office does it by itself for spreadsheets only."""

    def __init__(self, context):
        broadcaster = context.getValueByName("/singletons/com.sun.star.frame.theGlobalEventBroadcaster")
        broadcaster.addDocumentEventListener(self)
        Starter.kept = self

    def documentEventOccured(self, event):
        if event.EventName not in {"OnLoadFinished", "OnLoad"}:
            return
        document = event.Source
        if not hasattr(document, "BasicLibraries"):
            return
        foreign = document.BasicLibraries.VBACompatibilityMode
        if event.EventName == "OnLoadFinished":
            self._translate(document.BasicLibraries, vba.translate if foreign else vba.translate_basic)
        elif foreign and document.supportsService("com.sun.star.text.TextDocument"):
            self._start(document)

    def _translate(self, libraries, translate):
        for library in libraries.ElementNames:
            try:
                if not libraries.isLibraryLoaded(library):
                    libraries.loadLibrary(library)
                modules = libraries.getByName(library)
                for module in modules.ElementNames:
                    source = modules.getByName(module)
                    changed = translate(source)
                    if changed != source:
                        modules.replaceByName(module, changed)
            except (ValueError, IndexError, RecursionError, OfficeError):  # as it is, then: a library may be locked
                continue

    def _start(self, document):
        found = list(_macros(document.BasicLibraries))
        wanted = [one for name in _OPENERS for one in found if one[2].lower() == name]
        wanted = wanted or [one for one in found if one[2].lower() in _CLOSERS or one[1].lower() in _OPENERS]
        wanted = wanted or [one for one in found if _SHOWN.search(one[2])][:4]
        for library, module, name in wanted:
            url = f"vnd.sun.star.script:{library}.{module}.{name}?language=Basic&location=document"
            say("Macro", "Start", (f"{module}.{name}",))
            try:
                document.getScriptProvider().getScript(url).invoke((), (), ())
            except Exception as error:
                say("Macro", "Error", (f"{module}.{name}", str(error)))

    def disposing(self, _event):
        return None

    def getImplementationName(self):
        return "org.openoffice.MacroStarter"

    def supportsService(self, name):
        return name in self.getSupportedServiceNames()

    def getSupportedServiceNames(self):
        return ("org.openoffice.MacroStarter",)


def _macros(libraries):
    """(library, module, name) of each macro without arguments."""
    for library in libraries.ElementNames:
        modules = libraries.getByName(library)
        for module in modules.ElementNames:
            for found in _SUB.finditer(modules.getByName(module)):
                if not (found[2] or "").strip() or _SHOWN.search(found[1]):
                    yield library, module, found[1]
