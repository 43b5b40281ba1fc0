#include "host.h"
#include <servprov.h>
#include <stdio.h>
#include <stdlib.h>
#include <wchar.h>

#ifdef _WIN64
typedef IActiveScriptParse64 Parser;
typedef IActiveScriptParse64Vtbl ParserVtbl;
static const IID parser_iid = {0xc7ef7658, 0xe1ee, 0x480e, {0x97, 0xea, 0xd5, 0x2c, 0xb4, 0xd7, 0x6d, 0x17}};
#else
typedef IActiveScriptParse32 Parser;
static const IID parser_iid = {0xbb1a2ae2, 0xa4f9, 0x11cf, {0x8f, 0x20, 0x00, 0x80, 0x5f, 0x2c, 0xd0, 0x64}};
#endif
static const IID site_iid = {0xdb01a1e3, 0xa42b, 0x11cf, {0x8f, 0x20, 0x00, 0x80, 0x5f, 0x2c, 0xd0, 0x64}};
static const IID site_window_iid = {0xd10f6761, 0x83e9, 0x11cf, {0x8f, 0x20, 0x00, 0x80, 0x5f, 0x2c, 0xd0, 0x64}};
static const IID script_iid = {0xbb1a2ae1, 0xa4f9, 0x11cf, {0x8f, 0x20, 0x00, 0x80, 0x5f, 0x2c, 0xd0, 0x64}};
static const IID provider_iid = {0x6d5140c1, 0x7436, 0x11ce, {0x80, 0x34, 0x00, 0xaa, 0x00, 0x60, 0x09, 0xfa}};

struct host host;

/* ---- the site: what an engine asks of its host ------------------------------------------------------------------- */

static IActiveScriptSite site;
static IActiveScriptSiteWindow site_window;
static IServiceProvider provider;

static HRESULT site_query(REFIID iid, void **out)
{
	if (IsEqualIID(iid, &IID_IUnknown) || IsEqualIID(iid, &site_iid)) *out = &site;
	else if (IsEqualIID(iid, &site_window_iid)) *out = &site_window;
	else if (IsEqualIID(iid, &provider_iid)) *out = &provider; /* without it VBScript makes no object that wants a site */
	else *out = NULL;
	return *out ? S_OK : E_NOINTERFACE;
}

static HRESULT WINAPI s_query(IActiveScriptSite *s, REFIID iid, void **out) { (void)s; return site_query(iid, out); }
static ULONG WINAPI s_ref(IActiveScriptSite *s) { (void)s; return 1; }
static HRESULT WINAPI s_lcid(IActiveScriptSite *s, LCID *lcid) { (void)s; *lcid = GetUserDefaultLCID(); return S_OK; }

static HRESULT WINAPI s_item(IActiveScriptSite *s, LPCOLESTR name, DWORD mask, IUnknown **unknown, ITypeInfo **info)
{
	(void)s;
	if (info) *info = NULL;
	if (!(mask & SCRIPTINFO_IUNKNOWN)) return mask & SCRIPTINFO_ITYPEINFO ? TYPE_E_ELEMENTNOTFOUND : S_OK;
	for (const struct item *i = host.items; i->name; i++)
		if (!_wcsicmp(i->name, name)) {
			*unknown = (IUnknown *)i->object;
			IDispatch_AddRef(i->object);
			return S_OK;
		}
	*unknown = NULL;
	return TYPE_E_ELEMENTNOTFOUND;
}

static HRESULT WINAPI s_version(IActiveScriptSite *s, BSTR *version) { (void)s; *version = NULL; return E_NOTIMPL; }
static HRESULT WINAPI s_terminate(IActiveScriptSite *s, const VARIANT *v, const EXCEPINFO *e) { (void)s, (void)v, (void)e; return S_OK; }
static HRESULT WINAPI s_state(IActiveScriptSite *s, SCRIPTSTATE state) { (void)s, (void)state; return S_OK; }
static HRESULT WINAPI s_enter(IActiveScriptSite *s) { (void)s; return S_OK; }

static HRESULT WINAPI s_error(IActiveScriptSite *s, IActiveScriptError *error)
{
	EXCEPINFO about = {0};
	DWORD context;
	ULONG line = 0;
	LONG column = 0;
	WCHAR text[2048];
	(void)s;
	host.failed = 1;
	IActiveScriptError_GetExceptionInfo(error, &about);
	IActiveScriptError_GetSourcePosition(error, &context, &line, &column);
	_snwprintf(text, 2047, L"%ls(%lu, %ld) %ls: %ls", host.script ? host.script : L"", line + 1, column + 1,
		   about.bstrSource ? about.bstrSource : L"Script runtime error", about.bstrDescription ? about.bstrDescription : L"");
	text[2047] = 0;
	SysFreeString(about.bstrSource);
	SysFreeString(about.bstrDescription);
	SysFreeString(about.bstrHelpFile);
	host.error(text);
	return S_OK;
}

static IActiveScriptSiteVtbl site_table = {
	s_query, s_ref, s_ref, s_lcid, s_item, s_version, s_terminate, s_state, s_error, s_enter, s_enter,
};
static IActiveScriptSite site = {&site_table};

static HRESULT WINAPI w_query(IActiveScriptSiteWindow *w, REFIID iid, void **out) { (void)w; return site_query(iid, out); }
static ULONG WINAPI w_ref(IActiveScriptSiteWindow *w) { (void)w; return 1; }
static HRESULT WINAPI w_window(IActiveScriptSiteWindow *w, HWND *window) { (void)w; *window = NULL; return S_OK; }
static HRESULT WINAPI w_modeless(IActiveScriptSiteWindow *w, BOOL on) { (void)w, (void)on; return S_OK; }
static IActiveScriptSiteWindowVtbl window_table = {w_query, w_ref, w_ref, w_window, w_modeless};
static IActiveScriptSiteWindow site_window = {&window_table};

static HRESULT WINAPI p_query(IServiceProvider *p, REFIID iid, void **out) { (void)p; return site_query(iid, out); }
static ULONG WINAPI p_ref(IServiceProvider *p) { (void)p; return 1; }
static HRESULT WINAPI p_service(IServiceProvider *p, REFGUID service, REFIID iid, void **out)
{
	(void)p, (void)service, (void)iid;
	*out = NULL;
	return E_NOINTERFACE;
}
static IServiceProviderVtbl provider_table = {p_query, p_ref, p_ref, p_service};
static IServiceProvider provider = {&provider_table};

/* ---- engines ----------------------------------------------------------------------------------------------------- */

static struct engine { WCHAR language[32]; IActiveScript *script; Parser *parser; } engines[4];

static struct engine *engine_of(const WCHAR *language)
{
	CLSID clsid;
	unsigned n = 0;
	for (; n < 4 && *engines[n].language; n++)
		if (!_wcsicmp(engines[n].language, language)) return &engines[n];
	if (n == 4 || FAILED(CLSIDFromProgID(language, &clsid))) return NULL;
	struct engine *e = &engines[n];
	if (FAILED(CoCreateInstance(&clsid, NULL, CLSCTX_INPROC_SERVER, &script_iid, (void **)&e->script)) ||
	    FAILED(IActiveScript_QueryInterface(e->script, &parser_iid, (void **)&e->parser)))
		return NULL;
	IActiveScript_SetScriptSite(e->script, &site);
	e->parser->lpVtbl->InitNew(e->parser);
	for (const struct item *i = host.items; i->name; i++)
		IActiveScript_AddNamedItem(e->script, i->name, SCRIPTITEM_ISVISIBLE | (i->global ? SCRIPTITEM_GLOBALMEMBERS : 0));
	IActiveScript_SetScriptState(e->script, SCRIPTSTATE_STARTED);
	wcsncpy(e->language, language, 31);
	return e;
}

int run_script(const WCHAR *language, const WCHAR *text)
{
	struct engine *e = engine_of(language);
	EXCEPINFO about = {0};
	if (!e) return 0;
	HRESULT status = e->parser->lpVtbl->ParseScriptText(e->parser, text, NULL, NULL, NULL, 0, 1, SCRIPTTEXT_ISVISIBLE, NULL, &about);
	if (SUCCEEDED(status)) IActiveScript_SetScriptState(e->script, SCRIPTSTATE_CONNECTED);
	if (FAILED(status)) host.failed = 1;
	return SUCCEEDED(status);
}

/* ---- texts ------------------------------------------------------------------------------------------------------- */

WCHAR *decode_text(const char *bytes, size_t size)
{
	const unsigned char *b = (const unsigned char *)bytes;
	UINT page = CP_ACP;
	DWORD flags = 0;
	if (size >= 2 && b[0] == 0xff && b[1] == 0xfe) {
		WCHAR *text = malloc(size + 2);
		memcpy(text, b + 2, size - 2);
		text[(size - 2) / 2] = 0;
		return text;
	}
	if (size >= 3 && b[0] == 0xef && b[1] == 0xbb && b[2] == 0xbf) bytes += 3, size -= 3, page = CP_UTF8;
	else if (MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, bytes, size, NULL, 0)) page = CP_UTF8;
	int length = MultiByteToWideChar(page, flags, bytes, size, NULL, 0);
	WCHAR *text = malloc((length + 1) * sizeof(WCHAR));
	MultiByteToWideChar(page, flags, bytes, size, text, length);
	text[length] = 0;
	return text;
}

WCHAR *read_text(const WCHAR *path)
{
	HANDLE file = CreateFileW(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_DELETE, NULL, OPEN_EXISTING, 0, NULL);
	LARGE_INTEGER size;
	DWORD got = 0;
	if (file == INVALID_HANDLE_VALUE) return NULL;
	if (!GetFileSizeEx(file, &size) || size.QuadPart > (64 << 20)) return CloseHandle(file), NULL;
	char *bytes = malloc(size.QuadPart + 1);
	ReadFile(file, bytes, size.QuadPart, &got, NULL);
	CloseHandle(file);
	WCHAR *text = decode_text(bytes, got);
	free(bytes);
	return text;
}

const WCHAR *language_of(const WCHAR *path, const WCHAR *text)
{
	const WCHAR *dot = wcsrchr(path, '.');
	int encoded = text && wcsstr(text, L"#@~^") != NULL;
	if (dot && (!_wcsicmp(dot, L".js") || !_wcsicmp(dot, L".jse"))) return encoded ? L"JScript.Encode" : L"JScript";
	if (dot && (!_wcsicmp(dot, L".vbs") || !_wcsicmp(dot, L".vbe"))) return encoded ? L"VBScript.Encode" : L"VBScript";
	return NULL;
}

const WCHAR *find_text(const WCHAR *text, const WCHAR *wanted)
{
	size_t length = wcslen(wanted);
	for (; *text; text++)
		if (!_wcsnicmp(text, wanted, length)) return text;
	return NULL;
}

int attribute(const WCHAR *tag, const WCHAR *end, const WCHAR *name, WCHAR *value, size_t max)
{
	size_t length = wcslen(name), n = 0;
	for (const WCHAR *p = tag; p + length < end; p++) {
		if (p == tag || (p[-1] > ' ' && p[-1] != '"' && p[-1] != '\'') || _wcsnicmp(p, name, length)) continue;
		const WCHAR *v = p + length;
		while (v < end && *v <= ' ') v++;
		if (v >= end || *v++ != '=') continue;
		while (v < end && *v <= ' ') v++;
		WCHAR quote = *v == '"' || *v == '\'' ? *v++ : 0;
		while (v < end && (quote ? *v != quote : *v > ' ') && n + 1 < max) value[n++] = *v++;
		value[n] = 0;
		return 1;
	}
	return 0;
}

int next_block(const WCHAR **at, struct block *block)
{
	static const WCHAR cdata[] = L"<![CDATA[";
	const WCHAR *tag = find_text(*at, L"<script"), *close = tag ? wcschr(tag, '>') : NULL;
	if (!close) return 0;
	const WCHAR *end = close[-1] == '/' ? close + 1 : find_text(close, L"</script");
	if (!end) end = close + wcslen(close);
	const WCHAR *from = close + 1, *to = end > from ? end : from;
	*at = to;
	memset(block, 0, sizeof(*block));
	if (!attribute(tag, close, L"language", block->language, 32) && !attribute(tag, close, L"type", block->language, 32))
		wcscpy(block->language, L"JScript");
	if (find_text(block->language, L"vbscript") || find_text(block->language, L"vbs"))
		wcscpy(block->language, find_text(block->language, L"encode") ? L"VBScript.Encode" : L"VBScript");
	else
		wcscpy(block->language, find_text(block->language, L"encode") ? L"JScript.Encode" : L"JScript");
	attribute(tag, close, L"src", block->source, MAX_PATH);
	while (from < to && *from <= ' ') from++;
	if (to - from > 9 && !wcsncmp(from, cdata, 9)) {
		from += 9;
		for (const WCHAR *p = from; p + 2 < to; p++)
			if (p[0] == ']' && p[1] == ']' && p[2] == '>') to = p;
	}
	block->text = malloc((to - from + 1) * sizeof(WCHAR));
	memcpy(block->text, from, (to - from) * sizeof(WCHAR));
	block->text[to - from] = 0;
	return 1;
}
