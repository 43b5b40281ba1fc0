/* The program that the pretended internet serves on Windows: it waits a moment and ends well. Its start is the event.
 *
 * No C library, so that it is small and loads nothing but kernel32.
 */
#include <windows.h>

#ifdef DLL
BOOL WINAPI entry(HINSTANCE instance, DWORD reason, LPVOID reserved)
{
	(void)instance, (void)reason, (void)reserved;
	return TRUE;
}

/* Names by which droppers call a library. */
__declspec(dllexport) HRESULT WINAPI DllRegisterServer(void)
{
	return S_OK;
}

__declspec(dllexport) HRESULT WINAPI DllUnregisterServer(void)
{
	return S_OK;
}

__declspec(dllexport) void CALLBACK Start(HWND window, HINSTANCE instance, LPSTR command, int show)
{
	(void)window, (void)instance, (void)command, (void)show;
}

__declspec(dllexport) void CALLBACK Main(HWND window, HINSTANCE instance, LPSTR command, int show)
{
	(void)window, (void)instance, (void)command, (void)show;
}
#else
void WINAPI entry(void)
{
	Sleep(1000);
	ExitProcess(0);
}
#endif
