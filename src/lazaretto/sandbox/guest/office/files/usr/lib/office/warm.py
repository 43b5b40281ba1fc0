"""Brings the running office to where a document costs least: its Basic, its Python, each kind of document seen once."""

# The types of the office's interfaces exist only inside the office.
# mypy: ignore-errors

import time
from pathlib import Path

import uno
from com.sun.star.beans import PropertyValue

FOLDER = "/usr/lib/office/warm"


def connect():
    context = uno.getComponentContext()
    resolver = context.ServiceManager.createInstanceWithContext("com.sun.star.bridge.UnoUrlResolver", context)
    for _ in range(600):
        try:
            return resolver.resolve("uno:pipe,name=office;urp;StarOffice.ComponentContext")
        except Exception:
            time.sleep(0.2)
    raise SystemExit("the office does not answer")


def setting(name, value):
    return PropertyValue(Name=name, Value=value)


office = connect()
office.ServiceManager.createInstanceWithContext("org.openoffice.MacroStarter", office)
desktop = office.ServiceManager.createInstanceWithContext("com.sun.star.frame.Desktop", office)
for path in sorted(Path(FOLDER).iterdir()):
    settings = (setting("MacroExecutionMode", 4), setting("UpdateDocMode", 3))
    document = desktop.loadComponentFromURL(f"file://{path}", "_blank", 0, settings)
    time.sleep(1)
    if document is not None:
        document.close(True)
# The last window stays: without one the office would end, and its user would have none open either.
desktop.loadComponentFromURL("private:factory/swriter", "_blank", 0, ())
time.sleep(2)
for path in Path("/tmp").glob("warm*"):
    path.unlink()
