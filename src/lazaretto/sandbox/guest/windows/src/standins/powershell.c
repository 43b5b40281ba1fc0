/* powershell and pwsh: no interpreter, a recorder. The whole script, decoded, is written with OutputDebugStringW, in pieces
 *
 *     script#BEGIN:<arguments' shape>     e.g. -EncodedCommand, -Command, -File, stdin
 *     script#N:<text>                     N = 0, 1, 2, ...; control characters and all beyond ASCII as \uXXXX
 *     script#END:<number of characters>
 *
 * so that Wine's API trace shows it unabridged (its lines hold about 300 characters). What a script names in plain words
 * and what later stages depend on is done: downloads, programs it starts, waiting. */
#include "standin.h"
#include <shellapi.h>

#define PIECE 200

static int piece_number;

static void record(const WCHAR *text, const WCHAR *how)
{
	WCHAR piece[PIECE + 64];
	unsigned total = 0;
	_snwprintf(piece, PIECE + 63, L"script#BEGIN:%ls", how);
	OutputDebugStringW(piece);
	while (*text) {
		size_t n = _snwprintf(piece, 64, L"script#%d:", piece_number++), limit = n + PIECE;
		for (; *text && n + 6 < limit; text++, total++) {
			if (*text >= ' ' && *text < 0x7f && *text != '\\' && *text != '"') piece[n++] = *text;
			else n += _snwprintf(piece + n, 8, L"\\u%04X", *text);
		}
		piece[n] = 0;
		OutputDebugStringW(piece);
	}
	_snwprintf(piece, PIECE + 63, L"script#END:%u", total);
	OutputDebugStringW(piece);
}

/* ---- the little that is done ------------------------------------------------------------------------------------- */

static struct { WCHAR name[64], value[1024]; } variables[64];
static int variable_count;

static const WCHAR *find(const WCHAR *text, const WCHAR *word)
{
	for (; *text; text++)
		if (begins(text, word)) return text;
	return NULL;
}

/* One operand: 'text', "text with $env:X and $x", $name, $env:NAME, or operands joined by +. Returns what follows. */
static const WCHAR *operand(const WCHAR *p, WCHAR *value, size_t max);

static size_t expand(const WCHAR **p, WCHAR *value, size_t max)
{
	WCHAR name[128];
	size_t n = 0;
	const WCHAR *at = *p + 1;
	int braces = *at == '{';
	at += braces;
	while ((iswalnum(*at) || *at == '_' || *at == ':') && n < 127) name[n++] = *at++;
	name[n] = 0;
	*p = at + (braces && *at == '}');
	*value = 0;
	if (begins(name, L"env:")) GetEnvironmentVariableW(name + 4, value, max);
	else if (same(name, L"home")) GetEnvironmentVariableW(L"USERPROFILE", value, max);
	else
		for (int i = 0; i < variable_count; i++)
			if (same(variables[i].name, name)) { wcsncpy(value, variables[i].value, max - 1); value[max - 1] = 0; }
	return wcslen(value);
}

static const WCHAR *operand(const WCHAR *p, WCHAR *value, size_t max)
{
	size_t n = 0;
	*value = 0;
	for (;;) {
		while (*p == ' ' || *p == '(') p++;
		if (*p == '\'' || *p == '"') {
			WCHAR quote = *p++;
			while (*p && *p != quote && n + 1 < max) {
				if (quote == '"' && *p == '$') n += expand(&p, value + n, max - n);
				else if (*p == '`' && p[1]) p++, value[n++] = *p++;
				else value[n++] = *p++;
			}
			if (*p) p++;
		} else if (*p == '$') {
			n += expand(&p, value + n, max - n);
			while (*p == '\\' && n + 1 < max) /* $env:TEMP\x.exe */
				while (*p && !wcschr(L" ,;)'\"|", *p) && n + 1 < max) value[n++] = *p++;
		} else {
			while (*p && !wcschr(L" ,;)'\"|\r\n", *p) && n + 1 < max) value[n++] = *p++;
		}
		value[n] = 0;
		while (*p == ' ' || *p == ')') p++;
		if (*p != '+') return p;
		p++;
	}
}

static void read_variables(const WCHAR *text)
{
	for (const WCHAR *p = text; (p = wcschr(p, '$')) && variable_count < 64; p++) {
		WCHAR name[64];
		size_t n = 0;
		const WCHAR *at = p + 1;
		while ((iswalnum(*at) || *at == '_') && n < 63) name[n++] = *at++;
		name[n] = 0;
		while (*at == ' ') at++;
		if (!n || *at != '=' || at[1] == '=') continue;
		for (at++; *at == ' '; at++) ;
		if (*at != '\'' && *at != '"' && *at != '$') continue;
		wcscpy(variables[variable_count].name, name);
		operand(at, variables[variable_count].value, 1024);
		variable_count++;
	}
}

static void script(const WCHAR *text, const WCHAR *how, int depth);

static int named(const WCHAR *statement, const WCHAR *end, const WCHAR *name, WCHAR *value, size_t max)
{
	const WCHAR *at = find(statement, name);
	if (!at || at >= end) return 0;
	operand(at + wcslen(name), value, max);
	return *value != 0;
}

static void start_program(const WCHAR *path, const WCHAR *arguments)
{
	BOOL (WINAPI *execute)(SHELLEXECUTEINFOW *) = (void *)GetProcAddress(LoadLibraryW(L"shell32.dll"), "ShellExecuteExW");
	SHELLEXECUTEINFOW info = {.cbSize = sizeof(info), .fMask = SEE_MASK_FLAG_NO_UI, .lpFile = path, .lpParameters = arguments, .nShow = SW_SHOWNORMAL};
	execute(&info);
}

static void downloads(const WCHAR *text, int depth)
{
	WCHAR url[1024], path[1024];
	for (const WCHAR *p = text; (p = find(p, L".DownloadFile")); ) {
		p = operand(p + 13, url, 1024);
		if (*p == ',') operand(p + 1, path, 1024);
		else continue;
		fetch(url, path);
	}
	for (const WCHAR *p = text; (p = find(p, L".DownloadString")); ) {
		p = operand(p + 15, url, 1024);
		GetTempPathW(900, path);
		wcscat(path, L"__PSScriptPolicyTest_q4xv2n.ps1");
		if (!fetch(url, path)) continue;
		WCHAR *loaded = load_text(path);
		DeleteFileW(path);
		if (loaded && depth < 3 && (find(text, L"iex") || find(text, L"Invoke-Expression"))) script(loaded, L"downloaded", depth + 1);
		free(loaded);
	}
	static const WCHAR *cmdlets[] = {L"Invoke-WebRequest", L"iwr ", L"wget ", L"curl ", L"Invoke-RestMethod", L"irm ", L"Start-BitsTransfer"};
	for (size_t i = 0; i < sizeof(cmdlets) / sizeof(*cmdlets); i++)
		for (const WCHAR *p = text; (p = find(p, cmdlets[i])); ) {
			const WCHAR *end = p + wcscspn(p, L";\r\n|");
			p += wcslen(cmdlets[i]);
			if (!named(p, end, L"-Uri ", url, 1024) && !named(p, end, L"-Source ", url, 1024)) operand(p, url, 1024);
			if (!named(p, end, L"-OutFile ", path, 1024) && !named(p, end, L"-Destination ", path, 1024)) {
				GetTempPathW(900, path);
				wcscat(path, L"tmp7f21.tmp");
			}
			if (begins(url, L"http") || begins(url, L"ftp")) fetch(url, path);
		}
}

static void statements(const WCHAR *text)
{
	static const WCHAR *starters[] = {L"Start-Process ", L"saps ", L"Invoke-Item ", L"ii "};
	WCHAR path[1024], arguments[2048];
	for (size_t i = 0; i < sizeof(starters) / sizeof(*starters); i++)
		for (const WCHAR *p = text; (p = find(p, starters[i])); ) {
			const WCHAR *end = p + wcscspn(p, L";\r\n|");
			p += wcslen(starters[i]);
			if (!named(p, end, L"-FilePath ", path, 1024)) operand(p, path, 1024);
			if (!named(p, end, L"-ArgumentList ", arguments, 2048) && !named(p, end, L"-Args ", arguments, 2048)) *arguments = 0;
			start_program(path, arguments);
		}
	for (const WCHAR *p = text; (p = find(p, L"Start-Sleep")); ) {
		WCHAR number[64];
		const WCHAR *end = p + wcscspn(p, L";\r\n|");
		p += 11;
		int milli = named(p, end, L"-Milliseconds ", number, 64) || named(p, end, L"-m ", number, 64);
		if (!milli && !named(p, end, L"-Seconds ", number, 64) && !named(p, end, L"-s ", number, 64)) operand(p, number, 64);
		int n = _wtoi(number);
		if (n > 0 && n < 86400000) Sleep(milli ? n : 1000 * n);
	}
	/* Lines that are a program of the system and its arguments, and "& 'program'". */
	static const WCHAR *programs[] = {L"vssadmin", L"bcdedit", L"wbadmin", L"wevtutil", L"schtasks", L"reg ", L"reg.exe", L"net ", L"net.exe", L"netsh",
		L"cmd ", L"cmd.exe", L"rundll32", L"regsvr32", L"mshta", L"certutil", L"bitsadmin", L"wmic", L"taskkill", L"sc.exe", L"icacls", L"whoami",
		L"systeminfo", L"ipconfig", L"nltest", L"attrib"};
	for (const WCHAR *p = text; *p; ) {
		while (*p && wcschr(L" \t\r\n;{}", *p)) p++;
		size_t length = wcscspn(p, L";\r\n}");
		if (*p == '&' || (*p == '.' && p[1] == ' ')) {
			operand(p + 1, path, 1024);
			if (*path) start_program(path, NULL);
		}
		for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++)
			if (begins(p, programs[i]) && length < 2000) {
				_snwprintf(arguments, 2047, L"%.*ls", (int)length, p);
				run_line(arguments, 1);
				break;
			}
		p += length;
	}
}

/* Base64 inside the script (FromBase64String) that is text is recorded too. */
static void inner(const WCHAR *text, int depth)
{
	for (const WCHAR *p = text; depth < 3 && (p = find(p, L"FromBase64String")); p += 16) {
		WCHAR *encoded = malloc(65536 * sizeof(WCHAR));
		BYTE *bytes = NULL;
		DWORD size = 0;
		operand(p + 16, encoded, 65536);
		if (wcslen(encoded) > 16 && decode_base64(encoded, &bytes, &size) && size > 4) {
			int wide = !bytes[1] && !bytes[3];
			WCHAR *decoded = calloc(size + 2, sizeof(WCHAR));
			if (wide) memcpy(decoded, bytes, size);
			else MultiByteToWideChar(CP_UTF8, 0, (char *)bytes, size, decoded, size);
			size_t plain = 0, all = wcslen(decoded);
			for (size_t i = 0; i < all; i++) plain += (decoded[i] >= ' ' && decoded[i] < 0x7f) || iswspace(decoded[i]);
			if (all > 8 && plain * 10 > all * 9) script(decoded, L"base64", depth + 1);
			free(decoded);
		}
		free(bytes);
		free(encoded);
	}
}

static void script(const WCHAR *text, const WCHAR *how, int depth)
{
	record(text, how);
	read_variables(text);
	inner(text, depth);
	downloads(text, depth);
	statements(text);
}

/* ---- the command line -------------------------------------------------------------------------------------------- */

static int is_option(const WCHAR *word, const WCHAR *name, size_t least)
{
	size_t n = wcslen(word + 1);
	return (*word == '-' || *word == '/' || *word == 0x2013) && n >= least && n <= wcslen(name) && !_wcsnicmp(word + 1, name, n);
}

static WCHAR *from_stdin(void)
{
	char *bytes = malloc(1 << 20);
	DWORD size = 0, got;
	HANDLE in = GetStdHandle(STD_INPUT_HANDLE);
	if (GetFileType(in) == FILE_TYPE_CHAR) return NULL;
	while (size < (1 << 20) - 1 && ReadFile(in, bytes + size, (1 << 20) - 1 - size, &got, NULL) && got) size += got;
	WCHAR *text = malloc((size + 1) * sizeof(WCHAR));
	text[MultiByteToWideChar(CP_OEMCP, 0, bytes, size, text, size)] = 0;
	return text;
}

/* The rest of the command line from the n-th argument on, as it was written. */
static const WCHAR *rest_from(int n)
{
	const WCHAR *p = GetCommandLineW();
	while (n--) p = arguments_of(p);
	return p;
}

int powershell(int argc, WCHAR **argv)
{
	int i = 1;
	for (; i < argc; i++) {
		const WCHAR *a = argv[i];
		if (*a != '-' && *a != '/' && *a != 0x2013) break;
		if (is_option(a, L"EncodedCommand", 1) || same(a, L"-ec")) {
			BYTE *bytes = NULL;
			DWORD size = 0;
			if (i + 1 < argc && decode_base64(argv[i + 1], &bytes, &size)) {
				bytes[size] = bytes[size + 1] = 0;
				script((WCHAR *)bytes, L"-EncodedCommand", 0);
			}
			return 0;
		}
		if (is_option(a, L"Command", 1)) { i++; break; }
		if (is_option(a, L"File", 1)) {
			WCHAR *text = i + 1 < argc ? load_text(argv[i + 1]) : NULL;
			if (!text) return err(L"The argument '%ls' to the -File parameter does not exist. Provide the path to an existing '.ps1' file as an argument to the -File parameter.\r\n", i + 1 < argc ? argv[i + 1] : L""), -196608;
			script(text, L"-File", 0);
			return 0;
		}
		if (is_option(a, L"Version", 1) && i + 1 < argc && iswdigit(*argv[i + 1])) { i++; continue; }
		if (is_option(a, L"ExecutionPolicy", 2) || same(a, L"-ep") || is_option(a, L"WindowStyle", 1) || is_option(a, L"InputFormat", 2) ||
		    is_option(a, L"OutputFormat", 1) || is_option(a, L"ConfigurationName", 2) || is_option(a, L"PSConsoleFile", 1) || is_option(a, L"WorkingDirectory", 2))
			i++;
	}
	if (i >= argc || (i == argc - 1 && !wcscmp(argv[i], L"-"))) {
		WCHAR *text = from_stdin();
		if (text) script(text, L"stdin", 0);
		else out(L"Windows PowerShell\r\nCopyright (C) Microsoft Corporation. All rights reserved.\r\n\r\nPS %ls> ", L"C:\\");
		return 0;
	}
	const WCHAR *text = rest_from(i);
	size_t length = wcslen(text);
	WCHAR *copy = _wcsdup(text);
	if (length > 1 && *copy == '"' && copy[length - 1] == '"') copy[length - 1] = 0, memmove(copy, copy + 1, length * sizeof(WCHAR));
	script(copy, L"-Command", 0);
	return 0;
}
