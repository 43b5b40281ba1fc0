/* What the programs of the session share that are started from the kernel's side. */
#ifndef SESSION_H
#define SESSION_H
#define _WIN32_WINNT 0x0a00
#include <windows.h>

void clean_environment(void); /* leaves a Windows program's variables only */
int schedule(void);           /* the task scheduler; does not return */

/* Where the scheduler takes requests, the name that it has on Windows: a task's name as wide text, answered by an error code. */
#define SCHEDULER_PIPE L"\\\\.\\pipe\\atsvc"

#endif
