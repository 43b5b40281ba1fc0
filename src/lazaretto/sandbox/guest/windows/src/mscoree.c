/* mscoree.dll: what Windows' loader enters when a program is a .NET assembly. Hands the assembly to Mono on Linux's side
 * (dotnet.c), waits for it, and ends as it ended. Without hosting: programs that start the runtime themselves
 * (CLRCreateInstance, CorBindToRuntimeEx) are told that there is none. */
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *narrow(const WCHAR *text)
{
	int size = WideCharToMultiByte(CP_UTF8, 0, text, -1, NULL, 0, NULL, NULL);
	char *copy = malloc(size);
	WideCharToMultiByte(CP_UTF8, 0, text, -1, copy, size, NULL, NULL);
	return copy;
}

static void pass_on(const WCHAR *path)
{
	char data[4096];
	DWORD got, done;
	HANDLE file = CreateFileW(path, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
	if (file == INVALID_HANDLE_VALUE) return;
	while (ReadFile(file, data, sizeof(data), &got, NULL) && got) WriteFile(GetStdHandle(STD_OUTPUT_HANDLE), data, got, &done, NULL);
	CloseHandle(file);
	DeleteFileW(path);
}

/* Words of the command line behind the program's name, by the rules of the C runtime (quotes, no escapes of quotes). */
static int words(WCHAR *line, char **argv, int most)
{
	int n = 0, first = 1;
	while (*line && n < most) {
		WCHAR *to = line, *start;
		int quoted = 0;
		while (*line == ' ' || *line == '\t') to = ++line;
		if (!*line) break;
		for (start = line; *line && (quoted || (*line != ' ' && *line != '\t')); line++) {
			if (*line == '"') quoted = !quoted;
			else *to++ = *line;
		}
		if (*line) line++;
		*to = 0;
		if (!first) argv[n++] = narrow(start);
		first = 0;
	}
	return n;
}

__declspec(dllexport) LONG WINAPI _CorExeMain(void)
{
	static WCHAR path[32768], output[MAX_PATH];
	static char place[64];
	/* the export that starts a program of Linux; its name is the one of this guest's Wine (repaint.c) */
	LONG (WINAPI *spawn)(char *const *, int) = (void *)GetProcAddress(GetModuleHandleW(L"ntdll"), "__winp_unix_spawnvp");
	char *argv[250] = {"/usr/lib/dotnet/dotnet", place};
	if (!spawn) ExitProcess(1);
	sprintf(place, "/tmp/.net-%lu", GetCurrentProcessId());
	swprintf(output, MAX_PATH, L"\\\\?\\unix\\tmp\\.net-%lu", GetCurrentProcessId());
	GetModuleFileNameW(NULL, path, 32768);
	argv[2] = narrow(path);
	argv[3 + words(_wcsdup(GetCommandLineW()), argv + 3, 236)] = NULL;
	LONG code = spawn(argv, TRUE);
	pass_on(output);
	ExitProcess(code);
}

__declspec(dllexport) BOOL WINAPI _CorDllMain(HINSTANCE instance, DWORD reason, void *reserved)
{
	(void)instance, (void)reason, (void)reserved;
	return TRUE;
}

__declspec(dllexport) LONG WINAPI _CorValidateImage(void **base, const WCHAR *name) { (void)base, (void)name; return 0; }
__declspec(dllexport) void WINAPI _CorImageUnloading(void *base) { (void)base; }
__declspec(dllexport) void WINAPI CorExitProcess(int code) { ExitProcess(code); }
__declspec(dllexport) HRESULT WINAPI CLRCreateInstance(REFCLSID c, REFIID i, void **o) { (void)c, (void)i; *o = NULL; return E_NOTIMPL; }
__declspec(dllexport) HRESULT WINAPI CorBindToRuntimeEx(const WCHAR *v, const WCHAR *f, DWORD s, REFCLSID c, REFIID i, void **o)
{ (void)v, (void)f, (void)s, (void)c, (void)i; *o = NULL; return E_NOTIMPL; }
__declspec(dllexport) HRESULT WINAPI GetCORVersion(WCHAR *buffer, DWORD size, DWORD *length)
{
	static const WCHAR version[] = L"v4.0.30319";
	if (length) *length = 11;
	if (size < 11) return HRESULT_FROM_WIN32(ERROR_INSUFFICIENT_BUFFER);
	memcpy(buffer, version, sizeof(version));
	return S_OK;
}
__declspec(dllexport) HRESULT WINAPI GetFileVersion(const WCHAR *file, WCHAR *buffer, DWORD size, DWORD *length) { (void)file; return GetCORVersion(buffer, size, length); }
