/* Strikes at the C library's calls that change files: those of SQLite, Parquet and Python alike.

   Loaded by LD_PRELOAD it does nothing until `strikes_begin` is called; tests/libc_faults.py compiles and calls it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { KILL = 0, SHORT = -1 };
static char below[16][PATH_MAX];
static int folders, told, how, lasting;
static long number;
static atomic_long count;

/* The folders, one a line; the file that is told of each call; the call, 0 for none; KILL, SHORT or an error. */
void strikes_begin(const char *paths, int told_to, long at, int what_happens, int each_later_too) {
    for (folders = 0; *paths && folders < 16; folders++) {
        size_t length = strcspn(paths, "\n");
        snprintf(below[folders], sizeof below[folders], "%.*s/", (int)length, paths);
        paths += length + (paths[length] == '\n');
    }
    told = told_to, number = at, how = what_happens, lasting = each_later_too, count = 0;
}

static int inside(const char *path) {
    char ended[PATH_MAX + 1];
    snprintf(ended, sizeof ended, "%s/", path);
    for (int each = 0; each < folders; each++)
        if (!strncmp(ended, below[each], strlen(below[each]))) return 1;
    return 0;
}

static const char *of_handle(int handle, char *path) {
    char link[40];
    snprintf(link, sizeof link, "/proc/self/fd/%d", handle);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    path[length > 0 ? length : 0] = 0;
    return path;
}

/* The absolute path of a name in a folder. */
static const char *placed(int folder, const char *name, char *path) {
    char start[PATH_MAX];
    if (*name == '/')
        snprintf(path, PATH_MAX, "%s", name);
    else {
        if (folder == AT_FDCWD ? !getcwd(start, sizeof start) : !*of_handle(folder, start)) *start = 0;
        snprintf(path, PATH_MAX, "%.2000s/%.2000s", start, name);
    }
    return path;
}

static int needs_room(const char *what) {
    return !!strstr("open write mkdir link rename copy", what);
}

/* Count a call; 0: it goes on, else it is to be struck. */
static int struck(const char *what, const char *path) {
    if (!folders || !inside(path)) return 0;
    int before = errno;
    char line[PATH_MAX + 40];
    int length = snprintf(line, sizeof line, "[\"%s\", \"%s\", []]\n", what, path);
    syscall(SYS_write, told, line, (size_t)length);
    errno = before;
    long mine = atomic_fetch_add(&count, 1) + 1;
    if (!number || mine < number || (mine > number && !lasting)) return 0;
    if (how == SHORT && strcmp(what, "write")) return 0; /* a process of its own counts on with other calls */
    return !(mine > number && (how == ENOSPC || how == EDQUOT) && !needs_room(what));
}

/* What a struck call returns. */
static int failed(void) {
    if (how == KILL) kill(getpid(), SIGKILL), pause();
    errno = how;
    return -1;
}

static void *real(void **known, const char *name) {
    if (!*known) *known = dlsym(RTLD_NEXT, name);
    return *known;
}

#define REAL(name) ((__typeof__(&name))real(&real_##name, #name))

#define ON_HANDLE(type, name, what, given, passed)                                                                     \
    static void *real_##name;                                                                                          \
    type name given {                                                                                                  \
        char path[PATH_MAX];                                                                                           \
        if (folders && struck(what, of_handle(handle, path))) return failed();                                         \
        return REAL(name) passed;                                                                                      \
    }
#define ON_PATH(type, name, what, given, folder, named, passed)                                                        \
    static void *real_##name;                                                                                          \
    type name given {                                                                                                  \
        char path[PATH_MAX];                                                                                           \
        if (folders && struck(what, placed(folder, named, path))) return failed();                                     \
        return REAL(name) passed;                                                                                      \
    }
/* A struck write writes half, unless it is interrupted; a short one says how much. */
#define WRITING(name, given, half, passed)                                                                             \
    static void *real_##name;                                                                                          \
    ssize_t name given {                                                                                               \
        char path[PATH_MAX];                                                                                           \
        if (folders && struck("write", of_handle(handle, path))) {                                                     \
            size_t written = (size + 1) / 2;                                                                           \
            ssize_t done = how == EINTR ? 0 : REAL(name) half;                                                         \
            return how == SHORT ? done : failed();                                                                     \
        }                                                                                                              \
        return REAL(name) passed;                                                                                      \
    }
#define OPENING(name, given, folder, passed)                                                                           \
    static void *real_##name;                                                                                          \
    int name given {                                                                                                   \
        mode_t mode = 0;                                                                                               \
        if (flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE) {                                                     \
            va_list more;                                                                                              \
            va_start(more, flags);                                                                                     \
            mode = va_arg(more, mode_t);                                                                               \
            va_end(more);                                                                                              \
        }                                                                                                              \
        char path[PATH_MAX];                                                                                           \
        if (folders && flags & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC) && struck("open", placed(folder, named, path))) \
            return failed();                                                                                           \
        return REAL(name) passed;                                                                                      \
    }

WRITING(write, (int handle, const void *from, size_t size), (handle, from, written), (handle, from, size))
WRITING(pwrite, (int handle, const void *from, size_t size, off_t at), (handle, from, written, at), (handle, from, size, at))
WRITING(pwrite64, (int handle, const void *from, size_t size, off64_t at), (handle, from, written, at), (handle, from, size, at))
ON_HANDLE(int, fsync, "fsync", (int handle), (handle))
ON_HANDLE(int, fdatasync, "fsync", (int handle), (handle))
ON_HANDLE(int, ftruncate, "truncate", (int handle, off_t size), (handle, size))
ON_HANDLE(int, ftruncate64, "truncate", (int handle, off64_t size), (handle, size))
ON_HANDLE(int, fchmod, "chmod", (int handle, mode_t mode), (handle, mode))
ON_HANDLE(ssize_t, sendfile, "copy", (int handle, int from, off_t *at, size_t size), (handle, from, at, size))
ON_HANDLE(ssize_t, sendfile64, "copy", (int handle, int from, off64_t *at, size_t size), (handle, from, at, size))
ON_PATH(int, rename, "rename", (const char *from, const char *to), AT_FDCWD, to, (from, to))
ON_PATH(int, renameat, "rename", (int old, const char *from, int new, const char *to), new, to, (old, from, new, to))
ON_PATH(int, link, "link", (const char *from, const char *to), AT_FDCWD, to, (from, to))
ON_PATH(int, linkat, "link", (int old, const char *from, int new, const char *to, int flags), new, to, (old, from, new, to, flags))
ON_PATH(int, unlink, "unlink", (const char *named), AT_FDCWD, named, (named))
ON_PATH(int, unlinkat, "unlink", (int folder, const char *named, int flags), folder, named, (folder, named, flags))
ON_PATH(int, rmdir, "rmdir", (const char *named), AT_FDCWD, named, (named))
ON_PATH(int, mkdir, "mkdir", (const char *named, mode_t mode), AT_FDCWD, named, (named, mode))
ON_PATH(int, mkdirat, "mkdir", (int folder, const char *named, mode_t mode), folder, named, (folder, named, mode))
ON_PATH(int, chmod, "chmod", (const char *named, mode_t mode), AT_FDCWD, named, (named, mode))
OPENING(open, (const char *named, int flags, ...), AT_FDCWD, (named, flags, mode))
OPENING(open64, (const char *named, int flags, ...), AT_FDCWD, (named, flags, mode))
OPENING(openat, (int folder, const char *named, int flags, ...), folder, (folder, named, flags, mode))
OPENING(openat64, (int folder, const char *named, int flags, ...), folder, (folder, named, flags, mode))
