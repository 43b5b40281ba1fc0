"""The Windows guest does what every guest must."""

from __future__ import annotations

import pytest

from lazaretto.testing.profiles import Dialect, ProfileConformance

pytestmark = pytest.mark.machine("windows")

EVERYTHING = rf"""
#include <windows.h>
#include <wininet.h>
#include <stdio.h>
static void put(const char *path, const char *text)
{{
    DWORD n;
    HANDLE f = CreateFileA(path, GENERIC_WRITE, 0, 0, CREATE_ALWAYS, 0, 0);
    WriteFile(f, text, strlen(text), &n, 0);
    CloseHandle(f);
}}
int main(void)
{{
    STARTUPINFOA start = {{sizeof(start)}};
    PROCESS_INFORMATION child;
    char line[] = "cmd.exe /c exit 0", body[] = "{Dialect.BODY.decode()}";
    printf("{Dialect.SAID}\n");
    fflush(stdout);
    put("C:\\users\\Public\\first", "{Dialect.KEPT.decode()}");
    MoveFileA("C:\\users\\Public\\first", "C:\\users\\Public\\second");
    put("C:\\users\\Public\\gone", "x");
    DeleteFileA("C:\\users\\Public\\gone");
    CreateProcessA(0, line, 0, 0, FALSE, 0, 0, 0, &start, &child);
    WaitForSingleObject(child.hProcess, INFINITE);
    HINTERNET net = InternetOpenA("conformance", 0, 0, 0, 0);
    HINTERNET server = InternetConnectA(net, "conformance.example.com", 80, 0, 0, INTERNET_SERVICE_HTTP, 0, 0);
    HINTERNET asked = HttpOpenRequestA(server, "POST", "/ask", 0, 0, 0, INTERNET_FLAG_RELOAD, 0);
    HttpSendRequestA(asked, 0, 0, body, strlen(body));
    Sleep(590000);
    put("C:\\users\\Public\\late", "late");
    return 7;
}}
"""


class TestWindows(ProfileConformance):
    @pytest.fixture(scope="class", params=[64, 32])
    @classmethod
    def dialect(cls, request, programs):
        bits = request.param

        def program(name, source):
            return programs.pe(source, "-lwininet", bits=bits, name=f"{name}{bits}.exe")

        public = r"C:\users\Public"
        return Dialect(
            profile="windows", launch="exe",
            everything=program("everything", EVERYTHING),
            endless=program("endless", "#include <windows.h>\nint main(void) { for (;;) Sleep(7000); }"),
            busy=program("busy", "int main(void) { for (;;) ; }"),
            nothing=program("nothing", "int main(void) { return 0; }"),
            first=rf"{public}\first", second=rf"{public}\second", gone=rf"{public}\gone", late=rf"{public}\late",
            child="cmd.exe /c exit 0",
        )  # fmt: skip
