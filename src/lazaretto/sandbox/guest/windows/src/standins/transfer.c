/* certutil, bitsadmin, curl and the browser: what they are asked to decode or to load is really decoded or loaded. */
#include "standin.h"
#include <ctype.h>
#include <wincrypt.h>

static int certutil_done(const WCHAR *what) { return out(L"CertUtil: -%ls command completed successfully.\r\n", what), 0; }

static int certutil_fail(const WCHAR *what, DWORD code, const WCHAR *text)
{
	out(L"CertUtil: -%ls command FAILED: 0x%08lx (WIN32: %lu)\r\nCertUtil: %ls\r\n", what, code, code & 0xffff, text);
	return code;
}

static int hash_file(const WCHAR *path, const WCHAR *name)
{
	static const struct { const WCHAR *name; ALG_ID id; } kinds[] = {{L"MD5", CALG_MD5}, {L"SHA1", CALG_SHA1}, {L"SHA256", CALG_SHA_256}, {L"SHA512", CALG_SHA_512}};
	HCRYPTPROV provider;
	HCRYPTHASH hash;
	BYTE sum[64];
	DWORD size = 0, length = sizeof(sum), kind = 1;
	char *bytes = load_bytes(path, &size);
	if (!bytes) return certutil_fail(L"hashfile", 0x80070002, L"The system cannot find the file specified.");
	for (DWORD i = 0; name && i < 4; i++)
		if (same(kinds[i].name, name)) kind = i;
	CryptAcquireContextW(&provider, NULL, NULL, PROV_RSA_AES, CRYPT_VERIFYCONTEXT);
	CryptCreateHash(provider, kinds[kind].id, 0, 0, &hash);
	CryptHashData(hash, (BYTE *)bytes, size, 0);
	CryptGetHashParam(hash, HP_HASHVAL, sum, &length, 0);
	out(L"%ls hash of %ls:\r\n", kinds[kind].name, path);
	for (DWORD i = 0; i < length; i++) out(L"%02x", sum[i]);
	out(L"\r\n");
	return free(bytes), certutil_done(L"hashfile");
}

static char *to_base64(const BYTE *bytes, DWORD size, DWORD *length)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *text = malloc(size * 3ul / 2 + 128), *p = text + sprintf(text, "-----BEGIN CERTIFICATE-----\r\n");
	for (DWORD i = 0; i < size; i += 3) {
		unsigned bits = bytes[i] << 16 | (i + 1 < size ? bytes[i + 1] << 8 : 0) | (i + 2 < size ? bytes[i + 2] : 0);
		for (int d = 0; d < 4; d++) *p++ = d > 1 && i + d - 1 >= size ? '=' : digits[bits >> (18 - 6 * d) & 63];
		if (i % 48 == 45) *p++ = '\r', *p++ = '\n';
	}
	if (size % 48) *p++ = '\r', *p++ = '\n';
	*length = p + sprintf(p, "-----END CERTIFICATE-----\r\n") - text;
	return text;
}

/* What stands between the lines of dashes, or all of it. */
static BYTE *from_base64(const char *text, DWORD size, DWORD *length)
{
	const char *from = strstr(text, "-----BEGIN"), *to = NULL;
	BYTE *bytes = NULL;
	if (from && (from = strchr(from, '\n'))) to = strstr(from, "-----END");
	if (!from) from = text;
	if (!to) to = text + size;
	WCHAR *wide = calloc(to - from + 1, sizeof(WCHAR));
	for (const char *p = from; p < to; p++) wide[p - from] = (unsigned char)*p;
	int ok = decode_base64(wide, &bytes, length) && *length;
	free(wide);
	return ok ? bytes : NULL;
}

static char *to_hex(const BYTE *bytes, DWORD size, DWORD *length)
{
	char *text = malloc(size * 4ul + 16), *p = text;
	for (DWORD i = 0; i < size; i++) p += sprintf(p, "%02x%s", bytes[i], i % 16 == 15 ? "\r\n" : " ");
	*length = p - text;
	return text;
}

static BYTE *from_hex(const char *text, DWORD size, DWORD *length)
{
	BYTE *bytes = malloc(size / 2 + 1);
	unsigned value = 0, digits = 0;
	*length = 0;
	for (DWORD i = 0; i < size; i++) {
		if (!isxdigit((unsigned char)text[i])) continue;
		value = value << 4 | (text[i] <= '9' ? text[i] - '0' : (text[i] | 32) - 'a' + 10);
		if (++digits % 2 == 0) bytes[(*length)++] = value;
	}
	return bytes;
}

static int convert(const WCHAR *what, const WCHAR *from, const WCHAR *to)
{
	DWORD size = 0, length = 0;
	char *bytes = load_bytes(from, &size);
	if (!bytes) return certutil_fail(what, 0x80070002, L"The system cannot find the file specified.");
	void *result = same(what, L"encode") ? (void *)to_base64((BYTE *)bytes, size, &length) : same(what, L"decode") ? from_base64(bytes, size, &length) :
		       same(what, L"encodehex") ? (void *)to_hex((BYTE *)bytes, size, &length) : from_hex(bytes, size, &length);
	if (!result) return certutil_fail(what, 0x8007000d, L"The data is invalid.");
	store_bytes(to, result, length);
	out(L"Input Length = %lu\r\nOutput Length = %lu\r\n", size, length);
	return certutil_done(what);
}

static void add_certificate(const WCHAR *store_name, const WCHAR *path)
{
	DWORD size = 0;
	char *bytes = load_bytes(path, &size);
	HMODULE crypt = LoadLibraryW(L"crypt32.dll");
	HCERTSTORE (WINAPI *open)(HCRYPTPROV, LPCWSTR) = (void *)GetProcAddress(crypt, "CertOpenSystemStoreW");
	BOOL (WINAPI *add)(HCERTSTORE, DWORD, const BYTE *, DWORD, DWORD, PCCERT_CONTEXT *) = (void *)GetProcAddress(crypt, "CertAddEncodedCertificateToStore");
	if (bytes) add(open(0, store_name), X509_ASN_ENCODING, (BYTE *)bytes, size, CERT_STORE_ADD_REPLACE_EXISTING, NULL);
	free(bytes);
}

int certutil(int argc, WCHAR **argv)
{
	const WCHAR *names[3] = {0};
	int n = 0;
	for (int i = 1; i < argc && n < 3; i++)
		if (*argv[i] != '-' && *argv[i] != '/') names[n++] = argv[i];
	if (option_at(argc, argv, L"urlcache") || option_at(argc, argv, L"verifyctl")) {
		if (option_at(argc, argv, L"delete") || n < 1) return certutil_done(L"URLCache");
		const WCHAR *target = names[1], *slash = wcsrchr(names[0], '/');
		if (!target) target = slash && slash[1] ? slash + 1 : L"index.htm";
		out(L"****  Online  ****\r\n");
		if (!fetch(names[0], target)) return certutil_fail(L"URLCache", 0x80072ee7, L"The server name or address could not be resolved");
		return certutil_done(L"URLCache");
	}
	if (n > 1 && option_at(argc, argv, L"decode")) return convert(L"decode", names[0], names[1]);
	if (n > 1 && option_at(argc, argv, L"decodehex")) return convert(L"decodehex", names[0], names[1]);
	if (n > 1 && option_at(argc, argv, L"encode")) return convert(L"encode", names[0], names[1]);
	if (n > 1 && option_at(argc, argv, L"encodehex")) return convert(L"encodehex", names[0], names[1]);
	if (n && option_at(argc, argv, L"hashfile")) return hash_file(names[0], names[1]);
	if (option_at(argc, argv, L"addstore")) {
		if (n > 1) add_certificate(names[0], names[1]);
		return out(L"%ls \"Trusted Root Certification Authorities\"\r\nCertificate added to store.\r\n", n ? names[0] : L"root"), certutil_done(L"addstore");
	}
	return certutil_done(L"dump");
}

int bitsadmin(int argc, WCHAR **argv)
{
	out(L"\r\nBITSADMIN version 3.0\r\nBITS administration utility.\r\n(C) Copyright Microsoft Corp.\r\n\r\n");
	for (int i = 1; i < argc; i++)
		if (begins(argv[i], L"http") || begins(argv[i], L"ftp")) {
			if (i + 1 >= argc) break;
			if (!fetch(argv[i], argv[i + 1])) return out(L"Unable to complete transfer.\r\nERROR CODE:    0x80072ee7\r\n"), 1;
			if (option_at(argc, argv, L"transfer")) out(L"DISPLAY: '%ls' TYPE: DOWNLOAD STATE: TRANSFERRED\r\nPRIORITY: NORMAL FILES: 1 / 1\r\nTransfer complete.\r\n", argv[2]);
			else out(L"Added %ls -> %ls to job.\r\n", argv[i], argv[i + 1]);
			return 0;
		}
	if (option_at(argc, argv, L"create")) return out(L"Created job {2B0E4D57-6E0C-4C39-9B43-0D8E2C1F7A66}.\r\n"), 0;
	if (option_at(argc, argv, L"SetNotifyCmdLine")) return out(L"notification command line set to '%ls'.\r\n", argc > 3 ? argv[3] : L""), 0;
	if (option_at(argc, argv, L"resume")) return out(L"Job resumed.\r\n"), 0;
	if (option_at(argc, argv, L"complete")) return out(L"Job completed.\r\n"), 0;
	return out(L"Listed 0 job(s).\r\n"), 0;
}

int curl(int argc, WCHAR **argv)
{
	const WCHAR *url = NULL, *target = NULL;
	WCHAR temporary[MAX_PATH], name[MAX_PATH];
	int by_name = 0;
	for (int i = 1; i < argc; i++) {
		if ((!wcscmp(argv[i], L"-o") || !wcscmp(argv[i], L"--output")) && i + 1 < argc) target = argv[++i];
		else if (!wcscmp(argv[i], L"-O") || !wcscmp(argv[i], L"--remote-name")) by_name = 1;
		else if ((!wcscmp(argv[i], L"-H") || !wcscmp(argv[i], L"-A") || !wcscmp(argv[i], L"-d") || !wcscmp(argv[i], L"-X") || !wcscmp(argv[i], L"-F") || !wcscmp(argv[i], L"-u")) && i + 1 < argc) i++;
		else if (*argv[i] != '-') url = argv[i];
	}
	if (!url) return err(L"curl: try 'curl --help' for more information\r\n"), 2;
	if (!wcsstr(url, L"://")) {
		_snwprintf(name, MAX_PATH - 1, L"http://%ls", url);
		url = name;
	}
	if (by_name && !target) target = wcsrchr(url, '/') + 1;
	GetTempPathW(MAX_PATH - 20, temporary);
	wcscat(temporary, L"curl.tmp");
	if (!fetch(url, target ? target : temporary)) return err(L"curl: (6) Could not resolve host: %ls\r\n", url), 6;
	if (!target) {
		DWORD size = 0, written;
		char *bytes = load_bytes(temporary, &size);
		WriteFile(GetStdHandle(STD_OUTPUT_HANDLE), bytes, size, &written, NULL);
		DeleteFileW(temporary);
	}
	return 0;
}

/* The browser loads the page it is given, so that the address is asked for, and shows a window with it. */
int chrome(int argc, WCHAR **argv)
{
	WCHAR temporary[MAX_PATH], title[512];
	for (int i = 1; i < argc; i++) {
		if (!begins(argv[i], L"http") && !begins(argv[i], L"ftp:")) continue;
		GetTempPathW(MAX_PATH - 20, temporary);
		wcscat(temporary, L"scoped_dir.tmp");
		fetch(argv[i], temporary);
		DeleteFileW(temporary);
		_snwprintf(title, 511, L"%ls - Google Chrome", argv[i]);
		HWND window = CreateWindowExW(0, L"STATIC", title, WS_OVERLAPPEDWINDOW | WS_VISIBLE, 80, 60, 1000, 640, NULL, NULL, NULL, NULL);
		SetTimer(window, 1, 15000, NULL);
		MSG message;
		while (GetMessageW(&message, NULL, 0, 0) > 0 && message.message != WM_TIMER) DispatchMessageW(&message);
		return 0;
	}
	return 0;
}
