/* The task scheduler: starts what the files in System32\Tasks ask for, when they ask for it.
 *
 * Only tasks that appear or change after the warm state are run, and those that a request names (schtasks /run); it sleeps
 * until a file changes, a request comes or the next one is due.
 * What it understands: Exec actions; time and calendar triggers with a start and a repetition interval; boot, log-on, idle
 * and registration triggers as "as soon as the user is there again" (log-on: not within the run, registration: at once). */
#include "session.h"
#include <stdio.h>
#include <stdlib.h>
#include <wchar.h>

#define MOST 256
#define NEVER (~0ull)
#define SECOND 10000000ull /* FILETIME units */

static WCHAR folder[MAX_PATH];

struct task {
	WCHAR path[MAX_PATH];
	ULONGLONG changed, due, interval; /* FILETIME; NEVER: not within this session */
	int seen;
};
static struct task tasks[MOST];
static int task_count;
static CRITICAL_SECTION lock; /* one thread for what is due, one for requests */

static ULONGLONG now(void)
{
	FILETIME time;
	GetSystemTimeAsFileTime(&time);
	return (ULONGLONG)time.dwHighDateTime << 32 | time.dwLowDateTime;
}

static int element(const WCHAR *xml, const WCHAR *name, WCHAR *value, size_t max)
{
	static const struct { const WCHAR *entity; WCHAR c; } entities[] = {{L"&amp;", '&'}, {L"&lt;", '<'}, {L"&gt;", '>'}, {L"&quot;", '"'}, {L"&apos;", '\''}};
	WCHAR tag[64];
	size_t n = 0;
	swprintf(tag, 64, L"<%ls>", name);
	const WCHAR *p = wcsstr(xml, tag);
	*value = 0;
	if (!p) return 0;
	for (p += wcslen(tag); *p && *p != '<' && n + 1 < max; n++) {
		size_t skip = 1;
		value[n] = *p;
		for (int i = 0; i < 5; i++)
			if (!wcsncmp(p, entities[i].entity, wcslen(entities[i].entity))) value[n] = entities[i].c, skip = wcslen(entities[i].entity);
		p += skip;
	}
	value[n] = 0;
	return 1;
}

static WCHAR *read_xml(const WCHAR *path)
{
	HANDLE file = CreateFileW(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL, OPEN_EXISTING, 0, NULL);
	static char bytes[256 * 1024];
	DWORD got = 0;
	if (file == INVALID_HANDLE_VALUE) return NULL;
	ReadFile(file, bytes, sizeof(bytes) - 2, &got, NULL);
	CloseHandle(file);
	bytes[got] = bytes[got + 1] = 0;
	WCHAR *text = calloc(got + 1, sizeof(WCHAR));
	if (got > 2 && (bytes[1] == 0 || (unsigned char)bytes[0] == 0xff)) memcpy(text, bytes, got & ~1u);
	else MultiByteToWideChar(CP_UTF8, 0, bytes, got, text, got);
	return text;
}

/* PT5M, PT1H30M, P1D -> FILETIME units */
static ULONGLONG duration(const WCHAR *text)
{
	ULONGLONG total = 0, number = 0;
	int time = 0;
	for (; *text; text++) {
		if (*text == 'T') time = 1;
		else if (*text >= '0' && *text <= '9') number = number * 10 + (*text - '0');
		else {
			ULONGLONG unit = *text == 'D' ? 86400 : *text == 'H' ? 3600 : *text == 'M' ? (time ? 60 : 30 * 86400) : *text == 'S' ? 1 : 0;
			total += number * unit;
			number = 0;
		}
	}
	return total * SECOND;
}

static ULONGLONG moment(const WCHAR *text)
{
	unsigned y, mo, d, h, mi, s = 0;
	SYSTEMTIME local = {0};
	FILETIME there, universal;
	if (swscanf(text, L"%u-%u-%uT%u:%u:%u", &y, &mo, &d, &h, &mi, &s) < 5) return NEVER;
	local.wYear = y, local.wMonth = mo, local.wDay = d, local.wHour = h, local.wMinute = mi, local.wSecond = s;
	if (!SystemTimeToFileTime(&local, &there) || !LocalFileTimeToFileTime(&there, &universal)) return NEVER;
	return (ULONGLONG)universal.dwHighDateTime << 32 | universal.dwLowDateTime;
}

/* When the task is due first or next. A start in the past with a repetition is due at its next repetition. */
static void plan(struct task *task, const WCHAR *xml)
{
	WCHAR value[128];
	ULONGLONG at = now();
	task->due = NEVER;
	task->interval = element(xml, L"Interval", value, 128) ? duration(value) : 0;
	if (element(xml, L"DaysInterval", value, 128)) task->interval = task->interval ? task->interval : _wtoi(value) * 86400 * SECOND;
	if (element(xml, L"StartBoundary", value, 128) && (wcsstr(xml, L"<TimeTrigger") || wcsstr(xml, L"<CalendarTrigger"))) {
		ULONGLONG start = moment(value);
		if (start != NEVER && start <= at && task->interval) start += (at - start + task->interval - 1) / task->interval * task->interval;
		if (start >= at || start + 60 * SECOND > at) task->due = start; /* the minute in which it was made counts */
	}
	if (wcsstr(xml, L"<RegistrationTrigger")) task->due = at;
	if (element(xml, L"Enabled", value, 128) && !_wcsicmp(value, L"false")) task->due = NEVER;
}

static DWORD run(const WCHAR *path)
{
	static WCHAR program[4096], arguments[4096], directory[1024], line[8300], full[8300];
	STARTUPINFOW start = {.cb = sizeof(start)};
	PROCESS_INFORMATION info;
	DWORD error = 0;
	WCHAR *xml = read_xml(path);
	if (!xml) return ERROR_FILE_NOT_FOUND;
	element(xml, L"Command", program, 4096);
	element(xml, L"Arguments", arguments, 4096);
	element(xml, L"WorkingDirectory", directory, 1024);
	WCHAR *bare = *program == '"' ? program + 1 : program;
	if (bare != program && *bare && bare[wcslen(bare) - 1] == '"') bare[wcslen(bare) - 1] = 0;
	_snwprintf(line, 8299, L"\"%ls\" %ls", bare, arguments);
	ExpandEnvironmentStringsW(line, full, 8300);
	if (CreateProcessW(NULL, full, NULL, NULL, FALSE, CREATE_NEW_CONSOLE, NULL, *directory ? directory : L"C:\\windows\\system32", &start, &info)) {
		CloseHandle(info.hThread);
		CloseHandle(info.hProcess);
	} else error = GetLastError();
	free(xml);
	return error;
}

static void look_at(const WCHAR *path, ULONGLONG changed, int first)
{
	int i = 0;
	while (i < task_count && _wcsicmp(tasks[i].path, path)) i++;
	if (i == MOST) return;
	struct task *task = &tasks[i];
	if (i == task_count) {
		task_count++;
		memset(task, 0, sizeof(*task));
		wcsncpy(task->path, path, MAX_PATH - 1);
		task->due = NEVER;
	} else if (task->changed == changed) {
		task->seen = 1;
		return;
	}
	task->seen = 1;
	task->changed = changed;
	if (first) return;
	WCHAR *xml = read_xml(path);
	if (xml) plan(task, xml);
	free(xml);
}

static void look(const WCHAR *below, int first, int depth)
{
	WCHAR path[MAX_PATH];
	WIN32_FIND_DATAW found;
	_snwprintf(path, MAX_PATH - 1, L"%ls\\*", below);
	HANDLE search = FindFirstFileW(path, &found);
	if (search == INVALID_HANDLE_VALUE) return;
	do {
		if (*found.cFileName == '.') continue;
		_snwprintf(path, MAX_PATH - 1, L"%ls\\%ls", below, found.cFileName);
		if (found.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) {
			if (depth < 8) look(path, first, depth + 1);
		} else
			look_at(path, (ULONGLONG)found.ftLastWriteTime.dwHighDateTime << 32 | found.ftLastWriteTime.dwLowDateTime, first);
	} while (FindNextFileW(search, &found));
	FindClose(search);
}

static void forget_deleted(void)
{
	for (int i = 0; i < task_count; i++)
		if (!tasks[i].seen) tasks[i--] = tasks[--task_count];
	for (int i = 0; i < task_count; i++) tasks[i].seen = 0;
}

static DWORD run_due(void)
{
	ULONGLONG at = now(), next = NEVER;
	for (int i = 0; i < task_count; i++) {
		struct task *task = &tasks[i];
		if (task->due != NEVER && task->due <= at) {
			run(task->path);
			task->due = task->interval ? at + task->interval : NEVER;
		}
		if (task->due < next) next = task->due;
	}
	if (next == NEVER) return INFINITE;
	ULONGLONG wait = (next - at) / 10000 + 1;
	return wait > 0x7fffffff ? 0x7fffffff : wait;
}

static DWORD run_named(const WCHAR *name)
{
	WCHAR path[MAX_PATH];
	_snwprintf(path, MAX_PATH - 1, L"%ls\\%ls", folder, name);
	path[MAX_PATH - 1] = 0;
	EnterCriticalSection(&lock);
	DWORD error = run(path);
	LeaveCriticalSection(&lock);
	return error;
}

/* One request after the other. Who asks and then says nothing keeps others waiting, not what is due. */
static DWORD WINAPI take_requests(void *argument)
{
	HANDLE pipe = argument;
	WCHAR name[MAX_PATH];
	DWORD got, error;
	for (;;) {
		if (!ConnectNamedPipe(pipe, NULL) && GetLastError() != ERROR_PIPE_CONNECTED) Sleep(1000);
		else if (ReadFile(pipe, name, sizeof(name) - sizeof(WCHAR), &got, NULL)) {
			name[got / sizeof(WCHAR)] = 0;
			error = run_named(name);
			WriteFile(pipe, &error, sizeof(error), &got, NULL);
			FlushFileBuffers(pipe);
		}
		DisconnectNamedPipe(pipe);
	}
	return 0;
}

static void serve_requests(void)
{
	HANDLE pipe = CreateNamedPipeW(SCHEDULER_PIPE, PIPE_ACCESS_DUPLEX, PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE | PIPE_WAIT, 1,
				       4096, 4096, 0, NULL);
	if (pipe != INVALID_HANDLE_VALUE) CloseHandle(CreateThread(NULL, 65536, take_requests, pipe, 0, NULL));
}

static DWORD look_and_run(int changed)
{
	EnterCriticalSection(&lock);
	if (changed) {
		look(folder, 0, 0);
		forget_deleted();
	}
	DWORD wait = run_due();
	LeaveCriticalSection(&lock);
	return wait;
}

int schedule(void)
{
	DWORD done, wait = INFINITE;
	HANDLE output = GetStdHandle(STD_OUTPUT_HANDLE);
	clean_environment();
	GetSystemDirectoryW(folder, MAX_PATH - 10);
	wcscat(folder, L"\\Tasks");
	CreateDirectoryW(folder, NULL);
	look(folder, 1, 0);
	forget_deleted();
	HANDLE change = FindFirstChangeNotificationW(folder, TRUE, FILE_NOTIFY_CHANGE_FILE_NAME | FILE_NOTIFY_CHANGE_LAST_WRITE | FILE_NOTIFY_CHANGE_SIZE | FILE_NOTIFY_CHANGE_DIR_NAME);
	InitializeCriticalSection(&lock);
	serve_requests();
	WriteFile(output, "ready\n", 6, &done, NULL);
	for (;;) {
		int changed = WaitForSingleObject(change, wait) == WAIT_OBJECT_0;
		if (changed) {
			FindNextChangeNotification(change);
			Sleep(200); /* until what is being written is whole */
		}
		wait = look_and_run(changed);
	}
}
