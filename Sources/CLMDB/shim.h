#include <lmdb.h>

#ifdef __linux__
#include <sys/types.h>
// The C library shows it only to those who ask for GNU's extensions before they include anything.
int fallocate(int file, int mode, off_t offset, off_t length);
#endif
