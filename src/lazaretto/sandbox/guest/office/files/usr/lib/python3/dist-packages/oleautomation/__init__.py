"""The COM objects that macros ask for, for an office that has no COM.

Basic's CreateObject asks the service com.sun.star.bridge.OleObjectFactory, which only exists on Windows. This one gives
objects that do what a macro wants in terms of this machine: commands are started (programs of /usr/lib/win/bin stand
for those of Windows), requests are made, files are written to drive C below the user's home. Each call is one JSON line
on standard output:

    {"call": {"object": "WScript.Shell", "name": "Run", "arguments": ["..."], "result": "0"}}

Names have no case. A method that is not known here is taken to have worked and to give nothing: a macro goes on as far
as it can.
"""

# The types of the office's interfaces exist only inside the office, and so do the names that they ask for.
# mypy: ignore-errors
# ruff: noqa: N802, N816

import sys

import unohelper
from com.sun.star.lang import XMultiServiceFactory, XServiceInfo

sys.path.insert(0, "/usr/lib/win")  # before the others are imported: they need what lies there
from .create import create
from .objects import say
from .starter import Starter
from .statements import Windows


class Factory(unohelper.Base, XMultiServiceFactory, XServiceInfo):
    """com.sun.star.bridge.OleObjectFactory."""

    def __init__(self, context):
        self.context = context

    def createInstance(self, name):
        made = create(name)
        if not isinstance(made, Windows):
            say("VBA", "CreateObject", (name,))
        return made

    def createInstanceWithArguments(self, name, _arguments):
        return self.createInstance(name)

    def getAvailableServiceNames(self):
        return ()

    def getImplementationName(self):
        return "com.sun.star.comp.ole.OleClient"

    def supportsService(self, name):
        return name in self.getSupportedServiceNames()

    def getSupportedServiceNames(self):
        return ("com.sun.star.bridge.OleObjectFactory", "com.sun.star.bridge.oleautomation.Factory")


g_ImplementationHelper = unohelper.ImplementationHelper()
g_ImplementationHelper.addImplementation(
    Factory, "com.sun.star.comp.ole.OleClient",
    ("com.sun.star.bridge.OleObjectFactory", "com.sun.star.bridge.oleautomation.Factory"),
)  # fmt: skip
g_ImplementationHelper.addImplementation(Starter, "org.openoffice.MacroStarter", ("org.openoffice.MacroStarter",))
