/* A libcuda.so.1 for tests: "device" memory is host memory, work runs at once in the calling thread.
 *
 * It is stricter than a GPU where a test wants to know: every copy must lie inside a living allocation, every call needs
 * a current context, everything made is counted (host_cuda_count), memory can be short (host_cuda_limit), and a call
 * can be made to fail (host_cuda_fail). Stream capture is real: copies and cuLaunchHostFunc are recorded and replayed,
 * and what a GPU forbids during capture ends it. Functions that PyCUDA links and that are not here are made by build.py
 * and answer CUDA_ERROR_NOT_SUPPORTED. */
#define _GNU_SOURCE
#include <cuda.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#undef cuEventElapsedTime /* both of its versions are here */
#define CHECK(call)                          \
    do {                                     \
        CUresult result_ = (call);           \
        if (result_ != CUDA_SUCCESS) return result_; \
    } while (0)

enum { DEVICE_BYTES, HOST_BYTES, CONTEXTS, STREAMS, EVENTS, GRAPHS, LAUNCHES, KINDS };
typedef struct Block { struct Block *next; char *start; size_t size; int kind; } Block;
typedef struct Work { struct Work *next; char *to; const char *from; size_t size; CUhostFn function; void *data; } Work;
struct CUgraph_st { Work *first, **last; };
struct CUstream_st { CUgraph capture; pthread_t captor; int broken; };
struct CUevent_st { double milliseconds; int recorded; };
struct CUctx_st { int unused; };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static Block *blocks;
static long counts[KINDS], limit = 8L << 30;
static struct CUctx_st primary;
static char failing[64];
static long failing_after;
static CUresult failing_with;
static __thread int depth; /* every entry of the thread's stack is the one primary context */
static __thread CUstream capturing;

long host_cuda_count(int kind) { return counts[kind]; }
int host_cuda_depth(void) { return depth; }
void host_cuda_limit(long bytes) { limit = bytes; }
/* The call `name` fails with `error` once, after `after` calls that do not; "" turns it off. */
void host_cuda_fail(const char *name, long after, int error) {
    snprintf(failing, sizeof failing, "%s", name), failing_after = after, failing_with = error;
}

static void count(int kind, long change) {
    pthread_mutex_lock(&lock);
    counts[kind] += change;
    pthread_mutex_unlock(&lock);
}

static CUresult enter(const char *name) {
    if (!depth) return CUDA_ERROR_INVALID_CONTEXT;
    if (!counts[CONTEXTS]) return CUDA_ERROR_CONTEXT_IS_DESTROYED;
    if (strcmp(failing, name) || failing_after-- > 0) return CUDA_SUCCESS;
    failing[0] = 0;
    return failing_with;
}

/* What a thread that captures must not do; it also spoils the capture. */
static CUresult outside_capture(void) {
    if (!capturing) return CUDA_SUCCESS;
    capturing->broken = 1;
    return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
}

static CUresult allocate(const char *name, void **address, size_t size, int kind) {
    CHECK(enter(name));
    CHECK(outside_capture());
    if (!size) return CUDA_ERROR_INVALID_VALUE;
    Block *block = malloc(sizeof *block);
    pthread_mutex_lock(&lock);
    int fits = kind != DEVICE_BYTES || counts[DEVICE_BYTES] + (long)size <= limit;
    if (!fits || posix_memalign((void **)&block->start, 256, size)) {
        pthread_mutex_unlock(&lock), free(block);
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    memset(block->start, 0xa5, size); /* nobody may count on zeros */
    block->size = size, block->kind = kind, block->next = blocks, blocks = block;
    counts[kind] += (long)size;
    pthread_mutex_unlock(&lock);
    *address = block->start;
    return CUDA_SUCCESS;
}

static CUresult release(const char *name, void *address, int kind) {
    CHECK(enter(name));
    CHECK(outside_capture());
    pthread_mutex_lock(&lock);
    Block **link = &blocks, *block;
    while ((block = *link) && !(block->start == address && block->kind == kind)) link = &block->next;
    if (block) *link = block->next, counts[kind] -= (long)block->size, memset(block->start, 0x5a, block->size);
    pthread_mutex_unlock(&lock);
    if (!block) return CUDA_ERROR_INVALID_VALUE;
    free(block->start), free(block);
    return CUDA_SUCCESS;
}

int host_cuda_inside(const char *start, size_t size) {
    pthread_mutex_lock(&lock);
    Block *block = blocks;
    while (block && !(block->kind == DEVICE_BYTES && start >= block->start && start + size <= block->start + block->size))
        block = block->next;
    pthread_mutex_unlock(&lock);
    return block != NULL;
}

static void perform(const Work *work) {
    if (work->function) work->function(work->data);
    else memmove(work->to, work->from, work->size);
}

static CUresult submit(CUstream stream, Work work) {
    if (!stream || !stream->capture) return perform(&work), CUDA_SUCCESS;
    Work *kept = malloc(sizeof *kept);
    *kept = work, kept->next = NULL;
    *stream->capture->last = kept, stream->capture->last = &kept->next;
    return CUDA_SUCCESS;
}

static CUresult copy(const char *name, CUstream stream, void *to, const void *from, size_t size, int to_device, int from_device) {
    CHECK(enter(name));
    if (!stream) CHECK(outside_capture());
    if ((to_device && !host_cuda_inside(to, size)) || (from_device && !host_cuda_inside(from, size))) return CUDA_ERROR_ILLEGAL_ADDRESS;
    return submit(stream, (Work){.to = to, .from = from, .size = size});
}

CUresult cuInit(unsigned flags) { return flags ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS; }
CUresult cuDriverGetVersion(int *version) { return *version = CUDA_VERSION, CUDA_SUCCESS; }
CUresult cuDeviceGetCount(int *number) { return *number = 1, CUDA_SUCCESS; }
CUresult cuDeviceGet(CUdevice *device, int ordinal) {
    return *device = 0, ordinal ? CUDA_ERROR_INVALID_DEVICE : CUDA_SUCCESS;
}
CUresult cuDeviceGetName(char *name, int size, CUdevice device) {
    return snprintf(name, size, "host memory, no GPU"), CUDA_SUCCESS;
}
CUresult cuDeviceTotalMem(size_t *bytes, CUdevice device) { return *bytes = (size_t)limit, CUDA_SUCCESS; }
CUresult cuDeviceComputeCapability(int *major, int *minor, CUdevice device) {
    return *major = 8, *minor = 6, CUDA_SUCCESS;
}
CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute attribute, CUdevice device) {
    *value = attribute == CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR   ? 8
             : attribute == CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR ? 6
                                                                         : 1;
    return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device) {
    return count(CONTEXTS, 1), *context = &primary, CUDA_SUCCESS;
}
CUresult cuDevicePrimaryCtxRelease(CUdevice device) {
    return counts[CONTEXTS] ? (count(CONTEXTS, -1), CUDA_SUCCESS) : CUDA_ERROR_INVALID_CONTEXT;
}
CUresult cuCtxPushCurrent(CUcontext context) { return depth++, CUDA_SUCCESS; }
CUresult cuCtxPopCurrent(CUcontext *context) {
    if (!depth) return CUDA_ERROR_INVALID_CONTEXT;
    depth--;
    if (context) *context = &primary;
    return CUDA_SUCCESS;
}
CUresult cuCtxGetCurrent(CUcontext *context) { return *context = depth ? &primary : NULL, CUDA_SUCCESS; }
CUresult cuCtxGetDevice(CUdevice *device) { return *device = 0, enter("cuCtxGetDevice"); }
CUresult cuCtxSynchronize(void) {
    CHECK(enter("cuCtxSynchronize"));
    return outside_capture();
}

CUresult cuMemAlloc(CUdeviceptr *address, size_t size) { return allocate("cuMemAlloc", (void **)address, size, DEVICE_BYTES); }
CUresult cuMemFree(CUdeviceptr address) { return release("cuMemFree", (void *)address, DEVICE_BYTES); }
CUresult cuMemHostAlloc(void **address, size_t size, unsigned flags) {
    return allocate("cuMemHostAlloc", address, size, HOST_BYTES);
}
CUresult cuMemFreeHost(void *address) { return release("cuMemFreeHost", address, HOST_BYTES); }
CUresult cuMemGetInfo(size_t *free_bytes, size_t *total) {
    *total = (size_t)limit, *free_bytes = (size_t)(limit - counts[DEVICE_BYTES]);
    return enter("cuMemGetInfo");
}
CUresult cuMemcpyHtoDAsync(CUdeviceptr to, const void *from, size_t size, CUstream stream) {
    return copy("cuMemcpyHtoDAsync", stream, (void *)to, from, size, 1, 0);
}
CUresult cuMemcpyDtoHAsync(void *to, CUdeviceptr from, size_t size, CUstream stream) {
    return copy("cuMemcpyDtoHAsync", stream, to, (void *)from, size, 0, 1);
}
CUresult cuMemcpyHtoD(CUdeviceptr to, const void *from, size_t size) {
    return copy("cuMemcpyHtoD", NULL, (void *)to, from, size, 1, 0);
}
CUresult cuMemcpyDtoH(void *to, CUdeviceptr from, size_t size) {
    return copy("cuMemcpyDtoH", NULL, to, (void *)from, size, 0, 1);
}
CUresult cuMemsetD8(CUdeviceptr to, unsigned char value, size_t size) {
    CHECK(enter("cuMemsetD8"));
    CHECK(outside_capture());
    return host_cuda_inside((void *)to, size) ? (memset((void *)to, value, size), CUDA_SUCCESS) : CUDA_ERROR_ILLEGAL_ADDRESS;
}
CUresult cuLaunchHostFunc(CUstream stream, CUhostFn function, void *data) {
    CHECK(enter("cuLaunchHostFunc"));
    return submit(stream, (Work){.function = function, .data = data});
}

CUresult cuStreamCreate(CUstream *stream, unsigned flags) {
    CHECK(enter("cuStreamCreate"));
    return *stream = calloc(1, sizeof **stream), count(STREAMS, 1), CUDA_SUCCESS;
}
CUresult cuStreamDestroy(CUstream stream) {
    CHECK(enter("cuStreamDestroy"));
    return free(stream), count(STREAMS, -1), CUDA_SUCCESS;
}
CUresult cuStreamSynchronize(CUstream stream) {
    CHECK(enter("cuStreamSynchronize"));
    return outside_capture();
}
int host_cuda_capturing(CUstream stream) { return stream->capture != NULL; }
CUresult cuStreamBeginCapture(CUstream stream, CUstreamCaptureMode mode) {
    CHECK(enter("cuStreamBeginCapture"));
    if (!stream || stream->capture) return CUDA_ERROR_ILLEGAL_STATE;
    stream->capture = calloc(1, sizeof *stream->capture);
    stream->capture->last = &stream->capture->first, stream->broken = 0, capturing = stream;
    return count(GRAPHS, 1), CUDA_SUCCESS;
}
static CUresult drop(CUgraph graph) {
    for (Work *work = graph->first, *next; work; work = next) next = work->next, free(work);
    return free(graph), count(GRAPHS, -1), CUDA_SUCCESS;
}
CUresult cuStreamEndCapture(CUstream stream, CUgraph *graph) {
    CHECK(enter("cuStreamEndCapture"));
    if (!stream->capture) return CUDA_ERROR_ILLEGAL_STATE;
    *graph = stream->capture, stream->capture = NULL, capturing = NULL;
    if (!stream->broken) return CUDA_SUCCESS;
    return drop(*graph), *graph = NULL, CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
}
CUresult cuGraphDestroy(CUgraph graph) { return drop(graph); }
CUresult cuGraphInstantiateWithFlags(CUgraphExec *executable, CUgraph graph, unsigned long long flags) {
    CHECK(enter("cuGraphInstantiate"));
    CUgraph copied = calloc(1, sizeof *copied);
    copied->last = &copied->first;
    for (Work *work = graph->first; work; work = work->next) {
        Work *kept = malloc(sizeof *kept);
        *kept = *work, kept->next = NULL, *copied->last = kept, copied->last = &kept->next;
    }
    return *executable = (CUgraphExec)copied, count(GRAPHS, 1), CUDA_SUCCESS;
}
CUresult cuGraphLaunch(CUgraphExec executable, CUstream stream) {
    CHECK(enter("cuGraphLaunch"));
    CHECK(outside_capture());
    for (Work *work = ((CUgraph)executable)->first; work; work = work->next) perform(work);
    return count(LAUNCHES, 1), CUDA_SUCCESS;
}
CUresult cuGraphExecDestroy(CUgraphExec executable) { return drop((CUgraph)executable); }

CUresult cuEventCreate(CUevent *event, unsigned flags) {
    CHECK(enter("cuEventCreate"));
    return *event = calloc(1, sizeof **event), count(EVENTS, 1), CUDA_SUCCESS;
}
CUresult cuEventDestroy(CUevent event) {
    CHECK(enter("cuEventDestroy"));
    return free(event), count(EVENTS, -1), CUDA_SUCCESS;
}
CUresult cuEventRecord(CUevent event, CUstream stream) {
    CHECK(enter("cuEventRecord"));
    CHECK(outside_capture());
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    event->milliseconds = now.tv_sec * 1e3 + now.tv_nsec * 1e-6, event->recorded = 1;
    return CUDA_SUCCESS;
}
CUresult cuEventQuery(CUevent event) { return enter("cuEventQuery"); }
CUresult cuEventSynchronize(CUevent event) {
    CHECK(enter("cuEventSynchronize"));
    return outside_capture();
}
CUresult cuEventElapsedTime(float *milliseconds, CUevent start, CUevent end) {
    if (!start->recorded || !end->recorded) return CUDA_ERROR_INVALID_HANDLE;
    return *milliseconds = (float)(end->milliseconds - start->milliseconds), CUDA_SUCCESS;
}
CUresult cuEventElapsedTime_v2(float *milliseconds, CUevent start, CUevent end) {
    return cuEventElapsedTime(milliseconds, start, end);
}

CUresult cuGetErrorName(CUresult error, const char **text) {
    static __thread char words[32];
    return snprintf(words, sizeof words, "CUDA error %d", (int)error), *text = words, CUDA_SUCCESS;
}
CUresult cuGetErrorString(CUresult error, const char **text) {
    if (error != CUDA_ERROR_OUT_OF_MEMORY) return cuGetErrorName(error, text);
    return *text = "out of memory", CUDA_SUCCESS;
}
/* cuda-python asks for everything by name; what is not here it gets as NULL and refuses itself. */
CUresult cuGetProcAddress(const char *name, void **function, int version, cuuint64_t flags, CUdriverProcAddressQueryResult *found) {
    static const char *const suffixes[] = {"_v2", "WithFlags", ""};
    void *self = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_NOLOAD);
    char full[128];
    *function = NULL;
    for (int i = 0; i < 3 && self && !*function; i++) {
        snprintf(full, sizeof full, "%s%s", name, suffixes[i]);
        *function = dlsym(self, full);
    }
    if (found) *found = *function ? CU_GET_PROC_ADDRESS_SUCCESS : CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND;
    return *function ? CUDA_SUCCESS : CUDA_ERROR_NOT_FOUND;
}
