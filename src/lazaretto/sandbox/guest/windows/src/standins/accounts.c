/* net, net1, whoami, quser, nltest, klist, cmdkey, dsquery. Accounts are kept where Windows has them (names only). */
#include "standin.h"
#include <lm.h>

#define NAMES L"SAM\\SAM\\Domains\\Account\\Users\\Names"
#define ALIASES L"SAM\\SAM\\Domains\\Builtin\\Aliases\\Members\\Names"

static int done(void) { return out(L"The command completed successfully.\r\n\r\n"), 0; }

static int fail(DWORD code, const WCHAR *text)
{
	if (code < 2100) err(L"System error %lu has occurred.\r\n\r\n%ls\r\n\r\n", code, text);
	else err(L"%ls\r\n\r\nMore help is available by typing NET HELPMSG %lu.\r\n\r\n", text, code);
	return 2;
}

static const WCHAR *builtin_users[] = {L"Administrator", L"DefaultAccount", L"Guest", L"WDAGUtilityAccount", NULL};
static const WCHAR *groups[] = {L"Access Control Assistance Operators", L"Administrators", L"Backup Operators", L"Cryptographic Operators",
	L"Device Owners", L"Distributed COM Users", L"Event Log Readers", L"Guests", L"Hyper-V Administrators", L"IIS_IUSRS",
	L"Network Configuration Operators", L"Performance Log Users", L"Performance Monitor Users", L"Power Users", L"Remote Desktop Users",
	L"Remote Management Users", L"Replicator", L"System Managed Accounts Group", L"Users", NULL};

static int known(const WCHAR **list, const WCHAR *name)
{
	for (; *list; list++)
		if (same(*list, name)) return 1;
	return 0;
}

static int added(const WCHAR *root, const WCHAR *name)
{
	HKEY key;
	WCHAR path[512];
	_snwprintf(path, 511, L"%ls\\%ls", root, name);
	if (RegOpenKeyW(HKEY_LOCAL_MACHINE, path, &key)) return 0;
	RegCloseKey(key);
	return 1;
}

static void remember(const WCHAR *root, const WCHAR *name, int remove)
{
	HKEY key;
	WCHAR path[512];
	_snwprintf(path, 511, L"%ls\\%ls", root, name);
	if (remove) RegDeleteKeyW(HKEY_LOCAL_MACHINE, path);
	else if (!RegCreateKeyW(HKEY_LOCAL_MACHINE, path, &key)) RegCloseKey(key);
}

static void each_added(const WCHAR *root, const WCHAR *format)
{
	HKEY key;
	WCHAR name[256];
	if (RegOpenKeyW(HKEY_LOCAL_MACHINE, root, &key)) return;
	for (DWORD i = 0; !RegEnumKeyW(key, i, name, 256); i++) out(format, name);
	RegCloseKey(key);
}

static int user_exists(const WCHAR *name) { return known(builtin_users, name) || same(name, user()) || added(NAMES, name); }

/* Called beside our own book-keeping, so that the call stands in the API trace. */
static void *accounts(const char *function)
{
	return (void *)GetProcAddress(LoadLibraryW(L"netapi32.dll"), function);
}

static void add_user(const WCHAR *name, const WCHAR *password)
{
	USER_INFO_1 info = {(WCHAR *)name, (WCHAR *)password, 0, USER_PRIV_USER, NULL, NULL, UF_SCRIPT, NULL};
	NET_API_STATUS (WINAPI *add)(LPCWSTR, DWORD, BYTE *, DWORD *) = accounts("NetUserAdd");
	add(NULL, 1, (BYTE *)&info, NULL);
	remember(NAMES, name, 0);
}

static int net_user(int argc, WCHAR **argv)
{
	const WCHAR *name = argc > 2 && *argv[2] != '/' ? argv[2] : NULL;
	const WCHAR *password = argc > 3 && *argv[3] != '/' ? argv[3] : L"";
	if (!name) {
		out(L"\r\nUser accounts for \\\\%ls\r\n\r\n-------------------------------------------------------------------------------\r\n", computer());
		out(L"%-25ls%-25ls%-25ls\r\n%-25ls%-25ls", L"Administrator", user(), L"DefaultAccount", L"Guest", L"WDAGUtilityAccount");
		each_added(NAMES, L"%-25ls");
		return out(L"\r\n"), done();
	}
	if (has(argc, argv, L"/add")) {
		if (user_exists(name)) return fail(2224, L"The account already exists.");
		return add_user(name, password), done();
	}
	if (!user_exists(name)) return fail(2221, L"The user name could not be found.");
	if (has(argc, argv, L"/delete") || has(argc, argv, L"/del")) {
		NET_API_STATUS (WINAPI *delete)(LPCWSTR, LPCWSTR) = accounts("NetUserDel");
		delete(NULL, name);
		return remember(NAMES, name, 1), done();
	}
	if (argc > 3) return done();
	out(L"User name                    %ls\r\nFull Name                    \r\nComment                      \r\nUser's comment               \r\n"
	    L"Country/region code          000 (System Default)\r\nAccount active               Yes\r\nAccount expires              Never\r\n\r\n"
	    L"Password last set            3/14/2025 9:12:44 AM\r\nPassword expires             Never\r\nPassword changeable          3/14/2025 9:12:44 AM\r\n"
	    L"Password required            No\r\nUser may change password     Yes\r\n\r\nWorkstations allowed         All\r\nLogon script                 \r\n"
	    L"User profile                 \r\nHome directory               \r\nLast logon                   9/14/2026 8:02:11 AM\r\n\r\nLogon hours allowed          All\r\n\r\n"
	    L"Local Group Memberships      *Administrators       *Users                \r\nGlobal Group memberships     *None                 \r\n", name);
	return done();
}

static int net_localgroup(int argc, WCHAR **argv)
{
	const WCHAR *group = argc > 2 && *argv[2] != '/' ? argv[2] : NULL, *member = argc > 3 && *argv[3] != '/' ? argv[3] : NULL;
	WCHAR key[256];
	if (!group) {
		out(L"\r\nAliases for \\\\%ls\r\n\r\n-------------------------------------------------------------------------------\r\n", computer());
		for (const WCHAR **g = groups; *g; g++) out(L"*%ls\r\n", *g);
		return done();
	}
	_snwprintf(key, 255, ALIASES L"\\%ls", group);
	if (!known(groups, group) && !added(ALIASES, group) && !has(argc, argv, L"/add")) return fail(1376, L"The specified local group does not exist.");
	if (member && has(argc, argv, L"/add")) {
		if (!user_exists(member)) return fail(1317, L"There is no such global user or group.");
		LOCALGROUP_MEMBERS_INFO_3 info = {(WCHAR *)member};
		NET_API_STATUS (WINAPI *join)(LPCWSTR, LPCWSTR, DWORD, BYTE *, DWORD) = accounts("NetLocalGroupAddMembers");
		join(NULL, group, 3, (BYTE *)&info, 1);
		return remember(key, member, 0), done();
	}
	if (member) return remember(key, member, 1), done();
	if (has(argc, argv, L"/add")) return remember(ALIASES, group, 0), done();
	out(L"Alias name     %ls\r\nComment        \r\n\r\nMembers\r\n\r\n-------------------------------------------------------------------------------\r\n", group);
	if (same(group, L"Administrators")) out(L"Administrator\r\n%ls\r\n", user());
	each_added(key, L"%ls\r\n");
	return done();
}

static int net_service(const WCHAR *name, int start)
{
	SERVICE_STATUS status;
	SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT);
	SC_HANDLE service = OpenServiceW(manager, name, SERVICE_START | SERVICE_STOP | SERVICE_QUERY_STATUS);
	if (!service) {
		WCHAR real[256];
		DWORD size = 256;
		if (GetServiceKeyNameW(manager, name, real, &size)) service = OpenServiceW(manager, real, SERVICE_START | SERVICE_STOP | SERVICE_QUERY_STATUS);
	}
	if (!service) return fail(2185, L"The service name is invalid.");
	QueryServiceStatus(service, &status);
	if (start) {
		if (status.dwCurrentState == SERVICE_RUNNING) return fail(2182, L"The requested service has already been started.");
		out(L"The %ls service is starting.\r\n", name);
		if (!StartServiceW(service, 0, NULL)) return out(L"The %ls service could not be started.\r\n\r\n", name), fail(3523, L"The service did not report an error.");
		return out(L"The %ls service was started successfully.\r\n\r\n", name), 0;
	}
	if (status.dwCurrentState == SERVICE_STOPPED) {
		WCHAR text[512];
		_snwprintf(text, 511, L"The %ls service is not started.", name);
		return fail(3521, text);
	}
	out(L"The %ls service is stopping.\r\n", name);
	ControlService(service, SERVICE_CONTROL_STOP, &status);
	return out(L"The %ls service was stopped successfully.\r\n\r\n", name), 0;
}

static int net_running(void)
{
	static BYTE room[128 * 1024];
	DWORD needed, count = 0, resume = 0;
	SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_ENUMERATE_SERVICE);
	ENUM_SERVICE_STATUSW *all = (void *)room;
	EnumServicesStatusW(manager, SERVICE_WIN32, SERVICE_ACTIVE, all, sizeof(room), &needed, &count, &resume);
	out(L"These Windows services are started:\r\n\r\n");
	for (DWORD i = 0; i < count; i++) out(L"   %ls\r\n", all[i].lpDisplayName);
	return out(L"\r\n"), done();
}

static int net_use(int argc, WCHAR **argv)
{
	if (argc < 3) return out(L"New connections will be remembered.\r\n\r\nThere are no entries in the list.\r\n\r\n"), 0;
	if (has(argc, argv, L"/delete") || has(argc, argv, L"/d")) return fail(2250, L"The network connection could not be found.");
	return fail(53, L"The network path was not found.");
}

static int net_share(int argc, WCHAR **argv)
{
	if (argc > 2) {
		if (has(argc, argv, L"/delete")) return out(L"%ls was deleted successfully.\r\n\r\n", argv[2]), 0;
		return out(L"%ls was shared successfully.\r\n\r\n", argv[2]), 0;
	}
	out(L"\r\nShare name   Resource                        Remark\r\n\r\n-------------------------------------------------------------------------------\r\n"
	    L"C$           C:\\                             Default share                     \r\nIPC$                                         Remote IPC                        \r\n"
	    L"ADMIN$       C:\\Windows                      Remote Admin                      \r\n");
	return done();
}

int net(int argc, WCHAR **argv)
{
	const WCHAR *what = argc > 1 ? argv[1] : L"";
	if (same(what, L"user") || same(what, L"users")) return net_user(argc, argv);
	if (same(what, L"localgroup")) return net_localgroup(argc, argv);
	if (same(what, L"share")) return net_share(argc, argv);
	if (same(what, L"use")) return net_use(argc, argv);
	if (same(what, L"start")) return argc > 2 ? net_service(argv[2], 1) : net_running();
	if (same(what, L"stop") && argc > 2) return net_service(argv[2], 0);
	if (same(what, L"view")) {
		if (option_at(argc, argv, L"domain")) return fail(1222, L"The network is not present or not started.");
		return out(L"There are no entries in the list.\r\n\r\n"), 0;
	}
	if (same(what, L"session")) return out(L"There are no entries in the list.\r\n\r\n"), 0;
	if (same(what, L"group")) return fail(3515, L"This command can be used only on a Windows Domain Controller.");
	if (same(what, L"time")) return fail(3912, L"Could not locate a time-server.");
	if (same(what, L"accounts")) {
		out(L"Force user logoff how long after time expires?:       Never\r\nMinimum password age (days):                          0\r\n"
		    L"Maximum password age (days):                          42\r\nMinimum password length:                              0\r\n"
		    L"Length of password history maintained:                None\r\nLockout threshold:                                    Never\r\n"
		    L"Lockout duration (minutes):                           30\r\nLockout observation window (minutes):                 30\r\n"
		    L"Computer role:                                        WORKSTATION\r\n");
		return done();
	}
	if (same(what, L"config")) {
		if (argc > 2)
			out(L"Computer name                        \\\\%ls\r\nFull Computer name                   %ls\r\nUser name                            %ls\r\n\r\n"
			    L"Workstation active on                \r\n\tNetBT_Tcpip_{5B9F3C0E-7D3B-4A38-9C0D-1F0E8B6A2D47} (C81F66D0A7B3)\r\n\r\nSoftware version                     Windows 10 Pro\r\n\r\n"
			    L"Workstation domain                   WORKGROUP\r\nLogon domain                         %ls\r\n", computer(), computer(), user(), computer());
		return done();
	}
	out(L"The syntax of this command is:\r\n\r\nNET\r\n    [ ACCOUNTS | COMPUTER | CONFIG | CONTINUE | FILE | GROUP | HELP |\r\n"
	    L"      HELPMSG | LOCALGROUP | PAUSE | SESSION | SHARE | START |\r\n      STATISTICS | STOP | TIME | USE | USER | VIEW ]\r\n\r\n");
	return 1;
}

static const WCHAR *lower(const WCHAR *text)
{
	static WCHAR copy[2][256];
	static int turn;
	turn = !turn;
	wcsncpy(copy[turn], text, 255);
	return _wcslwr(copy[turn]);
}

#define SID L"S-1-5-21-3623855687-3361051292-30299796-1001"

int whoami(int argc, WCHAR **argv)
{
	int all = option_at(argc, argv, L"all") != 0;
	if (all || option_at(argc, argv, L"user"))
		out(L"\r\nUSER INFORMATION\r\n----------------\r\n\r\nUser Name              SID\r\n====================== ==============================================\r\n"
		    L"%ls\\%ls " SID L"\r\n\r\n", lower(computer()), lower(user()));
	if (all || option_at(argc, argv, L"groups"))
		out(L"\r\nGROUP INFORMATION\r\n-----------------\r\n\r\nGroup Name                                                    Type             SID          Attributes\r\n"
		    L"============================================================= ================ ============ ==================================================\r\n"
		    L"Everyone                                                      Well-known group S-1-1-0      Mandatory group, Enabled by default, Enabled group\r\n"
		    L"NT AUTHORITY\\Local account and member of Administrators group Well-known group S-1-5-114    Mandatory group, Enabled by default, Enabled group\r\n"
		    L"BUILTIN\\Administrators                                        Alias            S-1-5-32-544 Mandatory group, Enabled by default, Enabled group, Group owner\r\n"
		    L"BUILTIN\\Users                                                 Alias            S-1-5-32-545 Mandatory group, Enabled by default, Enabled group\r\n"
		    L"NT AUTHORITY\\INTERACTIVE                                      Well-known group S-1-5-4      Mandatory group, Enabled by default, Enabled group\r\n"
		    L"NT AUTHORITY\\Authenticated Users                              Well-known group S-1-5-11     Mandatory group, Enabled by default, Enabled group\r\n"
		    L"Mandatory Label\\High Mandatory Level                          Label            S-1-16-12288                                                   \r\n\r\n");
	if (all || option_at(argc, argv, L"priv"))
		out(L"\r\nPRIVILEGES INFORMATION\r\n----------------------\r\n\r\nPrivilege Name                Description                               State   \r\n"
		    L"============================= ========================================= ========\r\n"
		    L"SeIncreaseQuotaPrivilege      Adjust memory quotas for a process        Disabled\r\nSeSecurityPrivilege           Manage auditing and security log          Disabled\r\n"
		    L"SeTakeOwnershipPrivilege      Take ownership of files or other objects  Disabled\r\nSeLoadDriverPrivilege         Load and unload device drivers            Disabled\r\n"
		    L"SeBackupPrivilege             Back up files and directories             Disabled\r\nSeRestorePrivilege            Restore files and directories             Disabled\r\n"
		    L"SeShutdownPrivilege           Shut down the system                      Disabled\r\nSeDebugPrivilege              Debug programs                            Disabled\r\n"
		    L"SeChangeNotifyPrivilege       Bypass traverse checking                  Enabled \r\nSeImpersonatePrivilege        Impersonate a client after authentication Enabled \r\n\r\n");
	if (!all && argc < 2) out(L"%ls\\%ls\r\n", lower(computer()), lower(user()));
	return 0;
}

int quser(int argc, WCHAR **argv)
{
	(void)argc, (void)argv;
	out(L" USERNAME              SESSIONNAME        ID  STATE   IDLE TIME  LOGON TIME\r\n>%-22lsconsole             1  Active      none   9/14/2026 8:02 AM\r\n", user());
	return 1; /* as quser does on Windows 10 */
}

int nltest(int argc, WCHAR **argv)
{
	if (option_at(argc, argv, L"dclist") || option_at(argc, argv, L"domain_trusts") || option_at(argc, argv, L"dsgetdc"))
		return err(L"Enumerating domain trusts failed: Status = 1717 0x6b5 RPC_S_UNKNOWN_IF\r\n"), 1;
	return out(L"The command completed successfully\r\n"), 0;
}

int dsquery(int argc, WCHAR **argv)
{
	(void)argc, (void)argv;
	return err(L"dsquery failed:The specified domain either does not exist or could not be contacted.\r\ntype dsquery /? for help.\r\n"), 1;
}

int klist(int argc, WCHAR **argv)
{
	(void)argc, (void)argv;
	return out(L"\r\nCurrent LogonId is 0:0x3e7a1\r\n\r\nCached Tickets: (0)\r\n"), 0;
}

int cmdkey(int argc, WCHAR **argv)
{
	if (option_at(argc, argv, L"add")) return out(L"\r\nCMDKEY: Credential added successfully.\r\n"), 0;
	if (option_at(argc, argv, L"delete")) return out(L"\r\nCMDKEY: Credential deleted successfully.\r\n"), 0;
	return out(L"\r\nCurrently stored credentials:\r\n\r\n    Target: WindowsLive:target=virtualapp/didlogical\r\n    Type: Generic \r\n    User: 02ksfoqzvqkl\r\n    Local machine persistence\r\n\r\n"), 0;
}
