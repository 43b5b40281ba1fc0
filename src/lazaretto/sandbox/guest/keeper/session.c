/* The first process of the sample's world.
 *
 * Started by the keeper in the tools root, it makes new pid, mount, uts, ipc and time namespaces, joins the network
 * namespace it is told, makes ROOT its root file system (so that nothing of the tools root can be reached), and then
 * is what a system's init is: parent of orphans. It starts programs when the keeper asks.
 *
 * A second process, the launcher, does the same from the place of a user's shell: what it starts is a sample.
 *
 *     session ROOT NETNS HOSTNAME UPTIME_S CONTROL_FD LAUNCHER_FD [DIRECTORY_TO_BIND PATH]...
 *
 * CONTROL_FD and LAUNCHER_FD are SOCK_SEQPACKET sockets. One message is one request:
 *     "spawn" NUL id NUL uid NUL gid NUL cwd NUL argc NUL argv... NUL environment... NUL
 * with three file descriptors (standard input, output, error) attached. Answers, one message each:
 *     "started ID PID", "failed ID ERRNO", "exited ID STATUS"
 * PID is as seen inside the session; the kernel attaches the outer one as credentials of the sender for the greeting
 * "ready", by which the keeper learns the outer pid of init and launcher.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

#define MAX_MESSAGE 65536
#define MAX_ARGS 512
#define MAX_CHILDREN 256

static void die(const char *what)
{
	fprintf(stderr, "session: %s: %s\n", what, strerror(errno));
	_exit(1);
}

static void must(int result, const char *what)
{
	if (result < 0)
		die(what);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die(path);
	close(fd);
}

/* --- the sample's file system ---------------------------------------------------------------------------------- */

static void node(const char *path, int mode, int major, int minor)
{
	mknod(path, S_IFCHR | mode, makedev(major, minor));
	chmod(path, mode);
}

/* A /dev made by hand: devtmpfs would show the channel to the host and the disks of the tools. */
static void make_dev(void)
{
	must(mount("tmpfs", "dev", "tmpfs", MS_NOSUID, "mode=0755,size=1m"), "mount dev");
	node("dev/null", 0666, 1, 3);
	node("dev/zero", 0666, 1, 5);
	node("dev/full", 0666, 1, 7);
	node("dev/random", 0666, 1, 8);
	node("dev/urandom", 0666, 1, 9);
	node("dev/tty", 0666, 5, 0);
	mkdir("dev/pts", 0755);
	mkdir("dev/shm", 01777);
	mount("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5");
	symlink("pts/ptmx", "dev/ptmx");
	mount("tmpfs", "dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777,size=128m");
	symlink("/proc/self/fd", "dev/fd");
	symlink("/proc/self/fd/0", "dev/stdin");
	symlink("/proc/self/fd/1", "dev/stdout");
	symlink("/proc/self/fd/2", "dev/stderr");
	/* a plausible disk to look at: opening it fails, as it does for anyone but root */
	mknod("dev/sda", S_IFBLK | 0660, makedev(8, 0));
	mknod("dev/sda1", S_IFBLK | 0660, makedev(8, 1));
}

static void enter_root(const char *root, int binds, char **bind)
{
	must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "private");
	must(mount(root, root, NULL, MS_BIND | MS_REC, NULL), "bind root");
	must(chdir(root), "chdir root");
	make_dev();
	mkdir("proc", 0555);
	mkdir("sys", 0555);
	mkdir("run", 0755);
	must(mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL), "mount proc");
	must(mount("sysfs", "sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, NULL), "mount sys");
	mount("tmpfs", "run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=64m");
	for (int i = 0; i + 1 < binds; i += 2) {
		/* sources come from the tools root, paths are below the new root; a path that does not exist has nothing to hide */
		if (mount(bind[i], bind[i + 1] + 1, NULL, MS_BIND, NULL) == 0)
			mount(NULL, bind[i + 1] + 1, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID, NULL);
	}
	must(syscall(SYS_pivot_root, ".", "."), "pivot_root");
	must(umount2(".", MNT_DETACH), "umount old root");
	must(chdir("/"), "chdir /");
}

/* --- starting programs ------------------------------------------------------------------------------------------ */

struct request {
	char *id, *cwd;
	uid_t uid;
	gid_t gid;
	char *argv[MAX_ARGS + 1];
	char *env[MAX_ARGS + 1];
};

static struct { pid_t pid; char id[32]; } children[MAX_CHILDREN];

static char *next_word(char **at, char *end)
{
	char *word = *at;
	char *stop = word < end ? memchr(word, 0, end - word) : NULL;
	if (!stop)
		return NULL;
	*at = stop + 1;
	return word;
}

static int parse(char *text, size_t length, struct request *r)
{
	char *at = text, *end = text + length, *word;
	word = next_word(&at, end);
	if (!word || strcmp(word, "spawn"))
		return -1;
	char *id = next_word(&at, end), *uid = next_word(&at, end), *gid = next_word(&at, end);
	char *cwd = next_word(&at, end), *argc = next_word(&at, end);
	if (!argc)
		return -1;
	int n = atoi(argc), i;
	if (n < 1 || n > MAX_ARGS)
		return -1;
	r->id = id;
	r->uid = atoi(uid);
	r->gid = atoi(gid);
	r->cwd = cwd;
	for (i = 0; i < n; i++)
		if (!(r->argv[i] = next_word(&at, end)))
			return -1;
	r->argv[n] = NULL;
	for (i = 0; i < MAX_ARGS && (word = next_word(&at, end)); i++)
		r->env[i] = word;
	r->env[i] = NULL;
	return 0;
}

static void answer(int fd, const char *word, const char *id, long number)
{
	char text[96];
	int n = snprintf(text, sizeof text, "%s %s %ld", word, id, number);
	send(fd, text, n, MSG_NOSIGNAL);
}

/* Root stays root for a sample, but without the ways to the machine below the session: device nodes, raw ports. */
static void drop_machine_capabilities(void)
{
	static const int gone[] = { CAP_MKNOD, CAP_SYS_RAWIO, CAP_BPF, CAP_PERFMON };
	for (unsigned i = 0; i < sizeof gone / sizeof *gone; i++)
		prctl(PR_CAPBSET_DROP, gone[i], 0, 0, 0);
}

static void spawn(int control, struct request *r, int fds[3])
{
	int slot = 0, report[2];
	while (slot < MAX_CHILDREN && children[slot].pid)
		slot++;
	if (slot == MAX_CHILDREN || pipe2(report, O_CLOEXEC)) {
		answer(control, "failed", r->id, EAGAIN);
		return;
	}
	pid_t pid = fork();
	if (pid == 0) {
		/* first out of the way, then to their places: 0, 1, 2 and, until exec, 3 for the report */
		int standard[3], reporter = fcntl(report[1], F_DUPFD, 10);
		for (int i = 0; i < 3; i++)
			standard[i] = fcntl(fds[i], F_DUPFD, 10);
		sigset_t none;
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		setsid();
		for (int i = 0; i < 3; i++)
			dup2(standard[i], i);
		dup2(reporter, 3);
		fcntl(3, F_SETFD, FD_CLOEXEC);
		close_range(4, ~0U, 0);
		drop_machine_capabilities();
		if (r->uid != 0 &&
		    (setgroups(1, &r->gid) || setresgid(r->gid, r->gid, r->gid) || setresuid(r->uid, r->uid, r->uid)))
			_exit(127);
		if (chdir(r->cwd) && chdir("/"))
			_exit(127);
		execve(r->argv[0], r->argv, r->env);
		int error = errno;
		write(3, &error, sizeof error);
		_exit(127);
	}
	close(report[1]);
	int error = 0;
	if (pid < 0)
		error = errno;
	else if (read(report[0], &error, sizeof error) != sizeof error)
		error = 0;
	close(report[0]);
	if (error) {
		answer(control, "failed", r->id, error);
		return;
	}
	children[slot].pid = pid;
	snprintf(children[slot].id, sizeof children[slot].id, "%s", r->id);
	answer(control, "started", r->id, pid);
}

/* --- the loop ---------------------------------------------------------------------------------------------------- */

static void reap(int control)
{
	int status;
	pid_t pid;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (int i = 0; i < MAX_CHILDREN; i++)
			if (children[i].pid == pid) {
				children[i].pid = 0;
				answer(control, "exited", children[i].id, status);
			}
}

static void receive(int control)
{
	static char text[MAX_MESSAGE];
	char ancillary[CMSG_SPACE(3 * sizeof(int))];
	struct iovec iov = { text, sizeof text };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = ancillary, .msg_controllen = sizeof ancillary };
	ssize_t n = recvmsg(control, &m, MSG_CMSG_CLOEXEC);
	if (n <= 0)
		return;
	int fds[3] = { -1, -1, -1 };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	if (c && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof fds))
		memcpy(fds, CMSG_DATA(c), sizeof fds);
	struct request r = { 0 };
	if (fds[0] >= 0 && parse(text, n, &r) == 0)
		spawn(control, &r, fds);
	for (int i = 0; i < 3; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static void serve(int control)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	/* a sample may send init anything; init of a pid namespace ignores what it has no handler for */
	sigprocmask(SIG_BLOCK, &set, NULL);
	int signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	send(control, "ready", 5, MSG_NOSIGNAL);
	struct pollfd polled[2] = { { control, POLLIN, 0 }, { signals, POLLIN, 0 } };
	for (;;) {
		if (poll(polled, 2, -1) < 0 && errno != EINTR)
			_exit(1);
		if (polled[1].revents) {
			struct signalfd_siginfo info;
			while (read(signals, &info, sizeof info) == sizeof info)
				;
			reap(control);
		}
		if (polled[0].revents & POLLIN)
			receive(control);
		else if (polled[0].revents)
			_exit(0);
	}
}

static void rename_self(char **argv, const char *title, const char *name)
{
	/* the words of argv lie one after the other: overwrite them all, as a daemon does that shows its state */
	int i = 0;
	char *end = argv[0];
	for (; argv[i]; i++)
		end = argv[i] + strlen(argv[i]) + 1;
	memset(argv[0], 0, end - argv[0]);
	strncpy(argv[0], title, end - argv[0] - 1);
	/* /proc/PID/cmdline ends where the title does */
	prctl(PR_SET_MM, PR_SET_MM_ARG_END, (unsigned long)argv[0] + strlen(title) + 1, 0, 0);
	prctl(PR_SET_NAME, name, 0, 0, 0);
}

int main(int argc, char **argv)
{
	if (argc < 7) {
		fprintf(stderr, "usage: session ROOT NETNS HOSTNAME UPTIME_S CONTROL_FD LAUNCHER_FD [SOURCE PATH]...\n");
		return 2;
	}
	char *root = argv[1], *netns = argv[2], *hostname = argv[3];
	int control = atoi(argv[5]), launcher = atoi(argv[6]);
	fcntl(control, F_SETFD, FD_CLOEXEC);
	fcntl(launcher, F_SETFD, FD_CLOEXEC);
	if (*netns) {
		int ns = open(netns, O_RDONLY | O_CLOEXEC);
		must(ns, netns);
		must(setns(ns, CLONE_NEWNET), "join network");
	}
	must(unshare(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWTIME | CLONE_NEWCGROUP), "unshare");
	char offsets[128];
	snprintf(offsets, sizeof offsets, "monotonic %s 0\nboottime %s 0\n", argv[4], argv[4]);
	write_file("/proc/self/timens_offsets", offsets);
	sethostname(hostname, strlen(hostname));
	pid_t init = fork();
	must(init, "fork");
	if (init) {
		/* stays as the keeper's child, so that the end of the session is a child's end */
		int status;
		close(control);
		close(launcher);
		waitpid(init, &status, 0);
		return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
	enter_root(root, argc - 7, argv + 7);
	setsid();
	if (fork() == 0) {
		close(control);
		setsid();
		rename_self(argv, "-bash", "bash");
		serve(launcher);
	}
	close(launcher);
	rename_self(argv, "/sbin/init", "systemd");
	serve(control);
}
