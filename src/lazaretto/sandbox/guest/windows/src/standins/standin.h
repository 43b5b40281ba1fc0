/* Stand-ins for system programs: one executable under many names, the name says which program it is.
 *
 * They answer as the programs of Windows 10 do: text, exit code, and the effects that a caller relies on (tasks, accounts,
 * files, processes, downloads are real). What they are asked to do they record nowhere: the kernel sees their start. */
#ifndef STANDIN_H
#define STANDIN_H
#define WIN32_LEAN_AND_MEAN
#define _WIN32_WINNT 0x0a00
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

typedef int (*program)(int argc, WCHAR **argv);

/* Formatted text to standard output or error: %ls for wide strings. */
void out(const WCHAR *format, ...);
void err(const WCHAR *format, ...);

int same(const WCHAR *a, const WCHAR *b);                            /* without regard to case */
int begins(const WCHAR *text, const WCHAR *start);                   /* likewise */
int has(int argc, WCHAR **argv, const WCHAR *word);                  /* whether a word is among the arguments */
int option_at(int argc, WCHAR **argv, const WCHAR *name);            /* index of "/name" or "-name", 0: absent */
const WCHAR *option(int argc, WCHAR **argv, const WCHAR *name);      /* what follows "/name" or "/name:", or NULL */
const WCHAR *computer(void);
const WCHAR *user(void);
const WCHAR *arguments_of(const WCHAR *command_line);                /* behind the program's name */
int run_line(const WCHAR *line, int wait);                           /* start a command line; its exit code if waited for */
WCHAR *load_text(const WCHAR *path);                                 /* a whole file as text; free() */
char *load_bytes(const WCHAR *path, DWORD *size);
int store_bytes(const WCHAR *path, const void *bytes, DWORD size);
int fetch(const WCHAR *url, const WCHAR *path);                      /* download by URLMON; 1: done */
int decode_base64(const WCHAR *text, BYTE **bytes, DWORD *size);
DWORD setting(const WCHAR *name, DWORD otherwise);                   /* state that outlives the program */
void set_setting(const WCHAR *name, DWORD value);

int vssadmin(int, WCHAR **), bcdedit(int, WCHAR **), wbadmin(int, WCHAR **), reagentc(int, WCHAR **), manage_bde(int, WCHAR **),
	diskshadow(int, WCHAR **);
int schtasks(int, WCHAR **), at(int, WCHAR **);
int net(int, WCHAR **), whoami(int, WCHAR **), quser(int, WCHAR **), nltest(int, WCHAR **), dsquery(int, WCHAR **), klist(int, WCHAR **),
	cmdkey(int, WCHAR **);
int tasklist(int, WCHAR **), taskkill(int, WCHAR **), wmic(int, WCHAR **);
int systeminfo(int, WCHAR **), wevtutil(int, WCHAR **), netsh(int, WCHAR **), fsutil(int, WCHAR **), cipher(int, WCHAR **),
	icacls(int, WCHAR **), takeown(int, WCHAR **), gpupdate(int, WCHAR **), auditpol(int, WCHAR **), arp(int, WCHAR **),
	route(int, WCHAR **), nslookup(int, WCHAR **), tracert(int, WCHAR **), timeout(int, WCHAR **), choice(int, WCHAR **),
	where(int, WCHAR **), forfiles(int, WCHAR **), setx(int, WCHAR **), shutdown_program(int, WCHAR **), ping(int, WCHAR **),
	succeed(int, WCHAR **), find_text_in_files(int, WCHAR **);
int certutil(int, WCHAR **), bitsadmin(int, WCHAR **), curl(int, WCHAR **), chrome(int, WCHAR **);
int powershell(int, WCHAR **);

#endif
