/* Runs scripts of Windows' script engines (JScript, VBScript and their encoded kinds). */
#ifndef HOST_H
#define HOST_H
#include "object.h"
#include <activscp.h>

struct item { const WCHAR *name; IDispatch *object; int global; };

struct host {
	const WCHAR *title;                 /* of message boxes */
	const WCHAR *script;                /* path shown in error messages */
	const struct item *items;           /* ends with a NULL name */
	void (*error)(const WCHAR *text);   /* shows an error message */
	int failed;
};

extern struct host host;

/* The engine of that name ("JScript", "VBScript.Encode", ...), made once and kept: scripts of a page share it. */
int run_script(const WCHAR *language, const WCHAR *text);

/* Text of a file: UTF-16 with mark, UTF-8, or the ANSI code page; to be freed with free(). */
WCHAR *read_text(const WCHAR *path);
WCHAR *decode_text(const char *bytes, size_t size);

/* The engine for a file: by its extension and by the mark of encoded scripts. NULL: none. */
const WCHAR *language_of(const WCHAR *path, const WCHAR *text);

/* <script language=...>: `at` advances; returns a copy of the block's text (free()) with language and src, or NULL. */
struct block { WCHAR *text; WCHAR language[32]; WCHAR source[MAX_PATH]; };
int next_block(const WCHAR **at, struct block *block);
int attribute(const WCHAR *tag, const WCHAR *end, const WCHAR *name, WCHAR *value, size_t max);
const WCHAR *find_text(const WCHAR *text, const WCHAR *wanted);

#endif
