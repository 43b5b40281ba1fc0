/* schtasks: tasks are the files that Windows keeps (System32\Tasks\NAME, XML) and the keys of its cache. The scheduler
 * (src/scheduler.c) reads the files. */
#include "standin.h"
#include "../session.h"

#define CACHE L"SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\Schedule\\TaskCache"

static const WCHAR *folder(void)
{
	static WCHAR path[MAX_PATH];
	GetWindowsDirectoryW(path, MAX_PATH - 20);
	/* Windows 10 keeps them in the 64-bit directory, whoever asks. */
	wcscat(path, L"\\System32\\Tasks");
	return path;
}

static const WCHAR *bare(const WCHAR *name)
{
	while (*name == '\\') name++;
	return name;
}

static void escape(const WCHAR *text, WCHAR *xml, size_t max)
{
	size_t n = 0;
	for (; *text && n + 7 < max; text++) {
		const WCHAR *entity = *text == '&' ? L"&amp;" : *text == '<' ? L"&lt;" : *text == '>' ? L"&gt;" : NULL;
		if (entity) { wcscpy(xml + n, entity); n += wcslen(entity); }
		else xml[n++] = *text;
	}
	xml[n] = 0;
}

/* "C:\a b.exe" -x  ->  program, arguments; a path without quotes reaches to the end of its extension. */
static void split(const WCHAR *line, WCHAR *program, WCHAR *rest, size_t max)
{
	size_t n = 0;
	while (*line == ' ') line++;
	WCHAR quote = *line == '"' || *line == '\'' ? *line++ : 0;
	while (*line && *line != (quote ? quote : ' ') && n + 1 < max) program[n++] = *line++;
	program[n] = 0;
	if (quote && *line) line++;
	while (*line == ' ') line++;
	wcsncpy(rest, line, max - 1);
	rest[max - 1] = 0;
}

static void trigger(int argc, WCHAR **argv, WCHAR *xml, size_t max)
{
	const WCHAR *kind = option(argc, argv, L"sc"), *every = option(argc, argv, L"mo"), *at = option(argc, argv, L"st");
	SYSTEMTIME now;
	WCHAR start[64];
	int count = every ? _wtoi(every) : 1;
	GetLocalTime(&now);
	_snwprintf(start, 64, L"%04u-%02u-%02uT%ls:00", now.wYear, now.wMonth, now.wDay, at ? at : L"00:00");
	if (!at) _snwprintf(start, 64, L"%04u-%02u-%02uT%02u:%02u:00", now.wYear, now.wMonth, now.wDay, now.wHour, now.wMinute);
	if (!kind) kind = L"ONCE";
	if (same(kind, L"ONLOGON")) _snwprintf(xml, max, L"<LogonTrigger><Enabled>true</Enabled></LogonTrigger>");
	else if (same(kind, L"ONSTART")) _snwprintf(xml, max, L"<BootTrigger><Enabled>true</Enabled></BootTrigger>");
	else if (same(kind, L"ONIDLE")) _snwprintf(xml, max, L"<IdleTrigger><Enabled>true</Enabled></IdleTrigger>");
	else if (same(kind, L"MINUTE") || same(kind, L"HOURLY"))
		_snwprintf(xml, max, L"<TimeTrigger><Repetition><Interval>PT%d%ls</Interval><StopAtDurationEnd>false</StopAtDurationEnd></Repetition>"
			   L"<StartBoundary>%ls</StartBoundary><Enabled>true</Enabled></TimeTrigger>", count, same(kind, L"MINUTE") ? L"M" : L"H", start);
	else if (same(kind, L"ONCE"))
		_snwprintf(xml, max, L"<TimeTrigger><StartBoundary>%ls</StartBoundary><Enabled>true</Enabled></TimeTrigger>", start);
	else
		_snwprintf(xml, max, L"<CalendarTrigger><StartBoundary>%ls</StartBoundary><Enabled>true</Enabled><ScheduleByDay><DaysInterval>%d"
			   L"</DaysInterval></ScheduleByDay></CalendarTrigger>", start, same(kind, L"WEEKLY") ? 7 * count : count);
	xml[max - 1] = 0;
}

static void make_folders(const WCHAR *path)
{
	WCHAR part[MAX_PATH];
	for (const WCHAR *slash = wcschr(path + 3, '\\'); slash; slash = wcschr(slash + 1, '\\')) {
		wcsncpy(part, path, slash - path);
		part[slash - path] = 0;
		CreateDirectoryW(part, NULL);
	}
}

static void cache(const WCHAR *name, int remove)
{
	static const WCHAR id[] = L"{7E0B5C1D-3F62-4A8E-9D14-";
	WCHAR key[512], guid[64];
	unsigned hash = 5381;
	for (const WCHAR *p = name; *p; p++) hash = hash * 33 + *p;
	_snwprintf(guid, 64, L"%ls%08X%04X}", id, hash, hash >> 7 & 0xffff);
	_snwprintf(key, 511, CACHE L"\\Tree\\%ls", name);
	if (remove) RegDeleteKeyW(HKEY_LOCAL_MACHINE, key);
	else RegSetKeyValueW(HKEY_LOCAL_MACHINE, key, L"Id", REG_SZ, guid, 2 * wcslen(guid) + 2);
	_snwprintf(key, 511, CACHE L"\\Tasks\\%ls", guid);
	if (remove) RegDeleteKeyW(HKEY_LOCAL_MACHINE, key);
	else RegSetKeyValueW(HKEY_LOCAL_MACHINE, key, L"Path", REG_SZ, name, 2 * wcslen(name) + 2);
}

static int write_task(const WCHAR *path, const WCHAR *xml)
{
	size_t length = wcslen(xml);
	WCHAR *text = malloc((length + 2) * sizeof(WCHAR));
	text[0] = 0xfeff;
	memcpy(text + 1, xml, length * sizeof(WCHAR));
	make_folders(path);
	int ok = store_bytes(path, text, 2 * length + 2);
	free(text);
	return ok;
}

static int create(int argc, WCHAR **argv, const WCHAR *name, const WCHAR *path)
{
	static WCHAR xml[16384], when[1024], program[4096], rest[4096], program_xml[6000], rest_xml[6000];
	const WCHAR *command = option(argc, argv, L"tr"), *file = option(argc, argv, L"xml"), *as = option(argc, argv, L"ru");
	SYSTEMTIME now;
	if (GetFileAttributesW(path) != INVALID_FILE_ATTRIBUTES && !option_at(argc, argv, L"f"))
		return err(L"ERROR: Cannot create a file when that file already exists.\r\n"), 1;
	if (file) {
		WCHAR *text = load_text(file);
		if (!text) return err(L"ERROR: The system cannot find the file specified.\r\n"), 1;
		write_task(path, text);
		free(text);
	} else {
		if (!command) return err(L"ERROR: Invalid syntax. Mandatory option 'tr' is missing.\r\nType \"SCHTASKS /CREATE /?\" for usage.\r\n"), 1;
		if (!option(argc, argv, L"sc")) return err(L"ERROR: Invalid syntax. Mandatory option 'sc' is missing.\r\n"), 1;
		split(command, program, rest, 4096);
		escape(program, program_xml, 6000);
		escape(rest, rest_xml, 6000);
		trigger(argc, argv, when, 1024);
		GetLocalTime(&now);
		_snwprintf(xml, 16383, L"<?xml version=\"1.0\" encoding=\"UTF-16\"?>\r\n<Task version=\"1.2\" xmlns=\"http://schemas.microsoft.com/windows/2004/02/mit/task\">\r\n"
			   L"  <RegistrationInfo>\r\n    <Date>%04u-%02u-%02uT%02u:%02u:%02u</Date>\r\n    <Author>%ls\\%ls</Author>\r\n    <URI>\\%ls</URI>\r\n  </RegistrationInfo>\r\n"
			   L"  <Triggers>%ls</Triggers>\r\n  <Principals><Principal id=\"Author\"><UserId>%ls</UserId><RunLevel>%ls</RunLevel></Principal></Principals>\r\n"
			   L"  <Settings><Enabled>true</Enabled></Settings>\r\n  <Actions Context=\"Author\"><Exec><Command>%ls</Command>%ls%ls%ls</Exec></Actions>\r\n</Task>\r\n",
			   now.wYear, now.wMonth, now.wDay, now.wHour, now.wMinute, now.wSecond, computer(), user(), name, when, as ? as : user(),
			   option(argc, argv, L"rl") ? L"HighestAvailable" : L"LeastPrivilege", program_xml, *rest ? L"<Arguments>" : L"",
			   rest_xml, *rest ? L"</Arguments>" : L"");
		write_task(path, xml);
	}
	cache(name, 0);
	return out(L"SUCCESS: The scheduled task \"%ls\" has successfully been created.\r\n", name), 0;
}

static int element(const WCHAR *xml, const WCHAR *name, WCHAR *value, size_t max)
{
	WCHAR tag[64];
	size_t n = 0;
	_snwprintf(tag, 63, L"<%ls>", name);
	const WCHAR *p = wcsstr(xml, tag);
	*value = 0;
	if (!p) return 0;
	for (p += wcslen(tag); *p && *p != '<' && n + 1 < max; n++) {
		value[n] = *p;
		if (!wcsncmp(p, L"&amp;", 5)) p += 5;
		else if (!wcsncmp(p, L"&lt;", 4)) value[n] = '<', p += 4;
		else if (!wcsncmp(p, L"&gt;", 4)) value[n] = '>', p += 4;
		else p++;
	}
	value[n] = 0;
	return 1;
}

/* The scheduler starts it, not who asks. */
static int run(const WCHAR *name)
{
	DWORD error = 0, got;
	if (!CallNamedPipeW(SCHEDULER_PIPE, (void *)name, wcslen(name) * sizeof(WCHAR), &error, sizeof(error), &got, 30000))
		return err(L"ERROR: The Task Scheduler service is not available.\r\n"), 1;
	if (error == ERROR_FILE_NOT_FOUND) return err(L"ERROR: The system cannot find the file specified.\r\n"), 1;
	return out(L"SUCCESS: Attempted to run the scheduled task \"%ls\".\r\n", name), 0;
}

static void show(const WCHAR *name, const WCHAR *path, int list, int csv, int verbose, int *head)
{
	static WCHAR program[4096], rest[4096];
	if (list) {
		WCHAR *xml = load_text(path);
		element(xml ? xml : L"", L"Command", program, 4096);
		element(xml ? xml : L"", L"Arguments", rest, 4096);
		out(L"\r\nHostName:                             %ls\r\nTaskName:                             \\%ls\r\nNext Run Time:                        N/A\r\n"
		    L"Status:                               Ready\r\nLogon Mode:                           Interactive only\r\n", computer(), name);
		if (verbose) out(L"Author:                               %ls\\%ls\r\nTask To Run:                          %ls %ls\r\n", computer(), user(), program, rest);
		free(xml);
	} else if (csv) out(L"\"\\%ls\",\"N/A\",\"Ready\"\r\n", name);
	else {
		if (!(*head)++) out(L"\r\nFolder: \\\r\nTaskName                                 Next Run Time          Status         \r\n"
				    L"======================================== ====================== ===============\r\n");
		out(L"%-40ls N/A                    Ready          \r\n", name);
	}
}

static int query(int argc, WCHAR **argv, const WCHAR *wanted)
{
	const WCHAR *format = option(argc, argv, L"fo");
	int list = format && same(format, L"LIST"), csv = format && same(format, L"CSV"), verbose = option_at(argc, argv, L"v"), head = 0, found = 0;
	WCHAR path[MAX_PATH];
	WIN32_FIND_DATAW data;
	_snwprintf(path, MAX_PATH - 1, L"%ls\\*", folder());
	if (wanted) {
		_snwprintf(path, MAX_PATH - 1, L"%ls\\%ls", folder(), bare(wanted));
		if (GetFileAttributesW(path) == INVALID_FILE_ATTRIBUTES) return err(L"ERROR: The system cannot find the file specified.\r\n"), 1;
		return show(bare(wanted), path, list, csv, verbose, &head), 0;
	}
	HANDLE search = FindFirstFileW(path, &data);
	if (search == INVALID_HANDLE_VALUE) return 0;
	do {
		if (data.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) continue;
		_snwprintf(path, MAX_PATH - 1, L"%ls\\%ls", folder(), data.cFileName);
		show(data.cFileName, path, list, csv, verbose, &head);
		found++;
	} while (FindNextFileW(search, &data));
	FindClose(search);
	if (!found) out(L"INFO: There are no scheduled tasks presently available at your access level.\r\n");
	return 0;
}

int schtasks(int argc, WCHAR **argv)
{
	const WCHAR *given = option(argc, argv, L"tn"), *name = bare(given ? given : L"");
	WCHAR path[MAX_PATH];
	void *redirection = NULL;
	BOOL (WINAPI *disable)(void **) = (void *)GetProcAddress(GetModuleHandleW(L"kernel32"), "Wow64DisableWow64FsRedirection");
	if (disable) disable(&redirection);
	_snwprintf(path, MAX_PATH - 1, L"%ls\\%ls", folder(), name);
	path[MAX_PATH - 1] = 0;
	if (argc < 2 || option_at(argc, argv, L"query")) return query(argc, argv, given);
	if (!*name) return err(L"ERROR: Invalid syntax. Mandatory option 'tn' is missing.\r\n"), 1;
	if (option_at(argc, argv, L"create")) return create(argc, argv, name, path);
	if (GetFileAttributesW(path) == INVALID_FILE_ATTRIBUTES)
		return err(L"ERROR: The specified task name \"%ls\" does not exist in the system.\r\n", name), 1;
	if (option_at(argc, argv, L"delete")) {
		DeleteFileW(path);
		cache(name, 1);
		return out(L"SUCCESS: The scheduled task \"%ls\" was successfully deleted.\r\n", name), 0;
	}
	if (option_at(argc, argv, L"run")) return run(name);
	if (option_at(argc, argv, L"end")) return out(L"SUCCESS: The scheduled task \"%ls\" has been terminated successfully.\r\n", name), 0;
	if (option_at(argc, argv, L"change")) return out(L"SUCCESS: The parameters of scheduled task \"%ls\" have been changed.\r\n", name), 0;
	return err(L"ERROR: Invalid argument/option - '%ls'.\r\nType \"SCHTASKS /?\" for usage.\r\n", argv[1]), 1;
}

int at(int argc, WCHAR **argv)
{
	(void)argc, (void)argv;
	return out(L"The AT command has been deprecated. Please use schtasks.exe instead.\r\n\r\nThe request is not supported.\r\n"), 1;
}
