/* Loads the programs of tracer.bpf.c, carries their records to the host, and takes orders from the keeper.
 *
 *     tracer --port PATH --control FD [--reply FD] [--wine64 NTDLL] [--wine32 NTDLL]
 *
 * --port     the virtio-serial port; frames of record.h are written to it
 * --control  a socket, or with --reply a pair of pipes (the first is read, the second written), with one order a line:
 *
 *     launcher PID             new children of this process are roots of the account (JOIN_SAMPLE)
 *     watch PID REASON         new children of this process join the account: service, task, session
 *     join PID REASON          this process joins now: injected, service, task, session, sample
 *     ignore PID               forget the process as a launcher, a watched one, and a member
 *     list                     answered by "live N"
 *     activity                 answered by "activity N M": live processes, records so far
 *     flush                    answered by "flushed" when everything seen so far was written to the port
 *
 * It says by itself: "ready" once everything is attached, "empty" when the last process of the account is gone, "busy" when
 * there is one again after that, "code PID" when a process made memory executable that it had filled before, and when one
 * that made code begins to end, "lost N" when records were lost, "error ..." for an order it does not understand. "code"
 * is a hint: it may be left out when there are many, or the keeper is slow to read.
 *
 * Process ids are those of the first pid namespace. Nobody but the keeper can reach this process; it ends with the guest.
 */
#define _GNU_SOURCE
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "record.h"
#include "tracer.skel.h"

#define FRAME_ROOM (256 * 1024) /* a frame is sent when the next record would go beyond this */
#define LINE_ROOM 256

/* The next thing may be the end of the kernel, so that records leave at once, as long as they are not many: so often in
 * a row, and once more for each REGAIN_NS. Beyond that they are gathered, each time a little longer: waking this process and
 * writing to the port costs more than what a program does that mostly sleeps. A ring that fills ends the wait. */
#define AT_ONCE 64
#define REGAIN_NS 1000000000ull
#define GATHER_STEP_MS 5
#define GATHER_MOST_MS 1000

struct member { /* as in account.h */
	unsigned int inner_pid;
	unsigned char flags;
	unsigned char code;
};

struct frame_head {
	unsigned short magic;
	unsigned char type;
	unsigned char flags;
	unsigned int length;
} __attribute__((packed));

static struct tracer *skeleton;
static struct ring_buffer *ring, *leaving;
static int port = -1, control = -1, reply = -1;
static unsigned char frame[sizeof(struct frame_head) + FRAME_ROOM];
static size_t frame_used = sizeof(struct frame_head);
static unsigned long long lost_reported, joined_at_empty;
static bool quiet; /* "empty" was said last */
static unsigned long long taken; /* records so far */

static void die(const char *what)
{
	fprintf(stderr, "tracer: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void say(const char *format, ...)
{
	char line[LINE_ROOM];
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(line, sizeof(line) - 1, format, arguments);
	va_end(arguments);
	if (length > (int)sizeof(line) - 2)
		length = sizeof(line) - 2;
	line[length++] = '\n';
	if (reply >= 0 && write(reply, line, length) < 0)
		reply = -1; /* the keeper is gone; the records still go out */
}

/* Processes in whose memory code appeared since the keeper was last told. */
#define CODE_ROOM 16

static unsigned int code_pids[CODE_ROOM];
static size_t code_count;

static void note_code(unsigned int pid)
{
	for (size_t i = 0; i < code_count; i++)
		if (code_pids[i] == pid)
			return;
	if (code_count < CODE_ROOM)
		code_pids[code_count++] = pid;
}

static int take_leaving(void *context, void *pid, size_t size)
{
	(void)context;
	(void)size;
	note_code(*(const unsigned int *)pid);
	return 0;
}

static void say_code(void)
{
	struct pollfd ready = {.fd = reply, .events = POLLOUT};

	for (size_t i = 0; i < code_count && poll(&ready, 1, 0) == 1; i++)
		say("code %u", code_pids[i]);
	code_count = 0;
}

/* --- frames -------------------------------------------------------------------------------------------------------- */

static void write_all(const unsigned char *bytes, size_t length)
{
	while (length) {
		ssize_t written = write(port, bytes, length);

		if (written < 0 && (errno == EINTR || errno == EAGAIN)) {
			struct pollfd ready = {.fd = port, .events = POLLOUT};

			poll(&ready, 1, -1);
			continue;
		}
		if (written < 0)
			die("port");
		bytes += written;
		length -= written;
	}
}

static void send_frame(void)
{
	struct frame_head head = {.magic = FRAME_MAGIC, .type = FRAME_RECORDS, .length = frame_used - sizeof(head)};

	if (frame_used == sizeof(head))
		return;
	memcpy(frame, &head, sizeof(head));
	write_all(frame, frame_used);
	frame_used = sizeof(head);
}

static int take_record(void *context, void *record, size_t size)
{
	const struct record_head *head = record;

	(void)context;
	taken++;
	if (head->kind == R_MEMORY && (head->a[3] & MEMORY_KEPT) == MEMORY_FILLED)
		note_code(head->pid);
	if (frame_used + size > sizeof(frame))
		send_frame();
	memcpy(frame + frame_used, record, size);
	frame_used += size;
	return 0;
}

static void make_record(enum record_kind kind, unsigned int pid, const struct member *member, unsigned long long a0)
{
	struct record_head head = {.size = sizeof(head), .kind = kind, .pid = pid, .tid = pid};
	struct timespec now;
	struct stat about;
	char path[32];

	clock_gettime(CLOCK_MONOTONIC, &now);
	head.time = now.tv_sec * 1000000000ull + now.tv_nsec;
	snprintf(path, sizeof(path), "/proc/%u", pid);
	if (pid && !stat(path, &about))
		head.uid = about.st_uid;
	if (member) {
		head.inner_pid = member->inner_pid;
		head.flags = member->flags;
	}
	head.a[0] = a0;
	take_record(NULL, &head, sizeof(head));
}

/* Everything that is in the ring now goes to the port; then what the keeper must know is said. */
static void drain(void)
{
	unsigned long long lost, joined;

	while (ring_buffer__consume(ring) > 0)
		;
	ring_buffer__consume(leaving);
	lost = skeleton->bss->lost;
	if (lost != lost_reported) {
		make_record(R_LOST, 0, NULL, lost);
		lost_reported = lost;
		say("lost %llu", lost);
	}
	joined = skeleton->bss->joined;
	send_frame();
	say_code();
	if (joined == joined_at_empty)
		return;
	if (skeleton->bss->live <= 0) {
		joined_at_empty = joined;
		quiet = true;
		say("empty");
	} else if (quiet) {
		quiet = false;
		say("busy");
	}
}

/* --- orders -------------------------------------------------------------------------------------------------------- */

static int reason_of(const char *word)
{
	static const struct {
		const char *word;
		enum join_reason reason;
	} reasons[] = {{"sample", JOIN_SAMPLE}, {"service", JOIN_SERVICE}, {"task", JOIN_TASK},
		       {"session", JOIN_SESSION}, {"injected", JOIN_INJECTED}};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (!strcmp(word, reasons[i].word))
			return reasons[i].reason;
	return 0;
}

static void watch(unsigned int pid, unsigned int reason)
{
	if (bpf_map__update_elem(skeleton->maps.watched, &pid, sizeof(pid), &reason, sizeof(reason), BPF_ANY))
		say("error cannot watch %u: %s", pid, strerror(errno));
}

/* The last number of NSpid is the process' own view of its id; a 32-bit program has class 1 in its ELF header. */
static struct member describe(unsigned int pid)
{
	struct member member = {.inner_pid = pid};
	unsigned char magic[5] = {0};
	char path[64], line[256], *last;
	FILE *file;
	int image;

	snprintf(path, sizeof(path), "/proc/%u/status", pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, "NSpid:", 6) && (last = strrchr(line, '\t')))
			member.inner_pid = strtoul(last, NULL, 10);
	if (file)
		fclose(file);
	snprintf(path, sizeof(path), "/proc/%u/exe", pid);
	image = open(path, O_RDONLY | O_CLOEXEC);
	if (image >= 0 && read(image, magic, sizeof(magic)) == sizeof(magic) && magic[4] == 1)
		member.flags = FLAG_COMPAT;
	if (image >= 0)
		close(image);
	return member;
}

static void join(unsigned int pid, enum join_reason reason)
{
	struct member member = describe(pid);

	if (kill(pid, 0) < 0 && errno == ESRCH) {
		say("error no process %u", pid);
		return;
	}
	if (bpf_map__update_elem(skeleton->maps.members, &pid, sizeof(pid), &member, sizeof(member), BPF_NOEXIST))
		return; /* is in it already */
	__atomic_fetch_add(&skeleton->bss->live, 1, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(&skeleton->bss->joined, 1, __ATOMIC_SEQ_CST);
	ring_buffer__consume(ring); /* what was before comes before */
	make_record(R_JOIN, pid, &member, reason);
}

static void ignore(unsigned int pid)
{
	bpf_map__delete_elem(skeleton->maps.watched, &pid, sizeof(pid), 0);
	if (!bpf_map__delete_elem(skeleton->maps.members, &pid, sizeof(pid), 0))
		__atomic_fetch_sub(&skeleton->bss->live, 1, __ATOMIC_SEQ_CST);
}

static void obey(const char *line)
{
	char order[16] = "", word[16] = "";
	unsigned int pid = 0;
	int words = sscanf(line, "%15s %u %15s", order, &pid, word);
	int reason = reason_of(word);

	if (!strcmp(order, "launcher") && words == 2)
		watch(pid, JOIN_SAMPLE);
	else if (!strcmp(order, "watch") && words == 3 && reason)
		watch(pid, reason);
	else if (!strcmp(order, "join") && words == 3 && reason)
		join(pid, reason);
	else if (!strcmp(order, "ignore") && words == 2)
		ignore(pid);
	else if (!strcmp(order, "list") && words == 1)
		say("live %lld", (long long)skeleton->bss->live);
	else if (!strcmp(order, "activity") && words == 1) {
		drain();
		say("activity %lld %llu", (long long)skeleton->bss->live, taken);
	} else if (!strcmp(order, "flush") && words == 1) {
		drain();
		say("flushed");
	} else
		say("error cannot understand: %.100s", line);
}

/* False: the keeper has closed its end. */
static bool read_orders(void)
{
	static char buffer[4096];
	static size_t used;
	ssize_t got = read(control, buffer + used, sizeof(buffer) - 1 - used);
	char *line = buffer, *end;

	if (got <= 0)
		return got < 0 && (errno == EINTR || errno == EAGAIN);
	used += got;
	buffer[used] = 0;
	while ((end = strchr(line, '\n'))) {
		*end = 0;
		obey(line);
		line = end + 1;
	}
	used = buffer + used - line;
	memmove(buffer, line, used);
	if (used == sizeof(buffer) - 1)
		used = 0; /* no order is that long */
	return true;
}

/* --- the loop ------------------------------------------------------------------------------------------------------ */

/* How long to gather before the next writing; 0 as long as it may be at once. */
static int gather_ms(void)
{
	static unsigned long long since, left = AT_ONCE;
	static int wait;
	struct timespec time;
	unsigned long long now, regained;

	clock_gettime(CLOCK_MONOTONIC, &time);
	now = time.tv_sec * 1000000000ull + time.tv_nsec;
	regained = (now - since) / REGAIN_NS;
	since += regained * REGAIN_NS;
	left += regained;
	if (left >= AT_ONCE) {
		left = AT_ONCE;
		wait = 0;
	}
	if (left) {
		left--;
		return 0;
	}
	if (wait < GATHER_MOST_MS)
		wait += GATHER_STEP_MS;
	return wait;
}

static void set_asleep(enum asleep how)
{
	__atomic_store_n(&skeleton->bss->asleep, how, __ATOMIC_SEQ_CST);
}

/* What wakes this process. The rings' events are edges: what lies in them does not end a wait, only a writer that decides
 * to wake. */
static int wakers(void)
{
	const int rings[] = {bpf_map__fd(skeleton->maps.ring), bpf_map__fd(skeleton->maps.leaving)};
	struct epoll_event orders = {.events = EPOLLIN, .data.fd = control};
	int all = epoll_create1(EPOLL_CLOEXEC);

	if (all < 0 || epoll_ctl(all, EPOLL_CTL_ADD, control, &orders))
		die("epoll");
	for (size_t i = 0; i < sizeof(rings) / sizeof(rings[0]); i++) {
		struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.fd = rings[i]};

		if (epoll_ctl(all, EPOLL_CTL_ADD, rings[i], &event))
			die("epoll");
	}
	return all;
}

/* Until there is something, at most so many milliseconds (-1: for ever). Orders are obeyed. True: there are records, and
 * nothing that cannot wait for more of them. */
static bool await(int all, int milliseconds)
{
	struct epoll_event events[3];
	int count = epoll_wait(all, events, 3, milliseconds);
	bool records = false, leaving_one = false;

	if (count < 0 && errno != EINTR)
		die("epoll_wait");
	for (int i = 0; i < count; i++)
		if (events[i].data.fd == bpf_map__fd(skeleton->maps.ring))
			records = true;
		else if (events[i].data.fd != control)
			leaving_one = true;
		else if (!read_orders())
			epoll_ctl(all, EPOLL_CTL_DEL, control, NULL);
	return records && !leaving_one;
}

/* A writer wakes us only if it finds `asleep` set, so it is set before the last look into the ring. */
static void run(void)
{
	int all = wakers(), gather;

	for (;;) {
		drain();
		set_asleep(ASLEEP);
		if (ring_buffer__consume(ring) > 0) {
			set_asleep(AWAKE);
			continue;
		}
		if (await(all, -1) && (gather = gather_ms())) {
			set_asleep(GATHERING);
			await(all, gather);
		}
		set_asleep(AWAKE);
	}
}

/* --- loading ------------------------------------------------------------------------------------------------------- */

/* A kernel without one of the functions still gets the other programs; what is missing is named. */
static void skip_missing_functions(void)
{
	struct btf *kernel = btf__load_vmlinux_btf();
	struct bpf_program *program;

	if (!kernel)
		die("the kernel's BTF");
	bpf_object__for_each_program(program, skeleton->obj) {
		const char *section = bpf_program__section_name(program), *function = strchr(section, '/');

		if ((strncmp(section, "fentry/", 7) && strncmp(section, "fexit/", 6)) || !function)
			continue;
		if (btf__find_by_name_kind(kernel, function + 1, BTF_KIND_FUNC) < 0) {
			fprintf(stderr, "tracer: this kernel has no %s\n", function + 1);
			bpf_program__set_autoload(program, false);
		}
	}
	btf__free(kernel);
}

#define COOKIE_NARROW 0x100
#define COOKIE_EXTENDED 0x200
#define COOKIE_IOCTL 39

enum probe { AT_RETURN, AT_ENTRY, DEBUG_OUTPUT };

static const struct {
	const char *function;
	unsigned int native; /* enum wine_native, COOKIE_EXTENDED, COOKIE_IOCTL */
	enum probe probe;
} wine_functions[] = {
	{"NtCreateKey", N_CREATE_KEY, AT_RETURN},
	{"NtOpenKey", N_OPEN_KEY, AT_RETURN},
	{"NtOpenKeyEx", N_OPEN_KEY, AT_RETURN},
	{"NtSetValueKey", N_SET_VALUE, AT_RETURN},
	{"NtDeleteKey", N_DELETE_KEY, AT_RETURN},
	{"NtDeleteValueKey", N_DELETE_VALUE, AT_RETURN},
	{"NtQueryValueKey", N_QUERY_VALUE, AT_RETURN},
	{"NtClose", N_CLOSE, AT_ENTRY},
	{"NtOpenProcess", N_OPEN_PROCESS, AT_RETURN},
	{"NtOpenThread", N_OPEN_THREAD, AT_RETURN},
	{"NtCreateUserProcess", N_CREATE_PROCESS, AT_RETURN},
	{"NtWriteVirtualMemory", N_WRITE_MEMORY, AT_RETURN},
	{"NtReadVirtualMemory", N_READ_MEMORY, AT_RETURN},
	{"NtProtectVirtualMemory", N_PROTECT, AT_RETURN},
	{"NtAllocateVirtualMemory", N_ALLOCATE, AT_RETURN},
	{"NtAllocateVirtualMemoryEx", N_ALLOCATE | COOKIE_EXTENDED, AT_RETURN},
	{"NtCreateThreadEx", N_CREATE_THREAD, AT_RETURN},
	{"NtQueueApcThread", N_QUEUE_APC, AT_RETURN},
	{"NtSetContextThread", N_SET_CONTEXT, AT_ENTRY}, /* called on the signal stack: see wine.h */
	{"NtResumeThread", N_RESUME, AT_ENTRY},
	{"NtAlertResumeThread", N_RESUME, AT_ENTRY},
	{"NtMapViewOfSection", N_MAP_SECTION, AT_RETURN},
	{"NtMapViewOfSectionEx", N_MAP_SECTION | COOKIE_EXTENDED, AT_RETURN},
	{"NtUnmapViewOfSection", N_UNMAP_SECTION, AT_RETURN},
	{"NtUnmapViewOfSectionEx", N_UNMAP_SECTION, AT_RETURN},
	{"NtTerminateProcess", N_TERMINATE, AT_ENTRY},
	{"NtCreateFile", N_CREATE_FILE, AT_RETURN}, /* NtOpenFile calls it */
	{"NtCreateMutant", N_CREATE_MUTANT, AT_RETURN},
	{"NtOpenMutant", N_OPEN_MUTANT, AT_RETURN},
	{"NtLoadDriver", N_LOAD_DRIVER, AT_RETURN},
	{"NtDelayExecution", N_DELAY, AT_ENTRY},
	{"NtAdjustPrivilegesToken", N_PRIVILEGE, AT_RETURN},
	{"NtSetInformationFile", N_SET_FILE, AT_RETURN},
	{"NtShutdownSystem", N_SHUTDOWN, AT_ENTRY},
	{"NtQuerySystemInformation", N_QUERY_SYSTEM, AT_RETURN},
	{"NtQueryInformationProcess", N_QUERY_PROCESS, AT_RETURN},
	{"NtSetInformationThread", N_HIDE_THREAD, AT_RETURN},
	{"NtDeviceIoControlFile", COOKIE_IOCTL, AT_RETURN},
	{"__wine_dbg_write", 0, DEBUG_OUTPUT},
};

static void attach_one(struct bpf_program *program, bool at_return, const char *library, const char *function,
		       unsigned long long cookie)
{
	LIBBPF_OPTS(bpf_uprobe_opts, options, .func_name = function, .retprobe = at_return, .bpf_cookie = cookie);

	if (!bpf_program__attach_uprobe_opts(program, -1, library, 0, &options))
		fprintf(stderr, "tracer: %s of %s: %s\n", function, library, strerror(errno));
}

static void attach_wine(const char *library, unsigned long long width)
{
	for (size_t i = 0; i < sizeof(wine_functions) / sizeof(wine_functions[0]); i++) {
		const char *function = wine_functions[i].function;
		unsigned long long cookie = wine_functions[i].native | width;

		switch (wine_functions[i].probe) {
		case AT_RETURN: /* first the return, so that nothing is noted that no one takes up */
			attach_one(skeleton->progs.native_return, true, library, function, cookie);
			attach_one(skeleton->progs.native_enter, false, library, function, cookie);
			break;
		case AT_ENTRY:
			attach_one(skeleton->progs.native_once, false, library, function, cookie);
			break;
		case DEBUG_OUTPUT:
			attach_one(skeleton->progs.wine_debug, false, library, function, cookie);
			break;
		}
	}
}

static void load(const char *wine64, const char *wine32)
{
	skeleton = tracer__open();
	if (!skeleton)
		die("open");
	skip_missing_functions();
	if (tracer__load(skeleton))
		die("load");
	if (tracer__attach(skeleton))
		die("attach");
	if (wine64)
		attach_wine(wine64, 0);
	if (wine32)
		attach_wine(wine32, COOKIE_NARROW);
	ring = ring_buffer__new(bpf_map__fd(skeleton->maps.ring), take_record, NULL, NULL);
	leaving = ring_buffer__new(bpf_map__fd(skeleton->maps.leaving), take_leaving, NULL, NULL);
	if (!ring || !leaving)
		die("ring");
}

/* Records must leave even while a sample does its worst: no paging, first in line for the processor, last for the OOM
 * killer, deaf to polite signals. */
static void harden(void)
{
	struct sched_param first = {.sched_priority = 1};
	int score = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (score >= 0) {
		if (write(score, "-1000", 5) < 0)
			perror("tracer: oom_score_adj");
		close(score);
	}
	for (int signal = 1; signal < 32; signal++)
		if (signal != SIGCHLD && signal != SIGSEGV && signal != SIGBUS && signal != SIGABRT && signal != SIGFPE)
			sigaction(signal, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		perror("tracer: mlockall");
	if (sched_setscheduler(0, SCHED_FIFO, &first))
		perror("tracer: scheduler");
}

int main(int argc, char **argv)
{
	const char *port_path = NULL, *wine64 = NULL, *wine32 = NULL;

	for (int i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--port"))
			port_path = argv[i + 1];
		else if (!strcmp(argv[i], "--control"))
			control = atoi(argv[i + 1]);
		else if (!strcmp(argv[i], "--reply"))
			reply = atoi(argv[i + 1]);
		else if (!strcmp(argv[i], "--wine64"))
			wine64 = argv[i + 1];
		else if (!strcmp(argv[i], "--wine32"))
			wine32 = argv[i + 1];
	}
	if (!port_path || control < 0) {
		fprintf(stderr, "usage: tracer --port PATH --control FD [--reply FD] [--wine64 NTDLL] [--wine32 NTDLL]\n");
		return 2;
	}
	if (reply < 0)
		reply = control;
	port = open(port_path, O_WRONLY | O_CLOEXEC);
	if (port < 0)
		die(port_path);
	load(wine64, wine32);
	harden();
	say("ready");
	run();
	return 0;
}
