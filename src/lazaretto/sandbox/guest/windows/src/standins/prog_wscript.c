/* wscript.exe and cscript.exe. Wine has both, but its host offers no service provider, without which VBScript cannot
 * create objects that want a site (XMLHTTP is one), does not know .wsf, .jse and .vbe, and registers type libraries at
 * every start. */
#include "host.h"
#include <shellapi.h>
#include <stdio.h>
#include <stdlib.h>
#include <wchar.h>

static int console, batch, exit_code, argument_count;
static WCHAR script[MAX_PATH], program[MAX_PATH], **arguments;
static const struct member named_members[], unnamed_members[];

static void print(HANDLE to, const WCHAR *text)
{
	DWORD done;
	if (GetFileType(to) == FILE_TYPE_CHAR && WriteConsoleW(to, text, wcslen(text), &done, NULL)) return;
	int size = WideCharToMultiByte(CP_OEMCP, 0, text, -1, NULL, 0, NULL, NULL);
	char *bytes = malloc(size);
	WideCharToMultiByte(CP_OEMCP, 0, text, -1, bytes, size, NULL, NULL);
	WriteFile(to, bytes, size - 1, &done, NULL);
	free(bytes);
}

static void show(const WCHAR *text, HANDLE to)
{
	if (!console) {
		if (!batch) MessageBoxW(NULL, text, L"Windows Script Host", MB_OK);
		return;
	}
	print(to, text);
	print(to, L"\r\n");
}

static void show_error(const WCHAR *text)
{
	show(text, GetStdHandle(STD_ERROR_HANDLE));
}

/* ---- text streams ------------------------------------------------------------------------------------------------ */

static HRESULT stream_write(struct object *self, VARIANT *args, unsigned count, int put, VARIANT *result)
{
	BSTR text = arg_text(args, count, 0, L"");
	(void)put, (void)result;
	print(GetStdHandle(self->number), text);
	SysFreeString(text);
	return S_OK;
}

static HRESULT stream_line(struct object *self, VARIANT *args, unsigned count, int put, VARIANT *result)
{
	stream_write(self, args, count, put, result);
	print(GetStdHandle(self->number), L"\r\n");
	return S_OK;
}

static int next_char(HANDLE from)
{
	unsigned char c;
	DWORD got;
	return ReadFile(from, &c, 1, &got, NULL) && got ? c : -1;
}

static HRESULT read_until(struct object *self, int end, unsigned most, VARIANT *result)
{
	WCHAR *text = malloc(65536 * sizeof(WCHAR));
	unsigned n = 0;
	int c;
	while (n < 65535 && n < most && (c = next_char(GetStdHandle(self->number))) >= 0 && c != end)
		if (c != '\r') text[n++] = c;
	text[n] = 0;
	give_text(result, text);
	free(text);
	return S_OK;
}

static HRESULT stream_read_line(struct object *self, VARIANT *args, unsigned count, int put, VARIANT *result)
{
	(void)args, (void)count, (void)put;
	return read_until(self, '\n', 65535, result);
}

static HRESULT stream_read_all(struct object *self, VARIANT *args, unsigned count, int put, VARIANT *result)
{
	(void)args, (void)count, (void)put;
	return read_until(self, -2, 65535, result);
}

static HRESULT stream_read(struct object *self, VARIANT *args, unsigned count, int put, VARIANT *result)
{
	(void)put;
	return read_until(self, -2, arg_number(args, count, 0, 1), result);
}

static HRESULT stream_end(struct object *self, VARIANT *args, unsigned count, int put, VARIANT *result)
{
	DWORD there = 0;
	(void)args, (void)count, (void)put;
	return give_bool(result, !PeekNamedPipe(GetStdHandle(self->number), NULL, 0, NULL, &there, NULL) || !there);
}

static HRESULT nothing(struct object *self, VARIANT *args, unsigned count, int put, VARIANT *result)
{
	(void)self, (void)args, (void)count, (void)put, (void)result;
	return S_OK;
}

static const struct member stream_members[] = {
	{L"Write", stream_write}, {L"WriteLine", stream_line}, {L"WriteBlankLines", stream_line}, {L"ReadLine", stream_read_line},
	{L"ReadAll", stream_read_all}, {L"Read", stream_read}, {L"AtEndOfStream", stream_end}, {L"Close", nothing}, {NULL, NULL},
};

/* ---- arguments --------------------------------------------------------------------------------------------------- */

static int is_named(const WCHAR *argument) { return *argument == '/'; }

/* 0: all, 1: unnamed only */
static const WCHAR *argument_at(int unnamed, int index)
{
	for (int i = 0; i < argument_count; i++)
		if (!(unnamed && is_named(arguments[i])) && !index--) return arguments[i];
	return NULL;
}

static HRESULT args_item(struct object *self, VARIANT *args, unsigned count, int put, VARIANT *result)
{
	const WCHAR *found = argument_at(self->number, arg_number(args, count, 0, -1));
	(void)put;
	return found ? give_text(result, found) : (HRESULT)0x800a0009; /* subscript out of range */
}

static HRESULT args_count(struct object *self, VARIANT *args, unsigned count, int put, VARIANT *result)
{
	int n = 0;
	(void)args, (void)count, (void)put;
	while (argument_at(self->number, n)) n++;
	return give_number(result, n);
}

static const WCHAR *named(VARIANT *args, unsigned count)
{
	BSTR name = arg_text(args, count, 0, L"");
	const WCHAR *found = NULL;
	size_t length = wcslen(name);
	for (int i = 0; i < argument_count && !found; i++)
		if (is_named(arguments[i]) && !_wcsnicmp(arguments[i] + 1, name, length) &&
		    (arguments[i][1 + length] == ':' || !arguments[i][1 + length]))
			found = arguments[i] + 1 + length + (arguments[i][1 + length] == ':');
	SysFreeString(name);
	return found;
}

static HRESULT named_item(struct object *self, VARIANT *args, unsigned count, int put, VARIANT *result)
{
	const WCHAR *found = named(args, count);
	(void)self, (void)put;
	return found ? give_text(result, found) : S_OK;
}

static HRESULT named_exists(struct object *self, VARIANT *args, unsigned count, int put, VARIANT *result)
{
	(void)self, (void)put;
	return give_bool(result, named(args, count) != NULL);
}

static HRESULT args_named(struct object *self, VARIANT *args, unsigned count, int put, VARIANT *result)
{
	(void)self, (void)args, (void)count, (void)put;
	return give_object(result, new_object(named_members, NULL, 0));
}

static HRESULT args_unnamed(struct object *self, VARIANT *args, unsigned count, int put, VARIANT *result)
{
	(void)self, (void)args, (void)count, (void)put;
	return give_object(result, new_object(unnamed_members, NULL, 1));
}

static const struct member named_members[] = {
	{L"", named_item}, {L"Item", named_item}, {L"Exists", named_exists}, {L"Count", args_count}, {L"Length", args_count}, {NULL, NULL},
};
static const struct member unnamed_members[] = {
	{L"", args_item}, {L"Item", args_item}, {L"Count", args_count}, {L"Length", args_count}, {NULL, NULL},
};
static const struct member argument_members[] = {
	{L"", args_item}, {L"Item", args_item}, {L"Count", args_count}, {L"Length", args_count}, {L"Named", args_named},
	{L"Unnamed", args_unnamed}, {NULL, NULL},
};

/* ---- WScript ----------------------------------------------------------------------------------------------------- */

static HRESULT w_echo(struct object *self, VARIANT *args, unsigned count, int put, VARIANT *result)
{
	WCHAR *line = calloc(1, sizeof(WCHAR));
	(void)self, (void)put, (void)result;
	for (unsigned i = 0; i < count; i++) {
		BSTR text = arg_text(args, count, i, L"");
		line = realloc(line, (wcslen(line) + wcslen(text) + 2) * sizeof(WCHAR));
		if (i) wcscat(line, L" ");
		wcscat(line, text);
		SysFreeString(text);
	}
	show(line, GetStdHandle(STD_OUTPUT_HANDLE));
	free(line);
	return S_OK;
}

static HRESULT w_quit(struct object *self, VARIANT *args, unsigned count, int put, VARIANT *result)
{
	(void)self, (void)put, (void)result;
	ExitProcess(arg_number(args, count, 0, 0));
}

static HRESULT w_sleep(struct object *self, VARIANT *args, unsigned count, int put, VARIANT *result)
{
	LONG left = arg_number(args, count, 0, 0);
	MSG message;
	(void)self, (void)put, (void)result;
	Sleep(left > 0 ? left : 0);
	while (PeekMessageW(&message, NULL, 0, 0, PM_REMOVE)) DispatchMessageW(&message);
	return S_OK;
}

static HRESULT w_create(struct object *self, VARIANT *args, unsigned count, int put, VARIANT *result)
{
	BSTR name = arg_text(args, count, 0, L"");
	CLSID clsid;
	IDispatch *object;
	(void)self, (void)put;
	HRESULT status = CLSIDFromProgID(name, &clsid);
	SysFreeString(name);
	if (SUCCEEDED(status))
		status = CoCreateInstance(&clsid, NULL, CLSCTX_INPROC_SERVER | CLSCTX_LOCAL_SERVER, &IID_IDispatch, (void **)&object);
	if (FAILED(status)) return 0x800a01ad; /* cannot create object */
	V_VT(result) = VT_DISPATCH;
	V_DISPATCH(result) = object;
	return S_OK;
}

static HRESULT w_get_object(struct object *self, VARIANT *args, unsigned count, int put, VARIANT *result)
{
	BSTR name = arg_text(args, count, 0, L"");
	IDispatch *object;
	(void)self, (void)put;
	HRESULT status = CoGetObject(name, NULL, &IID_IDispatch, (void **)&object);
	SysFreeString(name);
	if (FAILED(status)) return status;
	V_VT(result) = VT_DISPATCH;
	V_DISPATCH(result) = object;
	return S_OK;
}

enum { W_SCRIPT_PATH, W_SCRIPT_NAME, W_PROGRAM_PATH, W_NAME, W_FOLDER, W_VERSION };

static const WCHAR *about(int what)
{
	static WCHAR folder[MAX_PATH];
	const WCHAR *slash = wcsrchr(script, '\\');
	switch (what) {
	case W_SCRIPT_PATH: return script;
	case W_SCRIPT_NAME: return slash ? slash + 1 : script;
	case W_PROGRAM_PATH: return program;
	case W_NAME: return L"Windows Script Host";
	case W_VERSION: return L"5.812";
	}
	wcscpy(folder, program);
	if (wcsrchr(folder, '\\')) *wcsrchr(folder, '\\') = 0;
	return folder;
}

#define ABOUT(function, what) \
	static HRESULT function(struct object *self, VARIANT *args, unsigned count, int put, VARIANT *result) \
	{ (void)self, (void)args, (void)count, (void)put; return give_text(result, about(what)); }
ABOUT(w_script_path, W_SCRIPT_PATH)
ABOUT(w_script_name, W_SCRIPT_NAME)
ABOUT(w_program_path, W_PROGRAM_PATH)
ABOUT(w_name, W_NAME)
ABOUT(w_folder, W_FOLDER)
ABOUT(w_version, W_VERSION)

static HRESULT w_build(struct object *self, VARIANT *args, unsigned count, int put, VARIANT *result)
{
	(void)self, (void)args, (void)count, (void)put;
	return give_number(result, 16384);
}

static HRESULT w_interactive(struct object *self, VARIANT *args, unsigned count, int put, VARIANT *result)
{
	(void)self;
	if (put) return batch = !arg_number(args, count, 0, 1), S_OK;
	return give_bool(result, !batch);
}

static HRESULT w_arguments(struct object *self, VARIANT *args, unsigned count, int put, VARIANT *result)
{
	(void)self, (void)put;
	struct object *list = new_object(argument_members, NULL, 0);
	return count ? args_item(list, args, count, 0, result) : give_object(result, list);
}

static HRESULT stream(DWORD which, VARIANT *result) { return give_object(result, new_object(stream_members, NULL, which)); }
static HRESULT w_in(struct object *self, VARIANT *args, unsigned count, int put, VARIANT *result)
{ (void)self, (void)args, (void)count, (void)put; return stream(STD_INPUT_HANDLE, result); }
static HRESULT w_out(struct object *self, VARIANT *args, unsigned count, int put, VARIANT *result)
{ (void)self, (void)args, (void)count, (void)put; return stream(STD_OUTPUT_HANDLE, result); }
static HRESULT w_err(struct object *self, VARIANT *args, unsigned count, int put, VARIANT *result)
{ (void)self, (void)args, (void)count, (void)put; return stream(STD_ERROR_HANDLE, result); }

static HRESULT w_self(struct object *self, VARIANT *args, unsigned count, int put, VARIANT *result)
{
	(void)args, (void)count, (void)put;
	return give_object(result, self);
}

static const struct member wscript_members[] = {
	{L"", w_name}, {L"Echo", w_echo}, {L"Quit", w_quit}, {L"Sleep", w_sleep}, {L"CreateObject", w_create}, {L"GetObject", w_get_object},
	{L"Arguments", w_arguments}, {L"ScriptFullName", w_script_path}, {L"ScriptName", w_script_name}, {L"FullName", w_program_path},
	{L"Name", w_name}, {L"Path", w_folder}, {L"Version", w_version}, {L"BuildVersion", w_build}, {L"Interactive", w_interactive},
	{L"Timeout", nothing}, {L"StdIn", w_in}, {L"StdOut", w_out}, {L"StdErr", w_err}, {L"Application", w_self},
	{L"ConnectObject", nothing}, {L"DisconnectObject", nothing}, {NULL, NULL},
};

/* ---- running ----------------------------------------------------------------------------------------------------- */

static void run_wsf(const WCHAR *text)
{
	struct block block;
	while (next_block(&text, &block)) {
		if (*block.source) {
			WCHAR path[2 * MAX_PATH], *code;
			_snwprintf(path, 2 * MAX_PATH - 1, L"%ls", script);
			WCHAR *slash = wcsrchr(path, '\\');
			_snwprintf(slash ? slash + 1 : path, MAX_PATH, L"%ls", block.source);
			if ((code = read_text(wcschr(block.source, ':') ? block.source : path))) run_script(block.language, code);
			free(code);
		}
		run_script(block.language, block.text);
		free(block.text);
	}
}

static int refuse(const WCHAR *format, const WCHAR *what)
{
	WCHAR text[1024];
	_snwprintf(text, 1023, format, what);
	show_error(text);
	return 1;
}

int wmain(int argc, WCHAR **argv)
{
	const WCHAR *engine = NULL, *name;
	int i = 1, banner = 1;
	GetModuleFileNameW(NULL, program, MAX_PATH);
	name = wcsrchr(program, '\\');
	console = name && (name[1] == 'c' || name[1] == 'C');
	for (; i < argc && argv[i][0] == '/' && argv[i][1] == '/'; i++) {
		if (!_wcsicmp(argv[i], L"//B")) batch = 1;
		else if (!_wcsicmp(argv[i], L"//NoLogo")) banner = 0;
		else if (!_wcsnicmp(argv[i], L"//E:", 4)) engine = argv[i] + 4;
	}
	if (console && banner && !batch)
		print(GetStdHandle(STD_OUTPUT_HANDLE), L"Microsoft (R) Windows Script Host Version 5.812\r\n"
		      L"Copyright (C) Microsoft Corporation. All rights reserved.\r\n\r\n");
	if (i >= argc) return 0;
	GetFullPathNameW(argv[i], MAX_PATH, script, NULL);
	arguments = calloc(argc, sizeof(*arguments));
	for (i++; i < argc; i++) /* options of the host may also stand behind the script's name */
		if (argv[i][0] == '/' && argv[i][1] == '/') {
			if (!_wcsnicmp(argv[i], L"//E:", 4)) engine = argv[i] + 4;
			if (!_wcsicmp(argv[i], L"//B")) batch = 1;
		} else arguments[argument_count++] = argv[i];
	CoInitializeEx(NULL, COINIT_APARTMENTTHREADED);
	WCHAR *text = read_text(script);
	if (!text) return refuse(L"Input Error: Can not find script file \"%ls\".", script);
	IDispatch *wscript = &new_object(wscript_members, NULL, 0)->iface;
	struct item items[] = {{L"WScript", wscript, 0}, {L"WSH", wscript, 0}, {NULL, NULL, 0}};
	host.title = L"Windows Script Host";
	host.script = script;
	host.items = items;
	host.error = show_error;
	const WCHAR *dot = wcsrchr(script, '.');
	if (!engine) engine = language_of(script, text);
	if (!engine && dot && (!_wcsicmp(dot, L".wsf") || !_wcsicmp(dot, L".wsc") || !_wcsicmp(dot, L".sct"))) run_wsf(text);
	else if (!engine) return refuse(L"Input Error: There is no script engine for file extension \"%ls\".", dot ? dot : L"");
	else if (!run_script(engine, text) && !host.failed) return refuse(L"Input Error: Can't find script engine \"%ls\" for script.", engine);
	exit_code = host.failed;
	/* Engines hold objects that hold threads: leave as WScript.Quit does. */
	ExitProcess(exit_code);
}
