#include "session.h"
#include <wchar.h>

/* Whatever the kernel's side passed along (HOME, DISPLAY, WINE..., ...) is not what a program of Windows finds. */
void clean_environment(void)
{
	static const WCHAR *keep[] = {
		L"ALLUSERSPROFILE", L"APPDATA", L"CommonProgramFiles", L"CommonProgramFiles(x86)", L"CommonProgramW6432",
		L"COMPUTERNAME", L"ComSpec", L"DriverData", L"HOMEDRIVE", L"HOMEPATH", L"LOCALAPPDATA", L"LOGONSERVER",
		L"NUMBER_OF_PROCESSORS", L"OneDrive", L"OS", L"Path", L"PATHEXT", L"PROCESSOR_ARCHITECTURE", L"PROCESSOR_IDENTIFIER",
		L"PROCESSOR_LEVEL", L"PROCESSOR_REVISION", L"ProgramData", L"ProgramFiles", L"ProgramFiles(x86)", L"ProgramW6432",
		L"PSModulePath", L"PUBLIC", L"SESSIONNAME", L"SystemDrive", L"SystemRoot", L"TEMP", L"TMP", L"USERDOMAIN",
		L"USERDOMAIN_ROAMINGPROFILE", L"USERNAME", L"USERPROFILE", L"windir",
	};
	WCHAR *block = GetEnvironmentStringsW(), name[256], computer[64];
	DWORD size = 64;
	for (WCHAR *p = block; *p; p += wcslen(p) + 1) {
		WCHAR *equal = wcschr(p + 1, '=');
		size_t length = equal ? (size_t)(equal - p) : 0;
		if (!length || length >= 256 || *p == '=') continue;
		wmemcpy(name, p, length);
		name[length] = 0;
		size_t i = 0;
		while (i < sizeof(keep) / sizeof(*keep) && _wcsicmp(keep[i], name)) i++;
		if (i == sizeof(keep) / sizeof(*keep)) SetEnvironmentVariableW(name, NULL);
	}
	FreeEnvironmentStringsW(block);
	SetEnvironmentVariableW(L"SESSIONNAME", L"Console");
	if (GetComputerNameW(computer, &size)) {
		WCHAR server[80];
		swprintf(server, 80, L"\\\\%ls", computer);
		SetEnvironmentVariableW(L"LOGONSERVER", server);
		SetEnvironmentVariableW(L"USERDOMAIN", computer);
		SetEnvironmentVariableW(L"USERDOMAIN_ROAMINGPROFILE", computer);
	}
}
