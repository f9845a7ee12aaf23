/* What a process asks of the system about the files in one folder: written down, and made to fail. Loaded before the C library (LD_PRELOAD).
 *
 * CALLS_FOLDER  the folder
 * CALLS_LOG     where each call is written to, one a line
 * CALLS_SHORT   if set, reads and writes are cut to so many bytes, and every third one is interrupted
 * CALLS_ROOM    if set, there is no room behind so many bytes of a file, as long as the folder has no file "room"
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void say(const char *format, ...) {
    char line[1024];
    va_list rest;
    va_start(rest, format);
    int len = vsnprintf(line, sizeof line, format, rest);
    va_end(rest);
    int log = open(getenv("CALLS_LOG"), O_WRONLY | O_APPEND | O_CREAT, 0600);
    if (log >= 0) {
        if (write(log, line, len) != len) abort();
        close(log);
    }
}

/* The name of an open file within the folder; "" for the folder itself; NULL for others. */
static const char *name_of(int fd, char *path, size_t size) {
    char link[64];
    const char *folder = getenv("CALLS_FOLDER");
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, size - 1);
    if (len < 0 || !folder) return NULL;
    path[len] = 0;
    size_t prefix = strlen(folder);
    if (strncmp(path, folder, prefix)) return NULL;
    return path[prefix] == '/' ? path + prefix + 1 : path + prefix;
}

static const char *last_of(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* How much of a call is done; -1 where it is interrupted. */
static ssize_t share(size_t len) {
    static int calls;
    const char *most = getenv("CALLS_SHORT");
    if (!most) return len;
    if (++calls % 3 == 0) return -1;
    size_t part = atoi(most);
    return part < len ? part : len;
}

#define REAL(name) \
    static __typeof__(&name) real; \
    if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

ssize_t pwrite64(int fd, const void *bytes, size_t len, off64_t at) {
    REAL(pwrite64);
    char path[512];
    const char *name = name_of(fd, path, sizeof path);
    if (!name) return real(fd, bytes, len, at);
    ssize_t part = share(len);
    if (part < 0) return errno = EINTR, -1;
    const char *room = getenv("CALLS_ROOM");
    if (room && at + part > atoll(room)) {
        char there[512];
        snprintf(there, sizeof there, "%s/room", getenv("CALLS_FOLDER"));
        if (access(there, F_OK)) {
            part = atoll(room) - at;
            if (part <= 0) return errno = ENOSPC, -1;
        }
    }
    say("write %s %lld %zd\n", name, (long long)at, part);
    return real(fd, bytes, part, at);
}

ssize_t pread64(int fd, void *bytes, size_t len, off64_t at) {
    REAL(pread64);
    char path[512];
    if (!name_of(fd, path, sizeof path)) return real(fd, bytes, len, at);
    ssize_t part = share(len);
    if (part < 0) return errno = EINTR, -1;
    return real(fd, bytes, part, at);
}

int fsync(int fd) {
    REAL(fsync);
    char path[512];
    const char *name = name_of(fd, path, sizeof path);
    int outcome = real(fd);
    if (name) say("sync %s\n", *name ? name : ".");
    return outcome;
}

int fdatasync(int fd) {
    REAL(fdatasync);
    char path[512];
    const char *name = name_of(fd, path, sizeof path);
    int outcome = real(fd);
    if (name) say("datasync %s\n", name);
    return outcome;
}

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags) {
    REAL(linkat);
    int outcome = real(from_folder, from, to_folder, to, flags);
    if (!outcome) say("link %s %s\n", last_of(from), last_of(to));
    return outcome;
}

int link(const char *from, const char *to) {
    REAL(link);
    int outcome = real(from, to);
    if (!outcome) say("link %s %s\n", last_of(from), last_of(to));
    return outcome;
}
