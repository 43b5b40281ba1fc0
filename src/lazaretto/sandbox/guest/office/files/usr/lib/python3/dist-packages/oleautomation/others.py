"""Objects of which a macro wants values only: dictionaries, the network, other programs of the office."""

# The types of the office's interfaces exist only inside the office, and so do the names that they ask for.
# mypy: ignore-errors
# ruff: noqa: ARG002, RUF012

import drive

from .objects import Automation, Record, say
from .shell import start


class Dictionary(Automation):
    NAME = "Scripting.Dictionary"
    DEFAULT = "Item"
    VALUES = {"CompareMode": 0}

    def __init__(self, *_):
        super().__init__()
        self.content = {}

    def do_add(self, key, value):
        self.content[key] = value

    def do_item(self, key):
        return self.content.get(key)

    def do_exists(self, key):
        return key in self.content

    def do_remove(self, key):
        self.content.pop(key, None)

    def do_removeall(self):
        self.content.clear()

    def do_keys(self):
        return tuple(self.content)

    def do_items(self):
        return tuple(self.content.values())

    def get_count(self):
        return len(self.content)


class Network(Automation):
    NAME = "WScript.Network"
    VALUES = {
        "ComputerName": drive.variable("COMPUTERNAME"),
        "UserName": drive.USER,
        "UserDomain": drive.variable("USERDOMAIN"),
    }


class OtherOffice(Automation):
    """Excel from Word and the like, Outlook: values that macros set, everything else is recorded."""

    NAME = "Office.Application"
    VALUES = {"Visible": False, "DisplayAlerts": False, "AutomationSecurity": 1, "Name": "Microsoft", "Version": "16.0",
              "EnableEvents": True}  # fmt: skip

    def __init__(self, name):
        super().__init__()
        self.NAME = name

    def do_run(self, *_):
        return None

    def do_createitem(self, *_):
        return MailItem()

    def do_getnamespace(self, *_):
        return self

    def do_executeexcel4macro(self, text):
        return 0

    def do_ddeinitiate(self, application, topic=""):
        start(f"{application}.exe {topic}")
        return 1

    def do_document(self):
        return self

    def do_executeshellcommand(self, program, _folder="", arguments="", *_):
        start(f'"{program}" {arguments}')


class MailItem(Automation):
    NAME = "Outlook.MailItem"
    VALUES = {"To": "", "CC": "", "Subject": "", "Body": "", "HTMLBody": "", "DeleteAfterSubmit": False}

    def do_send(self):
        say(self.NAME, "Message", [self.values["to"], self.values["subject"], self.values["body"]])

    def get_attachments(self):
        return Record("Outlook.Attachments", Count=0)

    def get_recipients(self):
        return Record("Outlook.Recipients", Count=0)
