/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Wine's native system services, seen by uprobes on the functions of the Unix side of its ntdll.so, and its debug output.
 *
 * Below the services there is only Wine's server, so a program that calls the services itself, without Windows' own
 * libraries, is seen all the same. The functions have Windows' calling conventions:
 *     64 bit, ms_abi:  rcx, rdx, r8, r9, then [rsp+0x28], [rsp+0x30], ...      (rsp at entry: the return address)
 *     32 bit, stdcall: [esp+4], [esp+8], ...
 * Each is a plain function that its dispatcher calls, so a return probe may change the return address. Where Wine leaves
 * one by longjmp (a fault in the caller's memory) the return never comes and no record is made; the kernel forgets such
 * returns by itself, since the stack has gone above them.
 *
 * By the same rule it forgets the return of a function that is interrupted if the signal's handler, on its own stack above,
 * enters another with a return probe: the interrupted one then ends in an illegal instruction, which Wine gives to its caller as
 * a failed service. Wine's server interrupts a thread whenever something it asked for is done before it waits, and the handler
 * gives the thread its context back: so NtSetContextThread must not have one.
 *
 * tracer.c attaches the same few programs to all functions; the cookie says which function and which form of it.
 * Structures below are those of the Windows headers; widths by WIDE (64) and NARROW (32) byte offsets.
 */

#define COOKIE_NARROW 0x100   /* 32 bit */
#define COOKIE_EXTENDED 0x200 /* the ...Ex form, with other arguments; the lowest byte is enum wine_native */
#define COOKIE_IOCTL 39 /* NtDeviceIoControlFile, which has no record of its own; as in tracer.c */
#define NATIVE_ARGUMENTS 11
#define NATIVE_FUNCTIONS 40 /* more than enum wine_native has */

#define STATUS_FAILED(status) ((s32)(status) < 0)
#define OWN_PROCESS ((u64)-1) /* NtCurrentProcess() */
#define OWN_THREAD ((u64)-2)

struct native_arguments {
	u64 a[NATIVE_ARGUMENTS]; /* pointers and handles zero-extended, handles of 32 bit sign-extended when compared */
	u32 valid;
};

/* Arguments from entry to return: a place for each function, since some call others inside. */
struct native_calls {
	struct native_arguments of[NATIVE_FUNCTIONS];
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct native_calls);
} native_calls SEC(".maps");

/* Handles that the records gave out, so that only their NtClose is reported. */
struct handle {
	u32 tgid, handle;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct handle);
	__type(value, u8);
} handles SEC(".maps");

static __always_inline void remember_handle(u64 value)
{
	struct handle key = {.tgid = current_tgid(), .handle = value};
	u8 one = 1;

	bpf_map_update_elem(&handles, &key, &one, BPF_ANY);
}

/* --- reading the caller's memory ----------------------------------------------------------------------------------- */

static __always_inline u64 user_u64(u64 address)
{
	u64 value = 0;

	if (address)
		bpf_probe_read_user(&value, sizeof(value), (void *)address);
	return value;
}

static __always_inline u32 user_u32(u64 address)
{
	u32 value = 0;

	if (address)
		bpf_probe_read_user(&value, sizeof(value), (void *)address);
	return value;
}

static __always_inline u64 user_word(u64 address, bool narrow)
{
	return narrow ? user_u32(address) : user_u64(address);
}

static __always_inline u64 wide_handle(u64 value, bool narrow)
{
	return narrow ? (u64)(s64)(s32)value : value;
}

/* UNICODE_STRING { u16 Length; u16 MaximumLength; WCHAR *Buffer }; `base` is added to a buffer that is an offset. */
static __always_inline void put_unicode_from(struct scratch *s, u64 string, bool narrow, u64 base)
{
	u32 lengths = user_u32(string);
	u64 buffer = user_word(string + (narrow ? 4 : 8), narrow);

	put_bytes(s, (void *)(base + buffer), string ? lengths & 0xfffe : 0, TEXT_MAX - 1, USER);
}

static __always_inline void put_unicode(struct scratch *s, u64 string, bool narrow)
{
	put_unicode_from(s, string, narrow, 0);
}

/* OBJECT_ATTRIBUTES { ULONG Length; HANDLE RootDirectory; UNICODE_STRING *ObjectName; ... } */
static __always_inline u64 object_root(u64 attributes, bool narrow)
{
	return attributes ? user_word(attributes + (narrow ? 4 : 8), narrow) : 0;
}

static __always_inline void put_object_name(struct scratch *s, u64 attributes, bool narrow)
{
	u64 name = attributes ? user_word(attributes + (narrow ? 8 : 16), narrow) : 0;

	put_unicode(s, name, narrow);
}

/* --- arguments ----------------------------------------------------------------------------------------------------- */

static __always_inline void read_native(struct native_arguments *to, struct pt_regs *regs, bool narrow)
{
	u32 words[NATIVE_ARGUMENTS] = {};
	u32 i;

	if (narrow) {
		bpf_probe_read_user(words, sizeof(words), (void *)(regs->sp + 4));
		for (i = 0; i < NATIVE_ARGUMENTS; i++)
			to->a[i] = words[i];
		return;
	}
	to->a[0] = regs->cx;
	to->a[1] = regs->dx;
	to->a[2] = regs->r8;
	to->a[3] = regs->r9;
	bpf_probe_read_user(to->a + 4, (NATIVE_ARGUMENTS - 4) * sizeof(u64), (void *)(regs->sp + 0x28));
}

static __always_inline struct scratch *begin_native(struct member *member, u32 function, u64 status, u8 nstrings)
{
	struct scratch *s = begin(member, R_WINE_NATIVE, nstrings);

	if (s) {
		s->head.result = (u32)status;
		s->head.a[0] = function;
	}
	return s;
}

/* --- at entry: what may not return, and has no output ------------------------------------------------------------- */

#define WINDOWS_SECOND 10000000ll /* in units of 100 ns */
#define WINDOWS_1970 116444736000000000ll

static __always_inline void native_delay(struct member *member, const u64 *a)
{
	s64 wait = user_u64(a[1]);
	struct scratch *s;

	/* Negative is relative; the smallest number is for ever, and its negation stays what it is, read unsigned. */
	wait = wait < 0 ? -wait : wait - (s64)(bpf_ktime_get_tai_ns() / 100) - WINDOWS_1970;
	if (wait >= 0 && wait < WINDOWS_SECOND)
		return;
	s = begin_native(member, N_DELAY, 0, 0);
	if (!s)
		return;
	s->head.a[1] = wait;
	emit(s);
}

static __always_inline void native_close(struct member *member, const u64 *a)
{
	struct handle key = {.tgid = current_tgid(), .handle = a[0]};
	struct scratch *s;

	if (bpf_map_delete_elem(&handles, &key))
		return;
	s = begin_native(member, N_CLOSE, 0, 0);
	if (!s)
		return;
	s->head.a[1] = a[0];
	emit(s);
}

static __always_inline void native_numbers(struct member *member, u32 function, u64 a1, u64 a2)
{
	struct scratch *s = begin_native(member, function, 0, 0);

	if (!s)
		return;
	s->head.a[1] = a1;
	s->head.a[2] = a2;
	emit(s);
}

SEC("uprobe")
int native_enter(struct pt_regs *regs)
{
	struct member *member = current_member();
	struct native_calls *calls;
	u64 cookie;
	u32 function;
	bool narrow;

	if (!member)
		return 0;
	cookie = bpf_get_attach_cookie(regs);
	function = cookie & 0xff;
	narrow = cookie & COOKIE_NARROW;
	calls = bpf_task_storage_get(&native_calls, bpf_get_current_task_btf(), NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!calls || function >= NATIVE_FUNCTIONS)
		return 0;
	read_native(&calls->of[function], regs, narrow);
	calls->of[function].valid = 1;
	if (function == COOKIE_IOCTL)
		forget_by_server();
	return 0;
}

SEC("uprobe")
int native_once(struct pt_regs *regs)
{
	struct member *member = current_member();
	struct native_arguments arguments = {};
	u64 cookie, *a = arguments.a;
	bool narrow;

	if (!member)
		return 0;
	cookie = bpf_get_attach_cookie(regs);
	narrow = cookie & COOKIE_NARROW;
	read_native(&arguments, regs, narrow);
	switch (cookie & 0xff) {
	case N_CLOSE:
		native_close(member, a);
		break;
	case N_DELAY:
		native_delay(member, a);
		break;
	case N_TERMINATE:
		native_numbers(member, N_TERMINATE, wide_handle(a[0], narrow), a[1]);
		break;
	case N_RESUME:
		native_numbers(member, N_RESUME, wide_handle(a[0], narrow), 0);
		break;
	case N_SET_CONTEXT: /* (thread, *context) */
		if (wide_handle(a[0], narrow) != OWN_THREAD)
			native_numbers(member, N_SET_CONTEXT, wide_handle(a[0], narrow), 0);
		break;
	case N_SHUTDOWN:
		native_numbers(member, N_SHUTDOWN, a[0], 0);
		break;
	}
	return 0;
}

/* --- at return ----------------------------------------------------------------------------------------------------- */

struct native {
	struct member *member;
	const u64 *a;
	u32 function;
	u32 status;
	bool narrow;
};

/* An output of a call that failed means nothing. */
static __always_inline u64 handle_out(const struct native *n, u64 address)
{
	return STATUS_FAILED(n->status) ? 0 : user_word(address, n->narrow);
}

/* NtCreateKey(*key, access, *attributes, index, *class, options, *disposition), NtOpenKey(*key, access, *attributes) */
static __always_inline void native_key(const struct native *n)
{
	struct scratch *s = begin_native(n->member, n->function, n->status, 1);
	u64 key = handle_out(n, n->a[0]);

	if (!s)
		return;
	s->head.a[1] = object_root(n->a[2], n->narrow);
	s->head.a[2] = key;
	if (n->function == N_CREATE_KEY && !STATUS_FAILED(n->status))
		s->head.a[3] = user_u32(n->a[6]);
	put_object_name(s, n->a[2], n->narrow);
	emit(s);
	if (key)
		remember_handle(key);
}

/* NtCreateFile(*file, access, *attributes, *io_status, *size, attributes, sharing, disposition, options, *ea, ea_size);
 * IO_STATUS_BLOCK { status or pointer; ULONG_PTR Information } */
static __always_inline void native_create_file(const struct native *n)
{
	struct scratch *s = begin_native(n->member, n->function, n->status, 1);

	if (!s)
		return;
	s->head.a[1] = object_root(n->a[2], n->narrow);
	s->head.a[2] = handle_out(n, n->a[0]);
	s->head.a[3] = (u32)n->a[1];
	s->head.a[4] = (u32)n->a[7] | (u64)(u32)n->a[8] << 32;
	if (!STATUS_FAILED(n->status) && n->a[3])
		s->head.a[5] = user_u32(n->a[3] + (n->narrow ? 4 : 8));
	put_object_name(s, n->a[2], n->narrow);
	emit(s);
}

/* NtSetValueKey(key, *name, index, type, data, size) */
static __always_inline void native_set_value(const struct native *n)
{
	struct scratch *s = begin_native(n->member, n->function, n->status, 2);
	u32 size = n->a[5];

	if (!s)
		return;
	s->head.a[1] = n->a[0];
	s->head.a[2] = (u32)n->a[3];
	s->head.a[3] = size;
	put_unicode(s, n->a[1], n->narrow);
	put_bytes(s, (void *)n->a[4], size < 512 ? size : 512, 1023, USER);
	if (size > 512)
		s->head.flags |= FLAG_CUT;
	emit(s);
}

/* NtDeleteKey(key), NtDeleteValueKey(key, *name), NtQueryValueKey(key, *name, ...) */
static __always_inline void native_value(const struct native *n)
{
	struct scratch *s = begin_native(n->member, n->function, n->status, n->function == N_DELETE_KEY ? 0 : 1);

	if (!s)
		return;
	s->head.a[1] = n->a[0];
	if (n->function != N_DELETE_KEY)
		put_unicode(s, n->a[1], n->narrow);
	emit(s);
}

/* NtOpenProcess, NtOpenThread(*handle, access, *attributes, *client_id); CLIENT_ID { HANDLE process, thread } */
static __always_inline void native_open_process(const struct native *n)
{
	struct scratch *s = begin_native(n->member, n->function, n->status, 0);
	u64 handle = handle_out(n, n->a[0]);

	if (!s)
		return;
	s->head.a[1] = (u32)n->a[1];
	s->head.a[2] = handle;
	s->head.a[3] = user_word(n->a[3], n->narrow);
	s->head.a[4] = user_word(n->a[3] ? n->a[3] + (n->narrow ? 4 : 8) : 0, n->narrow);
	emit(s);
	if (handle)
		remember_handle(handle);
}

/* NtCreateUserProcess(*process, *thread, 2 access, 2 attributes, 2 flags, *parameters, *info, *list)
 * RTL_USER_PROCESS_PARAMETERS: flags at 8, then the strings; without flag 1 their buffers are offsets from its begin.
 * PS_ATTRIBUTE_LIST { SIZE_T size; PS_ATTRIBUTE { ULONG_PTR kind; SIZE_T size; void *value; SIZE_T *returned }[] };
 * kind 0x10003 is the new CLIENT_ID. */
#define PARAMETERS_NORMALIZED 1
#define ATTRIBUTE_CLIENT_ID 0x10003

static __always_inline u64 created_pid(u64 list, bool narrow)
{
	u64 word = narrow ? 4 : 8, attribute = list + word;
	int i;

	for (i = 0; list && i < 6; i++, attribute += 4 * word)
		if ((u32)user_word(attribute, narrow) == ATTRIBUTE_CLIENT_ID)
			return user_word(user_word(attribute + 2 * word, narrow), narrow);
	return 0;
}

static __always_inline void native_create_process(const struct native *n)
{
	struct scratch *s = begin_native(n->member, n->function, n->status, 3);
	u64 parameters = n->a[8], base, process = handle_out(n, n->a[0]);

	if (!s)
		return;
	base = user_u32(parameters + 8) & PARAMETERS_NORMALIZED ? 0 : parameters;
	s->head.a[2] = process;
	s->head.a[3] = handle_out(n, n->a[1]);
	s->head.a[4] = STATUS_FAILED(n->status) ? 0 : created_pid(n->a[10], n->narrow);
	put_unicode_from(s, parameters + (n->narrow ? 0x38 : 0x60), n->narrow, base);
	put_unicode_from(s, parameters + (n->narrow ? 0x40 : 0x70), n->narrow, base);
	put_unicode_from(s, parameters + (n->narrow ? 0x24 : 0x38), n->narrow, base);
	emit(s);
	if (process)
		remember_handle(process);
}

/* NtWriteVirtualMemory, NtReadVirtualMemory(process, address, buffer, size, *done) */
static __always_inline void native_memory(const struct native *n)
{
	bool write = n->function == N_WRITE_MEMORY;
	struct scratch *s = begin_native(n->member, n->function, n->status, write ? 1 : 0);

	if (!s)
		return;
	s->head.a[1] = wide_handle(n->a[0], n->narrow);
	s->head.a[2] = n->a[1];
	s->head.a[3] = n->a[3];
	if (write)
		put_bytes(s, (void *)n->a[2], n->a[3] < 64 ? n->a[3] : 64, 127, USER);
	emit(s);
}

#define PAGE_EXECUTABLE 0xf0 /* PAGE_EXECUTE, _READ, _READWRITE, _WRITECOPY */

static __always_inline void native_region(const struct native *n, u64 process, u64 address, u64 size, u64 a4, u64 a5)
{
	struct scratch *s = begin_native(n->member, n->function, n->status, 0);

	if (!s)
		return;
	s->head.a[1] = process;
	s->head.a[2] = address;
	s->head.a[3] = size;
	s->head.a[4] = a4;
	s->head.a[5] = a5;
	emit(s);
}

/* NtProtectVirtualMemory(process, **address, *size, new, *old) */
static __always_inline void native_protect(const struct native *n)
{
	u64 process = wide_handle(n->a[0], n->narrow);

	if (process == OWN_PROCESS && !(n->a[3] & PAGE_EXECUTABLE))
		return;
	native_region(n, process, user_word(n->a[1], n->narrow), user_word(n->a[2], n->narrow), (u32)n->a[3],
		      user_u32(n->a[4]));
}

/* NtAllocateVirtualMemory(process, **address, zero_bits, *size, type, protection); ...Ex has no zero_bits, and Wine's
 * implementation of neither calls the other. */
static __always_inline void native_allocate(const struct native *n, bool extended)
{
	u64 process = wide_handle(n->a[0], n->narrow);
	u64 size = extended ? n->a[2] : n->a[3], type = extended ? n->a[3] : n->a[4], page = extended ? n->a[4] : n->a[5];

	if (process == OWN_PROCESS && !(page & PAGE_EXECUTABLE))
		return;
	native_region(n, process, user_word(n->a[1], n->narrow), user_word(size, n->narrow), (u32)type, (u32)page);
}

/* NtMapViewOfSection(section, process, **address, zero_bits, commit, *offset, *size, inherit, type, protection);
 * ...Ex(section, process, **address, *offset, *size, type, protection, *parameters, count) */
static __always_inline void native_map(const struct native *n, bool extended)
{
	u64 process = wide_handle(n->a[1], n->narrow);

	if (process == OWN_PROCESS)
		return;
	native_region(n, process, user_word(n->a[2], n->narrow), user_word(extended ? n->a[4] : n->a[6], n->narrow), 0,
		      (u32)(extended ? n->a[6] : n->a[9]));
}

/* NtUnmapViewOfSection(process, address) */
static __always_inline void native_unmap(const struct native *n)
{
	u64 process = wide_handle(n->a[0], n->narrow);

	if (process != OWN_PROCESS)
		native_region(n, process, n->a[1], 0, 0, 0);
}

/* NtCreateThreadEx(*thread, access, *attributes, process, start, parameter, flags, ...) */
static __always_inline void native_create_thread(const struct native *n)
{
	u64 process = wide_handle(n->a[3], n->narrow);

	if (process != OWN_PROCESS)
		native_region(n, process, n->a[4], handle_out(n, n->a[0]), (u32)n->a[6], 0);
}

/* NtQueueApcThread(thread, function, ...) */
static __always_inline void native_apc(const struct native *n)
{
	native_region(n, wide_handle(n->a[0], n->narrow), n->a[1], 0, 0, 0);
}

/* NtCreateMutant, NtOpenMutant(*handle, access, *attributes, ...): one without a name is nobody else's business. */
static __always_inline void native_mutant(const struct native *n)
{
	struct scratch *s;

	if (!n->a[2] || !user_word(n->a[2] + (n->narrow ? 8 : 16), n->narrow))
		return;
	s = begin_native(n->member, n->function, n->status, 1);
	if (!s)
		return;
	put_object_name(s, n->a[2], n->narrow);
	emit(s);
}

/* NtLoadDriver(*service_key) */
static __always_inline void native_load_driver(const struct native *n)
{
	struct scratch *s = begin_native(n->member, n->function, n->status, 1);

	if (!s)
		return;
	put_unicode(s, n->a[0], n->narrow);
	emit(s);
}

/* NtAdjustPrivilegesToken(token, disable_all, *new, ...); TOKEN_PRIVILEGES { ULONG count; { LUID, ULONG attributes }[] } */
static __always_inline void native_privilege(const struct native *n)
{
	u64 new = n->a[2];
	struct scratch *s;

	if (!new)
		return;
	s = begin_native(n->member, n->function, n->status, 0);
	if (!s)
		return;
	s->head.a[1] = user_u32(new);
	s->head.a[2] = user_u64(new + 4);
	s->head.a[3] = user_u32(new + 12);
	emit(s);
}

/* NtSetInformationFile(file, *status, data, size, class)
 * FILE_RENAME_INFORMATION, FILE_LINK_INFORMATION { BOOLEAN replace; HANDLE root; ULONG length; WCHAR name[] } */
enum file_class { FILE_BASIC = 4, FILE_RENAME = 10, FILE_LINK = 11, FILE_DISPOSITION = 13, FILE_DISPOSITION_EX = 64,
		  FILE_RENAME_EX = 65 };

static __always_inline void native_set_file(const struct native *n)
{
	u32 class = n->a[4];
	bool named = class == FILE_RENAME || class == FILE_RENAME_EX || class == FILE_LINK;
	struct scratch *s;

	if (!named && class != FILE_BASIC && class != FILE_DISPOSITION && class != FILE_DISPOSITION_EX)
		return;
	s = begin_native(n->member, n->function, n->status, 1);
	if (!s)
		return;
	s->head.a[1] = n->a[0];
	s->head.a[2] = class;
	if (named)
		put_bytes(s, (void *)(n->a[2] + (n->narrow ? 12 : 20)), user_u32(n->a[2] + (n->narrow ? 8 : 16)), TEXT_MAX - 1,
			  USER);
	else
		put_empty(s);
	emit(s);
}

/* NtQuerySystemInformation(class, ...): processes, modules, handles, kernel debugger, extended processes, firmware table,
 * code integrity, kernel debugger ex */
static __always_inline void native_query_system(const struct native *n)
{
	u32 class = n->a[0];

	if (class == 5 || class == 11 || class == 16 || class == 35 || class == 57 || class == 76 || class == 103 || class == 149)
		native_region(n, class, 0, 0, 0, 0);
}

/* NtQueryInformationProcess(process, class, ...): debug port, debug object, debug flags */
static __always_inline void native_query_process(const struct native *n)
{
	u32 class = n->a[1];

	if (class == 7 || class == 30 || class == 31)
		native_region(n, wide_handle(n->a[0], n->narrow), class, 0, 0, 0);
}

/* NtDeviceIoControlFile(file, event, *routine, context, *status, code, ...): Windows' own codes of the socket driver */
#define AFD_BIND 0x12003
#define AFD_LISTEN 0x1200b

static __always_inline void native_ioctl(const struct native *n)
{
	if ((u32)n->a[5] == AFD_BIND)
		report_by_server(n->member, R_BIND);
	else if ((u32)n->a[5] == AFD_LISTEN)
		report_by_server(n->member, R_LISTEN);
}

#define THREAD_HIDE_FROM_DEBUGGER 17

SEC("uretprobe")
int native_return(struct pt_regs *regs)
{
	struct member *member = current_member();
	struct native_calls *calls;
	struct native n = {};
	u64 cookie;

	if (!member)
		return 0;
	cookie = bpf_get_attach_cookie(regs);
	n.member = member;
	n.function = cookie & 0xff;
	n.status = (u32)regs->ax;
	n.narrow = cookie & COOKIE_NARROW;
	calls = bpf_task_storage_get(&native_calls, bpf_get_current_task_btf(), NULL, 0);
	if (!calls || n.function >= NATIVE_FUNCTIONS || !calls->of[n.function].valid)
		return 0;
	calls->of[n.function].valid = 0;
	n.a = calls->of[n.function].a;

	switch (n.function) {
	case N_CREATE_KEY:
	case N_OPEN_KEY:
		native_key(&n);
		break;
	case N_SET_VALUE:
		native_set_value(&n);
		break;
	case N_DELETE_KEY:
	case N_DELETE_VALUE:
	case N_QUERY_VALUE:
		native_value(&n);
		break;
	case N_OPEN_PROCESS:
	case N_OPEN_THREAD:
		native_open_process(&n);
		break;
	case N_CREATE_PROCESS:
		native_create_process(&n);
		break;
	case N_WRITE_MEMORY:
	case N_READ_MEMORY:
		native_memory(&n);
		break;
	case N_PROTECT:
		native_protect(&n);
		break;
	case N_ALLOCATE:
		native_allocate(&n, cookie & COOKIE_EXTENDED);
		break;
	case N_MAP_SECTION:
		native_map(&n, cookie & COOKIE_EXTENDED);
		break;
	case N_UNMAP_SECTION:
		native_unmap(&n);
		break;
	case N_CREATE_THREAD:
		native_create_thread(&n);
		break;
	case N_QUEUE_APC:
		native_apc(&n);
		break;
	case N_CREATE_MUTANT:
	case N_OPEN_MUTANT:
		native_mutant(&n);
		break;
	case N_LOAD_DRIVER:
		native_load_driver(&n);
		break;
	case N_PRIVILEGE:
		native_privilege(&n);
		break;
	case N_CREATE_FILE:
		native_create_file(&n);
		break;
	case N_SET_FILE:
		native_set_file(&n);
		break;
	case N_QUERY_SYSTEM:
		native_query_system(&n);
		break;
	case N_QUERY_PROCESS:
		native_query_process(&n);
		break;
	case COOKIE_IOCTL:
		native_ioctl(&n);
		break;
	case N_HIDE_THREAD: /* NtSetInformationThread(thread, class, ...) */
		if ((u32)n.a[1] == THREAD_HIDE_FROM_DEBUGGER)
			native_region(&n, wide_handle(n.a[0], n.narrow), 0, 0, 0, 0);
		break;
	}
	return 0;
}

/* --- debug output -------------------------------------------------------------------------------------------------- */

/* __wine_dbg_write(text, length): one line of a trace channel, written by the Windows side. */
#define LINE_MAX 2048

SEC("uprobe")
int wine_debug(struct pt_regs *regs)
{
	struct member *member = current_member();
	u32 words[2] = {};
	u64 text = regs->cx, length = (u32)regs->dx;
	struct scratch *s;

	if (!member)
		return 0;
	if (bpf_get_attach_cookie(regs) & COOKIE_NARROW) {
		bpf_probe_read_user(words, sizeof(words), (void *)(regs->sp + 4));
		text = words[0];
		length = words[1];
	}
	s = begin(member, R_WINE_DEBUG, 1);
	if (!s)
		return 0;
	put_bytes(s, (void *)text, length, LINE_MAX - 1, USER);
	emit(s);
	return 0;
}
