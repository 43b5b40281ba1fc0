"""Windows Management Instrumentation."""

# The types of the office's interfaces exist only inside the office, and so do the names that they ask for.
# mypy: ignore-errors
# ruff: noqa: ARG002, RUF012

import re

import drive

from .objects import Automation, Collection, Record
from .shell import start


class Management(Automation):
    NAME = "SWbemServices"
    VALUES = {"Security_": None}

    def do_get(self, path="", *_):
        return ManagementClass(str(path))

    def do_execquery(self, query, *_):
        return Collection(_answers(str(query)), "SWbemObjectSet")

    def do_instancesof(self, name, *_):
        return Collection(_answers(f"from {name}"), "SWbemObjectSet")

    def do_execmethod(self, path, method, *_):
        return ManagementClass(str(path))

    def do_connectserver(self, *_):
        return self


class ManagementClass(Automation):
    NAME = "SWbemObject"
    VALUES = {"ShowWindow": 0, "Priority": 0}

    def __init__(self, path):
        super().__init__()
        self.NAME = path or "SWbemObject"

    def do_create(self, line, *_):
        start(line)
        return 0

    def do_spawninstance_(self, *_):
        return ManagementClass(self.NAME)

    def do_methods_(self, *_):
        return self

    def do_inparameters(self, *_):
        return self


def _answers(query):
    found = re.search(r"(?i)from\s+(\w+)", query)
    table = found[1].lower() if found else ""
    facts = {
        "win32_operatingsystem": {"Caption": "Microsoft Windows 10 Pro", "Version": "10.0.19045",
        "OSArchitecture": "64-bit",
                                  "BuildNumber": "19045", "SerialNumber": "00330-80000-00000-AA123"},
        "win32_computersystem": {"Manufacturer": "Dell Inc.", "Model": "OptiPlex 7060",
        "Name": drive.variable("COMPUTERNAME"),
                                 "TotalPhysicalMemory": "17025011712", "Domain": "WORKGROUP", "UserName": drive.USER,
                                 "PartOfDomain": False},
        "win32_bios": {"Manufacturer": "Dell Inc.", "SerialNumber": "7HX2LT2", "SMBIOSBIOSVersion": "1.21.0"},
        "win32_processor": {"Name": ("Intel(R) Core(TM) i5-8500 CPU @ 3.00GHz"), "NumberOfCores": 6,
        "ProcessorId": "BFEBFBFF000906EA"},
        "win32_diskdrive": {"Model": "Samsung SSD 860 EVO 500GB", "Size": "500105249280"},
        "win32_logicaldisk": {"DeviceID": "C:", "Size": "499500736512", "FreeSpace": "128849018880"},
        "win32_videocontroller": {"Name": "Intel(R) UHD Graphics 630"},
        "win32_baseboard": {"Manufacturer": "Dell Inc.", "Product": "0C96W1"},
    }  # fmt: skip
    if table == "win32_process":
        names = ("explorer.exe", "svchost.exe", "OUTLOOK.EXE", "chrome.exe", "WINWORD.EXE")
        return [
            Record("Win32_Process", Name=name, ProcessId=1200 + 4 * n, Caption=name) for n, name in enumerate(names)
        ]
    return [Record(table, **facts[table])] if table in facts else []
