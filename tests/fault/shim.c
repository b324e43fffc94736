/* Between a process and its files: notes each operation on a file under SHIM_ROOT, and each message
 * that it sends; makes one of them fail, fall short, or kill the process.
 *
 * SHIM_ROOT   the folder.
 * SHIM_LOG    where operations are noted, in the order in which they happened.
 * SHIM_DATA   set: with what was written.
 * SHIM_FAULT  OP|PATTERN|N|HOW: the n-th OP on a path that matches. HOW is an errno's number, or
 *             short, before (killed instead of it), after (killed when it is done). OP is also
 *             begin: the first write after something else.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define FILES 4096
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char root[PATH_MAX], fault_op[16], fault_path[PATH_MAX], fault_how[16];
static char *paths[FILES]; /* of each descriptor under the root, relative to it */
static long fault_at, fault_seen;
static int log_file = -1, with_data;
static size_t root_length;

__attribute__((constructor)) static void start(void) {
  const char *fault = getenv("SHIM_FAULT"), *log = getenv("SHIM_LOG");
  snprintf(root, sizeof root, "%s", getenv("SHIM_ROOT") ? getenv("SHIM_ROOT") : "/nowhere");
  root_length = strlen(root);
  with_data = getenv("SHIM_DATA") != NULL;
  if (fault != NULL)
    sscanf(fault, "%15[^|]|%4095[^|]|%ld|%15s", fault_op, fault_path, &fault_at, fault_how);
  if (log != NULL)
    log_file = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

/* The path under the root, or NULL. */
static const char *inside(const char *path) {
  if (strncmp(path, root, root_length) != 0) return NULL;
  if (path[root_length] == 0) return ".";
  return path[root_length] == '/' ? path + root_length + 1 : NULL;
}

static const char *of(int file) { return file >= 0 && file < FILES ? paths[file] : NULL; }

/* One line of text, then the bytes: OP PATH OFFSET RESULT LENGTH. */
static void note(const char *op, const char *path, int64_t at, int64_t result, const void *data, size_t length) {
  char line[PATH_MAX + 100];
  if (log_file < 0) return;
  if (data == NULL || !(with_data || strcmp(op, "rename") == 0)) length = 0;
  int n = snprintf(line, sizeof line, "%s %s %lld %lld %zu\n", op, path, (long long)at, (long long)result, length);
  struct iovec both[2] = {{line, (size_t)n}, {(void *)data, length}};
  syscall(SYS_writev, log_file, both, length ? 2 : 1);
}

/* Whether this is the operation that the fault is for. Called under the lock. A write that begins
 * something, the first after an opening or a sync, is a `begin`, too. */
static int is_due(const char *op, const char *path) {
  static char last[PATH_MAX]; /* what was written to and not synchronised */
  int is_write = strcmp(op, "write") == 0, begins = is_write && strcmp(last, path) != 0;
  if (fault_at == 0 || fnmatch(fault_path, path, 0) != 0) return 0;
  snprintf(last, sizeof last, "%s", is_write ? path : "");
  if (strcmp(op, fault_op) != 0 && !(begins && strcmp(fault_op, "begin") == 0)) return 0;
  return ++fault_seen == fault_at;
}

static void die(const char *op, const char *path) {
  note("killed", path, 0, 0, op, 0);
  syscall(SYS_kill, getpid(), SIGKILL);
}

/* Do an operation under the lock, or what the fault says in its place. */
#define OPERATE(op, path, at, data, length, real, fall_short)                    \
  do {                                                                           \
    pthread_mutex_lock(&lock);                                                   \
    int due = is_due(op, path);                                                  \
    if (due && strcmp(fault_how, "before") == 0) die(op, path);                  \
    int number = due ? atoi(fault_how) : 0;                                      \
    if (number) {                                                                \
      note("failed", path, at, number, NULL, 0);                                 \
      if (strstr(op, "sync")) note("lost", path, 0, 0, NULL, 0);                 \
      pthread_mutex_unlock(&lock);                                               \
      errno = number;                                                            \
      return -1;                                                                 \
    }                                                                            \
    if (due && strcmp(fault_how, "short") == 0) {                                \
      note("failed", path, at, 0, NULL, 0);                                      \
      result = fall_short;                                                       \
    } else                                                                       \
      result = real;                                                             \
    int error = errno;                                                           \
    note(op, path, at, (int64_t)result, data, result < 0 ? 0 : (length));        \
    if (due && strcmp(fault_how, "after") == 0) die(op, path);                   \
    pthread_mutex_unlock(&lock);                                                 \
    errno = error;                                                               \
  } while (0)

static int opened(const char *path, int flags, mode_t mode, int (*real)(const char *, int, ...)) {
  const char *name = inside(path);
  int result = -1;
  if (name == NULL) {
    result = real(path, flags, mode);
    return result;
  }
  struct stat before;
  int is_new = (flags & O_CREAT) && syscall(SYS_newfstatat, AT_FDCWD, path, &before, 0) != 0;
  OPERATE(is_new ? "create" : "open", name, flags & O_TRUNC ? 1 : 0, NULL, 0, real(path, flags, mode), real(path, flags, mode));
  if (result >= 0 && result < FILES) {
    free(paths[result]);
    paths[result] = strdup(name);
  }
  return result;
}

#define OPENER(name)                                          \
  int name(const char *path, int flags, ...) {                \
    va_list rest;                                             \
    va_start(rest, flags);                                    \
    mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0; \
    va_end(rest);                                             \
    return opened(path, flags, mode, REAL(name));             \
  }
OPENER(open)
OPENER(open64)

int close(int file) {
  if (of(file) != NULL) {
    free(paths[file]);
    paths[file] = NULL;
  }
  return REAL(close)(file);
}

ssize_t write(int file, const void *data, size_t length) {
  ssize_t result;
  if (of(file) == NULL) return REAL(write)(file, data, length);
  off_t at = lseek(file, 0, SEEK_CUR);
  OPERATE("write", of(file), at, data, (size_t)result, REAL(write)(file, data, length),
          REAL(write)(file, data, length / 2));
  return result;
}

#define PWRITER(name, type)                                                                          \
  ssize_t name(int file, const void *data, size_t length, type at) {                                 \
    ssize_t result;                                                                                  \
    if (of(file) == NULL) return REAL(name)(file, data, length, at);                                 \
    OPERATE("write", of(file), at, data, (size_t)result, REAL(name)(file, data, length, at),         \
            REAL(name)(file, data, length / 2, at));                                                 \
    return result;                                                                                   \
  }
PWRITER(pwrite, off_t)
PWRITER(pwrite64, off64_t)

#define ON_FILE(name)                                                                 \
  int name(int file) {                                                                \
    int result;                                                                       \
    if (of(file) == NULL) return REAL(name)(file);                                    \
    OPERATE("sync", of(file), 0, NULL, 0, REAL(name)(file), REAL(name)(file));        \
    return result;                                                                    \
  }
ON_FILE(fsync)
ON_FILE(fdatasync)

#define TRUNCATER(name, type)                                                                \
  int name(int file, type length) {                                                          \
    int result;                                                                              \
    if (of(file) == NULL) return REAL(name)(file, length);                                   \
    OPERATE("truncate", of(file), length, NULL, 0, REAL(name)(file, length), REAL(name)(file, length)); \
    return result;                                                                           \
  }
TRUNCATER(ftruncate, off_t)
TRUNCATER(ftruncate64, off64_t)

int unlink(const char *path) {
  const char *name = inside(path);
  int result;
  if (name == NULL) return REAL(unlink)(path);
  OPERATE("unlink", name, 0, NULL, 0, REAL(unlink)(path), REAL(unlink)(path));
  return result;
}

int mkdir(const char *path, mode_t mode) {
  const char *name = inside(path);
  int result;
  if (name == NULL) return REAL(mkdir)(path, mode);
  OPERATE("mkdir", name, 0, NULL, 0, REAL(mkdir)(path, mode), REAL(mkdir)(path, mode));
  return result;
}

int rename(const char *from, const char *to) {
  const char *name = inside(from), *new_name = inside(to);
  int result;
  if (name == NULL || new_name == NULL) return REAL(rename)(from, to);
  OPERATE("rename", name, 0, new_name, strlen(new_name), REAL(rename)(from, to), REAL(rename)(from, to));
  return result;
}

/* libzmq sends so. Under "." of the log: it is no file. */
ssize_t send(int socket, const void *data, size_t length, int flags) {
  ssize_t result;
  OPERATE("send", ".", 0, data, (size_t)result, REAL(send)(socket, data, length, flags),
          REAL(send)(socket, data, length, flags));
  return result;
}
