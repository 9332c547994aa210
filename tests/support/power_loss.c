/*
 * Writes down, in their order, all operations by which a process changes files below one directory, for
 * power_loss.py, which works out what a disk would hold had the power failed at any point between them.
 *
 * To be preloaded into the process. POWER_LOSS_ROOT is the directory, POWER_LOSS_LOG the file to write to. With
 * POWER_LOSS_ROOM, the disk is full after so many bytes by which files grow.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define MOST_FILES 65536

enum { OPEN = 1, WRITE, TRUNCATE, SYNC, CLOSE, RENAME, UNLINK, MKDIR };

struct record {
    uint32_t kind;
    uint32_t process;
    int64_t descriptor;
    int64_t at;
    uint64_t size;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char tracked[MOST_FILES];
static char root[PATH_MAX];
static size_t root_length;
static int log_descriptor = -1;
static int64_t room = -1;

#define REAL(name) \
    static __typeof__(&name) real; \
    if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

__attribute__((constructor)) static void begin(void)
{
    const char *given = getenv("POWER_LOSS_ROOT"), *log = getenv("POWER_LOSS_LOG"), *most = getenv("POWER_LOSS_ROOM");
    if (!given) return;
    snprintf(root, sizeof root, "%s/", given);
    root_length = strlen(root);
    if (most) room = atoll(most);
    REAL(open);
    if (log) log_descriptor = real(log, O_WRONLY | O_APPEND | O_CLOEXEC);
}

static void note(uint32_t kind, int descriptor, int64_t at, const void *data, size_t size)
{
    struct record record = {kind, (uint32_t)getpid(), descriptor, at, size};
    struct iovec parts[2] = {{&record, sizeof record}, {(void *)data, size}};
    if (log_descriptor < 0) return;
    if (writev(log_descriptor, parts, 2) != (ssize_t)(sizeof record + size)) abort();
}

static int is_tracked(int descriptor)
{
    return descriptor >= 0 && descriptor < MOST_FILES && tracked[descriptor];
}

/* The whole path, when it lies below the root or is the root; else NULL. */
static const char *below(int directory, const char *path, char *whole)
{
    if (!root_length || !path) return NULL;
    if (path[0] == '/') {
        snprintf(whole, PATH_MAX, "%s", path);
    } else {
        char place[PATH_MAX], link[64];
        ssize_t length;
        if (directory == AT_FDCWD) {
            if (!getcwd(place, sizeof place)) return NULL;
        } else {
            snprintf(link, sizeof link, "/proc/self/fd/%d", directory);
            length = readlink(link, place, sizeof place - 1);
            if (length < 0) return NULL;
            place[length] = 0;
        }
        if ((size_t)snprintf(whole, PATH_MAX, "%s/%s", place, path) >= PATH_MAX) return NULL;
    }
    if (strncmp(whole, root, root_length) == 0) return whole;
    return strncmp(whole, root, root_length - 1) == 0 && whole[root_length - 1] == 0 ? whole : NULL;
}

static int opened(int descriptor, int directory, const char *path, int flags)
{
    char whole[PATH_MAX];
    int kept = errno;
    if (descriptor >= 0 && descriptor < MOST_FILES && below(directory, path, whole)) {
        tracked[descriptor] = 1;
        note(OPEN, descriptor, flags, whole, strlen(whole));
    }
    errno = kept;
    return descriptor;
}

#define OPENING(name, directory, parameters, call) \
    int name parameters \
    { \
        int mode = 0, result; \
        REAL(name); \
        if (flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE) { \
            va_list more; \
            va_start(more, flags); \
            mode = va_arg(more, int); \
            va_end(more); \
        } \
        pthread_mutex_lock(&lock); \
        result = opened(call, directory, path, flags); \
        pthread_mutex_unlock(&lock); \
        return result; \
    }

OPENING(open, AT_FDCWD, (const char *path, int flags, ...), real(path, flags, mode))
OPENING(open64, AT_FDCWD, (const char *path, int flags, ...), real(path, flags, mode))
OPENING(openat, where, (int where, const char *path, int flags, ...), real(where, path, flags, mode))
OPENING(openat64, where, (int where, const char *path, int flags, ...), real(where, path, flags, mode))

int close(int descriptor)
{
    int result;
    REAL(close);
    pthread_mutex_lock(&lock);
    if (is_tracked(descriptor)) {
        tracked[descriptor] = 0;
        note(CLOSE, descriptor, 0, NULL, 0);
    }
    result = real(descriptor);
    pthread_mutex_unlock(&lock);
    return result;
}

static int is_full(int descriptor, int64_t at, size_t count)
{
    struct stat status;
    int64_t more;
    if (room < 0 || fstat(descriptor, &status) || !S_ISREG(status.st_mode)) return 0;
    more = at + (int64_t)count - status.st_size;
    if (more <= 0) return 0;
    if (more > room) {
        errno = ENOSPC;
        return 1;
    }
    room -= more;
    return 0;
}

#define WRITING_AT(name, offset_type) \
    ssize_t name(int descriptor, const void *data, size_t count, offset_type at) \
    { \
        ssize_t result; \
        REAL(name); \
        if (!is_tracked(descriptor)) return real(descriptor, data, count, at); \
        pthread_mutex_lock(&lock); \
        result = is_full(descriptor, at, count) ? -1 : real(descriptor, data, count, at); \
        if (result > 0) note(WRITE, descriptor, at, data, (size_t)result); \
        pthread_mutex_unlock(&lock); \
        return result; \
    }

WRITING_AT(pwrite, off_t)
WRITING_AT(pwrite64, off64_t)

ssize_t write(int descriptor, const void *data, size_t count)
{
    ssize_t result;
    int64_t at;
    REAL(write);
    if (!is_tracked(descriptor)) return real(descriptor, data, count);
    pthread_mutex_lock(&lock);
    at = fcntl(descriptor, F_GETFL) & O_APPEND ? lseek(descriptor, 0, SEEK_END) : lseek(descriptor, 0, SEEK_CUR);
    result = is_full(descriptor, at, count) ? -1 : real(descriptor, data, count);
    if (result > 0) note(WRITE, descriptor, at, data, (size_t)result);
    pthread_mutex_unlock(&lock);
    return result;
}

#define CUTTING(name, offset_type) \
    int name(int descriptor, offset_type length) \
    { \
        int result; \
        REAL(name); \
        if (!is_tracked(descriptor)) return real(descriptor, length); \
        pthread_mutex_lock(&lock); \
        result = real(descriptor, length); \
        if (!result) note(TRUNCATE, descriptor, length, NULL, 0); \
        pthread_mutex_unlock(&lock); \
        return result; \
    }

CUTTING(ftruncate, off_t)
CUTTING(ftruncate64, off64_t)

#define SYNCING(name) \
    int name(int descriptor) \
    { \
        int result; \
        REAL(name); \
        if (!is_tracked(descriptor)) return real(descriptor); \
        pthread_mutex_lock(&lock); \
        result = real(descriptor); \
        if (!result) note(SYNC, descriptor, 0, NULL, 0); \
        pthread_mutex_unlock(&lock); \
        return result; \
    }

SYNCING(fsync)
SYNCING(fdatasync)

static void renamed(int from_directory, const char *from, int to_directory, const char *to)
{
    char one[PATH_MAX], other[PATH_MAX], both[2 * PATH_MAX];
    int length, kept = errno;
    if (below(from_directory, from, one) && below(to_directory, to, other)) {
        length = snprintf(both, sizeof both, "%s%c%s", one, 0, other);
        note(RENAME, 0, 0, both, (size_t)length);
    }
    errno = kept;
}

int rename(const char *from, const char *to)
{
    int result;
    REAL(rename);
    pthread_mutex_lock(&lock);
    result = real(from, to);
    if (!result) renamed(AT_FDCWD, from, AT_FDCWD, to);
    pthread_mutex_unlock(&lock);
    return result;
}

int renameat(int from_directory, const char *from, int to_directory, const char *to)
{
    int result;
    REAL(renameat);
    pthread_mutex_lock(&lock);
    result = real(from_directory, from, to_directory, to);
    if (!result) renamed(from_directory, from, to_directory, to);
    pthread_mutex_unlock(&lock);
    return result;
}

static void changed(uint32_t kind, int directory, const char *path)
{
    char whole[PATH_MAX];
    int kept = errno;
    if (below(directory, path, whole)) note(kind, 0, 0, whole, strlen(whole));
    errno = kept;
}

#define CHANGING(name, kind, directory, parameters, call) \
    int name parameters \
    { \
        int result; \
        REAL(name); \
        pthread_mutex_lock(&lock); \
        result = call; \
        if (!result) changed(kind, directory, path); \
        pthread_mutex_unlock(&lock); \
        return result; \
    }

CHANGING(unlink, UNLINK, AT_FDCWD, (const char *path), real(path))
CHANGING(rmdir, UNLINK, AT_FDCWD, (const char *path), real(path))
CHANGING(unlinkat, UNLINK, where, (int where, const char *path, int flags), real(where, path, flags))
CHANGING(mkdir, MKDIR, AT_FDCWD, (const char *path, mode_t mode), real(path, mode))
CHANGING(mkdirat, MKDIR, where, (int where, const char *path, mode_t mode), real(where, path, mode))
