#include "object.h"

static HRESULT WINAPI query(IDispatch *iface, REFIID iid, void **out)
{
	if (IsEqualIID(iid, &IID_IUnknown) || IsEqualIID(iid, &IID_IDispatch)) {
		*out = iface;
		IDispatch_AddRef(iface);
		return S_OK;
	}
	*out = NULL;
	return E_NOINTERFACE;
}

static ULONG WINAPI add_ref(IDispatch *iface)
{
	return InterlockedIncrement(&((struct object *)iface)->refs);
}

static ULONG WINAPI release(IDispatch *iface)
{
	LONG refs = InterlockedDecrement(&((struct object *)iface)->refs);
	if (!refs) CoTaskMemFree(iface);
	return refs;
}

static HRESULT WINAPI type_info_count(IDispatch *iface, UINT *count)
{
	(void)iface;
	*count = 0;
	return S_OK;
}

static HRESULT WINAPI type_info(IDispatch *iface, UINT index, LCID lcid, ITypeInfo **info)
{
	(void)iface, (void)index, (void)lcid;
	*info = NULL;
	return DISP_E_BADINDEX;
}

static HRESULT WINAPI ids_of_names(IDispatch *iface, REFIID iid, LPOLESTR *names, UINT count, LCID lcid, DISPID *ids)
{
	const struct member *members = ((struct object *)iface)->members;
	(void)iid, (void)lcid;
	for (UINT i = 0; i < count; i++) ids[i] = DISPID_UNKNOWN;
	for (DISPID i = 0; count && members[i].name; i++)
		if (*members[i].name && !_wcsicmp(members[i].name, names[0])) {
			ids[0] = i + 1;
			return count == 1 ? S_OK : DISP_E_UNKNOWNNAME;
		}
	return DISP_E_UNKNOWNNAME;
}

static HRESULT WINAPI invoke(IDispatch *iface, DISPID id, REFIID iid, LCID lcid, WORD flags, DISPPARAMS *params, VARIANT *result,
			     EXCEPINFO *info, UINT *wrong)
{
	struct object *self = (struct object *)iface;
	const struct member *member = NULL;
	VARIANT args[16], unused;
	unsigned count = params ? params->cArgs : 0;
	DISPID i = 0;
	(void)iid, (void)lcid, (void)info, (void)wrong;
	for (; self->members[i].name; i++)
		if (id == i + 1 || (id == DISPID_VALUE && !*self->members[i].name)) member = &self->members[i];
	if (!member) return DISP_E_MEMBERNOTFOUND;
	if (count > 16) count = 16;
	for (unsigned n = 0; n < count; n++) {
		VARIANT *given = &params->rgvarg[params->cArgs - 1 - n];
		VariantInit(&args[n]);
		VariantCopyInd(&args[n], given);
	}
	if (!result) result = &unused;
	VariantInit(result);
	HRESULT status = member->call(self, args, count, !!(flags & (DISPATCH_PROPERTYPUT | DISPATCH_PROPERTYPUTREF)), result);
	for (unsigned n = 0; n < count; n++) VariantClear(&args[n]);
	if (result == &unused) VariantClear(result);
	return status;
}

static IDispatchVtbl table = {query, add_ref, release, type_info_count, type_info, ids_of_names, invoke};

struct object *new_object(const struct member *members, void *data, unsigned number)
{
	struct object *object = CoTaskMemAlloc(sizeof(*object));
	object->iface.lpVtbl = &table;
	object->refs = 1;
	object->members = members;
	object->data = data;
	object->number = number;
	return object;
}

HRESULT give_text(VARIANT *result, const WCHAR *text)
{
	V_VT(result) = VT_BSTR;
	V_BSTR(result) = SysAllocString(text);
	return S_OK;
}

HRESULT give_number(VARIANT *result, LONG number)
{
	V_VT(result) = VT_I4;
	V_I4(result) = number;
	return S_OK;
}

HRESULT give_bool(VARIANT *result, int yes)
{
	V_VT(result) = VT_BOOL;
	V_BOOL(result) = yes ? VARIANT_TRUE : VARIANT_FALSE;
	return S_OK;
}

HRESULT give_object(VARIANT *result, struct object *object)
{
	V_VT(result) = VT_DISPATCH;
	V_DISPATCH(result) = &object->iface;
	IDispatch_AddRef(&object->iface);
	return S_OK;
}

BSTR arg_text(VARIANT *args, unsigned count, unsigned index, const WCHAR *otherwise)
{
	VARIANT text;
	VariantInit(&text);
	if (index >= count || V_VT(&args[index]) == VT_ERROR || FAILED(VariantChangeType(&text, &args[index], 0, VT_BSTR)))
		return SysAllocString(otherwise);
	return V_BSTR(&text) ? V_BSTR(&text) : SysAllocString(L"");
}

LONG arg_number(VARIANT *args, unsigned count, unsigned index, LONG otherwise)
{
	VARIANT number;
	VariantInit(&number);
	if (index >= count || V_VT(&args[index]) == VT_ERROR || FAILED(VariantChangeType(&number, &args[index], 0, VT_I4))) return otherwise;
	return V_I4(&number);
}
