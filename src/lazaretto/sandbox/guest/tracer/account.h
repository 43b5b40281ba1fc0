/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Who is in the account, how a record is built and sent, how a path is found. Used by every hook of tracer.bpf.c.
 *
 * All programs here run to their end without being preempted (the guest's kernel preempts voluntarily, the programs
 * do not sleep, none hooks code of an interrupt, there is one processor), so one scratch area for all is safe.
 */
#ifndef LAZARETTO_ACCOUNT_H
#define LAZARETTO_ACCOUNT_H

#define NULL ((void *)0)
#define EEXIST 17
#define EINVAL 22
#define AT_FDCWD (-100)
#define IS_ERROR(value) ((unsigned long)(value) > (unsigned long)-4096L)

/* The kernel's helpers that read memory are given to GPL programs only; these files may be taken under either licence
 * (docs/adr/0007-licence.md). */
char LICENSE[] SEC("license") = "GPL";

/* --- shared with tracer.c through the mapped .bss ------------------------------------------------------------------ */

unsigned long long lost = 0;    /* records that did not fit into the ring, and processes the table had no room for */
long long live = 0;             /* processes in the account */
unsigned long long joined = 0;  /* processes that ever came into the account */
unsigned int asleep = AWAKE;    /* enum asleep: what the consumer does, which whoever writes may have to wake */

/* --- members ------------------------------------------------------------------------------------------------------- */

struct member {
	u32 inner_pid; /* thread group id in the process' own pid namespace */
	u8 flags;      /* FLAG_COMPAT */
	u8 code;       /* it made code at run time */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, u32); /* thread group */
	__type(value, struct member);
} members SEC(".maps");

/* Processes that are not in the account, but whose new children are: thread group -> enum join_reason. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, u32);
	__type(value, u32);
} watched SEC(".maps");

static __always_inline u32 current_tgid(void)
{
	return bpf_get_current_pid_tgid() >> 32;
}

/* The running process' place in the account; NULL, the usual case, ends a hook at once. */
static __always_inline struct member *current_member(void)
{
	u32 tgid = current_tgid();

	return bpf_map_lookup_elem(&members, &tgid);
}

static __always_inline bool is_member(u32 tgid)
{
	return bpf_map_lookup_elem(&members, &tgid) != NULL;
}

static __always_inline u32 inner_tgid(struct task_struct *task)
{
	struct pid *pid = BPF_CORE_READ(task, signal, pids[PIDTYPE_TGID]);
	u32 level = BPF_CORE_READ(pid, level), nr = 0;

	bpf_core_read(&nr, sizeof(nr), &pid->numbers[level & 31].nr);
	return nr;
}

#define TIF_ADDR32 29 /* arch/x86/include/asm/thread_info.h: the address space is that of a 32-bit process */

static __always_inline u8 task_flags(struct task_struct *task)
{
	return BPF_CORE_READ(task, thread_info.flags) & (1ul << TIF_ADDR32) ? FLAG_COMPAT : 0;
}

/* False: it was there already, or there is no room (counted). */
static __always_inline bool add_member(struct task_struct *task)
{
	u32 tgid = BPF_CORE_READ(task, tgid);
	struct member new = {.inner_pid = inner_tgid(task), .flags = task_flags(task)};
	int error = (int)bpf_map_update_elem(&members, &tgid, &new, BPF_NOEXIST); /* the upper half is not sign-extended */

	if (!error) {
		__sync_fetch_and_add(&live, 1);
		__sync_fetch_and_add(&joined, 1);
	} else if (error != -EEXIST) {
		__sync_fetch_and_add(&lost, 1);
	}
	return !error;
}

/* Processes that made code, at the begin of their end: the consumer is woken at once, even while it gathers. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} leaving SEC(".maps");

/* --- building a record --------------------------------------------------------------------------------------------- */

/* barrier_var() keeps the compiler from checking one copy of a length and using another, or from dropping a mask that it
 * finds needless: the verifier follows neither. */
#define RECORD_MAX 65536
#define STRING_MAX 16384 /* of any string; a power of two, so that the verifier can follow the mask */
#define TEXT_MAX 4096    /* of names and paths */

struct scratch {
	u32 used; /* bytes of the record so far */
	u32 next; /* index of the next string */
	union {
		struct record_head head;
		u8 bytes[RECORD_MAX + STRING_MAX];
	};
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 16 * 1024 * 1024);
} ring SEC(".maps");

/* Begin a record of the running process. The strings follow by put_*(), exactly `nstrings` of them. */
static __always_inline struct scratch *begin(const struct member *member, u16 kind, u8 nstrings)
{
	u32 zero = 0;
	struct scratch *s = bpf_map_lookup_elem(&scratches, &zero);
	u64 id = bpf_get_current_pid_tgid();

	if (!s)
		return NULL;
	__builtin_memset(&s->head, 0, sizeof(s->head));
	__builtin_memset(s->bytes + sizeof(s->head), 0, 16);
	s->head.kind = kind;
	s->head.nstrings = nstrings;
	s->head.flags = member->flags;
	s->head.inner_pid = member->inner_pid;
	s->head.pid = id >> 32;
	s->head.tid = (u32)id;
	s->head.uid = (u32)bpf_get_current_uid_gid();
	s->used = sizeof(s->head) + 2 * nstrings;
	s->next = 0;
	return s;
}

static __always_inline void end_string(struct scratch *s, u32 length)
{
	u32 next = s->next & 7;

	*(u16 *)(s->bytes + sizeof(s->head) + 2 * next) = length;
	s->next = next + 1;
	s->used += length;
}

/* Where the next string goes. There are STRING_MAX bytes behind the place for a record that is too long, and is not sent. */
static __always_inline void *room(struct scratch *s)
{
	u64 used = s->used;

	barrier_var(used);
	return s->bytes + (used < RECORD_MAX ? used : RECORD_MAX);
}

enum space { KERNEL, USER };

/* At most `max` bytes (a power of two less one). Memory that cannot be read without a page fault gives an empty string. */
static __always_inline void put_bytes(struct scratch *s, const void *from, u64 length, u32 max, enum space space)
{
	void *to = room(s);
	long error = 1;

	if (length > max) {
		length = max;
		s->head.flags |= FLAG_CUT;
	}
	barrier_var(length);
	length &= max;
	if (from && length)
		error = space == USER ? bpf_probe_read_user(to, length, from) : bpf_probe_read_kernel(to, length, from);
	end_string(s, error ? 0 : length);
}

/* Text up to its NUL, at most TEXT_MAX bytes. */
static __always_inline void put_text(struct scratch *s, const void *from, enum space space)
{
	void *to = room(s);
	long length = 0;

	if (from)
		length = space == USER ? bpf_probe_read_user_str(to, TEXT_MAX, from)
				       : bpf_probe_read_kernel_str(to, TEXT_MAX, from);
	if (length == TEXT_MAX)
		s->head.flags |= FLAG_CUT;
	end_string(s, length > 0 ? (length - 1) & (TEXT_MAX - 1) : 0);
}

static __always_inline void put_empty(struct scratch *s)
{
	end_string(s, 0);
}

#define GATHER_BYTES (1024 * 1024) /* as much is not gathered any longer; the ring takes 16 times that */

/* What the keeper must be told of while it can still be looked at. */
static __always_inline bool is_urgent(const struct record_head *head)
{
	return head->kind == R_EXIT || (head->kind == R_MEMORY && (head->a[3] & MEMORY_KEPT) == MEMORY_FILLED);
}

/* Only the writer that finds the consumer asleep pays for waking it. */
static __always_inline bool must_wake(const struct record_head *head)
{
	if (asleep != GATHERING)
		return asleep;
	return is_urgent(head) || bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) > GATHER_BYTES;
}

static __always_inline void send(void *bytes, u64 size)
{
	bool wake = must_wake(bytes);

	if (bpf_ringbuf_output(&ring, bytes, size, wake ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP))
		__sync_fetch_and_add(&lost, 1);
	else if (wake)
		asleep = AWAKE;
}

static __always_inline void emit(struct scratch *s)
{
	u64 size = s->used;

	barrier_var(size);
	if (size > RECORD_MAX) {
		__sync_fetch_and_add(&lost, 1);
		return;
	}
	s->head.size = size;
	s->head.time = bpf_ktime_get_ns();
	send(s->bytes, size);
}

/* --- paths --------------------------------------------------------------------------------------------------------- */

/* The kernel's own bpf_d_path() may be called from a handful of functions only, so the names are walked here: from the
 * object up to the root of its mount, from there at the mount point of the parent mount, until a mount that hangs in
 * nothing. That is the path in the mount namespace, whatever root directory (chroot) the process has. An object that is
 * its own parent has a name and no place: "/memfd:NAME".
 */
#define PATH_ROOM 4096
#define NAME_ROOM 256

struct walk {
	struct dentry *dentry;
	struct dentry *top; /* root of `mount` */
	struct mount *mount;
	u32 start; /* the path found so far is bytes[start .. PATH_ROOM) */
	u32 cut;
};

struct path_bytes {
	u8 bytes[PATH_ROOM + NAME_ROOM];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct path_bytes);
} path_scratch SEC(".maps");

static long walk_up(u32 step, struct walk *w)
{
	u32 zero = 0, length, start;
	struct path_bytes *path = bpf_map_lookup_elem(&path_scratch, &zero);
	struct dentry *dentry = w->dentry, *parent;
	struct qstr name;

	if (!path)
		return 1;
	if (dentry == w->top) {
		struct mount *mount = w->mount, *above = BPF_CORE_READ(mount, mnt_parent);

		if (above == mount || !above)
			return 1;
		w->dentry = BPF_CORE_READ(mount, mnt_mountpoint);
		w->mount = above;
		w->top = BPF_CORE_READ(above, mnt.mnt_root);
		return 0;
	}
	parent = BPF_CORE_READ(dentry, d_parent);
	if (!parent || (parent == dentry && w->start != PATH_ROOM))
		return 1;
	bpf_core_read(&name, sizeof(name), &dentry->d_name);
	length = name.len & (NAME_ROOM - 1);
	start = w->start;
	if (start <= length || start > PATH_ROOM) {
		w->cut = 1;
		return 1;
	}
	start -= length;
	bpf_probe_read_kernel(path->bytes + (start & (PATH_ROOM - 1)), length, name.name);
	start -= 1;
	path->bytes[start & (PATH_ROOM - 1)] = '/';
	w->start = start;
	w->dentry = parent;
	return 0;
}

static __noinline int put_path_of(struct scratch *s, struct vfsmount *vfsmount, struct dentry *dentry)
{
	u32 zero = 0, length, start;
	struct path_bytes *path = bpf_map_lookup_elem(&path_scratch, &zero);
	void *to = room(s);
	struct walk w = {.dentry = dentry, .start = PATH_ROOM};

	if (!path || !dentry || !vfsmount) {
		put_empty(s);
		return 0;
	}
	w.mount = (struct mount *)((void *)vfsmount - bpf_core_field_offset(struct mount, mnt));
	w.top = BPF_CORE_READ(vfsmount, mnt_root);
	if (bpf_loop(200, walk_up, &w, 0) >= 200 || w.cut)
		s->head.flags |= FLAG_CUT;
	start = w.start;
	if (start >= PATH_ROOM) { /* no name at all: the root */
		path->bytes[PATH_ROOM - 1] = '/';
		start = PATH_ROOM - 1;
	}
	length = (PATH_ROOM - start) & (PATH_ROOM - 1);
	bpf_probe_read_kernel(to, length, path->bytes + (start & (PATH_ROOM - 1)));
	end_string(s, length);
	return 0;
}

static __always_inline void put_path(struct scratch *s, const struct path *path)
{
	put_path_of(s, BPF_CORE_READ(path, mnt), BPF_CORE_READ(path, dentry));
}

static __always_inline void put_file(struct scratch *s, struct file *file)
{
	put_path_of(s, BPF_CORE_READ(file, f_path.mnt), BPF_CORE_READ(file, f_path.dentry));
}

static __always_inline struct file *file_of_descriptor(int descriptor)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **files = BPF_CORE_READ(table, fd), *file = NULL;

	if (descriptor < 0 || descriptor >= BPF_CORE_READ(table, max_fds))
		return NULL;
	bpf_probe_read_kernel(&file, sizeof(file), files + descriptor);
	return file;
}

static __always_inline void put_working_directory(struct scratch *s)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct fs_struct *fs = BPF_CORE_READ(task, fs);

	put_path_of(s, BPF_CORE_READ(fs, pwd.mnt), BPF_CORE_READ(fs, pwd.dentry));
}

/* The directory from which a relative name is looked up. */
static __always_inline void put_start(struct scratch *s, int descriptor)
{
	struct file *file;

	if (descriptor == AT_FDCWD) {
		put_working_directory(s);
		return;
	}
	file = file_of_descriptor(descriptor);
	if (file)
		put_file(s, file);
	else
		put_empty(s);
}

/* --- things seen once ---------------------------------------------------------------------------------------------- */

struct once {
	u32 tgid;
	u16 kind;
	u16 port;
	u64 a, b; /* what distinguishes it: address bytes, target and request, ... */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct once);
	__type(value, u8);
} seen SEC(".maps");

static __always_inline bool first_time(const struct once *key)
{
	u8 one = 1;

	return bpf_map_update_elem(&seen, key, &one, BPF_NOEXIST) == 0;
}

/* --- joining by injection ------------------------------------------------------------------------------------------ */

/* The sample put code into `task`: from now on what that process does is the sample's doing. */
static __noinline int join_injected(struct task_struct *task)
{
	u32 tgid = BPF_CORE_READ(task, tgid);
	struct member *member;
	struct scratch *s;

	if (!add_member(task))
		return 0;
	member = bpf_map_lookup_elem(&members, &tgid);
	if (!member)
		return 0;
	s = begin(member, R_JOIN, 0);
	if (!s)
		return 0;
	s->head.pid = s->head.tid = tgid;
	s->head.uid = BPF_CORE_READ(task, cred, uid.val);
	s->head.a[0] = JOIN_INJECTED;
	s->head.a[1] = current_tgid();
	emit(s);
	return 0;
}

#endif
