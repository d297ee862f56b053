/* Runs AArch64 code that a test on another machine made.
 *
 * driver IMAGE JOBS RESULTS: maps IMAGE where it was linked to, calls one function for each job and writes what came
 * out. The layouts of jobs and results are those of `Job` and `Machine::results` in main.rs. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { BUFFER_BYTES = 512, DATA_BYTES = 16 << 20, CODE_BYTES = 64 << 20 };

static uint8_t *const data = (uint8_t *)0x10000000;
static uint8_t *const code = (uint8_t *)0x20000000;

struct job {
    uint64_t entry, args[6], counter, cell, frame_bytes;
    uint8_t buffer[BUFFER_BYTES];
};

struct registers {
    uint64_t gprs[32], fprs[32];
};

static FILE *results;
static const struct job *job;
static struct { uint64_t exit; struct registers registers; uint8_t frame[1 << 16]; } seen;
static int exited;

/* What fuzzing::hosts() are. */
int64_t host0(int64_t a, int64_t b) {
    uint64_t u = a;
    return (u << 7 | u >> 57) ^ (uint64_t)b * 0x9e3779b9;
}

double host1(double a, double b, int32_t k) {
    return a != a || b != b ? 0.5 : a * 0.5 - b + k;
}

int64_t host2(int64_t a, int64_t b, int32_t c, int64_t d, int64_t e, int64_t f, int64_t g, double x, int32_t h,
              int64_t i) {
    int64_t bits = 1;
    if (x == x) memcpy(&bits, &x, 8);
    uint64_t sum = a;
    const int64_t rest[] = {b, c, d, e, f, g, bits, h, i};
    for (int n = 0; n < 9; n++) sum = sum * 31 + rest[n];
    return sum;
}

void host3(int64_t a) {
    __asm__ volatile("" : : "r"(a));
}

void on_exit_taken(uint8_t *thread, uint8_t *frame, struct registers *registers, uint64_t exit) {
    (void)thread;
    exited = 1;
    seen.exit = exit;
    seen.registers = *registers;
    memcpy(seen.frame, frame - job->frame_bytes, job->frame_bytes);
    registers->gprs[0] = 0;
}

/* Calls a function with the arguments x0 to x3, d0 and d1; not zero if it did not preserve what a callee must. */
uint64_t call(uint64_t entry, const uint64_t *args, uint64_t *result);
__asm__(
    ".text\n.global call\ncall:\n"
    "stp x29, x30, [sp, #-176]!\nmov x29, sp\n"
    "stp x19, x20, [sp, #16]\nstp x21, x22, [sp, #32]\nstp x23, x24, [sp, #48]\nstp x25, x26, [sp, #64]\n"
    "stp x27, x28, [sp, #80]\nstp d8, d9, [sp, #96]\nstp d10, d11, [sp, #112]\nstp d12, d13, [sp, #128]\n"
    "stp d14, d15, [sp, #144]\nstr x2, [sp, #160]\n"
    ".irp n, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28\nmov x\\n, #\\n\n.endr\n"
    ".irp n, 8, 9, 10, 11, 12, 13, 14, 15\nfmov d\\n, #\\n\n.endr\n"
    "mov x9, x0\nmov x10, x1\nldp x0, x1, [x10]\nldp x2, x3, [x10, #16]\nldp d0, d1, [x10, #32]\n"
    "blr x9\n"
    "mov x9, sp\nsub x9, x9, x29\nldr x2, [x29, #160]\nstr x0, [x2]\nmov x0, x9\n"
    ".irp n, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28\nsub x9, x\\n, #\\n\norr x0, x0, x9\n.endr\n"
    ".irp n, 8, 9, 10, 11, 12, 13, 14, 15\nfmov d16, #\\n\nfcmp d\\n, d16\ncset x9, ne\norr x0, x0, x9\n.endr\n"
    "ldp x19, x20, [x29, #16]\nldp x21, x22, [x29, #32]\nldp x23, x24, [x29, #48]\nldp x25, x26, [x29, #64]\n"
    "ldp x27, x28, [x29, #80]\nldp d8, d9, [x29, #96]\nldp d10, d11, [x29, #112]\nldp d12, d13, [x29, #128]\n"
    "ldp d14, d15, [x29, #144]\nmov sp, x29\nldp x29, x30, [sp], #176\nret\n");

static void map(uint8_t *at, size_t bytes, int protection) {
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
    if (mmap(at, bytes, protection, flags, -1, 0) != at) {
        perror("mmap");
        exit(1);
    }
}

static FILE *open_file(const char *path, const char *mode) {
    FILE *file = fopen(path, mode);
    if (!file) {
        perror(path);
        exit(1);
    }
    return file;
}

static void put(const void *bytes, size_t len) {
    if (fwrite(bytes, 1, len, results) != len) {
        perror("results");
        exit(1);
    }
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    map(data, DATA_BYTES, PROT_READ | PROT_WRITE);
    map(code, CODE_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC);
    FILE *image = open_file(argv[1], "rb"), *jobs = open_file(argv[2], "rb");
    size_t len = fread(code, 1, CODE_BYTES, image);
    __builtin___clear_cache((char *)code, (char *)code + len);
    results = open_file(argv[3], "wb");
    struct job next;
    job = &next;
    while (fread(&next, sizeof next, 1, jobs) == 1) {
        if (next.frame_bytes > sizeof seen.frame) return 3;
        memcpy(data, next.buffer, BUFFER_BYTES);
        *(uint64_t *)(data + DATA_BYTES / 2) = next.counter;
        if (next.cell) *(uint64_t *)next.cell = 0;
        exited = 0;
        uint64_t value = 0, broken = call(next.entry, next.args, &value);
        uint64_t head[] = {broken, exited, value};
        put(head, sizeof head);
        put(data, BUFFER_BYTES);
        if (exited) {
            put(&seen, 8 + sizeof seen.registers);
            put(seen.frame, next.frame_bytes);
        }
        /* Results count up to the call that crashes. */
        fflush(results);
    }
    return fclose(results) != 0;
}
