/* A process of the machine that waits for ever: it stands where a daemon would, so that the list of processes is that
 * of a machine in use. Its name, path and command line are the daemon's, since it is installed in the daemon's place. */
#include <signal.h>
#include <unistd.h>

int main(void)
{
	sigset_t all;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, 0);
	for (;;)
		pause();
}
