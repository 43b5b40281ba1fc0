/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Rare system calls that matter by being made at all, and changes of the kernel itself.
 *
 * One program for each entry of the kernel's table instead of one on the tracepoint raw_syscalls: that would slow down every
 * system call of every process in the guest, these cost nothing until somebody calls them. __x64_sys_* are the 64-bit calls;
 * __ia32_sys_* and __ia32_compat_sys_* those of int 0x80, also when a 64-bit process makes it.
 */

/* The table: name, which argument is text (1..5, 0: none), and what to keep (see keep_call). */
#define ALWAYS 0
#define ONLY_TRACEME 1
#define ONLY_PRCTL 2
#define ONLY_CHANGE 3  /* personality(0xffffffff) only asks */
#define ONLY_NEW_LIMIT 4
#define ONLY_WITH_KEY 5

#define RARE_CALLS_64(CALL) \
	CALL(x64, memfd_create, 1, ALWAYS) CALL(x64, kexec_load, 0, ALWAYS) CALL(x64, kexec_file_load, 0, ALWAYS) \
	CALL(x64, init_module, 3, ALWAYS) CALL(x64, finit_module, 2, ALWAYS) CALL(x64, delete_module, 1, ALWAYS) \
	CALL(x64, unshare, 0, ALWAYS) CALL(x64, setns, 0, ALWAYS) CALL(x64, pivot_root, 1, ALWAYS) \
	CALL(x64, chroot, 1, ALWAYS) CALL(x64, sethostname, 1, ALWAYS) CALL(x64, setdomainname, 1, ALWAYS) \
	CALL(x64, settimeofday, 0, ALWAYS) CALL(x64, clock_settime, 0, ALWAYS) CALL(x64, clock_adjtime, 0, ALWAYS) \
	CALL(x64, adjtimex, 0, ALWAYS) CALL(x64, swapon, 1, ALWAYS) CALL(x64, swapoff, 1, ALWAYS) \
	CALL(x64, iopl, 0, ALWAYS) CALL(x64, ioperm, 0, ALWAYS) CALL(x64, keyctl, 0, ALWAYS) \
	CALL(x64, add_key, 2, ALWAYS) CALL(x64, request_key, 2, ALWAYS) CALL(x64, perf_event_open, 0, ALWAYS) \
	CALL(x64, userfaultfd, 0, ALWAYS) CALL(x64, personality, 0, ONLY_CHANGE) CALL(x64, syslog, 0, ALWAYS) \
	CALL(x64, acct, 1, ALWAYS) CALL(x64, quotactl, 2, ALWAYS) CALL(x64, prctl, 0, ONLY_PRCTL) \
	CALL(x64, ptrace, 0, ONLY_TRACEME) CALL(x64, fanotify_init, 0, ALWAYS) CALL(x64, fanotify_mark, 5, ALWAYS) \
	CALL(x64, inotify_add_watch, 2, ALWAYS) CALL(x64, sched_setaffinity, 0, ALWAYS) \
	CALL(x64, sched_setscheduler, 0, ALWAYS) CALL(x64, setpriority, 0, ALWAYS) CALL(x64, mlockall, 0, ALWAYS) \
	CALL(x64, seccomp, 0, ALWAYS) CALL(x64, capset, 0, ALWAYS) CALL(x64, umount, 1, ALWAYS) \
	CALL(x64, io_uring_setup, 0, ALWAYS) CALL(x64, pidfd_open, 0, ALWAYS) CALL(x64, pidfd_getfd, 0, ALWAYS) \
	CALL(x64, open_by_handle_at, 0, ALWAYS) CALL(x64, modify_ldt, 0, ALWAYS) CALL(x64, fsopen, 1, ALWAYS) \
	CALL(x64, open_tree, 2, ALWAYS) CALL(x64, move_mount, 4, ALWAYS) CALL(x64, mount_setattr, 2, ALWAYS) \
	CALL(x64, vmsplice, 0, ALWAYS) CALL(x64, shmget, 0, ONLY_WITH_KEY) CALL(x64, mq_open, 1, ALWAYS) \
	CALL(x64, kcmp, 0, ALWAYS) CALL(x64, prlimit64, 0, ONLY_NEW_LIMIT) CALL(x64, sysinfo, 0, ALWAYS)

#define RARE_CALLS_32(CALL) \
	CALL(ia32, memfd_create, 1, ALWAYS) CALL(ia32_compat, kexec_load, 0, ALWAYS) \
	CALL(ia32, init_module, 3, ALWAYS) CALL(ia32, finit_module, 2, ALWAYS) CALL(ia32, delete_module, 1, ALWAYS) \
	CALL(ia32, unshare, 0, ALWAYS) CALL(ia32, setns, 0, ALWAYS) CALL(ia32, pivot_root, 1, ALWAYS) \
	CALL(ia32, chroot, 1, ALWAYS) CALL(ia32, sethostname, 1, ALWAYS) CALL(ia32, setdomainname, 1, ALWAYS) \
	CALL(ia32, stime32, 0, ALWAYS) CALL(ia32_compat, settimeofday, 0, ALWAYS) CALL(ia32, clock_settime, 0, ALWAYS) \
	CALL(ia32, clock_settime32, 0, ALWAYS) CALL(ia32, clock_adjtime, 0, ALWAYS) CALL(ia32, clock_adjtime32, 0, ALWAYS) \
	CALL(ia32, adjtimex_time32, 0, ALWAYS) CALL(ia32, swapon, 1, ALWAYS) CALL(ia32, swapoff, 1, ALWAYS) \
	CALL(ia32, iopl, 0, ALWAYS) CALL(ia32, ioperm, 0, ALWAYS) CALL(ia32_compat, keyctl, 0, ALWAYS) \
	CALL(ia32, add_key, 2, ALWAYS) CALL(ia32, request_key, 2, ALWAYS) CALL(ia32, perf_event_open, 0, ALWAYS) \
	CALL(ia32, userfaultfd, 0, ALWAYS) CALL(ia32, personality, 0, ONLY_CHANGE) CALL(ia32, syslog, 0, ALWAYS) \
	CALL(ia32, acct, 1, ALWAYS) CALL(ia32, quotactl, 2, ALWAYS) CALL(ia32, prctl, 0, ONLY_PRCTL) \
	CALL(ia32_compat, ptrace, 0, ONLY_TRACEME) CALL(ia32, fanotify_init, 0, ALWAYS) \
	CALL(ia32, inotify_add_watch, 2, ALWAYS) CALL(ia32_compat, sched_setaffinity, 0, ALWAYS) \
	CALL(ia32, sched_setscheduler, 0, ALWAYS) CALL(ia32, setpriority, 0, ALWAYS) CALL(ia32, mlockall, 0, ALWAYS) \
	CALL(ia32, seccomp, 0, ALWAYS) CALL(ia32, capset, 0, ALWAYS) CALL(ia32, umount, 1, ALWAYS) \
	CALL(ia32, oldumount, 1, ALWAYS) CALL(ia32, io_uring_setup, 0, ALWAYS) CALL(ia32, pidfd_open, 0, ALWAYS) \
	CALL(ia32, pidfd_getfd, 0, ALWAYS) CALL(ia32_compat, open_by_handle_at, 0, ALWAYS) CALL(ia32, fsopen, 1, ALWAYS) \
	CALL(ia32, open_tree, 2, ALWAYS) CALL(ia32, move_mount, 4, ALWAYS) CALL(ia32, mount_setattr, 2, ALWAYS) \
	CALL(ia32, vmsplice, 0, ALWAYS) CALL(ia32, shmget, 0, ONLY_WITH_KEY) CALL(ia32_compat, mq_open, 1, ALWAYS) \
	CALL(ia32, kcmp, 0, ALWAYS) CALL(ia32, prlimit64, 0, ONLY_NEW_LIMIT) CALL(ia32_compat, sysinfo, 0, ALWAYS)

/* Waits, reported before they begin, since the run may end while they last: name, argument with the time, its form,
 * argument with the flags (clock_nanosleep), number of files that must be 0 for it to be a mere wait. */
enum time_form { TIMESPEC64, TIMESPEC32, TIMEVAL64, TIMEVAL32, MILLISECONDS };

#define WAITS(WAIT) \
	WAIT(x64, nanosleep, 1, TIMESPEC64, 0) WAIT(x64, clock_nanosleep, 3, TIMESPEC64, 0) \
	WAIT(x64, poll, 3, MILLISECONDS, 2) WAIT(x64, ppoll, 3, TIMESPEC64, 2) \
	WAIT(x64, select, 5, TIMEVAL64, 1) WAIT(x64, pselect6, 5, TIMESPEC64, 1) \
	WAIT(ia32, nanosleep_time32, 1, TIMESPEC32, 0) WAIT(ia32, clock_nanosleep_time32, 3, TIMESPEC32, 0) \
	WAIT(ia32, clock_nanosleep, 3, TIMESPEC64, 0) WAIT(ia32, poll, 3, MILLISECONDS, 2) \
	WAIT(ia32_compat, select, 5, TIMEVAL32, 1)

#define IS_32_x64 0
#define IS_32_ia32 1
#define IS_32_ia32_compat 1

/* --- arguments ----------------------------------------------------------------------------------------------------- */

/* The registers as the caller of the kernel left them; a 32-bit caller's are cut to their width by the entry code. */
static __always_inline void read_arguments(u64 *to, const struct pt_regs *regs, bool compat)
{
	if (compat) {
		to[0] = (u32)regs->bx;
		to[1] = (u32)regs->cx;
		to[2] = (u32)regs->dx;
		to[3] = (u32)regs->si;
		to[4] = (u32)regs->di;
	} else {
		to[0] = regs->di;
		to[1] = regs->si;
		to[2] = regs->dx;
		to[3] = regs->r10;
		to[4] = regs->r8;
	}
}

#define PR_SET_PDEATHSIG 1
#define PR_SET_DUMPABLE 4
#define PR_SET_KEEPCAPS 8
#define PR_SET_SECCOMP 22
#define PR_CAPBSET_DROP 24
#define PR_SET_TSC 26
#define PR_SET_SECUREBITS 28
#define PR_SET_MM 35
#define PR_SET_CHILD_SUBREAPER 36
#define PR_SET_NO_NEW_PRIVS 38
#define PR_CAP_AMBIENT 47
#define PR_SET_SYSCALL_USER_DISPATCH 59
#define PR_SET_PTRACER 0x59616d61

static __always_inline bool keep_prctl(u32 option)
{
	return option == PR_SET_PDEATHSIG || option == PR_SET_DUMPABLE || option == PR_SET_KEEPCAPS ||
	       option == PR_SET_SECCOMP || option == PR_CAPBSET_DROP || option == PR_SET_TSC ||
	       option == PR_SET_SECUREBITS || option == PR_SET_MM || option == PR_SET_CHILD_SUBREAPER ||
	       option == PR_SET_NO_NEW_PRIVS || option == PR_CAP_AMBIENT || option == PR_SET_SYSCALL_USER_DISPATCH ||
	       option == PR_SET_PTRACER;
}

static __always_inline bool keep_call(int rule, const u64 *a)
{
	switch (rule) {
	case ONLY_TRACEME:
		return a[0] == 0; /* the other requests are reported by what they do */
	case ONLY_PRCTL:
		return keep_prctl(a[0]);
	case ONLY_CHANGE:
		return (u32)a[0] != 0xffffffff;
	case ONLY_NEW_LIMIT:
		return a[2] != 0;
	case ONLY_WITH_KEY:
		return a[0] != 0; /* IPC_PRIVATE is 0 */
	default:
		return true;
	}
}

static __always_inline struct scratch *begin_call_record(struct member *member, const struct pt_regs *regs, const u64 *a,
							  bool compat, u8 nstrings)
{
	struct scratch *s = begin(member, R_SYSCALL, nstrings);

	if (!s)
		return NULL;
	s->head.flags = compat ? FLAG_COMPAT : 0; /* here it says whose numbers are used */
	s->head.a[0] = regs->orig_ax;
	s->head.a[1] = a[0];
	s->head.a[2] = a[1];
	s->head.a[3] = a[2];
	s->head.a[4] = a[3];
	s->head.a[5] = a[4];
	return s;
}

static __always_inline int rare_call(const struct pt_regs *regs, long result, bool compat, int text, int rule)
{
	struct member *member = current_member();
	struct scratch *s;
	u64 a[5];

	if (!member)
		return 0;
	read_arguments(a, regs, compat);
	if (!keep_call(rule, a))
		return 0;
	s = begin_call_record(member, regs, a, compat, text ? 1 : 0);
	if (!s)
		return 0;
	s->head.result = result;
	if (text)
		put_text(s, (void *)a[text - 1], USER);
	emit(s);
	return 0;
}

#define RARE_CALL(abi, name, text, rule) \
	SEC("fexit/__" #abi "_sys_" #name) \
	int BPF_PROG(call_##abi##_##name, const struct pt_regs *regs, long result) \
	{ \
		return rare_call(regs, result, IS_32_##abi, text, rule); \
	}

RARE_CALLS_64(RARE_CALL)
RARE_CALLS_32(RARE_CALL)

/* --- waits --------------------------------------------------------------------------------------------------------- */

#define SECOND 1000000000ull
#define TIMER_ABSTIME 1
#define CLOCK_MONOTONIC 1
#define CLOCK_BOOTTIME 7

static __always_inline s64 read_time(u64 argument, enum time_form form)
{
	s64 wide[2] = {};
	s32 narrow[2] = {};
	u64 unit = form == TIMEVAL64 || form == TIMEVAL32 ? 1000 : 1;

	if (form == MILLISECONDS)
		return (s64)(s32)argument * 1000000;
	if (!argument)
		return -1; /* for ever */
	if (form == TIMESPEC64 || form == TIMEVAL64) {
		bpf_probe_read_user(wide, sizeof(wide), (void *)argument);
		return wide[0] * SECOND + wide[1] * unit;
	}
	bpf_probe_read_user(narrow, sizeof(narrow), (void *)argument);
	return (s64)narrow[0] * SECOND + (s64)narrow[1] * unit;
}

/* What the clock shows to the running process, in ns. The wall clock is taken from TAI, which Linux keeps equal to it
 * unless a time service says otherwise. */
static __always_inline s64 now(u64 clock)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct time_namespace *ns = BPF_CORE_READ(task, nsproxy, time_ns);

	if (clock == CLOCK_MONOTONIC)
		return bpf_ktime_get_ns() + BPF_CORE_READ(ns, offsets.monotonic.tv_sec) * SECOND +
		       BPF_CORE_READ(ns, offsets.monotonic.tv_nsec);
	if (clock == CLOCK_BOOTTIME)
		return bpf_ktime_get_boot_ns() + BPF_CORE_READ(ns, offsets.boottime.tv_sec) * SECOND +
		       BPF_CORE_READ(ns, offsets.boottime.tv_nsec);
	return bpf_ktime_get_tai_ns();
}

static __always_inline int wait(const struct pt_regs *regs, bool compat, int time, enum time_form form, int files)
{
	struct member *member = current_member();
	struct scratch *s;
	u64 a[5];
	s64 length;

	if (!member)
		return 0;
	read_arguments(a, regs, compat);
	if (files && a[files - 1])
		return 0;
	length = read_time(a[time - 1], form);
	if (time == 3 && !files && a[1] & TIMER_ABSTIME) /* clock_nanosleep(clock, flags, until) */
		length -= now(a[0]);
	if (length >= 0 && length < (s64)SECOND)
		return 0;
	s = begin_call_record(member, regs, a, compat, 0);
	if (!s)
		return 0;
	s->head.a[5] = length;
	emit(s);
	return 0;
}

#define WAIT_CALL(abi, name, time, form, files) \
	SEC("fentry/__" #abi "_sys_" #name) \
	int BPF_PROG(wait_##abi##_##name, const struct pt_regs *regs) \
	{ \
		return wait(regs, IS_32_##abi, time, form, files); \
	}

WAITS(WAIT_CALL)

/* --- calls with something of their own ----------------------------------------------------------------------------- */

/* reboot() does not come back when it works, so at its entry. */
static __always_inline int reboot(const struct pt_regs *regs, bool compat)
{
	return rare_call(regs, 0, compat, 0, ALWAYS);
}

SEC("fentry/__x64_sys_reboot")
int BPF_PROG(on_reboot, const struct pt_regs *regs)
{
	return reboot(regs, false);
}

SEC("fentry/__ia32_sys_reboot")
int BPF_PROG(on_reboot_compat, const struct pt_regs *regs)
{
	return reboot(regs, true);
}

/* setsid(), vhangup() have no arguments and so no pt_regs. */
static __always_inline int call_without_arguments(long result)
{
	struct member *member = current_member();
	const struct pt_regs *regs;
	struct scratch *s;

	if (!member)
		return 0;
	regs = (void *)bpf_task_pt_regs(bpf_get_current_task_btf());
	s = begin(member, R_SYSCALL, 0);
	if (!s)
		return 0;
	s->head.result = result;
	s->head.a[0] = BPF_CORE_READ(regs, orig_ax);
	emit(s);
	return 0;
}

SEC("fexit/ksys_setsid")
int BPF_PROG(on_setsid, int result)
{
	return call_without_arguments(result < 0 ? result : 0);
}

#define CLONE_NEW 0x7e020080ull /* NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET, NEWTIME */

/* kernel_clone(): clone, clone3, fork, vfork. */
SEC("fexit/kernel_clone")
int BPF_PROG(on_new_namespaces, struct kernel_clone_args *arguments, int result)
{
	struct member *member = current_member();
	const struct pt_regs *regs;
	struct scratch *s;

	if (!member || !(arguments->flags & CLONE_NEW))
		return 0;
	regs = (void *)bpf_task_pt_regs(bpf_get_current_task_btf());
	s = begin(member, R_SYSCALL, 0);
	if (!s)
		return 0;
	s->head.result = result < 0 ? result : 0;
	s->head.a[0] = BPF_CORE_READ(regs, orig_ax);
	s->head.a[1] = arguments->flags;
	emit(s);
	return 0;
}

/* --- the kernel itself --------------------------------------------------------------------------------------------- */

static __always_inline int bpf_called(u32 command, long result)
{
	struct member *member = current_member();
	struct scratch *s;

	if (!member)
		return 0;
	s = begin(member, R_BPF, 0);
	if (!s)
		return 0;
	s->head.result = result < 0 ? result : 0;
	s->head.a[0] = command;
	emit(s);
	return 0;
}

SEC("fexit/__x64_sys_bpf")
int BPF_PROG(on_bpf, const struct pt_regs *regs, long result)
{
	return bpf_called(regs->di, result);
}

SEC("fexit/__ia32_sys_bpf")
int BPF_PROG(on_bpf_compat, const struct pt_regs *regs, long result)
{
	return bpf_called(regs->bx, result);
}

enum module_change { MODULE_LOAD = 1, MODULE_UNLOAD = 2, MODULE_ASKED = 3 };

static __always_inline int report_module(enum module_change change, const char *name, long result)
{
	struct member *member = current_member();
	struct scratch *s;

	if (!member)
		return 0;
	s = begin(member, R_KMODULE, 1);
	if (!s)
		return 0;
	s->head.result = result;
	s->head.a[0] = change;
	put_text(s, name, KERNEL);
	emit(s);
	return 0;
}

/* do_init_module(): the module passed all checks and starts now. Attempts that fail before are in the table above. */
SEC("fentry/do_init_module")
int BPF_PROG(on_module_load, struct module *module)
{
	return report_module(MODULE_LOAD, module->name, 0);
}

SEC("fentry/free_module")
int BPF_PROG(on_module_unload, struct module *module)
{
	return report_module(MODULE_UNLOAD, module->name, 0);
}

/* The kernel asks modprobe for a module that a call needs, e.g. a socket family: attack surface on demand. */
SEC("fexit/security_kernel_module_request")
int BPF_PROG(on_module_request, char *name, int result)
{
	return report_module(MODULE_ASKED, name, result);
}
