/* systemd's executor: becomes the program of a unit. What is started through here is what a unit asked for; what the
 * machine's own scripts start besides, to read the unit's file and the like, is the machine's doing (account/processes). */
#include <unistd.h>

int main(int argc, char **argv)
{
	if (argc > 1)
		execvp(argv[1], argv + 1);
	return 203; /* EXIT_EXEC of systemd.exec(5) */
}
