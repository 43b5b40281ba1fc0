/* Late-bound COM objects (IDispatch) out of a table of members: what script engines talk to. */
#ifndef OBJECT_H
#define OBJECT_H
#define COBJMACROS
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#include <ole2.h>
#include <oleauto.h>

struct object;

/* `args` are in the order of the call (not reversed as in DISPPARAMS); `put` for assignments. `result` is never NULL. */
typedef HRESULT (*member_call)(struct object *self, VARIANT *args, unsigned count, int put, VARIANT *result);

struct member {
	const WCHAR *name; /* L"": the default member */
	member_call call;
};

struct object {
	IDispatch iface;
	LONG refs;
	const struct member *members; /* ends with a NULL name */
	void *data;
	unsigned number;
};

struct object *new_object(const struct member *members, void *data, unsigned number);

/* Results and arguments. Strings returned by arg_text belong to the caller (SysFreeString); never NULL. */
HRESULT give_text(VARIANT *result, const WCHAR *text);
HRESULT give_number(VARIANT *result, LONG number);
HRESULT give_bool(VARIANT *result, int yes);
HRESULT give_object(VARIANT *result, struct object *object);
BSTR arg_text(VARIANT *args, unsigned count, unsigned index, const WCHAR *otherwise);
LONG arg_number(VARIANT *args, unsigned count, unsigned index, LONG otherwise);

#endif
