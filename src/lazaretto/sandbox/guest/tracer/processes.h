/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Life of processes, what they do to each other, who they are. */

/* --- fork, exec, exit ---------------------------------------------------------------------------------------------- */

/* kernel_clone(): the child exists and has its ids, but does not run yet, so nothing of it can come before this record.
 * `parent` is the process that called, also with CLONE_PARENT. */
SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	u32 parent_tgid = parent->tgid, child_tgid = child->tgid, *reason;
	struct member *member;
	struct scratch *s;

	if (parent_tgid == child_tgid)
		return 0; /* a thread */
	member = bpf_map_lookup_elem(&members, &parent_tgid);
	if (member) {
		if (!add_member(child))
			return 0;
		s = begin(member, R_FORK, 0);
		if (!s)
			return 0;
		s->head.a[0] = child_tgid;
		s->head.a[1] = inner_tgid(child);
		emit(s);
		return 0;
	}
	reason = bpf_map_lookup_elem(&watched, &parent_tgid);
	if (!reason || !add_member(child))
		return 0;
	member = bpf_map_lookup_elem(&members, &child_tgid);
	if (!member)
		return 0;
	s = begin(member, R_JOIN, 0);
	if (!s)
		return 0;
	s->head.pid = s->head.tid = child_tgid;
	s->head.a[0] = *reason;
	s->head.a[1] = parent_tgid;
	emit(s);
	return 0;
}

/* Between the start and end of argv or environment in the new program's stack, which was written just now. */
static __always_inline void put_stack_strings(struct scratch *s, u64 start, u64 end)
{
	put_bytes(s, (void *)start, end > start ? end - start : 0, STRING_MAX - 1, USER);
}

/* exec_binprm(): the new memory is in place, the program has not begun. */
SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, pid_t old_pid, struct linux_binprm *program)
{
	struct member *member = current_member();
	struct mm_struct *mm;
	struct file *image;
	struct scratch *s;

	if (!member)
		return 0;
	member->flags = task_flags(task);
	member->code = 0; /* the memory is new */
	s = begin(member, R_EXEC, 5);
	if (!s)
		return 0;
	mm = task->mm;
	image = BPF_CORE_READ(mm, exe_file);
	put_file(s, image);
	put_stack_strings(s, BPF_CORE_READ(mm, arg_start), BPF_CORE_READ(mm, arg_end));
	put_stack_strings(s, BPF_CORE_READ(mm, env_start), BPF_CORE_READ(mm, env_end));
	put_working_directory(s);
	put_text(s, program->filename, KERNEL);
	s->head.a[0] = task->cred->uid.val;
	s->head.a[1] = task->cred->euid.val;
	s->head.a[2] = BPF_CORE_READ(image, f_inode, i_nlink) == 0;
	emit(s);
	return 0;
}

#define SIGNAL_GROUP_EXIT 4

/* exit_signals() is what do_exit() calls first, for whatever reason the process ends. Its memory is whole yet, and stays so
 * until what is woken here has run: both the consumer and the keeper are realtime, there is one processor, and the kernel
 * gives it up where it may sleep, which is before it lets go of the memory (mmap_read_lock() in exit_mm()). */
SEC("fentry/exit_signals")
int BPF_PROG(on_leaving, struct task_struct *task)
{
	struct member *member = current_member();
	struct signal_struct *signal = task->signal;
	u32 tgid = task->tgid;

	if (!member || !member->code || !(signal->flags & SIGNAL_GROUP_EXIT || signal->live.counter == 1))
		return 0;
	member->code = 0; /* once, whichever of its threads is the first */
	bpf_ringbuf_output(&leaving, &tgid, sizeof(tgid), BPF_RB_FORCE_WAKEUP);
	return 0;
}

/* do_exit() calls cgroup_exit() for each thread after its files are closed and before its parent may reap it; the
 * tracepoint sched_process_exit would come before the files are closed. `live` is 0 when all threads are on their way. */
SEC("fentry/cgroup_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	struct member *member = current_member();
	struct signal_struct *signal = task->signal;
	u32 tgid = task->tgid;
	struct scratch *s;

	if (!member || signal->live.counter != 0)
		return 0;
	s = begin(member, R_EXIT, 0);
	if (!s || bpf_map_delete_elem(&members, &tgid))
		return 0; /* another last thread was here before */
	s->head.a[0] = signal->flags & SIGNAL_GROUP_EXIT ? signal->group_exit_code : task->group_leader->exit_code;
	emit(s);
	bpf_map_delete_elem(&watched, &tgid);
	if (__sync_fetch_and_add(&live, -1) == 1) {
		s->head.kind = R_EMPTY;
		s->head.a[0] = 0;
		emit(s);
	}
	return 0;
}

/* Process ids are used again: a watched process that ended must not pass its place on. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_watched_exit, struct task_struct *task)
{
	u32 tgid = task->tgid;

	if (task->signal->live.counter == 0)
		bpf_map_delete_elem(&watched, &tgid);
	return 0;
}

/* --- one process and another --------------------------------------------------------------------------------------- */

/* check_kill_permission(): every signal that a process sends, before the target gets it. Negative or zero si_code marks
 * what came from user space; info 0 and 1 are the kernel's "no info" and "privileged". */
SEC("fexit/check_kill_permission")
int BPF_PROG(on_signal, int signal, struct kernel_siginfo *info, struct task_struct *target, int result)
{
	struct member *member = current_member();
	u32 target_tgid;
	struct scratch *s;

	if (!member || (unsigned long)info <= 1)
		return 0;
	target_tgid = target->tgid;
	if (target_tgid == current_tgid() || BPF_CORE_READ(info, si_code) > 0)
		return 0;
	s = begin(member, R_SIGNAL, 0);
	if (!s)
		return 0;
	s->head.result = result;
	s->head.a[0] = target_tgid;
	s->head.a[1] = signal;
	emit(s);
	return 0;
}

static __always_inline void report_ptrace(struct member *member, struct task_struct *target, long request, long result)
{
	struct scratch *s = begin(member, R_PTRACE, 0);

	if (!s)
		return;
	s->head.result = result;
	s->head.a[0] = BPF_CORE_READ(target, tgid);
	s->head.a[1] = request;
	emit(s);
}

/* PTRACE_ATTACH and PTRACE_SEIZE; result 0 or -errno. */
SEC("fexit/ptrace_attach")
int BPF_PROG(on_ptrace_attach, struct task_struct *target, long request, unsigned long address, unsigned long flags,
	     int result)
{
	struct member *member = current_member();

	if (member)
		report_ptrace(member, target, request, result);
	return 0;
}

#define PTRACE_POKETEXT 4
#define PTRACE_POKEDATA 5
#define PTRACE_POKEUSR 6
#define PTRACE_SETREGS 13
#define PTRACE_SETFPREGS 15
#define PTRACE_SETREGSET 0x4205

/* Requests that change the target's memory or registers. A debugger makes thousands: one record for each kind. */
static __always_inline int changed_by_ptrace(struct task_struct *target, long request, long result)
{
	struct member *member = current_member();
	struct once key = {.kind = R_PTRACE};

	if (!member)
		return 0;
	if (request != PTRACE_POKETEXT && request != PTRACE_POKEDATA && request != PTRACE_POKEUSR &&
	    request != PTRACE_SETREGS && request != PTRACE_SETFPREGS && request != PTRACE_SETREGSET)
		return 0;
	key.tgid = current_tgid();
	key.a = BPF_CORE_READ(target, tgid);
	key.b = request;
	if (first_time(&key))
		report_ptrace(member, target, request, result);
	if (!result)
		join_injected(target);
	return 0;
}

SEC("fexit/arch_ptrace")
int BPF_PROG(on_ptrace, struct task_struct *target, long request, unsigned long address, unsigned long data, long result)
{
	return changed_by_ptrace(target, request, result);
}

SEC("fexit/compat_arch_ptrace")
int BPF_PROG(on_ptrace_compat, struct task_struct *target, u32 request, u32 address, u32 data, long result)
{
	return changed_by_ptrace(target, request, result);
}

/* process_vm_readv/writev name their target by the caller's pid namespace; __ptrace_may_access(), which they ask, has the
 * process itself. It is not asked for the caller's own memory, which is nothing to report. (Their common process_vm_rw() has
 * more arguments than a fentry program may look at.) */
struct access {
	struct task_struct *target;
	u8 awaited;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct access);
} accesses SEC(".maps");

static __always_inline int begin_process_vm(void)
{
	struct access *access;

	if (!current_member())
		return 0;
	access = bpf_task_storage_get(&accesses, bpf_get_current_task_btf(), NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (access) {
		access->target = NULL;
		access->awaited = 1;
	}
	return 0;
}

SEC("fentry/__ptrace_may_access")
int BPF_PROG(on_access_check, struct task_struct *target, unsigned int mode)
{
	struct access *access;

	if (!current_member())
		return 0;
	access = bpf_task_storage_get(&accesses, bpf_get_current_task_btf(), NULL, 0);
	if (access && access->awaited)
		access->target = target;
	return 0;
}

static __always_inline int end_process_vm(u32 pid, bool write, long result)
{
	struct member *member = current_member();
	struct access *access;
	struct task_struct *target;
	struct scratch *s;

	if (!member)
		return 0;
	access = bpf_task_storage_get(&accesses, bpf_get_current_task_btf(), NULL, 0);
	if (!access)
		return 0;
	target = access->target; /* the caller may have been the last to hold it: read with care, by helpers only */
	access->target = NULL;
	access->awaited = 0;
	if (!target && pid == member->inner_pid)
		return 0;
	s = begin(member, R_PROCESS_VM, 0);
	if (!s)
		return 0;
	s->head.result = result < 0 ? result : 0;
	s->head.a[0] = target ? BPF_CORE_READ(target, tgid) : pid;
	s->head.a[1] = write;
	s->head.a[2] = result > 0 ? result : 0;
	if (!target)
		s->head.flags |= FLAG_UNRESOLVED;
	emit(s);
	if (target && write && result > 0)
		join_injected(target);
	return 0;
}

#define PROCESS_VM(abi, call, pid, write) \
	SEC("fentry/__" #abi "_sys_" #call) \
	int BPF_PROG(begin_##abi##_##call, const struct pt_regs *regs) \
	{ \
		return begin_process_vm(); \
	} \
	SEC("fexit/__" #abi "_sys_" #call) \
	int BPF_PROG(end_##abi##_##call, const struct pt_regs *regs, long result) \
	{ \
		return end_process_vm(regs->pid, write, result); \
	}

PROCESS_VM(x64, process_vm_readv, di, false)
PROCESS_VM(x64, process_vm_writev, di, true)
PROCESS_VM(ia32, process_vm_readv, bx, false)
PROCESS_VM(ia32, process_vm_writev, bx, true)

/* /proc/PID/mem: the inode knows whose memory it is. A fresh look-up of the task, since the file outlives the process. */
static __always_inline struct task_struct *task_of_proc_inode(struct inode *inode)
{
	void *proc = (void *)inode - bpf_core_field_offset(struct proc_inode, vfs_inode);
	struct pid *pid = BPF_CORE_READ((struct proc_inode *)proc, pid);
	struct hlist_node *node = BPF_CORE_READ(pid, tasks[PIDTYPE_PID].first);

	return node ? (void *)node - bpf_core_field_offset(struct task_struct, pid_links) : NULL;
}

static __always_inline struct task_struct *report_memory_file(struct inode *inode, u64 what, long result)
{
	struct member *member = current_member();
	struct task_struct *target;
	struct once key = {.kind = R_VM_FOREIGN, .b = what};
	struct scratch *s;

	if (!member)
		return NULL;
	target = task_of_proc_inode(inode);
	if (!target || BPF_CORE_READ(target, tgid) == current_tgid())
		return NULL;
	key.tgid = current_tgid();
	key.a = BPF_CORE_READ(target, tgid);
	if (!first_time(&key))
		return target;
	s = begin(member, R_VM_FOREIGN, 0);
	if (!s)
		return target;
	s->head.result = result;
	s->head.a[0] = key.a;
	s->head.a[1] = what;
	emit(s);
	return target;
}

SEC("fexit/mem_open")
int BPF_PROG(on_memory_file_open, struct inode *inode, struct file *file, int result)
{
	report_memory_file(inode, file->f_mode & FMODE_WRITE ? 1 : 0, result);
	return 0;
}

SEC("fexit/mem_rw")
int BPF_PROG(on_memory_file_write, struct file *file, char *buffer, size_t count, loff_t *offset, int write, long result)
{
	struct task_struct *target;

	if (!write || result <= 0)
		return 0;
	target = report_memory_file(file->f_inode, 3, 0);
	if (target)
		join_injected(target);
	return 0;
}

/* --- identity ------------------------------------------------------------------------------------------------------ */

static __always_inline u64 capabilities(const struct cred *cred)
{
	return (u64)cred->cap_effective.cap[1] << 32 | cred->cap_effective.cap[0];
}

/* commit_creds() is the only way to other credentials: setuid and its kin, capset, exec of a setuid program, unshare. */
SEC("fentry/commit_creds")
int BPF_PROG(on_credentials, struct cred *new)
{
	struct member *member = current_member();
	const struct cred *old;
	struct scratch *s;

	if (!member)
		return 0;
	old = bpf_get_current_task_btf()->cred;
	if (old->euid.val == new->euid.val && old->uid.val == new->uid.val && old->egid.val == new->egid.val &&
	    old->gid.val == new->gid.val && capabilities(old) == capabilities(new))
		return 0;
	s = begin(member, R_SETUID, 0);
	if (!s)
		return 0;
	s->head.a[0] = old->euid.val;
	s->head.a[1] = new->euid.val;
	s->head.a[2] = old->egid.val;
	s->head.a[3] = new->egid.val;
	s->head.a[4] = capabilities(old);
	s->head.a[5] = capabilities(new);
	emit(s);
	return 0;
}

#define PF_IO_WORKER 0x10 /* a thread that io_uring started and named */

/* __set_task_comm(): prctl(PR_SET_NAME), /proc/self/comm, and exec, which R_EXEC has already. */
SEC("fentry/__set_task_comm")
int BPF_PROG(on_name, struct task_struct *task, const char *name, bool exec)
{
	struct member *member = current_member();
	struct scratch *s;

	if (!member || exec || task->flags & PF_IO_WORKER)
		return 0;
	s = begin(member, R_NAME, 1);
	if (!s)
		return 0;
	put_text(s, name, KERNEL);
	emit(s);
	return 0;
}
