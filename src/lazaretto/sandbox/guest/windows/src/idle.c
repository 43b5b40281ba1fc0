/* Stands in the process list under the names of programs that every Windows runs. Waits without ever waking. */
#include <windows.h>

int WINAPI WinMain(HINSTANCE instance, HINSTANCE previous, LPSTR line, int show)
{
	(void)instance, (void)previous, (void)line, (void)show;
	WaitForSingleObject(CreateEventA(NULL, TRUE, FALSE, NULL), INFINITE);
	return 0;
}
