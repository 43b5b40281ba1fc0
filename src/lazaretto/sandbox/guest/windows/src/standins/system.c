/* Programs that show or change the machine, in the form in which scripts use them. */
#include "standin.h"

int succeed(int argc, WCHAR **argv)
{
	(void)argc, (void)argv;
	return 0;
}

int systeminfo(int argc, WCHAR **argv)
{
	(void)argc, (void)argv;
	out(L"\r\nHost Name:                 %ls\r\nOS Name:                   Microsoft Windows 10 Pro\r\nOS Version:                10.0.19045 N/A Build 19045\r\n"
	    L"OS Manufacturer:           Microsoft Corporation\r\nOS Configuration:          Standalone Workstation\r\nOS Build Type:             Multiprocessor Free\r\n"
	    L"Registered Owner:          %ls\r\nRegistered Organization:   \r\nProduct ID:                00330-80000-00000-AA213\r\n"
	    L"Original Install Date:     2/21/2023, 12:54:58 PM\r\nSystem Boot Time:          9/14/2026, 8:01:37 AM\r\nSystem Manufacturer:       Dell Inc.\r\n"
	    L"System Model:              OptiPlex 7060\r\nSystem Type:               x64-based PC\r\nProcessor(s):              1 Processor(s) Installed.\r\n"
	    L"                           [01]: Intel64 Family 6 Model 158 Stepping 10 GenuineIntel ~3000 Mhz\r\nBIOS Version:              Dell Inc. 1.21.0, 4/14/2023\r\n"
	    L"Windows Directory:         C:\\Windows\r\nSystem Directory:          C:\\Windows\\system32\r\nBoot Device:               \\Device\\HarddiskVolume1\r\n"
	    L"System Locale:             en-us;English (United States)\r\nInput Locale:              en-us;English (United States)\r\n"
	    L"Time Zone:                 (UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna\r\nTotal Physical Memory:     8,052 MB\r\n"
	    L"Available Physical Memory: 3,820 MB\r\nVirtual Memory: Max Size:  9,332 MB\r\nVirtual Memory: Available: 4,611 MB\r\nVirtual Memory: In Use:    4,721 MB\r\n"
	    L"Page File Location(s):     C:\\pagefile.sys\r\nDomain:                    WORKGROUP\r\nLogon Server:              \\\\%ls\r\n"
	    L"Hotfix(s):                 3 Hotfix(s) Installed.\r\n                           [01]: KB5030649\r\n                           [02]: KB5011048\r\n                           [03]: KB5031356\r\n"
	    L"Network Card(s):           1 NIC(s) Installed.\r\n                           [01]: Intel(R) Ethernet Connection (7) I219-LM\r\n                                 Connection Name: Ethernet\r\n"
	    L"                                 DHCP Enabled:    Yes\r\nHyper-V Requirements:      VM Monitor Mode Extensions: Yes\r\n                           Virtualization Enabled In Firmware: Yes\r\n"
	    L"                           Second Level Address Translation: Yes\r\n                           Data Execution Prevention Available: Yes\r\n",
	    computer(), user(), computer());
	return 0;
}

static const WCHAR *logs[] = {L"Application", L"HardwareEvents", L"Internet Explorer", L"Key Management Service", L"Security", L"Setup", L"System",
	L"Microsoft-Windows-PowerShell/Operational", L"Microsoft-Windows-Sysmon/Operational", L"Microsoft-Windows-TaskScheduler/Operational",
	L"Microsoft-Windows-TerminalServices-LocalSessionManager/Operational", L"Microsoft-Windows-Windows Defender/Operational",
	L"Microsoft-Windows-WMI-Activity/Operational", L"Windows PowerShell", NULL};

int wevtutil(int argc, WCHAR **argv)
{
	const WCHAR *what = argc > 1 ? argv[1] : L"";
	if (same(what, L"el") || same(what, L"enum-logs")) {
		for (const WCHAR **log = logs; *log; log++) out(L"%ls\r\n", *log);
		return 0;
	}
	if (same(what, L"cl") || same(what, L"clear-log") || same(what, L"gl") || same(what, L"get-log") || same(what, L"sl") || same(what, L"set-log")) {
		for (const WCHAR **log = logs; argc > 2 && *log; log++) {
			if (!same(*log, argv[2])) continue;
			if (what[0] == 'g') out(L"name: %ls\r\nenabled: true\r\ntype: Admin\r\nisolation: Application\r\nlogging:\r\n  retention: false\r\n  autoBackup: false\r\n  maxSize: 20971520\r\n", *log);
			return 0;
		}
		return err(L"Failed to clear log %ls.\r\nThe specified channel could not be found.\r\n", argc > 2 ? argv[2] : L""), 15007;
	}
	if (same(what, L"qe") || same(what, L"query-events") || same(what, L"epl")) return 0;
	return err(L"Invalid command. Type \"wevtutil /?\" for usage.\r\n"), 87;
}

int netsh(int argc, WCHAR **argv)
{
	if (has(argc, argv, L"wlan")) {
		if (has(argc, argv, L"profiles") || has(argc, argv, L"profile"))
			return out(L"\r\nProfiles on interface Wi-Fi:\r\n\r\nGroup policy profiles (read only)\r\n---------------------------------\r\n    <None>\r\n\r\nUser profiles\r\n-------------\r\n"
				   L"    All User Profile     : FRITZ!Box 7590 KL\r\n    All User Profile     : Guest-Hotel\r\n\r\n"), 0;
		return out(L"There is no wireless interface on the system.\r\n"), 1;
	}
	if (has(argc, argv, L"show") && has(argc, argv, L"advfirewall"))
		return out(L"\r\nDomain Profile Settings: \r\n----------------------------------------------------------------------\r\nState                                 ON\r\n"
			   L"Firewall Policy                       BlockInbound,AllowOutbound\r\n\r\nOk.\r\n\r\n"), 0;
	if (has(argc, argv, L"firewall") && !has(argc, argv, L"advfirewall"))
		return out(L"\r\nIMPORTANT: Command executed successfully.\r\nHowever, \"netsh firewall\" is deprecated;\r\nuse \"netsh advfirewall firewall\" instead.\r\n"
			   L"For more information on using \"netsh advfirewall firewall\" commands\r\ninstead of \"netsh firewall\", see KB article 947709\r\n"
			   L"at https://go.microsoft.com/fwlink/?linkid=121488 .\r\n\r\nOk.\r\n\r\n"), 0;
	if (has(argc, argv, L"winhttp")) return out(L"\r\nCurrent WinHTTP proxy settings:\r\n\r\n    Direct access (no proxy server).\r\n\r\n"), 0;
	if (has(argc, argv, L"portproxy") && has(argc, argv, L"show")) return out(L"\r\n"), 0;
	if (has(argc, argv, L"add") || has(argc, argv, L"set") || has(argc, argv, L"delete")) return out(L"Ok.\r\n\r\n"), 0;
	return 0;
}

int fsutil(int argc, WCHAR **argv)
{
	if (has(argc, argv, L"usn")) return has(argc, argv, L"deletejournal") ? 0 : (out(L"Usn Journal ID   : 0x01d94f3a4c1e7b52\r\n"), 0);
	if (has(argc, argv, L"fsinfo") && has(argc, argv, L"drives")) return out(L"\r\nDrives: C:\\ \r\n"), 0;
	if (has(argc, argv, L"createnew") && argc > 4) {
		HANDLE file = CreateFileW(argv[3], GENERIC_WRITE, 0, NULL, CREATE_NEW, 0, NULL);
		LARGE_INTEGER size = {.QuadPart = _wtoi64(argv[4])};
		if (file == INVALID_HANDLE_VALUE) return err(L"Error:  The file exists.\r\n"), 1;
		SetFilePointerEx(file, size, NULL, FILE_BEGIN);
		SetEndOfFile(file);
		CloseHandle(file);
		return out(L"File %ls is created\r\n", argv[3]), 0;
	}
	if (has(argc, argv, L"setzerodata")) {
		const WCHAR *path = argv[argc - 1];
		DWORD size = 0;
		char *bytes = load_bytes(path, &size);
		if (!bytes) return err(L"Error:  The system cannot find the file specified.\r\n"), 1;
		memset(bytes, 0, size);
		store_bytes(path, bytes, size);
		return free(bytes), out(L"Zero data is set\r\n"), 0;
	}
	if (has(argc, argv, L"dirty")) return out(L"Volume - C: is NOT Dirty\r\n"), 0;
	if (has(argc, argv, L"hardlink") && argc > 4) return CreateHardLinkW(argv[3], argv[4], NULL) ? (out(L"Hardlink created for %ls <<===>> %ls\r\n", argv[3], argv[4]), 0) : 1;
	return 0;
}

int cipher(int argc, WCHAR **argv)
{
	for (int i = 1; i < argc; i++)
		if (begins(argv[i], L"/w"))
			return out(L"To remove as much data as possible, please close all other applications while\r\nrunning CIPHER /W.\r\nWriting 0x00\r\n.....\r\nWriting 0xFF\r\n.....\r\nWriting Random Numbers\r\n.....\r\n"), 0;
	return out(L"\r\n Listing C:\\\r\n New files added to this directory will not be encrypted.\r\n\r\n"), 0;
}

static int is_there(const WCHAR *path)
{
	WIN32_FIND_DATAW data;
	HANDLE search = FindFirstFileW(path, &data);
	size_t n = wcslen(path);
	if (n == 3 && path[1] == ':') return 1;
	if (search == INVALID_HANDLE_VALUE) return 0;
	FindClose(search);
	return 1;
}

int icacls(int argc, WCHAR **argv)
{
	if (argc < 2) return out(L"\r\nICACLS name /save aclfile [/T] [/C] [/L] [/Q]\r\n"), 0;
	if (!is_there(argv[1])) return err(L"%ls: The system cannot find the file specified.\r\nSuccessfully processed 0 files; Failed processing 1 files\r\n", argv[1]), 2;
	if (argc > 2 && (option_at(argc, argv, L"grant") || option_at(argc, argv, L"deny") || option_at(argc, argv, L"reset") || option_at(argc, argv, L"setowner")))
		return out(L"processed file: %ls\r\nSuccessfully processed 1 files; Failed processing 0 files\r\n", argv[1]), 0;
	out(L"%ls NT AUTHORITY\\SYSTEM:(I)(F)\r\n%*ls BUILTIN\\Administrators:(I)(F)\r\n%*ls %ls\\%ls:(I)(F)\r\n\r\nSuccessfully processed 1 files; Failed processing 0 files\r\n",
	    argv[1], (int)wcslen(argv[1]), L"", (int)wcslen(argv[1]), L"", computer(), user());
	return 0;
}

int takeown(int argc, WCHAR **argv)
{
	const WCHAR *file = option(argc, argv, L"f");
	if (!file) return err(L"ERROR: Invalid syntax.\r\nType \"TAKEOWN /?\" for usage.\r\n"), 1;
	if (!is_there(file)) return err(L"ERROR: The system cannot find the file specified.\r\n"), 1;
	return out(L"\r\nSUCCESS: The file (or folder): \"%ls\" now owned by user \"%ls\\%ls\".\r\n", file, computer(), user()), 0;
}

int gpupdate(int argc, WCHAR **argv)
{
	(void)argc, (void)argv;
	return out(L"Updating policy...\r\n\r\nComputer Policy update has completed successfully.\r\nUser Policy update has completed successfully.\r\n\r\n"), 0;
}

int auditpol(int argc, WCHAR **argv)
{
	if (option_at(argc, argv, L"set") || option_at(argc, argv, L"clear") || option_at(argc, argv, L"remove")) return out(L"The command was successfully executed.\r\n"), 0;
	return out(L"System audit policy\r\nCategory/Subcategory                      Setting\r\nLogon/Logoff\r\n  Logon                                   Success and Failure\r\n"), 0;
}

int arp(int argc, WCHAR **argv)
{
	(void)argc, (void)argv;
	out(L"\r\nInterface: 192.168.178.24 --- 0x9\r\n  Internet Address      Physical Address      Type\r\n  192.168.178.1         2c-91-ab-4e-17-d0     dynamic   \r\n"
	    L"  192.168.178.31        3c-2a-f4-88-0b-5e     dynamic   \r\n  192.168.178.255       ff-ff-ff-ff-ff-ff     static    \r\n  224.0.0.22            01-00-5e-00-00-16     static    \r\n");
	return 0;
}

int route(int argc, WCHAR **argv)
{
	if (has(argc, argv, L"add") || has(argc, argv, L"delete") || has(argc, argv, L"change")) return out(L" OK!\r\n"), 0;
	out(L"===========================================================================\r\nInterface List\r\n  9...c8 1f 66 d0 a7 b3 ......Intel(R) Ethernet Connection (7) I219-LM\r\n"
	    L"  1...........................Software Loopback Interface 1\r\n===========================================================================\r\n\r\nIPv4 Route Table\r\n"
	    L"===========================================================================\r\nActive Routes:\r\nNetwork Destination        Netmask          Gateway       Interface  Metric\r\n"
	    L"          0.0.0.0          0.0.0.0    192.168.178.1   192.168.178.24     25\r\n");
	return 0;
}

int nslookup(int argc, WCHAR **argv)
{
	const WCHAR *name = NULL;
	for (int i = 1; i < argc && !name; i++)
		if (*argv[i] != '-') name = argv[i];
	out(L"Server:  fritz.box\r\nAddress:  192.168.178.1\r\n\r\n");
	if (!name) return 0;
	/* The look-up is a real one. */
	HMODULE sockets = LoadLibraryW(L"ws2_32.dll");
	int (WINAPI *startup)(WORD, void *) = (void *)GetProcAddress(sockets, "WSAStartup");
	struct { char *name; char **aliases; short type, length; unsigned char **addresses; } *(WINAPI *resolve)(const char *) = (void *)GetProcAddress(sockets, "gethostbyname");
	char narrow[512], data[1024];
	WideCharToMultiByte(CP_UTF8, 0, name, -1, narrow, sizeof(narrow), NULL, NULL);
	startup(0x202, data);
	unsigned char **found = NULL;
	if (resolve(narrow)) found = resolve(narrow)->addresses;
	if (!found || !*found) return err(L"*** fritz.box can't find %ls: Non-existent domain\r\n", name), 1;
	out(L"Non-authoritative answer:\r\nName:    %ls\r\nAddress:  %u.%u.%u.%u\r\n\r\n", name, found[0][0], found[0][1], found[0][2], found[0][3]);
	return 0;
}

int tracert(int argc, WCHAR **argv)
{
	return out(L"\r\nTracing route to %ls over a maximum of 30 hops\r\n\r\n  1    <1 ms    <1 ms    <1 ms  fritz.box [192.168.178.1]\r\n\r\nTrace complete.\r\n", argc > 1 ? argv[argc - 1] : L""), 0;
}

int timeout(int argc, WCHAR **argv)
{
	const WCHAR *seconds = option(argc, argv, L"t");
	for (int i = 1; i < argc && !seconds; i++)
		if (iswdigit(*argv[i])) seconds = argv[i];
	if (!seconds) return err(L"ERROR: Invalid syntax. Timeout value must be specified.\r\n"), 1;
	int n = _wtoi(seconds);
	if (!option_at(argc, argv, L"nobreak") && GetFileType(GetStdHandle(STD_INPUT_HANDLE)) != FILE_TYPE_CHAR)
		return err(L"ERROR: Input redirection is not supported, exiting the process immediately.\r\n"), 1;
	out(L"\r\nWaiting for %2d seconds, press a key to continue ...\r\n", n);
	Sleep(n > 0 ? 1000 * n : n < 0 ? 60000 : 0);
	return 0;
}

int choice(int argc, WCHAR **argv)
{
	const WCHAR *keys = option(argc, argv, L"c"), *seconds = option(argc, argv, L"t"), *standard = option(argc, argv, L"d");
	if (!keys) keys = L"YN";
	const WCHAR *message = option(argc, argv, L"m");
	if (message) out(L"%ls ", message);
	out(L"[%lc", *keys);
	for (const WCHAR *k = keys + 1; *k; k++) out(L",%lc", *k);
	out(L"]?");
	if (seconds && standard) Sleep(1000 * _wtoi(seconds));
	const WCHAR *at = wcschr(keys, standard ? *standard : *keys);
	out(L"%lc\r\n", at ? *at : *keys);
	return at ? at - keys + 1 : 1;
}

static int where_in(const WCHAR *folders, const WCHAR *name)
{
	static const WCHAR *extensions[] = {L"", L".com", L".exe", L".bat", L".cmd", NULL};
	WCHAR path[1024], full[1024];
	int found = 0;
	while (*folders) {
		size_t n = wcscspn(folders, L";");
		for (const WCHAR **e = extensions; *e && n < 700; e++) {
			WIN32_FIND_DATAW data;
			_snwprintf(path, 1023, L"%.*ls\\%ls%ls", (int)n, folders, name, *e);
			HANDLE search = FindFirstFileW(path, &data);
			if (search == INVALID_HANDLE_VALUE) continue;
			_snwprintf(full, 1023, L"%.*ls\\%ls", (int)n, folders, data.cFileName);
			out(L"%ls\r\n", full);
			FindClose(search);
			found++;
		}
		folders += n + (folders[n] == ';');
	}
	return found;
}

int where(int argc, WCHAR **argv)
{
	static WCHAR path[16384];
	int found = 0;
	const WCHAR *root = option(argc, argv, L"r");
	wcscpy(path, L".;");
	GetEnvironmentVariableW(L"PATH", path + 2, 16000);
	for (int i = 1; i < argc; i++) {
		if (*argv[i] == '/') { i += same(argv[i], L"/r"); continue; }
		found += where_in(root ? root : path, argv[i]);
	}
	if (!found) err(L"INFO: Could not find files for the given pattern(s).\r\n");
	return !found;
}

static void for_each_file(const WCHAR *folder, const WCHAR *mask, const WCHAR *command, int deep)
{
	WCHAR path[1024], line[4096];
	WIN32_FIND_DATAW data;
	_snwprintf(path, 1023, L"%ls\\%ls", folder, mask);
	HANDLE search = FindFirstFileW(path, &data);
	if (search != INVALID_HANDLE_VALUE) {
		do {
			size_t n = 0;
			if (!wcscmp(data.cFileName, L".") || !wcscmp(data.cFileName, L"..")) continue;
			for (const WCHAR *p = command; *p && n < 3500; ) {
				const WCHAR *value = NULL;
				_snwprintf(path, 1023, L"\"%ls\\%ls\"", folder, data.cFileName);
				if (begins(p, L"@path")) value = path, p += 5;
				else if (begins(p, L"@file")) value = data.cFileName, p += 5;
				else if (begins(p, L"@isdir")) value = data.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY ? L"TRUE" : L"FALSE", p += 6;
				if (value) n += _snwprintf(line + n, 4000 - n, L"%ls", value);
				else line[n++] = *p++;
			}
			line[n] = 0;
			run_line(line, 1);
		} while (FindNextFileW(search, &data));
		FindClose(search);
	}
	if (!deep) return;
	_snwprintf(path, 1023, L"%ls\\*", folder);
	if ((search = FindFirstFileW(path, &data)) == INVALID_HANDLE_VALUE) return;
	do
		if (data.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY && wcscmp(data.cFileName, L".") && wcscmp(data.cFileName, L"..")) {
			_snwprintf(path, 1023, L"%ls\\%ls", folder, data.cFileName);
			for_each_file(path, mask, command, deep - 1);
		}
	while (FindNextFileW(search, &data));
	FindClose(search);
}

int forfiles(int argc, WCHAR **argv)
{
	const WCHAR *folder = option(argc, argv, L"p"), *mask = option(argc, argv, L"m"), *command = option(argc, argv, L"c");
	for_each_file(folder ? folder : L".", mask ? mask : L"*", command ? command : L"cmd /c echo @file", option_at(argc, argv, L"s") ? 16 : 0);
	return 0;
}

int setx(int argc, WCHAR **argv)
{
	if (argc < 3) return err(L"ERROR: Invalid syntax.\r\nType \"SETX /?\" for usage.\r\n"), 1;
	int machine = option_at(argc, argv, L"m");
	RegSetKeyValueW(machine ? HKEY_LOCAL_MACHINE : HKEY_CURRENT_USER,
			machine ? L"System\\CurrentControlSet\\Control\\Session Manager\\Environment" : L"Environment", argv[1],
			wcschr(argv[2], '%') ? REG_EXPAND_SZ : REG_SZ, argv[2], 2 * wcslen(argv[2]) + 2);
	return out(L"\r\nSUCCESS: Specified value was saved.\r\n"), 0;
}

/* The machine is not shut down for a sample's asking: what it wanted is in its command line. */
int shutdown_program(int argc, WCHAR **argv)
{
	if (option_at(argc, argv, L"a")) return err(L"Unable to abort the system shutdown because no shutdown was in progress.(1116)\r\n"), 1116;
	return 0;
}
