/* Starts samples the way the desktop would. Waits in the session before the warm state is saved.
 *
 * Standard input, one command a line, fields separated by tabs:
 *     run  HOW  PATH  [ARGUMENTS]      PATH as Windows writes it, or as the guest's kernel does (/home/USER/.wine/drive_c/...)
 *     logoff                           ends what the user runs
 *     logon                            what comes back: auto-start services, Run and RunOnce keys, startup folders
 * HOW: exe dll service driver msi script bat hta open ps1 cpl reg (see the table `ways`)
 *
 * Standard output, one line an answer:
 *     role KERNEL-PID watch service    before "ready": the service manager
 *     inhabitant WINDOWS-PID IMAGE     before "ready": each process that a sample will find
 *     ready
 *     started WINDOWS-PID HOW          for each process started
 *     error TEXT                       nothing could be started
 *     logged-on                        all that comes back was started
 *     ended WINDOWS-PID EXIT-CODE      a process started here has ended
 *     console out|err TEXT             what it wrote to its standard handles: C escapes, at most 1000 bytes of text a line
 *
 * It is the first Windows program of the session: it takes the machine's own variables out of the environment, starts
 * the desktop, and warms up what every sample needs. Its relations are set up so that a sample sees the desktop
 * (explorer.exe) as its parent. */
#define COBJMACROS
#include "session.h"
#include <shellapi.h>
#include <shlobj.h>
#include <tlhelp32.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define MOST_EXPORTS 5
#define EXPORT_WAIT 20000      /* ms (guest time) that each export of a library gets */
#define CONSOLE_MOST (256 * 1024)
#define ROOM 32768

static HANDLE input, output, desktop;
static HANDLE console_out[2]; /* read ends are served by threads: out, err */
static HANDLE given[4];       /* standard handles and console of what is started, in the desktop's handle table */
static CRITICAL_SECTION say_lock;

static void say(const char *format, ...)
{
	char line[8192];
	va_list args;
	DWORD done;
	va_start(args, format);
	int n = vsnprintf(line, sizeof(line) - 1, format, args);
	va_end(args);
	if (n < 0) return;
	if (n > (int)sizeof(line) - 2) n = sizeof(line) - 2;
	line[n++] = '\n';
	EnterCriticalSection(&say_lock);
	WriteFile(output, line, n, &done, NULL);
	LeaveCriticalSection(&say_lock);
}

static void say_error(const char *what, DWORD code)
{
	WCHAR text[256] = L"";
	char utf8[1024] = "";
	FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL, code, 0, text, 256, NULL);
	for (WCHAR *p = text; *p; p++) if (*p < ' ') *p = ' ';
	WideCharToMultiByte(CP_UTF8, 0, text, -1, utf8, sizeof(utf8), NULL, NULL);
	say("error %s: %lu %s", what, code, utf8);
}

/* ---- starting -------------------------------------------------------------------------------------------------- */

static WCHAR system_directory[MAX_PATH], wow_directory[MAX_PATH], windows_directory[MAX_PATH];

__declspec(dllimport) void *WINAPI RtlGetCurrentPeb(void);

/* RTL_USER_PROCESS_PARAMETERS.ConsoleHandle of this process */
static HANDLE *console_slot(void)
{
	return (HANDLE *)(*(char **)((char *)RtlGetCurrentPeb() + 0x20) + 0x10);
}

struct spawn { const WCHAR *program, *line, *directory; int hidden; };

/* The desktop as parent, the console of this program, and standard handles that come back here. */
static BOOL create(const struct spawn *s, PROCESS_INFORMATION *info)
{
	STARTUPINFOEXW start = {0};
	char room[256];
	SIZE_T size = sizeof(room);
	WCHAR *line = _wcsdup(s->line);
	start.StartupInfo.cb = sizeof(start);
	start.StartupInfo.dwFlags = STARTF_USESHOWWINDOW | STARTF_USESTDHANDLES;
	start.StartupInfo.wShowWindow = s->hidden ? SW_HIDE : SW_SHOWNORMAL;
	start.StartupInfo.hStdInput = given[0];
	start.StartupInfo.hStdOutput = given[1];
	start.StartupInfo.hStdError = given[2];
	start.lpAttributeList = (void *)room;
	DWORD flags = EXTENDED_STARTUPINFO_PRESENT;
	if (!desktop || !given[1] || !InitializeProcThreadAttributeList(start.lpAttributeList, 1, 0, &size) ||
	    !UpdateProcThreadAttribute(start.lpAttributeList, 0, PROC_THREAD_ATTRIBUTE_PARENT_PROCESS, &desktop, sizeof(desktop), NULL, NULL)) {
		start.StartupInfo.cb = sizeof(start.StartupInfo);
		start.StartupInfo.dwFlags = STARTF_USESHOWWINDOW;
		flags = 0;
	}
	/* Wine gives a child the console handle that stands in the creator's parameters, but looks it up in the table of the
	 * parent that was asked for. */
	HANDLE own_console = *console_slot();
	if (flags) *console_slot() = given[3];
	BOOL ok = CreateProcessW(s->program, line, NULL, NULL, flags != 0, flags, NULL, s->directory, &start.StartupInfo, info);
	*console_slot() = own_console;
	free(line);
	return ok;
}

static DWORD WINAPI wait_for_end(void *argument)
{
	HANDLE process = argument;
	DWORD code = 0;
	WaitForSingleObject(process, INFINITE);
	GetExitCodeProcess(process, &code);
	say("ended %lu %lu", GetProcessId(process), code);
	CloseHandle(process);
	return 0;
}

static void watch(HANDLE process)
{
	CloseHandle(CreateThread(NULL, 65536, wait_for_end, process, 0, NULL));
}

static HANDLE start(const char *how, const WCHAR *program, const WCHAR *line, const WCHAR *directory)
{
	PROCESS_INFORMATION info;
	struct spawn s = {program, line, directory, 0};
	HANDLE copy = NULL;
	if (!create(&s, &info)) return NULL;
	say("started %lu %s", info.dwProcessId, how);
	CloseHandle(info.hThread);
	DuplicateHandle(GetCurrentProcess(), info.hProcess, GetCurrentProcess(), &copy, 0, FALSE, DUPLICATE_SAME_ACCESS);
	watch(info.hProcess);
	return copy;
}

/* ---- what a file is -------------------------------------------------------------------------------------------- */

struct library { int wide, count, known; char exports[MOST_EXPORTS][256]; };
enum { REGISTER = 1, INSTALL = 2, SERVICE = 4, CPL = 8 };

static const unsigned char *at_rva(const unsigned char *base, size_t size, const IMAGE_SECTION_HEADER *s, unsigned n, DWORD rva, size_t want)
{
	for (unsigned i = 0; i < n; i++)
		if (rva >= s[i].VirtualAddress && rva - s[i].VirtualAddress < s[i].SizeOfRawData) {
			size_t at = (size_t)s[i].PointerToRawData + (rva - s[i].VirtualAddress);
			return at < size && want <= size - at ? base + at : NULL;
		}
	return NULL;
}

/* Width and the first exported names, read from the file: nothing of it is run here. */
static void read_library(const unsigned char *base, size_t size, struct library *lib)
{
	const IMAGE_DOS_HEADER *dos = (const void *)base;
	if (size < 1024 || dos->e_magic != IMAGE_DOS_SIGNATURE || dos->e_lfanew < 0 || (size_t)dos->e_lfanew > size - 512) return;
	const IMAGE_NT_HEADERS64 *nt = (const void *)(base + dos->e_lfanew);
	const IMAGE_NT_HEADERS32 *nt32 = (const void *)nt;
	lib->wide = nt->FileHeader.Machine == IMAGE_FILE_MACHINE_AMD64;
	DWORD rva = lib->wide ? nt->OptionalHeader.DataDirectory[0].VirtualAddress : nt32->OptionalHeader.DataDirectory[0].VirtualAddress;
	unsigned n = nt->FileHeader.NumberOfSections;
	const IMAGE_SECTION_HEADER *s = (const void *)((const char *)&nt->OptionalHeader + nt->FileHeader.SizeOfOptionalHeader);
	if ((const unsigned char *)(s + n) > base + size) return;
	const IMAGE_EXPORT_DIRECTORY *e = (const void *)at_rva(base, size, s, n, rva, sizeof(*e));
	if (!rva || !e) return;
	DWORD names = e->NumberOfNames > 4096 ? 4096 : e->NumberOfNames;
	const DWORD *table = (const void *)at_rva(base, size, s, n, e->AddressOfNames, 4 * names);
	for (DWORD i = 0; table && i < names; i++) {
		const char *name = (const void *)at_rva(base, size, s, n, table[i], 1);
		if (!name || !memchr(name, 0, base + size - (const unsigned char *)name)) continue;
		if (!strcmp(name, "DllRegisterServer")) lib->known |= REGISTER;
		else if (!strcmp(name, "DllInstall")) lib->known |= INSTALL;
		else if (!strcmp(name, "ServiceMain")) lib->known |= SERVICE;
		else if (!strcmp(name, "CPlApplet")) lib->known |= CPL;
		else if (strcmp(name, "DllMain") && strncmp(name, "DllUnregister", 13) && strncmp(name, "DllCanUnload", 12) &&
			 strncmp(name, "DllGetClass", 11) && lib->count < MOST_EXPORTS && strlen(name) < 256)
			strcpy(lib->exports[lib->count++], name);
	}
	if (!names && e->NumberOfFunctions) /* by number only */
		for (DWORD i = 0; i < e->NumberOfFunctions && lib->count < MOST_EXPORTS; i++)
			sprintf(lib->exports[lib->count++], "#%lu", e->Base + i);
}

static struct library inspect(const WCHAR *path)
{
	struct library lib = {1, 0, 0, {{0}}};
	HANDLE file = CreateFileW(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_DELETE, NULL, OPEN_EXISTING, 0, NULL);
	LARGE_INTEGER size;
	if (file == INVALID_HANDLE_VALUE) return lib;
	HANDLE mapping = CreateFileMappingW(file, NULL, PAGE_READONLY, 0, 0, NULL);
	const void *view = mapping ? MapViewOfFile(mapping, FILE_MAP_READ, 0, 0, 0) : NULL;
	if (view && GetFileSizeEx(file, &size)) read_library(view, size.QuadPart, &lib);
	if (view) UnmapViewOfFile(view);
	if (mapping) CloseHandle(mapping);
	CloseHandle(file);
	return lib;
}

/* ---- ways ------------------------------------------------------------------------------------------------------ */

struct job { char how[16]; WCHAR path[ROOM / 2], arguments[ROOM / 2], directory[ROOM / 2]; };

static int run_line(const struct job *job, const WCHAR *program, const WCHAR *format)
{
	static WCHAR line[2 * ROOM];
	_snwprintf(line, 2 * ROOM - 1, format, job->path, job->arguments);
	HANDLE process = start(job->how, program, line, job->directory);
	if (process) CloseHandle(process);
	return process != NULL;
}

static const WCHAR *tool(const WCHAR *name, int wide)
{
	static WCHAR path[MAX_PATH];
	swprintf(path, MAX_PATH, L"%ls\\%ls", wide ? system_directory : wow_directory, name);
	return path;
}

static int run_exe(const struct job *job) { return run_line(job, job->path, L"\"%ls\" %ls"); }
static int run_msi(const struct job *job) { return run_line(job, tool(L"msiexec.exe", 1), L"msiexec.exe /i \"%ls\" /qn %ls"); }
static int run_script(const struct job *job) { return run_line(job, tool(L"wscript.exe", 1), L"wscript.exe \"%ls\" %ls"); }
static int run_bat(const struct job *job) { return run_line(job, tool(L"cmd.exe", 1), L"cmd.exe /c \"\"%ls\" %ls\""); }
static int run_hta(const struct job *job) { return run_line(job, tool(L"mshta.exe", 1), L"mshta.exe \"%ls\" %ls"); }
static int run_cpl(const struct job *job) { return run_line(job, tool(L"control.exe", 1), L"control.exe \"%ls\",%ls"); }
static int run_reg(const struct job *job) { return run_line(job, NULL, L"C:\\windows\\regedit.exe /S \"%ls\""); }

static int run_ps1(const struct job *job)
{
	return run_line(job, tool(L"WindowsPowerShell\\v1.0\\powershell.exe", 1),
			L"powershell.exe -ExecutionPolicy Bypass -File \"%ls\" %ls");
}

/* What a shortcut leads to. Wine's shell would start the .lnk file itself as a program. */
static int follow(const WCHAR *path, struct job *target)
{
	IShellLinkW *link = NULL;
	IPersistFile *file = NULL;
	int found = 0;
	CoInitialize(NULL);
	if (SUCCEEDED(CoCreateInstance(&CLSID_ShellLink, NULL, CLSCTX_INPROC_SERVER, &IID_IShellLinkW, (void **)&link)) &&
	    SUCCEEDED(IShellLinkW_QueryInterface(link, &IID_IPersistFile, (void **)&file)) &&
	    SUCCEEDED(IPersistFile_Load(file, path, STGM_READ))) {
		IShellLinkW_GetPath(link, target->path, ROOM / 2 - 1, NULL, 0);
		IShellLinkW_GetArguments(link, target->arguments, sizeof(target->arguments) / sizeof(WCHAR) - 1);
		IShellLinkW_GetWorkingDirectory(link, target->directory, sizeof(target->directory) / sizeof(WCHAR) - 1);
		found = *target->path != 0;
	}
	if (file) IPersistFile_Release(file);
	if (link) IShellLinkW_Release(link);
	CoUninitialize();
	return found;
}

static int run_open(const struct job *given_job)
{
	static struct job target;
	const struct job *job = given_job;
	const WCHAR *dot = wcsrchr(job->path, '.');
	SHELLEXECUTEINFOW info = {0};
	if (dot && !_wcsicmp(dot, L".lnk")) {
		target = *job;
		if (!follow(job->path, &target)) return 0;
		job = &target;
	}
	info.cbSize = sizeof(info);
	info.fMask = SEE_MASK_NOCLOSEPROCESS | SEE_MASK_FLAG_NO_UI | SEE_MASK_NOASYNC;
	info.lpFile = job->path;
	info.lpParameters = *job->arguments ? job->arguments : NULL;
	info.lpDirectory = job->directory;
	info.nShow = SW_SHOWNORMAL;
	if (!ShellExecuteExW(&info)) return 0;
	say("started %lu open", info.hProcess ? GetProcessId(info.hProcess) : 0);
	if (info.hProcess) watch(info.hProcess);
	return 1;
}

/* A library is started as its installer would; without a known entry each export gets its turn. */
static int run_dll(const struct job *job)
{
	static WCHAR line[2 * ROOM], name[256], program[MAX_PATH];
	struct library lib = inspect(job->path);
	int started = 0, serial = 0;
	HANDLE process = NULL;
	WCHAR wanted[1024], *rest = wanted;
	wcsncpy(wanted, job->arguments, 1023);
	wanted[1023] = 0;
	if (!*wanted && lib.known & CPL) return run_cpl(job);
	if (!*wanted && lib.known & (REGISTER | INSTALL)) {
		_snwprintf(line, 2 * ROOM - 1, L"regsvr32.exe /s %ls\"%ls\"", lib.known & REGISTER ? L"" : L"/n /i ", job->path);
		wcscpy(program, tool(L"regsvr32.exe", lib.wide));
		process = start(job->how, program, line, job->directory);
		started += process != NULL;
	}
	wcscpy(program, tool(L"rundll32.exe", lib.wide));
	while (serial < MOST_EXPORTS) {
		if (*wanted) { /* exports asked for: names or #ordinals, separated by commas */
			WCHAR *comma = wcschr(rest, ',');
			if (!*rest) break;
			if (comma) *comma = 0;
			wcsncpy(name, rest, 255);
			rest = comma ? comma + 1 : rest + wcslen(rest);
		} else if (serial < lib.count) {
			MultiByteToWideChar(CP_UTF8, 0, lib.exports[serial], -1, name, 256);
		} else if (!lib.count && !started) {
			wcscpy(name, L"#1"); /* only DllMain */
		} else break;
		serial++;
		if (process) {
			WaitForSingleObject(process, EXPORT_WAIT);
			CloseHandle(process);
		}
		_snwprintf(line, 2 * ROOM - 1, L"rundll32.exe \"%ls\",%ls", job->path, name);
		process = start(job->how, program, line, job->directory);
		started += process != NULL;
	}
	if (process) CloseHandle(process);
	return started;
}

static void service_name(const struct job *job, WCHAR *name, size_t max)
{
	const WCHAR *base = wcsrchr(job->path, '\\');
	wcsncpy(name, base ? base + 1 : job->path, max - 1);
	name[max - 1] = 0;
	WCHAR *dot = wcsrchr(name, '.');
	if (dot) *dot = 0;
}

static int run_service(const struct job *job)
{
	static WCHAR image[ROOM];
	WCHAR name[128];
	SERVICE_STATUS_PROCESS status;
	DWORD needed;
	service_name(job, name, 128);
	_snwprintf(image, ROOM - 1, *job->arguments ? L"\"%ls\" %ls" : L"\"%ls\"", job->path, job->arguments);
	SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_ALL_ACCESS);
	SC_HANDLE service = CreateServiceW(manager, name, name, SERVICE_ALL_ACCESS, SERVICE_WIN32_OWN_PROCESS, SERVICE_AUTO_START,
					   SERVICE_ERROR_IGNORE, image, NULL, NULL, NULL, NULL, NULL);
	int ok = service && StartServiceW(service, 0, NULL);
	if (ok && QueryServiceStatusEx(service, SC_STATUS_PROCESS_INFO, (BYTE *)&status, sizeof(status), &needed))
		say("started %lu service", status.dwProcessId);
	if (service) CloseServiceHandle(service);
	if (manager) CloseServiceHandle(manager);
	return ok || run_exe(job); /* one that is no service is still a program */
}

/* A driver is asked for as its installer would; Wine runs few, and no foreign one changes its kernel: there is none. */
static int run_driver(const struct job *job)
{
	WCHAR name[128];
	service_name(job, name, 128);
	SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_ALL_ACCESS);
	SC_HANDLE service = CreateServiceW(manager, name, name, SERVICE_ALL_ACCESS, SERVICE_KERNEL_DRIVER, SERVICE_DEMAND_START,
					   SERVICE_ERROR_IGNORE, job->path, NULL, NULL, NULL, NULL, NULL);
	int ok = service && StartServiceW(service, 0, NULL);
	if (ok) say("started 0 driver");
	if (service) CloseServiceHandle(service);
	if (manager) CloseServiceHandle(manager);
	return ok;
}

static const struct way { const char *how; int (*run)(const struct job *); } ways[] = {
	{"exe", run_exe}, {"dll", run_dll}, {"service", run_service}, {"msi", run_msi},
	{"script", run_script}, {"bat", run_bat}, {"hta", run_hta}, {"open", run_open}, {"ps1", run_ps1}, {"cpl", run_cpl},
	{"reg", run_reg}, {"driver", run_driver},
};

/* ---- logoff, logon --------------------------------------------------------------------------------------------- */

static void run_key(HKEY root, REGSAM view, const WCHAR *path, int once)
{
	HKEY key;
	WCHAR name[512], value[4096], expanded[8192];
	if (RegOpenKeyExW(root, path, 0, KEY_READ | KEY_WRITE | view, &key)) return;
	for (DWORD i = 0; i < 256;) {
		DWORD names = 512, size = sizeof(value) - 2, type;
		LONG status = RegEnumValueW(key, i, name, &names, NULL, &type, (BYTE *)value, &size);
		if (status == ERROR_MORE_DATA) { i++; continue; }
		if (status) break;
		if (once && !RegDeleteValueW(key, name)) ; else i++;
		if (type != REG_SZ && type != REG_EXPAND_SZ) continue;
		value[size / 2] = 0;
		ExpandEnvironmentStringsW(value, expanded, 8192);
		HANDLE process = start("logon", NULL, expanded, NULL);
		if (process) CloseHandle(process);
	}
	RegCloseKey(key);
}

static void run_startup(const WCHAR *variable, const WCHAR *below)
{
	WCHAR folder[MAX_PATH], pattern[MAX_PATH + 4];
	WIN32_FIND_DATAW found;
	DWORD length = GetEnvironmentVariableW(variable, folder, MAX_PATH);
	if (!length || length + wcslen(below) >= MAX_PATH) return;
	wcscat(folder, below);
	swprintf(pattern, MAX_PATH + 4, L"%ls\\*", folder);
	HANDLE search = FindFirstFileW(pattern, &found);
	if (search == INVALID_HANDLE_VALUE) return;
	do {
		static struct job job;
		if (found.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY || !_wcsicmp(found.cFileName, L"desktop.ini")) continue;
		strcpy(job.how, "logon");
		_snwprintf(job.path, ROOM / 2 - 1, L"%ls\\%ls", folder, found.cFileName);
		wcscpy(job.directory, folder);
		job.arguments[0] = 0;
		run_open(&job);
	} while (FindNextFileW(search, &found));
	FindClose(search);
}

static void start_services(void)
{
	static BYTE room[256 * 1024];
	DWORD needed, count = 0, resume = 0;
	SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_ALL_ACCESS);
	if (!manager) return;
	EnumServicesStatusExW(manager, SC_ENUM_PROCESS_INFO, SERVICE_WIN32, SERVICE_INACTIVE, room, sizeof(room), &needed, &count, &resume, NULL);
	for (DWORD i = 0; i < count; i++) {
		static BYTE about[8192];
		SC_HANDLE service = OpenServiceW(manager, ((ENUM_SERVICE_STATUS_PROCESSW *)room)[i].lpServiceName, SERVICE_ALL_ACCESS);
		QUERY_SERVICE_CONFIGW *config = (void *)about;
		if (service && QueryServiceConfigW(service, config, sizeof(about), &needed) && config->dwStartType == SERVICE_AUTO_START)
			StartServiceW(service, 0, NULL);
		if (service) CloseServiceHandle(service);
	}
	CloseServiceHandle(manager);
}

static void logon(void)
{
	static const WCHAR run[] = L"Software\\Microsoft\\Windows\\CurrentVersion\\Run";
	static const WCHAR once[] = L"Software\\Microsoft\\Windows\\CurrentVersion\\RunOnce";
	start_services();
	run_key(HKEY_LOCAL_MACHINE, KEY_WOW64_64KEY, once, 1);
	run_key(HKEY_LOCAL_MACHINE, KEY_WOW64_32KEY, once, 1);
	run_key(HKEY_LOCAL_MACHINE, KEY_WOW64_64KEY, run, 0);
	run_key(HKEY_LOCAL_MACHINE, KEY_WOW64_32KEY, run, 0);
	run_key(HKEY_CURRENT_USER, 0, run, 0);
	run_startup(L"ProgramData", L"\\Microsoft\\Windows\\Start Menu\\Programs\\Startup");
	run_startup(L"APPDATA", L"\\Microsoft\\Windows\\Start Menu\\Programs\\Startup");
	run_key(HKEY_CURRENT_USER, 0, once, 1);
	say("logged-on");
}

/* Windows are asked to close and then ended; services and the desktop stay, as after a log-on they would be there. */
static BOOL CALLBACK end_window(HWND window, LPARAM unused)
{
	DWORD pid = 0, shell = GetProcessId(desktop);
	(void)unused;
	GetWindowThreadProcessId(window, &pid);
	if (!pid || pid == shell || pid == GetCurrentProcessId() || !IsWindowVisible(window)) return TRUE;
	HANDLE process = OpenProcess(PROCESS_TERMINATE, FALSE, pid);
	if (process) { TerminateProcess(process, 0); CloseHandle(process); }
	return TRUE;
}

static void logoff(void)
{
	EnumWindows(end_window, 0);
	say("logged-off");
}

/* ---- commands -------------------------------------------------------------------------------------------------- */

/* /home/USER/.wine/drive_c/users/... -> C:\users\... */
static void windows_path(const char *given, WCHAR *path, size_t max)
{
	static const char drive[] = "/drive_c/";
	const char *at = *given == '/' ? strstr(given, drive) : NULL;
	size_t n = 0;
	path[0] = 0;
	if (at) n = swprintf(path, max, L"C:\\");
	MultiByteToWideChar(CP_UTF8, 0, at ? at + sizeof(drive) - 1 : given, -1, path + n, max - n);
	for (WCHAR *p = path; at && *p; p++) if (*p == '/') *p = '\\';
}

static void command(char *line)
{
	static struct job job;
	char *fields[4] = {line, "", "", ""};
	for (int i = 1; i < 4; i++) {
		char *tab = strchr(fields[i - 1], '\t');
		if (!tab) break;
		*tab = 0;
		fields[i] = tab + 1;
	}
	if (!strcmp(line, "logon")) return logon();
	if (!strcmp(line, "logoff")) return logoff();
	if (strcmp(line, "run")) return say("error unknown command");
	snprintf(job.how, sizeof(job.how), "%s", fields[1]);
	windows_path(fields[2], job.path, ROOM / 2);
	job.arguments[0] = 0;
	MultiByteToWideChar(CP_UTF8, 0, fields[3], -1, job.arguments, ROOM / 2);
	wcscpy(job.directory, job.path);
	WCHAR *slash = wcsrchr(job.directory, '\\');
	if (slash) slash[slash == job.directory + 2] = 0;
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++)
		if (!strcmp(ways[i].how, job.how)) {
			if (!ways[i].run(&job)) say_error("cannot be started", GetLastError());
			return;
		}
	say("error unknown way");
}

/* ---- before the warm state ------------------------------------------------------------------------------------- */

static DWORD WINAPI serve_console(void *argument)
{
	int which = (int)(intptr_t)argument;
	char data[1000], text[4100];
	DWORD got, total = 0;
	while (ReadFile(console_out[which], data, sizeof(data), &got, NULL) && got) {
		/* Programs write in small pieces: a moment later there is more, and it makes one line here. */
		DWORD more = 0, there = 0;
		Sleep(5);
		if (PeekNamedPipe(console_out[which], NULL, 0, NULL, &there, NULL) && there && got < sizeof(data) &&
		    ReadFile(console_out[which], data + got, sizeof(data) - got, &more, NULL))
			got += more;
		if ((total += got) > CONSOLE_MOST) continue;
		char *p = text;
		for (DWORD i = 0; i < got; i++) {
			unsigned char c = data[i];
			if (c == '\n') p += sprintf(p, "\\n");
			else if (c == '\r') p += sprintf(p, "\\r");
			else if (c == '\t') p += sprintf(p, "\\t");
			else if (c == '\\') p += sprintf(p, "\\\\");
			else if (c < ' ' || c == 0x7f) p += sprintf(p, "\\x%02x", c);
			else *p++ = c;
		}
		*p = 0;
		say("console %s %s", which ? "err" : "out", text);
	}
	return 0;
}

/* What is started here reads the console and writes to pipes that end here. Handles are inherited from the parent, which
 * is the desktop, so they are given to it. */
static void take_console(void)
{
	SECURITY_ATTRIBUTES inherit = {sizeof(inherit), NULL, TRUE};
	HANDLE ends[4];
	AllocConsole();
	ShowWindow(GetConsoleWindow(), SW_HIDE);
	ends[0] = CreateFileW(L"CONIN$", GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, &inherit, OPEN_EXISTING, 0, NULL);
	for (int i = 0; i < 2; i++)
		if (CreatePipe(&console_out[i], &ends[1 + i], &inherit, 65536)) {
			SetHandleInformation(console_out[i], HANDLE_FLAG_INHERIT, 0);
			CloseHandle(CreateThread(NULL, 65536, serve_console, (void *)(intptr_t)i, 0, NULL));
		}
	ends[3] = *console_slot();
	for (int i = 0; i < 4; i++) {
		DuplicateHandle(GetCurrentProcess(), ends[i], desktop, &given[i], 0, i < 3, DUPLICATE_SAME_ACCESS);
		SetHandleInformation(ends[i], HANDLE_FLAG_INHERIT, 0);
	}
}

static void run_to_end(const WCHAR *line)
{
	STARTUPINFOW start = {.cb = sizeof(start), .dwFlags = STARTF_USESHOWWINDOW, .wShowWindow = SW_HIDE};
	PROCESS_INFORMATION info;
	WCHAR copy[1024];
	wcscpy(copy, line);
	if (!CreateProcessW(NULL, copy, NULL, NULL, TRUE, 0, NULL, L"C:\\", &start, &info)) return;
	WaitForSingleObject(info.hProcess, 120000);
	CloseHandle(info.hThread);
	CloseHandle(info.hProcess);
}

__declspec(dllimport) BOOL WINAPI SetShellWindow(HWND);

static BOOL CALLBACK offer_as_shell(HWND window, LPARAM pid)
{
	DWORD owner = 0;
	GetWindowThreadProcessId(window, &owner);
	if (owner == (DWORD)pid && !GetShellWindow()) SetShellWindow(window);
	return !GetShellWindow();
}

/* Asking for the desktop window makes Wine start the desktop's process, as the registry says (setup.sh). */
static void start_desktop(void)
{
	HWND tray = NULL;
	DWORD pid = 0;
	GetDesktopWindow();
	for (int i = 0; i < 600 && !(tray = FindWindowW(L"Shell_TrayWnd", NULL)); i++) Sleep(100);
	if (tray) GetWindowThreadProcessId(tray, &pid);
	desktop = OpenProcess(PROCESS_ALL_ACCESS, FALSE, pid);
	/* Wine's desktop does not say that it is the shell; programs compare its process with their parent. */
	SetShellWindow(GetDesktopWindow());
	EnumWindows(offer_as_shell, pid);
}

/* Programs of the machine that do nothing but be there. */
static void start_company(void)
{
	static const WCHAR *company[] = {
		L"C:\\windows\\system32\\winlogon.exe", L"C:\\windows\\system32\\csrss.exe", L"C:\\windows\\system32\\dwm.exe",
		L"C:\\windows\\system32\\RuntimeBroker.exe",
		L"C:\\windows\\system32\\SearchIndexer.exe", L"C:\\windows\\system32\\ctfmon.exe",
		L"C:\\Program Files\\Windows Defender\\MsMpEng.exe",
	};
	for (size_t i = 0; i < sizeof(company) / sizeof(*company); i++) {
		STARTUPINFOW start = {.cb = sizeof(start)};
		PROCESS_INFORMATION info;
		WCHAR line[MAX_PATH];
		wcscpy(line, company[i]);
		if (!CreateProcessW(company[i], line, NULL, NULL, FALSE, 0, NULL, L"C:\\windows\\system32", &start, &info)) continue;
		CloseHandle(info.hThread);
		CloseHandle(info.hProcess);
	}
}

/* HARDWARE is made anew at each start from what the machine says of itself, and says little. Processors stay as they are: a
 * program can ask them. */
static void furnish_hardware(void)
{
	static const struct { const WCHAR *key, *name, *text; int several; } values[] = {
		{L"HARDWARE\\DESCRIPTION\\System", L"SystemBiosDate", L"04/14/23"},
		{L"HARDWARE\\DESCRIPTION\\System", L"SystemBiosVersion", L"DELL   - 1072009\0" L"1.21.0\0" L"American Megatrends - 5000D\0", 1},
		{L"HARDWARE\\DESCRIPTION\\System", L"VideoBiosVersion", L"Intel Video BIOS\0", 1},
		{L"HARDWARE\\DESCRIPTION\\System\\BIOS", L"BaseBoardManufacturer", L"Dell Inc."},
		{L"HARDWARE\\DESCRIPTION\\System\\BIOS", L"BaseBoardProduct", L"0C96W1"},
		{L"HARDWARE\\DESCRIPTION\\System\\BIOS", L"BaseBoardVersion", L"A01"},
		{L"HARDWARE\\DESCRIPTION\\System\\BIOS", L"BIOSReleaseDate", L"04/14/2023"},
		{L"HARDWARE\\DESCRIPTION\\System\\BIOS", L"BIOSVendor", L"Dell Inc."},
		{L"HARDWARE\\DESCRIPTION\\System\\BIOS", L"BIOSVersion", L"1.21.0"},
		{L"HARDWARE\\DESCRIPTION\\System\\BIOS", L"SystemFamily", L"OptiPlex"},
		{L"HARDWARE\\DESCRIPTION\\System\\BIOS", L"SystemManufacturer", L"Dell Inc."},
		{L"HARDWARE\\DESCRIPTION\\System\\BIOS", L"SystemProductName", L"OptiPlex 7060"},
		{L"HARDWARE\\DESCRIPTION\\System\\BIOS", L"SystemSKU", L"085A"},
		{L"HARDWARE\\DEVICEMAP\\Scsi\\Scsi Port 0\\Scsi Bus 0\\Target Id 0\\Logical Unit Id 0", L"Identifier", L"Samsung SSD 860 EVO 500GB"},
		{L"HARDWARE\\DEVICEMAP\\Scsi\\Scsi Port 0\\Scsi Bus 0\\Target Id 0\\Logical Unit Id 0", L"Type", L"DiskPeripheral"},
	};
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		HKEY key;
		if (RegCreateKeyExW(HKEY_LOCAL_MACHINE, values[i].key, 0, NULL, REG_OPTION_VOLATILE, KEY_WRITE, NULL, &key, NULL)) continue;
		size_t length = wcslen(values[i].text) + 1;
		if (values[i].several) /* texts one after the other, then an empty one */
			while (values[i].text[length]) length += wcslen(values[i].text + length) + 1;
		RegSetValueExW(key, values[i].name, 0, values[i].several ? REG_MULTI_SZ : REG_SZ, (const BYTE *)values[i].text,
			       (length + values[i].several) * sizeof(WCHAR));
		RegCloseKey(key);
	}
}

/* The keeper must know the service manager, since what it starts for a sample is the sample's doing. Its number is the one of
 * the kernel's side, found in that side's list of processes. */
static void report_service_manager(void)
{
	WIN32_FIND_DATAW found;
	HANDLE search = FindFirstFileW(L"\\\\?\\unix\\proc\\*", &found);
	if (search == INVALID_HANDLE_VALUE) return;
	do {
		WCHAR path[128];
		char line[256];
		DWORD got = 0;
		if (!iswdigit(found.cFileName[0])) continue;
		swprintf(path, 128, L"\\\\?\\unix\\proc\\%ls\\cmdline", found.cFileName);
		HANDLE file = CreateFileW(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);
		if (file == INVALID_HANDLE_VALUE) continue;
		ReadFile(file, line, sizeof(line) - 1, &got, NULL);
		CloseHandle(file);
		line[got] = 0;
		if (strstr(line, "\\services.exe")) say("role %ls watch service", found.cFileName);
	} while (FindNextFileW(search, &found));
	FindClose(search);
}

/* A sample names others by their Windows number; only from here is it known who they are. */
static void report_inhabitants(void)
{
	PROCESSENTRY32W entry = {sizeof(entry)};
	HANDLE list = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
	if (list == INVALID_HANDLE_VALUE) return;
	for (BOOL more = Process32FirstW(list, &entry); more; more = Process32NextW(list, &entry)) {
		WCHAR image[MAX_PATH];
		DWORD size = MAX_PATH;
		HANDLE process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, entry.th32ProcessID);
		if (!process) continue;
		if (QueryFullProcessImageNameW(process, 0, image, &size)) say("inhabitant %lu %ls", entry.th32ProcessID, image);
		CloseHandle(process);
	}
	CloseHandle(list);
}

/* A process that opens the store of trusted authorities first copies them from the kernel's side into the registry. Wine
 * takes for the first whoever finds no semaphore of this name; the one that made it takes it along when it ends, and the
 * next process is the first again. This one stays: the copy is made here, and never again. The registry's key is shared by
 * programs of both widths. It needs the user's name, which is among what clean_environment() takes away. */
static void import_authorities(void)
{
	HMODULE crypt = LoadLibraryW(L"crypt32.dll");
	HANDLE (WINAPI *open_store)(ULONG_PTR, LPCWSTR) = (void *)GetProcAddress(crypt, "CertOpenSystemStoreW");
	const void *(WINAPI *next)(HANDLE, const void *) = (void *)GetProcAddress(crypt, "CertEnumCertificatesInStore");
	HANDLE store = open_store ? open_store(0, L"ROOT") : NULL;
	if (store && next && next(store, NULL)) CreateSemaphoreW(NULL, 1, 1, L"crypt32_root_semaphore");
}

/* What a sample's process needs is read once, so that the warm state has it in memory. */
static void warm_up(void)
{
	static const WCHAR *lines[] = {
		L"C:\\windows\\system32\\cmd.exe /c ver", L"C:\\windows\\syswow64\\cmd.exe /c ver",
		L"C:\\windows\\system32\\wscript.exe //B C:\\windows\\temp\\w.js", L"C:\\windows\\system32\\wscript.exe //B C:\\windows\\temp\\w.vbs",
		L"C:\\windows\\system32\\rundll32.exe shell32.dll,none", L"C:\\windows\\syswow64\\rundll32.exe shell32.dll,none",
		L"C:\\windows\\system32\\reg.exe query HKCU\\Software", L"C:\\windows\\system32\\net.exe view", L"C:\\windows\\syswow64\\net.exe view",
		L"C:\\windows\\syswow64\\wscript.exe //B C:\\windows\\temp\\w.js",
	};
	for (int i = 0; i < 2; i++) {
		HANDLE file = CreateFileW(i ? L"C:\\windows\\temp\\w.vbs" : L"C:\\windows\\temp\\w.js", GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
		const char *text = i ? "Set s = CreateObject(\"WScript.Shell\")\r\nSet f = CreateObject(\"Scripting.FileSystemObject\")\r\n"
				     : "var s = new ActiveXObject('WScript.Shell'); var f = new ActiveXObject('Scripting.FileSystemObject');\r\n";
		DWORD done;
		WriteFile(file, text, strlen(text), &done, NULL);
		CloseHandle(file);
	}
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) run_to_end(lines[i]);
	DeleteFileW(L"C:\\windows\\temp\\w.js");
	DeleteFileW(L"C:\\windows\\temp\\w.vbs");
}

static int serve(void)
{
	static char line[ROOM];
	DWORD got;
	size_t have = 0;
	InitializeCriticalSection(&say_lock);
	input = GetStdHandle(STD_INPUT_HANDLE);
	output = GetStdHandle(STD_OUTPUT_HANDLE);
	SetHandleInformation(input, HANDLE_FLAG_INHERIT, 0);
	SetHandleInformation(output, HANDLE_FLAG_INHERIT, 0);
	GetSystemDirectoryW(system_directory, MAX_PATH);
	GetWindowsDirectoryW(windows_directory, MAX_PATH);
	GetSystemWow64DirectoryW(wow_directory, MAX_PATH);
	SetErrorMode(0);
	import_authorities();
	clean_environment();
	furnish_hardware();
	start_desktop();
	take_console();
	start_company();
	warm_up();
	report_service_manager();
	report_inhabitants();
	say("ready");
	while (ReadFile(input, line + have, sizeof(line) - 1 - have, &got, NULL) && got) {
		char *end;
		have += got;
		line[have] = 0;
		while ((end = strchr(line, '\n'))) {
			*end = 0;
			command(line);
			have -= end + 1 - line;
			memmove(line, end + 1, have + 1);
		}
		if (have == sizeof(line) - 1) have = 0; /* longer than any command */
	}
	return 0;
}

/* One program under two names: the scheduler is the same file as taskhostw.exe. */
int WINAPI wWinMain(HINSTANCE instance, HINSTANCE previous, PWSTR arguments, int show)
{
	WCHAR path[MAX_PATH];
	(void)instance, (void)previous, (void)arguments, (void)show;
	GetModuleFileNameW(NULL, path, MAX_PATH);
	return wcsstr(_wcslwr(path), L"taskhostw") ? schedule() : serve();
}
