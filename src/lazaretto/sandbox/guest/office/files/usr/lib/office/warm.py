"""Brings the running office to where a document costs least: its Basic, its Python, each kind of document seen once."""

# The types of the office's interfaces exist only inside the office.
# mypy: ignore-errors

import subprocess
import time
from pathlib import Path

import uno

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


office = connect()
office.ServiceManager.createInstanceWithContext("org.openoffice.MacroStarter", office)
desktop = office.ServiceManager.createInstanceWithContext("com.sun.star.frame.Desktop", office)


def documents():
    """The open documents but the empty one that stays."""
    parts = desktop.Components.createEnumeration()
    found = []
    while parts.hasMoreElements():
        part = parts.nextElement()
        if getattr(part, "URL", ""):
            found.append(part)
    return found


def empty():
    """An empty document: without a window the office would end. The next document takes its place."""
    desktop.loadComponentFromURL("private:factory/swriter", "_blank", 0, ())


for path in sorted(Path(FOLDER).iterdir()):
    empty()
    copy = Path("/home/claire/Downloads") / path.name
    copy.write_bytes(path.read_bytes())
    subprocess.run(["/usr/bin/soffice", str(copy)], check=False)  # as a sample will be
    time.sleep(4)
    for document in documents():
        document.close(True)
    copy.unlink()
empty()
time.sleep(3)
for path in Path("/tmp").glob("warm*"):
    path.unlink()
