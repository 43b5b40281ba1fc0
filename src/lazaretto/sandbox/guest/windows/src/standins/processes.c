/* tasklist, taskkill, wmic: over the real processes. */
#include "standin.h"
#include <tlhelp32.h>

static int matches(const WCHAR *pattern, const WCHAR *name)
{
	for (; *pattern; pattern++, name++) {
		if (*pattern == '*') return 1;
		if (towlower(*pattern) != towlower(*name)) return 0;
	}
	return !*name;
}

typedef int (*visit)(const PROCESSENTRY32W *entry, void *context);

static int each_process(visit call, void *context)
{
	PROCESSENTRY32W entry = {.dwSize = sizeof(entry)};
	HANDLE all = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
	int n = 0;
	for (BOOL more = Process32FirstW(all, &entry); more; more = Process32NextW(all, &entry)) n += call(&entry, context);
	CloseHandle(all);
	return n;
}

/* "IMAGENAME eq x.exe", "PID eq 4", ... ; other filters let everything pass */
static int passes(const WCHAR *filter, const PROCESSENTRY32W *e)
{
	WCHAR field[64], operator[16], value[260];
	if (!filter || swscanf(filter, L"%63ls %15ls %259[^\n]", field, operator, value) != 3) return 1;
	int unequal = same(operator, L"ne");
	if (same(field, L"IMAGENAME")) return matches(value, e->szExeFile) != unequal;
	if (same(field, L"PID")) return ((DWORD)_wtol(value) == e->th32ProcessID) != unequal;
	return 1;
}

struct listing { const WCHAR *filter; int csv, list, head, no_head; };

static int list_one(const PROCESSENTRY32W *e, void *context)
{
	struct listing *l = context;
	DWORD pid = e->th32ProcessID;
	unsigned memory = 4096 + pid * 37 % 61440;
	if (!passes(l->filter, e)) return 0;
	if (l->csv) {
		if (!l->head++ && !l->no_head) out(L"\"Image Name\",\"PID\",\"Session Name\",\"Session#\",\"Mem Usage\"\r\n");
		out(L"\"%ls\",\"%lu\",\"Console\",\"1\",\"%u,%03u K\"\r\n", e->szExeFile, pid, memory / 1000, memory % 1000);
	} else if (l->list)
		out(L"\r\nImage Name:   %ls\r\nPID:          %lu\r\nSession Name: Console\r\nSession#:     1\r\nMem Usage:    %u,%03u K\r\n", e->szExeFile, pid,
		    memory / 1000, memory % 1000);
	else {
		if (!l->head++ && !l->no_head)
			out(L"\r\nImage Name                     PID Session Name        Session#    Mem Usage\r\n"
			    L"========================= ======== ================ =========== ============\r\n");
		out(L"%-25.25ls %8lu %-16ls %11d %6u,%03u K\r\n", e->szExeFile, pid, L"Console", 1, memory / 1000, memory % 1000);
	}
	return 1;
}

int tasklist(int argc, WCHAR **argv)
{
	const WCHAR *format = option(argc, argv, L"fo");
	struct listing l = {option(argc, argv, L"fi"), format && same(format, L"csv"), format && same(format, L"list"), 0, option_at(argc, argv, L"nh")};
	if (!each_process(list_one, &l)) out(L"INFO: No tasks are running which match the specified criteria.\r\n");
	return 0;
}

struct killing { const WCHAR *image, *filter; DWORD pid; };

static int kill_one(const PROCESSENTRY32W *e, void *context)
{
	struct killing *k = context;
	if (k->image ? !matches(k->image, e->szExeFile) : k->pid && k->pid != e->th32ProcessID) return 0;
	if (!passes(k->filter, e) || (!k->image && !k->pid && !k->filter) || e->th32ProcessID == GetCurrentProcessId()) return 0;
	HANDLE process = OpenProcess(PROCESS_TERMINATE, FALSE, e->th32ProcessID);
	if (!process || !TerminateProcess(process, 1)) {
		err(L"ERROR: The process with PID %lu could not be terminated.\r\nReason: Access is denied.\r\n", e->th32ProcessID);
		return 1;
	}
	CloseHandle(process);
	if (k->image) out(L"SUCCESS: The process \"%ls\" with PID %lu has been terminated.\r\n", e->szExeFile, e->th32ProcessID);
	else out(L"SUCCESS: The process with PID %lu has been terminated.\r\n", e->th32ProcessID);
	return 1;
}

int taskkill(int argc, WCHAR **argv)
{
	int killed = 0, asked = 0;
	struct killing k = {NULL, option(argc, argv, L"fi"), 0};
	for (int i = 1; i + 1 < argc; i++) {
		k.image = same(argv[i], L"/im") || same(argv[i], L"-im") ? argv[i + 1] : NULL;
		k.pid = same(argv[i], L"/pid") || same(argv[i], L"-pid") ? _wtol(argv[i + 1]) : 0;
		if (!k.image && !k.pid) continue;
		int n = each_process(kill_one, &k);
		if (!n && k.image) err(L"ERROR: The process \"%ls\" not found.\r\n", k.image);
		else if (!n) err(L"ERROR: The process \"%lu\" not found.\r\n", k.pid);
		asked++, killed += n;
	}
	if (!asked && k.filter) return each_process(kill_one, &k) ? 0 : (out(L"INFO: No tasks running with the specified criteria.\r\n"), 0);
	if (!asked) return err(L"ERROR: Invalid syntax. Neither /FI nor /PID nor /IM were specified.\r\nType \"TASKKILL /?\" for usage.\r\n"), 1;
	return killed ? 0 : 128;
}

/* ---- wmic -------------------------------------------------------------------------------------------------------- */

struct table { const WCHAR *alias; const WCHAR *columns[12][2]; };

static const struct table tables[] = {
	{L"os", {{L"BuildNumber", L"19045"}, {L"Caption", L"Microsoft Windows 10 Pro"}, {L"OSArchitecture", L"64-bit"}, {L"SerialNumber", L"00330-80000-00000-AA213"},
		 {L"SystemDirectory", L"C:\\Windows\\system32"}, {L"Version", L"10.0.19045"}, {L"TotalVisibleMemorySize", L"8245304"}, {L"FreePhysicalMemory", L"3911820"}}},
	{L"computersystem", {{L"Domain", L"WORKGROUP"}, {L"Manufacturer", L"Dell Inc."}, {L"Model", L"OptiPlex 7060"}, {L"Name", L"@HOST"},
		 {L"TotalPhysicalMemory", L"8443191296"}, {L"UserName", L"@HOST\\@USER"}, {L"NumberOfLogicalProcessors", L"6"}, {L"HypervisorPresent", L"FALSE"}}},
	{L"csproduct", {{L"Name", L"OptiPlex 7060"}, {L"Vendor", L"Dell Inc."}, {L"Version", L""}, {L"IdentifyingNumber", L"7HX2LT2"}, {L"UUID", L"4C4C4544-0048-5810-8032-B7C04F4C5432"}}},
	{L"bios", {{L"Manufacturer", L"Dell Inc."}, {L"Name", L"1.21.0"}, {L"SerialNumber", L"7HX2LT2"}, {L"SMBIOSBIOSVersion", L"1.21.0"}, {L"Version", L"DELL   - 1072009"}}},
	{L"baseboard", {{L"Manufacturer", L"Dell Inc."}, {L"Product", L"0C96W1"}, {L"SerialNumber", L"/7HX2LT2/CNFCW0089R00C1/"}, {L"Version", L"A01"}}},
	{L"cpu", {{L"Caption", L"Intel64 Family 6 Model 158 Stepping 10"}, {L"DeviceID", L"CPU0"}, {L"MaxClockSpeed", L"3000"}, {L"Name", L"Intel(R) Core(TM) i5-8500 CPU @ 3.00GHz"},
		 {L"NumberOfCores", L"6"}, {L"NumberOfLogicalProcessors", L"6"}, {L"ProcessorId", L"BFEBFBFF000906EA"}, {L"SocketDesignation", L"CPU 1"}}},
	{L"diskdrive", {{L"Caption", L"Samsung SSD 860 EVO 500GB"}, {L"DeviceID", L"\\\\.\\PHYSICALDRIVE0"}, {L"Model", L"Samsung SSD 860 EVO 500GB"}, {L"Partitions", L"3"},
		 {L"SerialNumber", L"S3Z2NB0K512874F"}, {L"Size", L"500105249280"}, {L"InterfaceType", L"IDE"}}},
	{L"logicaldisk", {{L"Caption", L"C:"}, {L"DeviceID", L"C:"}, {L"DriveType", L"3"}, {L"FileSystem", L"NTFS"}, {L"FreeSpace", L"312849174528"}, {L"Size", L"499099103232"}, {L"VolumeName", L""},
		 {L"VolumeSerialNumber", L"A2C41F7E"}}},
	{L"path win32_videocontroller", {{L"Caption", L"Intel(R) UHD Graphics 630"}, {L"Name", L"Intel(R) UHD Graphics 630"}, {L"AdapterRAM", L"1073741824"}, {L"DriverVersion", L"27.20.100.9316"}}},
	{L"memorychip", {{L"Capacity", L"8589934592"}, {L"DeviceLocator", L"DIMM1"}, {L"Manufacturer", L"SK Hynix"}, {L"Speed", L"2666"}}},
	{L"nic", {{L"Name", L"Intel(R) Ethernet Connection (7) I219-LM"}, {L"MACAddress", L"C8:1F:66:D0:A7:B3"}, {L"NetEnabled", L"TRUE"}}},
	{L"antivirusproduct", {{L"displayName", L"Windows Defender"}, {L"productState", L"397568"}, {L"pathToSignedProductExe", L"windowsdefender://"}}},
	{L"qfe", {{L"HotFixID", L"KB5031356"}, {L"Description", L"Security Update"}, {L"InstalledOn", L"9/9/2026"}}},
	{L"useraccount", {{L"Name", L"@USER"}, {L"Domain", L"@HOST"}, {L"SID", L"S-1-5-21-3623855687-3361051292-30299796-1001"}, {L"Disabled", L"FALSE"}}},
	{L"timezone", {{L"Caption", L"(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna"}}},
};

static const WCHAR *fill(const WCHAR *value)
{
	static WCHAR text[256];
	size_t n = 0;
	for (; *value && n < 200; value++) {
		const WCHAR *name = begins(value, L"@HOST") ? computer() : begins(value, L"@USER") ? user() : NULL;
		if (name) { wcscpy(text + n, name); n += wcslen(name); value += 4; }
		else text[n++] = *value;
	}
	text[n] = 0;
	return text;
}

static int wanted(const WCHAR *list, const WCHAR *column)
{
	size_t length = wcslen(column);
	if (!list || !*list || *list == '/' || *list == '*') return 1;
	for (const WCHAR *p = list; *p; p++)
		if ((p == list || p[-1] == ',' || p[-1] == ' ') && !_wcsnicmp(p, column, length) && (!p[length] || p[length] == ',' || p[length] == ' ')) return 1;
	return 0;
}

static int show_table(const struct table *t, const WCHAR *columns, int as_values)
{
	for (int i = 0; i < 12 && t->columns[i][0]; i++)
		if (wanted(columns, t->columns[i][0]) && as_values) out(L"%ls=%ls\r\n", t->columns[i][0], fill(t->columns[i][1]));
	if (as_values) return out(L"\r\n"), 0;
	for (int row = 0; row < 2; row++) {
		for (int i = 0; i < 12 && t->columns[i][0]; i++) {
			const WCHAR *head = t->columns[i][0], *cell = fill(t->columns[i][1]);
			int width = wcslen(head) > wcslen(cell) ? wcslen(head) : wcslen(cell);
			if (wanted(columns, head)) out(L"%-*ls  ", width, row ? cell : head);
		}
		out(L"\r\n");
	}
	return 0;
}

static int print_process(const PROCESSENTRY32W *e, void *context)
{
	(void)context;
	return out(L"%-28ls  %lu\r\n", e->szExeFile, e->th32ProcessID), 1;
}

/* The first quoted text or word behind `word`, case ignored. */
static int text_after(const WCHAR *line, const WCHAR *word, WCHAR *value, size_t max)
{
	size_t n = 0;
	for (; *line && !begins(line, word); line++) ;
	if (!*line) return 0;
	for (line += wcslen(word); *line == ' ' || *line == '=' || *line == '\\'; line++) ;
	WCHAR quote = *line == '"' || *line == '\'' ? *line++ : 0;
	while (*line && (quote ? *line != quote : *line != ' ') && n + 1 < max) value[n++] = *line++;
	value[n] = 0;
	return n > 0;
}

static int wmic_process(const WCHAR *line)
{
	WCHAR value[4096];
	if (text_after(line, L"call create", value, 4096)) {
		STARTUPINFOW start = {.cb = sizeof(start)};
		PROCESS_INFORMATION info;
		out(L"Executing (Win32_Process)->Create()\r\n");
		BOOL ok = CreateProcessW(NULL, value, NULL, NULL, FALSE, CREATE_NEW_CONSOLE, NULL, NULL, &start, &info);
		out(L"Method execution successful.\r\nOut Parameters:\r\ninstance of __PARAMETERS\r\n{\r\n");
		if (ok) out(L"\tProcessId = %lu;\r\n", info.dwProcessId);
		return out(L"\tReturnValue = %d;\r\n};\r\n\r\n", ok ? 0 : 9), 0;
	}
	if (wcsstr(line, L"delete") || wcsstr(line, L"terminate")) {
		struct killing k = {NULL, NULL, 0};
		if (text_after(line, L"name", value, 4096)) {
			for (WCHAR *p = value; *p; p++) if (*p == '%') *p = '*';
			k.image = value;
		} else if (text_after(line, L"processid", value, 4096)) k.pid = _wtol(value);
		if (!k.image && !k.pid) return out(L"No Instance(s) Available.\r\n"), 0;
		if (!each_process(kill_one, &k)) out(L"No Instance(s) Available.\r\n");
		return 0;
	}
	out(L"Name                          ProcessId\r\n");
	each_process(print_process, NULL);
	return 0;
}

int wmic(int argc, WCHAR **argv)
{
	const WCHAR *line = arguments_of(GetCommandLineW());
	WCHAR joined[256] = L"", columns[512] = L"";
	int i = 1;
	while (i < argc && *argv[i] == '/') i++; /* /node, /namespace, ... */
	if (i >= argc) return 0;
	wcsncpy(joined, argv[i], 200);
	if (same(argv[i], L"path") && i + 1 < argc) { wcscat(joined, L" "); wcsncat(joined, argv[i + 1], 50); i++; }
	if (same(joined, L"process") || same(joined, L"path win32_process")) return wmic_process(line);
	if (same(joined, L"shadowcopy")) {
		if (has(argc, argv, L"delete") || wcsstr(line, L"delete")) {
			int n = setting(L"Count", 2);
			for (int s = 0; s < n; s++) out(L"Deleting instance \\\\%ls\\ROOT\\CIMV2:Win32_ShadowCopy.ID=\"{6F0AD7BE-2C94-4B1B-A3A9-9F0C2BE4D1C%d}\"\r\nInstance deletion successful.\r\n", computer(), 7 + s);
			if (!n) out(L"No Instance(s) Available.\r\n");
			return set_setting(L"Count", 0), 0;
		}
		if (!setting(L"Count", 2)) out(L"No Instance(s) Available.\r\n");
		return 0;
	}
	for (int n = i + 1; n < argc; n++) {
		if (same(argv[n], L"get") && n + 1 < argc)
			for (int c = n + 1; c < argc && *argv[c] != '/'; c++) { wcsncat(columns, argv[c], 200); wcscat(columns, L" "); }
	}
	for (size_t t = 0; t < sizeof(tables) / sizeof(*tables); t++) {
		const WCHAR *alias = tables[t].alias;
		if (same(alias, joined) || (begins(joined, L"path win32_") && same(alias, joined + 11)) || (begins(joined, L"path ") && same(alias, joined + 5)))
			return show_table(&tables[t], columns, wcsstr(line, L"/value") != NULL || wcsstr(line, L"/format:list") != NULL);
	}
	if (same(joined, L"service") || same(joined, L"product") || same(joined, L"startup") || same(joined, L"share"))
		return out(L"No Instance(s) Available.\r\n"), 0;
	return err(L"%ls - Alias not found.\r\n", argv[i]), 44135;
}
