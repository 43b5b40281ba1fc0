#include "standin.h"

static const struct { const WCHAR *name; program run; } programs[] = {
	{L"vssadmin", vssadmin}, {L"bcdedit", bcdedit}, {L"wbadmin", wbadmin}, {L"reagentc", reagentc}, {L"manage-bde", manage_bde},
	{L"diskshadow", diskshadow}, {L"schtasks", schtasks}, {L"at", at}, {L"net", net}, {L"net1", net}, {L"whoami", whoami},
	{L"quser", quser}, {L"query", quser}, {L"nltest", nltest}, {L"dsquery", dsquery}, {L"klist", klist}, {L"cmdkey", cmdkey},
	{L"tasklist", tasklist}, {L"taskkill", taskkill}, {L"wmic", wmic}, {L"systeminfo", systeminfo}, {L"wevtutil", wevtutil},
	{L"netsh", netsh}, {L"fsutil", fsutil}, {L"cipher", cipher}, {L"icacls", icacls}, {L"cacls", icacls}, {L"takeown", takeown},
	{L"gpupdate", gpupdate}, {L"auditpol", auditpol}, {L"arp", arp}, {L"route", route}, {L"nslookup", nslookup}, {L"tracert", tracert},
	{L"timeout", timeout}, {L"choice", choice}, {L"where", where}, {L"forfiles", forfiles}, {L"setx", setx},
	{L"shutdown", shutdown_program}, {L"certutil", certutil}, {L"bitsadmin", bitsadmin}, {L"curl", curl}, {L"chrome", chrome},
	{L"msedge", chrome}, {L"powershell", powershell}, {L"pwsh", powershell}, {L"WerFault", succeed}, {L"MpCmdRun", succeed},
	{L"defrag", succeed}, {L"sfc", succeed}, {L"chkdsk", succeed}, {L"mstsc", succeed}, {L"compact", succeed},
};

static void put(DWORD which, const WCHAR *format, va_list args)
{
	static WCHAR text[16384];
	static char bytes[3 * 16384];
	HANDLE to = GetStdHandle(which);
	DWORD done;
	int n = _vsnwprintf(text, 16383, format, args);
	if (n < 0) n = 16383;
	text[n] = 0;
	if (GetFileType(to) == FILE_TYPE_CHAR && WriteConsoleW(to, text, n, &done, NULL)) return;
	n = WideCharToMultiByte(CP_OEMCP, 0, text, n, bytes, sizeof(bytes), NULL, NULL);
	WriteFile(to, bytes, n, &done, NULL);
}

void out(const WCHAR *format, ...)
{
	va_list args;
	va_start(args, format);
	put(STD_OUTPUT_HANDLE, format, args);
	va_end(args);
}

void err(const WCHAR *format, ...)
{
	va_list args;
	va_start(args, format);
	put(STD_ERROR_HANDLE, format, args);
	va_end(args);
}

int same(const WCHAR *a, const WCHAR *b) { return !_wcsicmp(a, b); }
int begins(const WCHAR *text, const WCHAR *start) { return !_wcsnicmp(text, start, wcslen(start)); }

int has(int argc, WCHAR **argv, const WCHAR *word)
{
	for (int i = 1; i < argc; i++)
		if (same(argv[i], word)) return i;
	return 0;
}

int option_at(int argc, WCHAR **argv, const WCHAR *name)
{
	size_t length = wcslen(name);
	for (int i = 1; i < argc; i++) {
		const WCHAR *a = argv[i];
		if ((*a == '/' || *a == '-') && !_wcsnicmp(a + 1, name, length) && (!a[1 + length] || a[1 + length] == ':' || a[1 + length] == '='))
			return i;
	}
	return 0;
}

const WCHAR *option(int argc, WCHAR **argv, const WCHAR *name)
{
	int i = option_at(argc, argv, name);
	if (!i) return NULL;
	const WCHAR *inside = argv[i] + 1 + wcslen(name);
	return *inside ? inside + 1 : i + 1 < argc ? argv[i + 1] : NULL;
}

const WCHAR *computer(void)
{
	static WCHAR name[64];
	DWORD size = 64;
	GetComputerNameW(name, &size);
	return name;
}

const WCHAR *user(void)
{
	static WCHAR name[128];
	if (!GetEnvironmentVariableW(L"USERNAME", name, 128)) wcscpy(name, L"user");
	return name;
}

const WCHAR *arguments_of(const WCHAR *line)
{
	int quoted = 0;
	for (; *line && (quoted || (*line != ' ' && *line != '\t')); line++)
		if (*line == '"') quoted = !quoted;
	while (*line == ' ' || *line == '\t') line++;
	return line;
}

int run_line(const WCHAR *line, int wait)
{
	STARTUPINFOW start = {.cb = sizeof(start)};
	PROCESS_INFORMATION info;
	DWORD code = 0;
	WCHAR *copy = _wcsdup(line);
	BOOL ok = CreateProcessW(NULL, copy, NULL, NULL, TRUE, 0, NULL, NULL, &start, &info);
	free(copy);
	if (!ok) return -1;
	if (wait) {
		WaitForSingleObject(info.hProcess, INFINITE);
		GetExitCodeProcess(info.hProcess, &code);
	}
	CloseHandle(info.hThread);
	CloseHandle(info.hProcess);
	return code;
}

char *load_bytes(const WCHAR *path, DWORD *size)
{
	HANDLE file = CreateFileW(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL, OPEN_EXISTING, 0, NULL);
	LARGE_INTEGER length;
	if (file == INVALID_HANDLE_VALUE) return NULL;
	char *bytes = NULL;
	if (GetFileSizeEx(file, &length) && length.QuadPart <= (64 << 20) && (bytes = malloc(length.QuadPart + 2)))
		if (!ReadFile(file, bytes, length.QuadPart, size, NULL)) *size = 0;
	CloseHandle(file);
	if (bytes) bytes[*size] = 0;
	return bytes;
}

int store_bytes(const WCHAR *path, const void *bytes, DWORD size)
{
	HANDLE file = CreateFileW(path, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
	DWORD done = 0;
	if (file == INVALID_HANDLE_VALUE) return 0;
	WriteFile(file, bytes, size, &done, NULL);
	CloseHandle(file);
	return done == size;
}

WCHAR *load_text(const WCHAR *path)
{
	DWORD size = 0;
	char *bytes = load_bytes(path, &size), *from = bytes;
	UINT page = CP_ACP;
	if (!bytes) return NULL;
	if (size >= 2 && !memcmp(bytes, "\xff\xfe", 2)) {
		WCHAR *text = malloc(size + 2);
		memcpy(text, bytes + 2, size - 2);
		text[(size - 2) / 2] = 0;
		return free(bytes), text;
	}
	if (size >= 3 && !memcmp(bytes, "\xef\xbb\xbf", 3)) from += 3, size -= 3, page = CP_UTF8;
	else if (MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, bytes, size, NULL, 0)) page = CP_UTF8;
	int n = MultiByteToWideChar(page, 0, from, size, NULL, 0);
	WCHAR *text = malloc((n + 1) * sizeof(WCHAR));
	MultiByteToWideChar(page, 0, from, size, text, n);
	text[n] = 0;
	return free(bytes), text;
}

int fetch(const WCHAR *url, const WCHAR *path)
{
	HRESULT (WINAPI *download)(void *, LPCWSTR, LPCWSTR, DWORD, void *) =
		(void *)GetProcAddress(LoadLibraryW(L"urlmon.dll"), "URLDownloadToFileW");
	return download && SUCCEEDED(download(NULL, url, path, 0, NULL));
}

/* Ours, since loading the cryptography library would cost each stand-in more than all else it does. */
int decode_base64(const WCHAR *text, BYTE **bytes, DWORD *size)
{
	unsigned bits = 0, have = 0;
	BYTE *p = *bytes = malloc(wcslen(text) + 4);
	for (; *text && *text != '='; text++) {
		int value = *text >= 'A' && *text <= 'Z' ? *text - 'A' : *text >= 'a' && *text <= 'z' ? *text - 'a' + 26 :
			    *text >= '0' && *text <= '9' ? *text - '0' + 52 : *text == '+' ? 62 : *text == '/' ? 63 : -1;
		if (value < 0 && *text > ' ') return 0;
		if (value < 0) continue;
		bits = bits << 6 | value;
		if ((have += 6) >= 8) *p++ = bits >> (have -= 8);
	}
	*size = p - *bytes;
	return 1;
}

static const WCHAR settings[] = L"SYSTEM\\CurrentControlSet\\Services\\VSS\\Settings";

DWORD setting(const WCHAR *name, DWORD otherwise)
{
	DWORD value = otherwise, size = sizeof(value);
	RegGetValueW(HKEY_LOCAL_MACHINE, settings, name, RRF_RT_REG_DWORD, NULL, &value, &size);
	return value;
}

void set_setting(const WCHAR *name, DWORD value)
{
	RegSetKeyValueW(HKEY_LOCAL_MACHINE, settings, name, REG_DWORD, &value, sizeof(value));
}

int wmain(int argc, WCHAR **argv)
{
	WCHAR path[MAX_PATH], *name, *dot;
	GetModuleFileNameW(NULL, path, MAX_PATH);
	name = wcsrchr(path, '\\') ? wcsrchr(path, '\\') + 1 : path;
	if ((dot = wcsrchr(name, '.'))) *dot = 0;
	for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++)
		if (same(programs[i].name, name)) return programs[i].run(argc, argv);
	return 1;
}
