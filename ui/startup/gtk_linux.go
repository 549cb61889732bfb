package startup

/*
#cgo pkg-config: gtk+-3.0
#include <locale.h>
#include <gtk/gtk.h>

// GTK sets the C library's locale when it starts. It writes a warning where
// that locale is not installed, and it makes C code read and write decimal
// commas in many of the others. The loader runs this function before any Go
// code: the locale is set without a warning and with decimal points, and GTK
// is told to leave it alone.
__attribute__((constructor)) static void set_locale(void) {
	setlocale(LC_ALL, "");
	setlocale(LC_NUMERIC, "C");
	gtk_disable_setlocale();
}
*/
import "C"
