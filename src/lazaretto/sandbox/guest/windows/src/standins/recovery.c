/* Programs about backups and starting: vssadmin, diskshadow, wbadmin, bcdedit, reagentc, manage-bde. */
#include "standin.h"

static const WCHAR volume[] = L"\\\\?\\Volume{8f3d1c52-0000-0000-0000-500600000000}\\";

static void shadow(int number)
{
	static const WCHAR *sets[] = {L"{d2a6c7b0-5a0e-4d8c-9b3f-2f1d5c0e7a11}", L"{0b7ce5f4-2c7e-4a55-8d0e-7f6a1c9d3e52}"};
	static const WCHAR *ids[] = {L"{6f0ad7be-2c94-4b1b-a3a9-9f0c2be4d1c7}", L"{b1e5a2d8-93f7-4d0a-8a65-4cf0d7e1b2a9}"};
	static const WCHAR *times[] = {L"9/6/2026 11:02:17 AM", L"9/12/2026 10:41:55 AM"};
	out(L"Contents of shadow copy set ID: %ls\r\n   Contained 1 shadow copies at creation time: %ls\r\n      Shadow Copy ID: %ls\r\n"
	    L"         Original Volume: (C:)%ls\r\n         Shadow Copy Volume: \\\\?\\GLOBALROOT\\Device\\HarddiskVolumeShadowCopy%d\r\n"
	    L"         Originating Machine: %ls\r\n         Service Machine: %ls\r\n         Provider: 'Microsoft Software Shadow Copy provider 1.0'\r\n"
	    L"         Type: ClientAccessibleWriters\r\n         Attributes: Persistent, Client-accessible, No auto release, Differential, Auto recovered\r\n\r\n",
	    sets[number], times[number], ids[number], volume, number + 1, computer(), computer());
}

int vssadmin(int argc, WCHAR **argv)
{
	DWORD shadows = setting(L"Count", 2);
	out(L"vssadmin 1.1 - Volume Shadow Copy Service administrative command-line tool\r\n(C) Copyright 2001-2013 Microsoft Corp.\r\n\r\n");
	if (argc > 2 && same(argv[1], L"delete") && same(argv[2], L"shadows")) {
		if (!shadows) return out(L"No items found that satisfy the query.\r\n"), 1;
		if (!option_at(argc, argv, L"quiet"))
			out(L"Do you really want to delete %lu shadow copies (Y/N): [N]? Y\r\n\r\n", shadows);
		out(L"Successfully deleted %lu shadow copies.\r\n", shadows);
		set_setting(L"Count", 0);
		return 0;
	}
	if (argc > 2 && same(argv[1], L"list") && same(argv[2], L"shadows")) {
		if (!shadows) return out(L"No items found that satisfy the query.\r\n"), 0;
		for (DWORD i = 0; i < shadows && i < 2; i++) shadow(i);
		return 0;
	}
	if (argc > 2 && same(argv[1], L"list") && same(argv[2], L"shadowstorage"))
		return out(L"Shadow Copy Storage association\r\n   For volume: (C:)%ls\r\n   Shadow Copy Storage volume: (C:)%ls\r\n"
			   L"   Used Shadow Copy Storage space: 3.41 GB (1%%)\r\n   Allocated Shadow Copy Storage space: 3.86 GB (1%%)\r\n"
			   L"   Maximum Shadow Copy Storage space: 9.27 GB (2%%)\r\n\r\n", volume, volume), 0;
	if (argc > 2 && same(argv[1], L"list") && same(argv[2], L"volumes"))
		return out(L"Volume path: C:\\\r\n    Volume name: %ls\r\n", volume), 0;
	if (argc > 2 && same(argv[1], L"list") && same(argv[2], L"providers"))
		return out(L"Provider name: 'Microsoft Software Shadow Copy provider 1.0'\r\n   Provider type: System\r\n"
			   L"   Provider Id: {b5946137-7b9f-4925-af80-51abd60b20d5}\r\n   Version: 1.0.0.7\r\n\r\n"), 0;
	if (argc > 2 && same(argv[1], L"list")) return 0;
	if (argc > 2 && same(argv[1], L"resize")) {
		const WCHAR *most = option(argc, argv, L"maxsize");
		if (most && wcstol(most, NULL, 10) < 1000) set_setting(L"Count", 0); /* too small for the copies that are there */
		return out(L"Successfully resized the shadow copy storage association\r\n"), 0;
	}
	out(L"Error: Invalid command.\r\n\r\n---- Commands Supported ----\r\n\r\nDelete Shadows        - Delete volume shadow copies\r\n"
	    L"List Providers        - List registered volume shadow copy providers\r\nList Shadows          - List existing volume shadow copies\r\n"
	    L"List ShadowStorage    - List volume shadow copy storage associations\r\nList Volumes          - List volumes eligible for shadow copies\r\n"
	    L"List Writers          - List subscribed volume shadow copy writers\r\nResize ShadowStorage  - Resize a volume shadow copy storage association\r\n");
	return argc > 1 ? 2 : 0;
}

int diskshadow(int argc, WCHAR **argv)
{
	(void)argc, (void)argv;
	out(L"Microsoft DiskShadow version 1.0\r\nCopyright (C) 2013 Microsoft Corporation\r\nOn computer:  %ls\r\n\r\n", computer());
	if (option_at(argc, argv, L"s")) set_setting(L"Count", 0);
	return 0;
}

int bcdedit(int argc, WCHAR **argv)
{
	static const WCHAR done[] = L"The operation completed successfully.\r\n";
	int recovery = setting(L"RecoveryEnabled", 1);
	if (argc > 3 && option_at(argc, argv, L"set")) {
		if (has(argc, argv, L"recoveryenabled")) set_setting(L"RecoveryEnabled", !has(argc, argv, L"no") && !has(argc, argv, L"off"));
		return out(done), 0;
	}
	for (int i = 1; i < argc; i++) {
		static const WCHAR *changing[] = {L"deletevalue", L"delete", L"create", L"copy", L"default", L"timeout", L"export", L"import",
			L"debug", L"bootdebug", L"ems", L"displayorder", L"bootsequence", L"dbgsettings", L"store"};
		for (size_t n = 0; n < sizeof(changing) / sizeof(*changing); n++)
			if (*argv[i] == '/' && same(argv[i] + 1, changing[n])) return out(done), 0;
	}
	if (argc > 1 && !option_at(argc, argv, L"enum") && !option_at(argc, argv, L"v"))
		return out(L"The set command specified is not valid.\r\nRun \"bcdedit /?\" for command line assistance.\r\nThe parameter is incorrect.\r\n"), 1;
	out(L"\r\nWindows Boot Manager\r\n--------------------\r\nidentifier              {bootmgr}\r\ndevice                  partition=\\Device\\HarddiskVolume1\r\n"
	    L"path                    \\EFI\\MICROSOFT\\BOOT\\BOOTMGFW.EFI\r\ndescription             Windows Boot Manager\r\nlocale                  en-US\r\n"
	    L"inherit                 {globalsettings}\r\ndefault                 {current}\r\nresumeobject            {4c1d8b2e-7c6f-11ed-9f1a-c81f66d0a7b3}\r\n"
	    L"displayorder            {current}\r\ntoolsdisplayorder       {memdiag}\r\ntimeout                 30\r\n\r\n"
	    L"Windows Boot Loader\r\n-------------------\r\nidentifier              {current}\r\ndevice                  partition=C:\r\n"
	    L"path                    \\Windows\\system32\\winload.efi\r\ndescription             Windows 10\r\nlocale                  en-US\r\n"
	    L"inherit                 {bootloadersettings}\r\nrecoverysequence        {4c1d8b30-7c6f-11ed-9f1a-c81f66d0a7b3}\r\n"
	    L"displaymessageoverride  Recovery\r\nrecoveryenabled         %ls\r\nisolatedcontext         Yes\r\nallowedinmemorysettings 0x15000075\r\n"
	    L"osdevice                partition=C:\r\nsystemroot              \\Windows\r\nresumeobject            {4c1d8b2e-7c6f-11ed-9f1a-c81f66d0a7b3}\r\n"
	    L"nx                      OptIn\r\nbootmenupolicy          Standard\r\n", recovery ? L"Yes" : L"No");
	return 0;
}

int wbadmin(int argc, WCHAR **argv)
{
	out(L"wbadmin 1.0 - Backup command-line tool\r\n(C) Copyright Microsoft Corporation. All rights reserved.\r\n\r\n");
	if (argc > 2 && same(argv[1], L"delete") && same(argv[2], L"catalog"))
		return out(L"The backup catalog has been successfully deleted.\r\n"), 0;
	if (argc > 2 && same(argv[1], L"delete"))
		return out(L"ERROR - No backups were found that match the specified criteria.\r\n"), -5;
	if (argc > 1 && same(argv[1], L"disable")) return out(L"The scheduled backup is disabled.\r\n"), 0;
	if (argc > 1 && (same(argv[1], L"get") || same(argv[1], L"enable") || same(argv[1], L"start") || same(argv[1], L"stop")))
		return out(L"ERROR - No backup was found.\r\n"), -3;
	out(L"ERROR - Command syntax incorrect. Type WBADMIN /? for more information.\r\n");
	return -1;
}

int reagentc(int argc, WCHAR **argv)
{
	int on = setting(L"RecoveryEnvironment", 1);
	if (option_at(argc, argv, L"disable") || option_at(argc, argv, L"enable")) {
		int wanted = option_at(argc, argv, L"enable") != 0;
		if (wanted == on) return out(L"REAGENTC.EXE: Windows RE is already %ls.\r\n\r\n", on ? L"enabled" : L"disabled"), 2;
		set_setting(L"RecoveryEnvironment", wanted);
		return out(L"REAGENTC.EXE: Operation Successful.\r\n\r\n"), 0;
	}
	out(L"Windows Recovery Environment (Windows RE) and system reset configuration\r\nInformation:\r\n\r\n    Windows RE status:         %ls\r\n"
	    L"    Windows RE location:       \\\\?\\GLOBALROOT\\device\\harddisk0\\partition4\\Recovery\\WindowsRE\r\n"
	    L"    Boot Configuration Data (BCD) identifier: 4c1d8b30-7c6f-11ed-9f1a-c81f66d0a7b3\r\n    Recovery image location:\r\n"
	    L"    Recovery image index:      0\r\n    Custom image location:\r\n    Custom image index:        0\r\n\r\nREAGENTC.EXE: Operation Successful.\r\n\r\n",
	    on ? L"Enabled" : L"Disabled");
	return 0;
}

int manage_bde(int argc, WCHAR **argv)
{
	out(L"BitLocker Drive Encryption: Configuration Tool version 10.0.19041\r\nCopyright (C) 2013 Microsoft Corporation. All rights reserved.\r\n\r\n");
	if (option_at(argc, argv, L"on")) return out(L"Volume C: []\r\n[OS Volume]\r\nEncryption is now in progress.\r\n"), 0;
	if (option_at(argc, argv, L"protectors")) return out(L"Key Protectors Added:\r\n\r\n"), 0;
	out(L"Disk volumes that can be protected with\r\nBitLocker Drive Encryption:\r\nVolume C: []\r\n[OS Volume]\r\n\r\n    Size:                 464.82 GB\r\n"
	    L"    BitLocker Version:    None\r\n    Conversion Status:    Fully Decrypted\r\n    Percentage Encrypted: 0.0%%\r\n    Encryption Method:    None\r\n"
	    L"    Protection Status:    Protection Off\r\n    Lock Status:          Unlocked\r\n    Identification Field: None\r\n    Key Protectors:       None Found\r\n");
	return 0;
}
