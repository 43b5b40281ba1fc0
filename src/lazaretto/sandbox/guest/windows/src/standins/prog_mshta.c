/* mshta.exe: runs the scripts of an HTML application. There is no HTML engine: `document` and `window` have what scripts of
 * this kind use; the page itself is a window with its title. */
#include "host.h"
#include <stdio.h>
#include <stdlib.h>
#include <wchar.h>

static HWND page;
static WCHAR address[2084], folder[MAX_PATH];
static struct object *window_object, *document_object;
static const struct member element_members[];

struct timer { UINT_PTR id; WCHAR language[32]; WCHAR *code; IDispatch *function; int repeat; };
static struct timer timers[64];

static HRESULT nothing(struct object *self, VARIANT *args, unsigned count, int put, VARIANT *result)
{
	(void)self, (void)args, (void)count, (void)put, (void)result;
	return S_OK;
}

static void CALLBACK on_timer(HWND window, UINT message, UINT_PTR id, DWORD time)
{
	(void)message, (void)time;
	for (struct timer *t = timers; t < timers + 64; t++) {
		if (t->id != id) continue;
		if (!t->repeat) KillTimer(window, id), t->id = 0;
		if (t->function) {
			DISPPARAMS none = {0};
			IDispatch_Invoke(t->function, DISPID_VALUE, &IID_NULL, 0, DISPATCH_METHOD, &none, NULL, NULL, NULL);
		} else run_script(t->language, t->code);
		return;
	}
}

static HRESULT set_timer(struct object *self, VARIANT *args, unsigned count, int put, VARIANT *result)
{
	static UINT_PTR next = 1;
	(void)self, (void)put;
	struct timer *t = timers;
	while (t < timers + 63 && t->id) t++;
	memset(t, 0, sizeof(*t));
	t->id = next++;
	t->repeat = self->number;
	if (count && V_VT(&args[0]) == VT_DISPATCH) {
		t->function = V_DISPATCH(&args[0]);
		IDispatch_AddRef(t->function);
	} else t->code = arg_text(args, count, 0, L"");
	BSTR language = arg_text(args, count, 2, L"JScript");
	wcscpy(t->language, find_text(language, L"vbs") ? L"VBScript" : L"JScript");
	SysFreeString(language);
	SetTimer(page, t->id, arg_number(args, count, 1, 0), on_timer);
	return give_number(result, t->id);
}

static HRESULT set_interval(struct object *self, VARIANT *args, unsigned count, int put, VARIANT *result)
{
	struct object repeating = *self;
	repeating.number = 1;
	return set_timer(&repeating, args, count, put, result);
}

static HRESULT clear_timer(struct object *self, VARIANT *args, unsigned count, int put, VARIANT *result)
{
	UINT_PTR id = arg_number(args, count, 0, 0);
	(void)self, (void)put, (void)result;
	for (struct timer *t = timers; t < timers + 64; t++)
		if (id && t->id == id) KillTimer(page, id), t->id = 0;
	return S_OK;
}

static HRESULT w_close(struct object *self, VARIANT *args, unsigned count, int put, VARIANT *result)
{
	(void)self, (void)args, (void)count, (void)put, (void)result;
	ExitProcess(0);
}

static HRESULT w_alert(struct object *self, VARIANT *args, unsigned count, int put, VARIANT *result)
{
	BSTR text = arg_text(args, count, 0, L"");
	(void)self, (void)put, (void)result;
	MessageBoxW(page, text, L"Message from webpage", MB_ICONWARNING);
	SysFreeString(text);
	return S_OK;
}

static HRESULT w_confirm(struct object *self, VARIANT *args, unsigned count, int put, VARIANT *result)
{
	BSTR text = arg_text(args, count, 0, L"");
	(void)self, (void)put;
	int yes = MessageBoxW(page, text, L"Message from webpage", MB_OKCANCEL) == IDOK;
	SysFreeString(text);
	return give_bool(result, yes);
}

static HRESULT w_prompt(struct object *self, VARIANT *args, unsigned count, int put, VARIANT *result)
{
	BSTR text = arg_text(args, count, 1, L"");
	(void)self, (void)put;
	give_text(result, text);
	SysFreeString(text);
	return S_OK;
}

static HRESULT w_exec_script(struct object *self, VARIANT *args, unsigned count, int put, VARIANT *result)
{
	BSTR code = arg_text(args, count, 0, L""), language = arg_text(args, count, 1, L"JScript");
	(void)self, (void)put, (void)result;
	run_script(find_text(language, L"vbs") ? L"VBScript" : L"JScript", code);
	SysFreeString(code);
	SysFreeString(language);
	return S_OK;
}

static HRESULT self_object(struct object *self, VARIANT *args, unsigned count, int put, VARIANT *result)
{
	(void)self, (void)args, (void)count, (void)put;
	return give_object(result, window_object);
}

static HRESULT w_document(struct object *self, VARIANT *args, unsigned count, int put, VARIANT *result)
{
	(void)self, (void)args, (void)count, (void)put;
	return give_object(result, document_object);
}

static HRESULT address_text(struct object *self, VARIANT *args, unsigned count, int put, VARIANT *result)
{
	(void)self, (void)args, (void)count, (void)put;
	return give_text(result, address);
}

static HRESULT agent(struct object *self, VARIANT *args, unsigned count, int put, VARIANT *result)
{
	(void)self, (void)args, (void)count, (void)put;
	return give_text(result, L"Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko");
}

static const struct member location_members[] = {{L"", address_text}, {L"href", address_text}, {L"reload", nothing}, {L"replace", nothing}, {NULL, NULL}};
static const struct member navigator_members[] = {{L"userAgent", agent}, {L"appName", agent}, {L"appVersion", agent}, {NULL, NULL}};

static HRESULT w_location(struct object *self, VARIANT *args, unsigned count, int put, VARIANT *result)
{
	(void)self, (void)args, (void)count;
	return put ? S_OK : give_object(result, new_object(location_members, NULL, 0));
}

static HRESULT w_navigator(struct object *self, VARIANT *args, unsigned count, int put, VARIANT *result)
{
	(void)self, (void)args, (void)count, (void)put;
	return give_object(result, new_object(navigator_members, NULL, 0));
}

static HRESULT screen_size(struct object *self, VARIANT *args, unsigned count, int put, VARIANT *result)
{
	(void)args, (void)count, (void)put;
	return give_number(result, self->number ? GetSystemMetrics(SM_CYSCREEN) : GetSystemMetrics(SM_CXSCREEN));
}

static HRESULT screen_height(struct object *self, VARIANT *args, unsigned count, int put, VARIANT *result)
{
	(void)self, (void)args, (void)count, (void)put;
	return give_number(result, GetSystemMetrics(SM_CYSCREEN));
}

static const struct member screen_members[] = {
	{L"width", screen_size}, {L"height", screen_height}, {L"availWidth", screen_size}, {L"availHeight", screen_height}, {NULL, NULL},
};

static HRESULT w_screen(struct object *self, VARIANT *args, unsigned count, int put, VARIANT *result)
{
	(void)self, (void)args, (void)count, (void)put;
	return give_object(result, new_object(screen_members, NULL, 0));
}

static const struct member window_members[] = {
	{L"window", self_object}, {L"self", self_object}, {L"top", self_object}, {L"parent", self_object}, {L"document", w_document},
	{L"close", w_close}, {L"alert", w_alert}, {L"confirm", w_confirm}, {L"prompt", w_prompt}, {L"setTimeout", set_timer},
	{L"setInterval", set_interval}, {L"clearTimeout", clear_timer}, {L"clearInterval", clear_timer}, {L"execScript", w_exec_script},
	{L"location", w_location}, {L"navigator", w_navigator}, {L"screen", w_screen}, {L"resizeTo", nothing}, {L"moveTo", nothing},
	{L"resizeBy", nothing}, {L"moveBy", nothing}, {L"focus", nothing}, {L"blur", nothing}, {L"onload", nothing}, {L"onerror", nothing},
	{L"offscreenBuffering", nothing}, {L"status", nothing}, {L"open", nothing}, {NULL, NULL},
};

/* document.write of a script runs it */
static HRESULT d_write(struct object *self, VARIANT *args, unsigned count, int put, VARIANT *result)
{
	BSTR text = arg_text(args, count, 0, L"");
	const WCHAR *at = text;
	struct block block;
	(void)self, (void)put, (void)result;
	while (next_block(&at, &block)) {
		run_script(block.language, block.text);
		free(block.text);
	}
	SysFreeString(text);
	return S_OK;
}

static HRESULT new_element(struct object *self, VARIANT *args, unsigned count, int put, VARIANT *result)
{
	(void)self, (void)args, (void)count, (void)put;
	return give_object(result, new_object(element_members, NULL, 0));
}

static HRESULT element_value(struct object *self, VARIANT *args, unsigned count, int put, VARIANT *result)
{
	if (put) {
		if (self->data) SysFreeString(self->data);
		self->data = arg_text(args, count, 0, L"");
		return S_OK;
	}
	return give_text(result, self->data ? self->data : L"");
}

static const struct member element_members[] = {
	{L"", element_value}, {L"innerHTML", element_value}, {L"innerText", element_value}, {L"value", element_value}, {L"text", element_value},
	{L"src", element_value}, {L"style", new_element}, {L"display", element_value}, {L"appendChild", nothing}, {L"removeChild", nothing},
	{L"setAttribute", nothing}, {L"getAttribute", element_value}, {L"parentNode", new_element}, {L"click", nothing}, {L"focus", nothing},
	{L"dataType", element_value}, {L"nodeTypedValue", element_value}, {NULL, NULL},
};

static const struct member document_members[] = {
	{L"write", d_write}, {L"writeln", d_write}, {L"title", element_value}, {L"location", w_location}, {L"getElementById", new_element},
	{L"createElement", new_element}, {L"body", new_element}, {L"documentElement", new_element}, {L"parentWindow", self_object},
	{L"URL", address_text}, {L"close", nothing}, {L"open", nothing}, {L"cookie", element_value}, {L"onreadystatechange", nothing}, {NULL, NULL},
};

static void show_error(const WCHAR *text)
{
	MessageBoxW(page, text, L"Script Error", MB_ICONERROR);
}

static void run_page(const WCHAR *html)
{
	WCHAR title[256] = L"", handler[4096];
	const WCHAR *at = html, *tag = find_text(html, L"<title>");
	struct block block;
	for (size_t n = 0; tag && tag[7 + n] && tag[7 + n] != '<' && n < 255; n++) title[n] = tag[7 + n], title[n + 1] = 0;
	SetWindowTextW(page, *title ? title : address);
	while (next_block(&at, &block)) {
		if (*block.source) {
			WCHAR path[2 * MAX_PATH];
			_snwprintf(path, 2 * MAX_PATH - 1, wcschr(block.source, ':') ? L"%ls%ls" : L"%ls\\%ls", wcschr(block.source, ':') ? L"" : folder, block.source);
			WCHAR *code = read_text(path);
			if (code) run_script(block.language, code);
			free(code);
		}
		run_script(block.language, block.text);
		free(block.text);
	}
	const WCHAR *body = find_text(html, L"<body"), *end = body ? wcschr(body, '>') : NULL;
	if (end && attribute(body, end, L"onload", handler, 4096)) {
		int basic = find_text(html, L"vbscript") != NULL && !find_text(html, L"javascript") && !find_text(html, L"jscript");
		run_script(basic ? L"VBScript" : L"JScript", handler);
	}
}

/* vbscript:CODE and javascript:CODE; the trick with RunHTMLApplication ends the code at its quote. */
static int run_inline(WCHAR *command)
{
	int basic = !_wcsnicmp(command, L"vbscript:", 9);
	if (!basic && _wcsnicmp(command, L"javascript:", 11)) return 0;
	WCHAR *code = command + (basic ? 9 : 11);
	WCHAR *trick = wcsstr(code, L"RunHTMLApplication");
	if (trick) {
		code = trick + 18;
		while (*code == ' ' || *code == '"' || *code == ';') code++;
	}
	run_script(basic ? L"VBScript" : L"JScript", code);
	return 1;
}

static const WCHAR *first_argument(void)
{
	const WCHAR *line = GetCommandLineW();
	int quoted = 0;
	for (; *line && (quoted || (*line != ' ' && *line != '\t')); line++)
		if (*line == '"') quoted = !quoted;
	while (*line == ' ' || *line == '\t') line++;
	return line;
}

int wmain(int argc, WCHAR **argv)
{
	WCHAR *html = NULL, path[MAX_PATH];
	MSG message;
	CoInitializeEx(NULL, COINIT_APARTMENTTHREADED);
	page = CreateWindowExW(0, L"STATIC", L"", WS_OVERLAPPEDWINDOW, 120, 80, 800, 600, NULL, NULL, NULL, NULL);
	window_object = new_object(window_members, NULL, 0);
	document_object = new_object(document_members, NULL, 0);
	struct item items[] = {{L"window", &window_object->iface, 1}, {L"document", &document_object->iface, 0}, {NULL, NULL, 0}};
	host.title = L"Script Error";
	host.script = address;
	host.items = items;
	host.error = show_error;
	if (argc < 2) return 0;
	WCHAR *line = _wcsdup(first_argument());
	size_t length = wcslen(line);
	if (length > 1 && *line == '"' && line[length - 1] == '"') line[length - 1] = 0, line++;
	wcsncpy(address, argv[1], 2083);
	if (!run_inline(line)) {
		if (find_text(argv[1], L"://") && _wcsnicmp(argv[1], L"file:", 5)) {
			HRESULT (WINAPI *download)(void *, LPCWSTR, LPWSTR, DWORD, DWORD, void *) =
				(void *)GetProcAddress(LoadLibraryW(L"urlmon.dll"), "URLDownloadToCacheFileW");
			if (FAILED(download(NULL, argv[1], path, MAX_PATH, 0, NULL))) return 1;
		} else {
			wcsncpy(path, argv[1], MAX_PATH - 1);
			GetFullPathNameW(argv[1], MAX_PATH, folder, NULL);
			if (wcsrchr(folder, '\\')) *wcsrchr(folder, '\\') = 0;
		}
		html = read_text(path);
		if (!html) return 1;
		run_page(html);
	}
	ShowWindow(page, SW_SHOW);
	while (IsWindow(page) && IsWindowVisible(page) && GetMessageW(&message, NULL, 0, 0) > 0) {
		TranslateMessage(&message);
		DispatchMessageW(&message);
	}
	ExitProcess(0);
}
